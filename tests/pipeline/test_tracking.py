"""Judging stored events again: deterministic, idempotent, and never touching what was recorded."""

from __future__ import annotations

from sqlalchemy import Engine, update

from digest.db.schema import click
from digest.db.session import write
from digest.domain.visitor import RULES_VERSION
from digest.pipeline.verdicts import reclassify
from tests.linked import ANA, BEN, GROUP, Linked, read_link, share_link


def judge(linked: Linked) -> dict[str, int]:
    with write(linked.engine) as connection:
        return reclassify(connection, linked.edition, linked.settings().for_tracking())


def test_a_burst_is_seen_afterwards_though_its_first_presses_looked_human(engine: Engine) -> None:
    linked = Linked(engine)
    with linked.client() as web:
        web.headers = {"user-agent": web.headers["user-agent"]}
        for n in (1, 2, 3):
            web.get(read_link(ANA, n))
            linked.wait(seconds=1)
        assert {row["class"] for row in linked.clicks()} == {"human"}
        linked.change("token", {"token": ANA}, numbers=[1, 2, 3, 4, 5])
        web.get(read_link(ANA, 5))
        web.get(read_link(BEN, 1))
    before = [(row["signals"], row["at"]) for row in linked.clicks()]
    assert judge(linked) == {"preview": 0, "machine": 4, "probable": 1, "human": 0}
    assert [row["reasons"] for row in linked.clicks()] == [["burst"]] * 4 + [["neighbour"]]
    assert [(row["signals"], row["at"]) for row in linked.clicks()] == before
    stored = linked.clicks()
    assert judge(linked) == {"preview": 0, "machine": 4, "probable": 1, "human": 0}
    assert linked.clicks() == stored


def test_people_of_one_group_link_are_told_apart_by_their_browsers(engine: Engine) -> None:
    linked = Linked(engine)
    for host in range(6):
        with linked.client(address=f"192.0.2.{host}") as web:
            web.get(read_link(GROUP, (1, 2, 5)[host % 3]))
    assert judge(linked) == {"preview": 0, "machine": 0, "probable": 0, "human": 6}


def test_a_scanner_that_finds_the_short_link_in_the_intent_is_no_reach(engine: Engine) -> None:
    linked = Linked(engine)
    linked.change("token", {"token": ANA}, numbers=[1, 2, 3, 4, 5])
    with linked.client() as web:
        web.headers = {"user-agent": web.headers["user-agent"]}
        for n in (1, 2, 3, 5):
            web.get(read_link(ANA, n))
        web.get(share_link(ANA, 1, "1"))
        web.get(f"/l/{linked.short_links()[0]['slug']}")
    judge(linked)
    assert [(row["class"], row["reasons"]) for row in linked.visits()] == [("machine", ["unposted"])]


def test_events_of_older_rules_are_brought_up_to_date(engine: Engine) -> None:
    linked = Linked(engine)
    with linked.client() as web:
        web.get(read_link(ANA, 1))
    with write(engine) as connection:
        connection.execute(update(click).values({"class": "machine", "reasons": ["old"], "rules_version": 0}))
    judge(linked)
    [row] = linked.clicks()
    assert (row["class"], row["reasons"], row["rules_version"]) == ("human", [], RULES_VERSION)
