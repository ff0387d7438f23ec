"""The journal on the click path: what it leaves in the database is what the database itself would have, moments later and once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from digest.db import links, prepared
from digest.files.journal import Journal
from digest.files.spool import Spool
from digest.pipeline.records import lines
from digest.pipeline.replaying import Replayed, replay
from tests.away import wait_for
from tests.linked import ANA, BEN, BROWSER, GROUP, OLD, PHONE, Linked, read_link, share_link

WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    (read_link(ANA, 1), {}),
    (read_link(ANA, 2), {"user-agent": 'Ünïcode "quoted" \\ browser\t1'.encode()}),
    (read_link(BEN, 1) + "%27", {"user-agent": PHONE}),
    (read_link(GROUP, 2), {"user-agent": ""}),
    (read_link(OLD, 1), {}),
    (share_link(ANA, 1, "1"), {}),
    (share_link(ANA, 1, "1"), {"sec-purpose": "prefetch"}),
    (share_link(BEN, 2, "5"), {"user-agent": PHONE}),
    (share_link(GROUP, 2, "2"), {}),
)


@contextmanager
def journalled(linked: Linked, folder: Path, **changes: Any) -> Iterator[TestClient]:
    with linked.client(spool=folder / "presses.spool", journal=True, **changes) as web:
        yield web


def slug_in(address: str) -> str:
    """The slug of the short link in a composer's address."""
    return unquote(address).partition("/l/")[2][:12]


