"""The database is away: links go on, their events wait on disk, and each ends up in the database once."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from digest.db import migrate
from digest.db.schema import audit, metadata, suppression
from digest.db.session import open_database
from digest.files.spool import Spool
from digest.pipeline.replaying import Replayed, replay
from tests.away import Database, wait_for
from tests.linked import ANA, BEN, OURS, PERSON, Linked, read_link, share_link
from tests.needs import Postgres, missing

ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server that these tests may stop."""
    private = Postgres(own=True)
    if not private.url:
        missing("PostgreSQL")
    engine = open_database(private.url)
    migrate.upgrade(engine)
    engine.dispose()
    yield private
    private.stop()


def fresh(server: Postgres) -> str:
    """The URL of a new database on it, with every table."""
    name = f"away_{secrets.token_hex(4)}"
    admin = create_engine(make_url(server.url).set(database="template1"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE postgres"))
    admin.dispose()
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    server = request.getfixturevalue("server") if request.param == "postgres" else None
    engine = open_database(fresh(server) if server else str(request.getfixturevalue("sqlite_url")))
    yield Database(engine=engine, server=server)
    engine.dispose()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "digest.db.spool")


@pytest.fixture
def linked(database: Database) -> Linked:
    return Linked(database.engine)


@pytest.fixture
def web(linked: Linked, spool: Spool) -> Iterator[TestClient]:
    with linked.client(spool=spool.path) as client:
        yield client


def test_links_go_on_while_the_database_is_away_and_are_counted_when_it_is_back(
    database: Database, linked: Linked, spool: Spool, web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """I1: L answers from memory; R and S from what was seen; their events reach the database once."""
    slug = unquote(web.get(share_link(ANA, 1, "2")).headers["location"]).rpartition("/")[2]
    web.get(read_link(ANA, 1))
    seen = {path: web.get(path).headers["location"] for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), f"/l/{slug}")}
    before = len(linked.clicks()), len(linked.visits())
    database.go()
    with caplog.at_level(logging.WARNING):
        for path, location in seen.items():
            answer = web.get(path)
            assert (answer.status_code, answer.headers["location"]) == (302, location)
        assert web.get(f"/L/{slug.upper()}.").status_code == 302
        assert web.head(read_link(ANA, 1)).status_code == 302
        assert web.get(share_link(ANA, 1)).status_code == 200, "the share page is among them"
    assert [record.levelname for record in caplog.records if "does not answer" in record.getMessage()] == ["ERROR"], "one alarm"
    assert ANA not in caplog.text
    assert spool.depth() == 5
    assert web.get("/healthz").status_code == 503
    assert web.get("/readyz").json()["ready"] is True, "it still answers links"
    database.come_back()
    wait_for(lambda: spool.depth() == 0)
    assert (len(linked.clicks()), len(linked.visits())) == (before[0] + 3, before[1] + 2)
    assert {click["employee_id"] for click in linked.clicks()} == {linked.people["ana"]}
    assert web.get(read_link(ANA, 1)).status_code == 302
    assert len(linked.clicks()) == before[0] + 4


def test_a_share_without_the_database_carries_the_article_s_own_address(database: Database, linked: Linked, web: TestClient) -> None:
    """I1 with O5: the short link that cannot be made now is not needed for sharing."""
    web.get(share_link(ANA, 1, "2"))
    database.go()
    target = unquote(web.get(share_link(ANA, 2, "2")).headers["location"])
    assert "url=https://example.com/blog/batteries?utm_source=x&utm_medium=social&utm_campaign=2026-w48" in target
    database.come_back()
    assert [row["post_id"] for row in linked.short_links()] == ["cold-room"]


def test_of_a_link_never_seen_a_page_says_to_come_back(database: Database, web: TestClient) -> None:
    """I1: what memory cannot answer is a 503 with Retry-After, never a guess."""
    web.get(read_link(ANA, 1))
    database.go()
    for path in (read_link(BEN, 1), share_link(BEN, 1, "2"), share_link(BEN, 1), "/l/k7q2m9x4c8v3"):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "Something is broken on our side" in answer.text
    assert web.get(read_link(ANA, 5)).status_code == 404, "what is certainly not in the letter stays unknown"
    database.come_back()
    wait_for(lambda: web.get(read_link(BEN, 1)).status_code == 302)


def test_a_spool_that_is_replayed_twice_changes_nothing(linked: Linked, database: Database, spool: Spool, web: TestClient) -> None:
    """I4: the id of an event makes it idempotent, on disk and in the table."""
    web.get(read_link(ANA, 1))
    database.go()
    for _ in range(20):
        web.get(read_link(ANA, 1))
    copy = spool.path.read_bytes()
    database.come_back()
    wait_for(lambda: spool.depth() == 0)
    for _ in range(3):
        spool.path.write_bytes(copy)
        assert replay(linked.engine, spool) == Replayed(stored=20)
    assert len(linked.clicks()) == 21
    assert len({click["event"] for click in linked.clicks()}) == 21


