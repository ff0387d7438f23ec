"""Forwarded letters: whose a click or a visit is, and what nobody learns from it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.db.schema import click, employee, message, short_link, token
from digest.db.session import read, write
from digest.pipeline import edition
from digest.pipeline.verdicts import reclassify
from digest.web.serving import application
from tests.conftest import NOW
from tests.factories import company, crowd, person
from tests.linked import ANA, BEN, PHONE, SITE, Linked, read_link, share_link

PEOPLE = ("ana", "ben", "quality", "@example.com")
STRANGER = {"user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"}
SCANNER = {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"}


def named(text: str) -> set[str]:
    """Which of the people a page names."""
    words = set(re.findall(r"[\w@.]+", re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL).lower()))
    return {name for name in PEOPLE if any(name == word or ("@" in name and name in word) for word in words)}


def test_a_click_in_a_forwarded_letter_is_one_of_the_letter_s_owner_and_names_nobody(linked: Linked) -> None:
    """E1: a colleague's or a stranger's browser; no login, no cookie, and no page says whose letter it was."""
    with linked.client(address="198.51.100.77") as web:
        for path in (read_link(ANA, 1), read_link(ANA, 3), share_link(ANA, 1, "2"), share_link(ANA, 1), share_link(ANA, 1, "3"), share_link(ANA, 3)):
            for agent in (STRANGER, {"user-agent": PHONE}):
                answer = web.get(path, headers=agent)
                assert answer.status_code in {200, 302, 403}
                assert named(answer.text + answer.headers.get("location", "")) == set(), path
                assert "set-cookie" not in answer.headers
                assert "www-authenticate" not in answer.headers
    assert {click["employee_id"] for click in linked.clicks()} == {linked.people["ana"]}
    assert {row["owner"] for row in linked.short_links()} == {f"employee:{linked.people['ana']}"}


@pytest.mark.parametrize("name", ["ana", "ben"])
def test_the_page_behind_a_forwarded_unsubscribe_link_names_nobody(linked: Linked, web: TestClient, name: str) -> None:
    """E1: who got the forward learns neither name nor address."""
    assert named(web.get(linked.leave_link(name)).text) == set()


def test_an_archive_that_is_scanned_months_later_is_a_machine_and_revives_nothing(linked: Linked, web: TestClient) -> None:
    """E3: age without a person's navigation; who left stays away, and no row but events is written."""
    web.post(linked.leave_link(), data={"List-Unsubscribe": "One-Click"})
    tables = ("employee", "message", "token", "suppression", "consent_event", "audit", "short_link")
    before = {name: linked.count(name) for name in tables}
    linked.wait(days=100)
    paths = [read_link(ANA, n) for n in (1, 2, 3)] + [share_link(ANA, 1), linked.leave_link(), linked.leave_link("ben")]
    for path in paths:
        linked.wait(seconds=700)
        assert web.get(path, headers={"sec-fetch-mode": "", "sec-fetch-dest": "", "sec-fetch-user": "", **SCANNER}).status_code in {200, 302}
    assert {name: linked.count(name) for name in tables} == before
    assert [(click["class"], click["reasons"]) for click in linked.clicks()] == [("machine", ["stale"])] * 4
    with write(linked.engine) as connection:
        counts = reclassify(connection, linked.edition, linked.settings().for_tracking())
    assert (counts["machine"], counts["human"], counts["probable"]) == (4, 0, 0)


def test_a_person_who_opens_an_old_letter_is_still_a_person(linked: Linked, web: TestClient) -> None:
    """E3: the rule looks for navigation, not for age alone."""
    linked.wait(days=100)
    web.get(read_link(ANA, 1))
    assert [click["class"] for click in linked.clicks()] == ["human"]


