"""The rules of the mix in real editions: what readers answer and do changes what comes next, and each rule says what it did."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from digest.config import Config
from digest.db import editions, votes
from digest.db.schema import click, employee, message
from digest.db.session import read, write
from digest.domain.vote import VoteReason
from digest.errors import EditionError
from digest.mail import catalogue
from digest.pipeline import edition, preview, status, why
from tests.conftest import NOW
from tests.factories import company, person

WEEK = timedelta(weeks=1)
MONDAY = NOW - timedelta(days=1, hours=-9)
LANGUAGES = ("en", "de", "fr", "es", "pt-br", "ja", "ar", "en", "en", "en")


def post(name: str, *, by: str = "", host: str = "example.com", **more: str) -> str:
    lines = {"id": name, "title": name.title(), "why": "Because.", "url": f"https://{host}/{name}", **more} | ({"by": by} if by else {})
    return "[[post]]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items())


SALES = post("offer", host="www.sales.example") + post("deal", host="sales.example")
OWN = "".join(post(f"own{n}", by="p0@example.org") for n in range(4))


def made(engine: Engine, home: Path, queue: str, **tables: Any) -> Config:
    people = [person(f"p{n}@example.org", language=language) for n, language in enumerate(LANGUAGES)]
    return company(engine, home, people, queue=queue, **{"mix": {"posts": 6, "repeats": 9}, **tables})


def planned(engine: Engine, config: Config, week: int) -> tuple[int, tuple[str, ...]]:
    """Plan the edition of a week; its number, and what the plan says of its rules."""
    done = edition.plan(engine, config, now=MONDAY + week * WEEK, period=f"2026-W{48 + week}")
    edition.approve(engine, now=MONDAY + week * WEEK, who="test")
    with write(engine) as connection:
        connection.execute(message.update().where(message.c.edition_id == done.edition.id, message.c.state == "queued").values(state="sent"))
    return done.edition.id, done.rules


def answer(engine: Engine, edition_id: int, salesy: int, others: int, *, name: str = "offer", machine: bool = False) -> None:
    with write(engine) as connection:
        numbers = connection.execute(select(employee.c.id).order_by(employee.c.id)).scalars().all()
        reasons = [VoteReason.TOO_SALESY] * salesy + [VoteReason.ALREADY] * others
        for number, reason in zip(numbers, reasons, strict=False):
            votes.put(connection, number, name, edition_id, reason, NOW, machine=machine)


@pytest.mark.parametrize(("salesy", "others", "places"), [(3, 7, 1), (2, 8, 2), (4, 0, 2)])
def test_three_of_ten_twice_cost_a_place_and_the_next_edition_says_so_in_every_language(
    engine: Engine, tmp_path: Path, salesy: int, others: int, places: int
) -> None:
    config = made(engine, tmp_path, OWN + SALES)
    for week, name in enumerate(("offer", "deal")):
        number, _ = planned(engine, config, week)
        answer(engine, number, salesy, others, name=name)
    new = SALES.replace('id = "', 'id = "new-')
    (tmp_path / "queue.toml").write_text(OWN + new, encoding="utf-8")
    third, rules = planned(engine, config, 2)
    with read(engine) as connection:
        content = editions.content(connection, third)
        picks = connection.execute(select(message.c.picks).where(message.c.edition_id == third)).scalars().all()
    curated = {one.n for one in content.posts if one.id.startswith("new-")}
    assert {len(curated & {n for n, _ in chosen}) for chosen in picks} == {places}
    assert content.heard == (() if places == 2 else ("sales.example",))
    for n, language in enumerate(LANGUAGES[:7]):
        seen = preview.preview(engine, f"p{n}@example.org", period="2026-W50", now=NOW + 2 * WEEK)
        said = catalogue.words(language)("heard_salesy", source="sales.example")
        assert (said in " ".join(seen.text.split())) == (places == 1) or language in {"ja", "ar"}
        assert ("sales.example" in seen.html) == (places == 1)
    spoken = [line for line in rules if line.startswith("Source ")]
    assert len(spoken) == (places == 1)
    assert not any("Not for me" in line or "not for me" in line for line in rules) or others
    fourth, rules = planned(engine, config, 3)
    with read(engine) as connection:
        assert editions.content(connection, fourth).heard == (), "it is said once"
        assert editions.content(connection, fourth).places == ({} if places == 2 else {"sales.example": 1})


def test_answers_of_machines_count_nowhere(engine: Engine, tmp_path: Path) -> None:
    config = made(engine, tmp_path, OWN + SALES)
    for week, name in enumerate(("offer", "deal")):
        answer(engine, planned(engine, config, week)[0], 10, 0, name=name, machine=True)
    third, _ = planned(engine, config, 2)
    with read(engine) as connection:
        assert editions.content(connection, third).places == {}


def test_a_refused_post_does_not_come_again_and_why_does_not_tell(engine: Engine, tmp_path: Path) -> None:
    config = made(engine, tmp_path, OWN + SALES)
    first, _ = planned(engine, config, 0)
    answer(engine, first, 1, 0)
    planned(engine, config, 1)
    found = why.why(engine, "p0@example.org", config=config)
    assert "offer" not in {pick["post"] for pick in found["picks"]}
    assert {"post": "offer", "because": "had as often as anybody does, or done with"}.items() <= found["left_out"][0].items()
    assert "salesy" not in why.sentence(found)
    assert "offer" in {pick["post"] for pick in why.why(engine, "p1@example.org", config=config)["picks"]}


def test_who_turned_away_from_a_topic_gets_it_last(engine: Engine, tmp_path: Path) -> None:
    queue = post("steel", by="p0@example.org").replace("[[post]]\n", '[[post]]\ntopics = ["metal"]\n') + OWN
    config = made(engine, tmp_path, queue)
    first, _ = planned(engine, config, 0)
    with write(engine) as connection:
        votes.put(connection, 1, "steel", first, VoteReason.NOT_MY_FIELD, NOW, machine=False)
    more = queue.replace('id = "steel"', 'id = "iron"').replace("Steel", "Iron").replace("/steel", "/iron")
    (tmp_path / "queue.toml").write_text(more, encoding="utf-8")
    planned(engine, config, 1)
    mine, theirs = ([pick["post"] for pick in why.why(engine, f"p{n}@example.org")["picks"]] for n in (0, 1))
    assert (mine[-1], theirs[0]) == ("iron", "iron")


def shared(engine: Engine, person_id: int, posts: list[str], at: datetime, verdict: str = "human") -> None:
    base = {"at": at, "token": "t", "edition_id": 1, "employee_id": person_id, "n": 1, "kind": "share", "network": "x", "signals": {}, "source": "s"}
    rows = [{**base, "event": f"{person_id}{name}{at}", "post_id": name, "class": verdict, "reasons": [], "rules_version": 1} for name in posts]
    with write(engine) as connection:
        connection.execute(insert(click), rows)


@pytest.mark.parametrize(
    ("posts", "days", "verdict", "asks"),
    [(["a", "b"], 1, "human", False), (["a"], 1, "human", True), (["a", "b"], 8, "human", True), (["a", "b"], 1, "machine", True)],
)
def test_after_two_shares_this_week_a_letter_asks_nothing(
    engine: Engine, tmp_path: Path, posts: list[str], days: int, verdict: str, asks: bool
) -> None:
    config = made(engine, tmp_path, OWN + SALES)
    shared(engine, 1, posts, MONDAY - timedelta(days=days), verdict)
    planned(engine, config, 0)
    for address, expected in (("p0@example.org", asks), ("p7@example.org", True)):
        seen = preview.preview(engine, address, period="2026-W48", now=NOW)
        assert any("/s/" in link for link in seen.links) == expected
        assert any("/r/" in link for link in seen.links)
        assert why.why(engine, address)["asks"] == expected


def test_a_week_with_two_posts_is_skipped_with_its_reason_and_planned_once_there_are_three(engine: Engine, tmp_path: Path) -> None:
    config = made(engine, tmp_path, post("one", by="p0@example.org") + post("two"))
    with pytest.raises(EditionError, match="an edition needs 3"):
        edition.plan(engine, config, now=MONDAY)
    said = edition.open_due(engine, config, now=MONDAY)
    assert said == [
        "2026-W48 is skipped: 2 posts are open on 2026-11-24, and an edition needs 3 (mix.at_least). It is planned once there are enough in time."
    ]
    found = status.status(engine)
    assert (found["state"], found["reason"]) == ("skipped", "too_few")
    assert edition.open_due(engine, config, now=MONDAY) == [], "it is said once"
    (tmp_path / "queue.toml").write_text(OWN, encoding="utf-8")
    assert edition.open_due(engine, config, now=MONDAY) == ["2026-W48 is planned.", "2026-W48 is approved."]


def test_the_plan_names_what_each_rule_did(engine: Engine, tmp_path: Path) -> None:
    config = made(engine, tmp_path, OWN + SALES)
    _, rules = planned(engine, config, 0)
    assert rules[:3] == (
        "Mix: 10 letters with 4 by colleagues, 2 curated.",
        "Quality: 6 posts open, and an edition needs 3.",
        "Repeats: one post 9 times at most to the same person.",
    )
    assert any(line.startswith("Saturation: once 3 people") for line in rules)