def test_servers_and_the_clock_may_replay_at_once(linked: Linked, database: Database, spool: Spool, web: TestClient) -> None:
    """I4: whoever comes second finds nothing, or the same."""
    web.get(read_link(ANA, 1))
    database.go()
    for _ in range(30):
        web.get(read_link(ANA, 1))
    database.come_back()
    threads = [threading.Thread(target=replay, args=(linked.engine, Spool(spool.path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: spool.depth() == 0)
    assert len(linked.clicks()) == 31


def test_a_record_that_the_database_never_takes_spoils_no_other(linked: Linked, database: Database, spool: Spool, web: TestClient) -> None:
    """I4: a line of another version, or a broken one, is counted and left behind."""
    web.get(read_link(ANA, 1))
    database.go()
    web.get(read_link(ANA, 1))
    spool.append([{"what": "nod", "row": {"at": "2026-11-24T09:00:00+00:00"}}, {"what": "click", "row": {"at": "never"}}])
    database.come_back()
    wait_for(lambda: spool.depth() == 0)
    assert len(linked.clicks()) == 2


def test_who_was_erased_meanwhile_is_in_no_replayed_event(linked: Linked, database: Database, spool: Spool, web: TestClient) -> None:
    """I4 with H4: the press counts, the person is gone."""
    web.get(read_link(ANA, 1))
    database.go()
    web.get(read_link(ANA, 1))
    copy = spool.path.read_bytes()
    assert ANA.encode() in copy
    spool.path.unlink()
    database.come_back()
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE token SET employee_id = NULL"))
        connection.execute(text("DELETE FROM employee"))
    spool.path.write_bytes(copy)
    replay(linked.engine, spool)
    last = linked.clicks()[-1]
    assert (last["employee_id"], last["token"][:2], last["n"]) == (None, "~e", 1)
    assert last["token"] != ANA


def leave_form(web: TestClient, link: str) -> dict[str, str]:
    page = web.get(link)
    return {"action": "leave", "check": page.text.partition('name="check" value="')[2].partition('"')[0]}


@pytest.mark.parametrize("how", ["form", "one-click"])
def test_who_stops_the_letter_while_the_database_is_away_gets_no_more(
    database: Database, linked: Linked, spool: Spool, web: TestClient, how: str
) -> None:
    """D13: it is noted on disk, said honestly, and applied later."""
    link = linked.leave_link()
    form = leave_form(web, link)
    database.go()
    assert leave_form(web, link) == form
    sent = {"List-Unsubscribe": "One-Click"} if how == "one-click" else form
    answer = web.post(link, data=sent, headers=OURS if how == "form" else {"user-agent": "x"})
    assert (answer.status_code, "safe on our disk" in answer.text) == (200, True)
    assert spool.depth() == 1
    database.come_back()
    wait_for(lambda: spool.depth() == 0)
    assert [row["reason"] for row in linked._rows(suppression)] == ["unsubscribed"]
    assert [row["what"] for row in linked._rows(audit)] == ["unsubscribed"]
    assert "safe on our disk" not in web.post(link, data=sent, headers=OURS if how == "form" else {"user-agent": "x"}).text


def test_what_a_person_said_later_wins_over_what_waited(database: Database, linked: Linked, spool: Spool, web: TestClient) -> None:
    """D13: a spool that comes late undoes nobody's newer word."""
    link = linked.leave_link()
    form = leave_form(web, link)
    database.go()
    web.post(link, data=form, headers=OURS)
    copy = spool.path.read_bytes()
    database.come_back()
    wait_for(lambda: spool.depth() == 0)
    linked.wait(minutes=5)
    back = web.post(link, data=form, headers=OURS).text.partition('name="check" value="')[2].partition('"')[0]
    web.post(link, data={"action": "return", "check": back}, headers=OURS)
    spool.path.write_bytes(copy)
    replay(linked.engine, spool)
    assert [row["lifted_at"] is None for row in linked._rows(suppression)] == [False]


def test_fifty_first_shares_of_one_post_make_one_short_link(linked: Linked, spool: Spool) -> None:
    """I5: one row, fifty events, whoever came first; two servers at once."""
    with linked.client(spool=spool.path) as one, linked.client(spool=spool.path) as other, ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda web: web.get(share_link(ANA, 1, "2")).headers["location"], [one, other] * 25))
    assert len(set(answers)) == 1
    assert (len(linked.short_links()), len(linked.clicks())) == (1, 50)


def test_a_viral_link_is_no_hot_row(linked: Linked) -> None:
    """I6: a visit is a new row and changes no other, and many share a commit."""

    def rest() -> dict[str, Any]:
        return {name: sorted(map(repr, linked._rows(table))) for name, table in metadata.tables.items() if "id" in table.c and name != "visit"}

    with linked.client(metrics=("192.0.2.7",)) as web:
        slug = unquote(web.get(share_link(ANA, 1, "2")).headers["location"]).rpartition("/")[2]
        before = rest(), linked.short_links()
        with ThreadPoolExecutor(40) as pool:
            statuses = set(pool.map(lambda _turn: web.get(f"/l/{slug}", headers=PERSON).status_code, range(2000)))
        commits = int(web.get("/metrics").text.partition("digest_commit_presses_count ")[2].split()[0])
    assert statuses == {302}
    assert len({visit["event"] for visit in linked.visits()}) == 2000
    assert (rest(), linked.short_links()) == before
    assert commits < 1500