def test_visits_belong_to_the_owner_of_the_short_link_whoever_posts_it(linked: Linked) -> None:
    """E5: Ana opens Ben's short link and posts it; its visits are Ben's reach, and nothing public says whose link it is."""
    with linked.client(address="192.0.2.8") as bens:
        bens.get(share_link(BEN, 1, "2"))
    [made] = linked.short_links()
    with linked.client(address="192.0.2.9") as anas:
        anas.get(read_link(ANA, 1))
        anas.get(f"/l/{made['slug']}")
    with linked.client(address="203.0.113.5") as strangers:
        answer = strangers.get(f"/l/{made['slug']}", headers=STRANGER)
        strangers.get(f"/l/{made['slug']}", headers={"user-agent": "Twitterbot/1.0"})
    assert made["owner"] == f"employee:{linked.people['ben']}"
    assert linked.short_links() == [made], "posting it by somebody else makes no other link and moves no owner"
    assert [(visit["slug"], visit["class"]) for visit in linked.visits()] == [(made["slug"], kind) for kind in ("human", "human", "preview")]
    said = answer.text + repr(answer.headers.multi_items())
    assert named(said) == set()
    assert f"{linked.people['ben']}" not in re.findall(r"employee:(\d+)", said)
    assert {click["employee_id"] for click in linked.clicks() if click["kind"] == "read"} == {linked.people["ana"]}


def gone(linked: Linked, how: str) -> None:
    """Ben leaves the company and the roster."""
    if how == "revoked":
        linked.change("token", {"token": BEN}, revoked_at=linked.now)
        return
    with write(linked.engine) as connection:
        connection.execute(message.update().where(message.c.employee_id == linked.people["ben"]).values(employee_id=None))
        connection.execute(employee.delete().where(employee.c.id == linked.people["ben"]))


@pytest.mark.parametrize("how", ["revoked", "erased"])
def test_a_link_of_somebody_who_is_gone_leads_to_the_article_for_nobody_s_account(linked: Linked, web: TestClient, how: str) -> None:
    """A10: read and share link and page; no event, no short link, no word about the person."""
    gone(linked, how)
    for path in (read_link(BEN, 1), share_link(BEN, 1, "2"), share_link(BEN, 1)):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (302, "https://example.com/blog/cold-room")
        assert named(answer.text + answer.headers["location"]) == set()
    assert web.get(read_link(BEN, 5)).status_code == 404, "still only the posts of that letter"
    assert linked.clicks() == linked.short_links() == []


@pytest.mark.parametrize("how", ["revoked", "erased"])
def test_an_archived_letter_of_somebody_who_left_reaches_nothing_of_theirs(linked: Linked, web: TestClient, how: str) -> None:
    """E4: months later, link by link; what they had shared before goes on working for those who read it."""
    web.get(share_link(BEN, 1, "2"))
    slug = linked.short_links()[0]["slug"]
    leave = linked.leave_link("ben")
    counted = len(linked.clicks())
    gone(linked, how)
    linked.wait(days=90)
    for path in (read_link(BEN, 1), share_link(BEN, 1, "2"), share_link(BEN, 1), leave):
        answer = web.get(path)
        assert answer.status_code in {200, 302}
        assert named(answer.text + answer.headers.get("location", "")) == set()
    assert web.get(f"/l/{slug}").status_code == 302
    assert (len(linked.clicks()), len(linked.short_links())) == (counted, 1)


def test_a_shared_mailbox_is_a_group_and_nobody_in_it_is_an_individual(engine: Engine, tmp_path: Path) -> None:
    """E2: a mailing list or a team's mailbox, marked in the roster, gets a token without a person; its clicks have none either."""
    people = [*crowd(3), person("support@example.org", shared=True)]
    config = company(engine, tmp_path, people, site={"url": SITE})
    made = edition.plan(engine, config, now=NOW).edition
    with read(engine) as connection:
        box = connection.execute(select(employee.c.id).where(employee.c.shared)).scalar_one()
        mailed = connection.execute(select(message.c.share_token).where(message.c.employee_id == box, message.c.edition_id == made.id)).scalar_one()
        row = connection.execute(select(token).where(token.c.token == mailed)).mappings().one()
        numbers = [n for n, _ in connection.execute(select(message.c.picks).where(message.c.employee_id == box)).scalar_one()]
    assert row["employee_id"] is None
    assert row["group_key"]
    app = application(engine, config, lambda: NOW + timedelta(hours=1))
    with TestClient(app, base_url=SITE, follow_redirects=False) as web:
        answers = [web.get(path, headers=STRANGER) for n in numbers for path in (read_link(mailed, n), share_link(mailed, n, "2"))]
    assert 302 in {answer.status_code for answer in answers}
    with read(engine) as connection:
        owners = set(connection.execute(select(short_link.c.owner)).scalars())
        assert set(connection.execute(select(click.c.employee_id)).scalars()) == {None}
        assert set(connection.execute(select(click.c.group_key)).scalars()) == {row["group_key"]}
    assert owners == {f"group:{row['group_key']}"}