def left(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events without what is drawn anew for each."""
    return sorted(({name: value for name, value in row.items() if name not in {"id", "event", "click_id", "slug"}} for row in rows), key=repr)


def press(linked: Linked, web: TestClient) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Press everything; the events that this left."""
    before = len(linked.clicks()), len(linked.visits())
    for path, headers in WAYS:
        web.get(path, headers=headers)
    for row in linked.short_links():
        if row["network"] != "x":
            web.get(f"/l/{row['slug']}", headers={"referer": "https://t.co/x", "user-agent": BROWSER})
    return left(linked.clicks()[before[0] :]), left(linked.visits()[before[1] :])


@pytest.mark.parametrize("mode", ["individual", "aggregate", "off"])
def test_the_journal_leaves_what_the_database_would(linked: Linked, tmp_path: Path, mode: str) -> None:
    """Each row is equal in every column, on both databases, in every mode; also one at a whole second."""
    assert linked.now.microsecond == 0
    with linked.client(tracking=mode) as web:
        press(linked, web)  # what short links are made is made
        direct = press(linked, web)
    with journalled(linked, tmp_path, tracking=mode) as web:
        brought = press(linked, web)
    assert brought == direct
    assert bool(direct[0]) == (mode != "off")
    assert not list(tmp_path.glob("presses*"))


def test_a_press_is_in_the_database_within_a_quarter_of_a_second(linked: Linked, tmp_path: Path) -> None:
    with journalled(linked, tmp_path) as web:
        web.get(read_link(ANA, 1))
        waits = []
        for turn in range(5):
            began = time.monotonic()
            web.get(read_link(ANA, 1))
            wait_for(lambda: linked.count("click") == turn + 2)  # noqa: B023 - used at once
            waits.append(time.monotonic() - began)
    assert min(waits) < 0.25


def test_a_press_does_not_wait_for_the_database_s_writer(linked: Linked, tmp_path: Path) -> None:
    """While an edition is planned SQLite's one writer is busy; with PostgreSQL somebody holds the table."""
    with journalled(linked, tmp_path) as web:
        web.get(read_link(ANA, 1))
        assert len(linked.clicks()) == 1
        with linked.engine.begin() as connection:
            if linked.engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE click IN ACCESS EXCLUSIVE MODE"))
            began = time.monotonic()
            for _ in range(5):
                assert web.get(read_link(ANA, 1)).status_code == 302
            assert time.monotonic() - began < 1
        assert len(linked.clicks()) == 6


def test_a_recall_and_a_revocation_count_at_once(linked: Linked, tmp_path: Path) -> None:
    with journalled(linked, tmp_path) as web:
        assert web.get(read_link(ANA, 1)).status_code == 302
        linked.change("post", {"id": "cold-room"}, recalled="It was wrong.")
        assert "It was wrong." in web.get(read_link(ANA, 1)).text
        linked.change("post", {"id": "cold-room"}, recalled=None, url="https://example.com/new")
        assert web.get(read_link(ANA, 1)).headers["location"] == "https://example.com/new"
        linked.change("token", {"token": ANA}, revoked_at=linked.now)
        assert web.get(read_link(ANA, 1)).status_code == 302
        assert len(linked.clicks()) == 2, "a revoked link counts for nobody"


def test_a_journal_that_cannot_be_written_leaves_it_to_the_database(linked: Linked, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """I2: no folder, no room, no right to write: the press waits for the database, which is said once."""
    nowhere = tmp_path / "nowhere"
    with caplog.at_level(logging.WARNING), journalled(linked, nowhere) as web:
        for _ in range(4):
            assert web.get(read_link(ANA, 1)).status_code == 302
        assert linked.count("click") == 4, "at once"
        nowhere.mkdir()
        assert web.get(read_link(ANA, 1)).status_code == 302
        assert len(linked.clicks()) == 5
    assert sum("cannot be written" in record.getMessage() for record in caplog.records) == 1
    assert ANA not in caplog.text


def test_a_journal_at_its_limit_leaves_it_to_the_database(linked: Linked, tmp_path: Path) -> None:
    with journalled(linked, tmp_path, spool_octets=1700) as web:
        for _ in range(6):
            assert web.get(read_link(ANA, 1)).status_code == 302
        assert len(linked.clicks()) == 6


def test_what_a_dead_server_left_is_brought_in_by_the_next(linked: Linked, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "presses.spool")
    with journalled(linked, tmp_path) as web, linked.engine.begin():
        if linked.engine.dialect.name == "sqlite":
            web.get(read_link(ANA, 1))  # the replayer cannot write now
            [page] = [path for path in tmp_path.glob("presses*") if path.stat().st_size]
            copy = page.read_bytes()
    if linked.engine.dialect.name != "sqlite":
        return
    assert linked.count("click") == 1
    for name in ("presses.spool.0123456789ab", "presses.spool.ba9876543210"):
        (tmp_path / name).write_bytes(copy)
    with journalled(linked, tmp_path):
        wait_for(lambda: not list(tmp_path.glob("presses*")))
    assert linked.count("click") == 1, "it was there already, and is once"
    assert replay(linked.engine, spool) == Replayed()


def test_two_servers_of_one_folder_answer_and_bring_everything_in_once(linked: Linked, tmp_path: Path) -> None:
    with journalled(linked, tmp_path) as one, journalled(linked, tmp_path) as other:
        threads = [threading.Thread(target=lambda web=web: [web.get(read_link(ANA, 1)) for _ in range(40)]) for web in (one, other) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = linked.clicks()
    assert (len(rows), len({row["event"] for row in rows})) == (240, 240)
    assert not list(tmp_path.glob("presses*"))


def test_the_figures_tell_what_went_through_it(linked: Linked, tmp_path: Path) -> None:
    with journalled(linked, tmp_path, metrics=("192.0.2.7",)) as web:
        web.get(read_link(ANA, 1))  # makes the day's salt, if nobody else was quicker
        web.get(share_link(ANA, 1, "2"))
        before = web.get("/metrics").text.partition("\ndigest_journalled_total ")[2].split()[0]
        web.get(read_link(ANA, 1))
        web.get(share_link(ANA, 1, "2"))
        linked.clicks()
        told = web.get("/metrics").text
        assert web.get("/readyz").json()["committer"] == "ok"
    assert f"digest_journalled_total {int(before) + 2}\n" in told, "an event each, whatever else a first share leaves"
    assert "digest_spool_events 0\n" in told
    assert 'digest_presses_total{kind="share",class="human"} 2' in told


def test_a_first_share_waits_for_no_writer_and_its_link_leads_on_at_once(linked: Linked, tmp_path: Path) -> None:
    """The row of a short link stands in the journal first; this server and every other of the host find it there."""
    if linked.engine.dialect.name != "sqlite":
        return  # where servers may live on several hosts it is written to the database, which all of them ask
    with journalled(linked, tmp_path) as one, journalled(linked, tmp_path) as other:
        one.get(read_link(ANA, 1))
        linked.clicks()  # the day's salt is there
        with linked.engine.begin():
            began = time.monotonic()
            answers = [web.get(share_link(ANA, 1, "2")) for web in (one, other, one)]
            [slug] = {slug_in(answer.headers["location"]) for answer in answers}
            visits = [web.get(f"/l/{slug}", headers={"user-agent": BROWSER}) for web in (one, other)]
            assert time.monotonic() - began < 1
            assert linked.count("short_link") == 0
            assert [answer.headers["location"].partition("?")[0] for answer in visits] == ["https://example.com/blog/cold-room"] * 2
            assert one.get(f"/l/{slug[:-1]}{'0' if slug[-1] != '0' else '1'}").status_code == 404
        wait_for(lambda: linked.count("short_link") == 1)
        [row] = linked.short_links()
        assert (row["slug"], row["owner"], row["post_id"], row["network"]) == (slug, f"employee:{linked.people['ana']}", "cold-room", "x")
        assert row["edition_id"] == linked.edition
        assert row["created_at"] == linked.now
        assert len(linked.visits()) == 2
        assert slug_in(one.get(share_link(ANA, 1, "2")).headers["location"]) == slug
    assert len(linked.short_links()) == 1


def of_another_server(linked: Linked, folder: Path, slug: str) -> Journal:
    """A journal that another server of the host is writing, with a short link in it."""
    row = {"slug": slug, "owner": "group:everyone", "edition_id": linked.edition, "post_id": "cold-room", "network": "x"}
    journal = Journal(Spool(folder / "presses.spool"))
    journal.append(lines([], [], [{**row, "created_at": linked.now}]), 0)
    return journal


def test_a_short_link_follows_its_post_while_it_stands_in_the_journal(linked: Linked, tmp_path: Path) -> None:
    if linked.engine.dialect.name != "sqlite":
        return
    with journalled(linked, tmp_path) as web:
        web.get(read_link(ANA, 1))
        linked.clicks()
        journal = of_another_server(linked, tmp_path, "0123456789ab")
        assert web.get("/l/0123456789ab").status_code == 302
        linked.change("post", {"id": "cold-room"}, recalled="It was wrong.")
        assert "It was wrong." in web.get("/l/0123456789ab").text
        journal.close()
        wait_for(lambda: linked.count("short_link") == 1)


def test_a_short_link_that_stood_in_a_journal_is_remembered_while_the_database_is_away(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1: like every other that was followed."""
    if linked.engine.dialect.name != "sqlite":
        return
    with journalled(linked, tmp_path) as web:
        web.get(read_link(ANA, 1))
        linked.clicks()
        journal = of_another_server(linked, tmp_path, "0123456789ab")
        assert web.get("/l/0123456789ab").status_code == 302
        with monkeypatch.context() as away:
            away.setattr(links, "version", lambda connection: prepared.first(connection, "SELECT * FROM a_table_that_is_not_there"))
            assert web.get("/l/0123456789ab").status_code == 302
        journal.close()
