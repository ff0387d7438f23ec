"""Lines of journals: who wrote them, what is wrong with them and who was erased meanwhile; what is whole comes in, exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from starlette.testclient import TestClient

from digest.db import replays
from digest.db.session import write
from digest.files.journal import Journal
from digest.files.spool import Spool, framed
from digest.pipeline.records import lines, waiting_links
from digest.pipeline.replaying import Replayed, replay
from tests.conftest import NOW
from tests.linked import ANA, BEN, Linked, read_link


@contextmanager
def journalled(linked: Linked, folder: Path, **changes: Any) -> Iterator[TestClient]:
    with linked.client(spool=folder / "presses.spool", journal=True, **changes) as web:
        yield web


def pressed(linked: Linked, folder: Path, token: str) -> dict[str, Any]:
    """The row that one press left in the database."""
    with journalled(linked, folder) as web:
        web.get(read_link(token, 1))
        return {name: value for name, value in linked.clicks()[0].items() if name != "id"}


def test_lines_of_an_older_and_a_newer_version_are_read_beside_ours(linked: Linked, tmp_path: Path) -> None:
    """I13: a row of the first version has no country and its moment in another form; one of tomorrow's has a column more, and so may many."""
    spool = Spool(tmp_path / "presses.spool")
    old: dict[str, Any] = {"event": "e" * 32, "at": "2026-11-24T09:00:00+00:00", "slug": "0123456789ab", "signals": {"method": "GET"}, "visitor": "v"}
    old |= {"referrer_host": "", "class": "human", "reasons": [], "rules_version": 1}
    new = {**old, "event": "f" * 32, "at": "2026-11-24T09:00:00.250000+00:00", "country": "DE", "click_id": None, "mood": "curious"}
    spool.append([{"what": "visit", "row": old}, {"v": 2, "what": "visit", "row": new}, {"v": 1, "what": "visit", "row": {**new, "event": "d" * 32}}])
    many = {"columns": list(new), "people": [], "count": 2, "rows": [[*{**new, "event": letter * 32}.values()] for letter in "gh"]}
    spool.append([{"v": 3, "what": "visit", **many}])
    assert spool.depth() == 5
    assert replay(linked.engine, spool) == Replayed(stored=5)
    found = sorted((row["event"][0], row["country"], row["at"].microsecond) for row in linked.visits())
    assert found == [("d", "DE", 250000), ("e", "", 0), ("f", "DE", 250000), ("g", "DE", 250000), ("h", "DE", 250000)]


def test_who_was_erased_meanwhile_is_in_no_event_of_the_journal(linked: Linked, tmp_path: Path) -> None:
    """H4: the press counts, the person is gone."""
    with journalled(linked, tmp_path) as web:
        web.get(read_link(ANA, 1))
        web.get(read_link(BEN, 1))
        with write(linked.engine) as connection:
            connection.execute(text("UPDATE token SET employee_id = NULL"))
            connection.execute(text("DELETE FROM employee WHERE id = :ana"), {"ana": linked.people["ana"]})
        rows = linked.clicks()
    assert {row["employee_id"] for row in rows} <= {None, linked.people["ana"], linked.people["ben"]}
    spool = Spool(tmp_path / "presses.spool")
    gone = {**{name: value for name, value in rows[0].items() if name != "id"}, "employee_id": linked.people["ana"], "token": ANA, "event": "a" * 32}
    spool.append([{"v": 1, "what": "click", "row": {"employee_id": gone.pop("employee_id"), **gone, "at": "2026-11-24T09:00:00.000001+00:00"}}])
    replay(linked.engine, spool)
    last = linked.clicks()[-1]
    assert (last["event"], last["employee_id"], last["token"][:2]) == ("a" * 32, None, "~e")


def test_one_press_that_the_database_stumbles_at_spoils_none_that_came_with_it(linked: Linked, tmp_path: Path) -> None:
    """I4, H4: neither does one of somebody who was erased meanwhile; the others keep their people."""
    good = pressed(linked, tmp_path, BEN)
    ben, ana = linked.people["ben"], linked.people["ana"]
    linked.change("token", {"token": ANA}, employee_id=None)
    with write(linked.engine) as connection:
        connection.execute(text("DELETE FROM employee WHERE id = :ana"), {"ana": ana})
    two = [{**good, "event": letter * 32, "employee_id": who} for letter, who in (("b", ben), ("c", ana))]
    bad = [{**good, "event": "d" * 32, "n": None}, {**good, "event": "e" * 32}]
    spool = Spool(tmp_path / "presses.spool")
    for rows in (two, bad):
        journal = Journal(spool)
        journal.append(lines(rows, []), 2)
        journal.close()
    assert spool.depth() == 4
    found = replay(linked.engine, spool)
    assert (found.stored, found.refused, found.damaged) == (3, 1, 0)
    assert sorted((row["event"][0], row["employee_id"]) for row in linked.clicks()[1:]) == [("b", ben), ("c", None), ("e", ben)]


STRANGE = (
    (b'{"v":9}', 1),
    (b"{not JSON}", 1),
    (b'{"what":"click","columns":["n"],"count":2,"rows":[[1,2],[3]]}', 2),
    (b'{"count":1,"rows":[1,2]}', 1),
    (b'{"v":1,"what":' + b"[" * 100_000 + b"}", 1),
    (b'{"v":1,"what":"visit","row":{"event":"z","at":"2026-11-24T09:00:00"}}', 1),
    (b'{"v":1,"what":"link","row":{"slug":"0123456789ab","owner":5,"created_at":"2026-11-24T09:00:00.000000+00:00"}}', 1),
)


def test_a_whole_line_that_is_nothing_we_know_is_refused_and_spoils_no_other(linked: Linked, tmp_path: Path) -> None:
    """I4: neither does the end of a record, nor a person that no database can count to."""
    good = pressed(linked, tmp_path, BEN) | {"event": "b" * 32}
    ours = lines([good], []).partition(b" ")[2].strip()
    strange = [*(text for text, _ in STRANGE), ours[: ours.index(b"]") + 1] + b"}", ours.replace(b'"count":1', b'"count":x')]
    strange.append(lines([{**good, "employee_id": 2**70}], []).partition(b" ")[2].strip())
    journal = Journal(Spool(tmp_path / "presses.spool"))
    journal.append(b"".join(map(framed, strange)) + lines([good], []), 1)
    journal.close()
    found = replay(linked.engine, journal.spool)
    assert (found.stored, found.refused, found.damaged) == (1, sum(count for _, count in STRANGE) + 3, 0)
    assert [row["event"] for row in linked.clicks()][1:] == ["b" * 32]


def test_what_is_too_long_for_its_column_is_never_cut(linked: Linked, tmp_path: Path) -> None:
    """I4: SQLite keeps all of it, PostgreSQL refuses it, by the journal as by itself."""
    good = pressed(linked, tmp_path, BEN) | {"event": "b" * 32, "network": "n" * 30}
    journal = Journal(Spool(tmp_path / "presses.spool"))
    journal.append(lines([good], []), 1)
    journal.close()
    kept = replay(linked.engine, journal.spool)
    assert kept == (Replayed(stored=1) if linked.engine.dialect.name == "sqlite" else Replayed(refused=1))
    assert {row["network"] for row in linked.clicks()[1:]} <= {"n" * 30}


def test_many_presses_are_brought_in_by_few_statements_and_a_bad_one_by_few_more(linked: Linked, tmp_path: Path) -> None:
    """One transaction, and a thousand in a statement; to find the bad one halves are tried, not each press by itself."""
    good = pressed(linked, tmp_path, BEN)
    seen: list[str] = []
    event.listen(linked.engine, "begin", lambda _connection: seen.append("BEGIN"))
    event.listen(linked.engine, "before_cursor_execute", lambda *heard: seen.append(heard[2][:17]))
    spool = Spool(tmp_path / "presses.spool")

    def bring(start: int, **bad: Any) -> Replayed:
        journal = Journal(spool)
        for first in range(start, start + 2000, 50):
            rows = [{**good, "event": f"{number:032x}"} for number in range(first, first + 50)]
            journal.append(lines([*rows[:-1], {**rows[-1], **(bad if first == start else {})}], []), 50)
        journal.close()
        seen.clear()
        return replay(linked.engine, spool)

    assert bring(0) == Replayed(stored=2000)
    assert (seen.count("BEGIN"), seen.count("INSERT INTO click")) == (1, 2)
    assert bring(2000, n=None) == Replayed(stored=1999, refused=1)
    assert seen.count("BEGIN") < 40
    assert linked.count("click") == 1 + 3999


def test_presses_whose_line_was_cut_short_are_counted(linked: Linked, tmp_path: Path) -> None:
    """I3: nobody was answered about them."""
    good = pressed(linked, tmp_path, BEN)
    whole = lines([{**good, "event": f"{number:032x}"} for number in range(7)], [])
    (tmp_path / "presses.spool.0123456789ab").write_bytes(whole[:-20])
    assert replay(linked.engine, Spool(tmp_path / "presses.spool")) == Replayed(damaged=7)


def test_a_line_that_the_database_stumbles_at_spoils_no_other(linked: Linked, tmp_path: Path) -> None:
    """I4: it is counted and left behind."""
    spool = Spool(tmp_path / "presses.spool")
    good = pressed(linked, tmp_path, ANA) | {"at": "2026-11-24T09:00:00.000001+00:00"}
    spool.append([{"v": 1, "what": "click", "row": {"employee_id": None, **good, "event": "b" * 32}}])
    spool.append([{"v": 1, "what": "click", "row": {"employee_id": None, "event": "c" * 32}}])
    spool.append([{"v": 1, "what": "click", "row": {"employee_id": "x", "event": "d" * 32}}])
    found = replay(linked.engine, spool)
    assert (found.stored, found.refused, found.damaged) == (1, 2, 0)
    assert [row["event"] for row in linked.clicks()][1:] == ["b" * 32]


def test_a_short_link_in_the_journal_of_an_older_version_is_found(linked: Linked, tmp_path: Path) -> None:
    """I13: while the database is busy after an upgrade."""
    row = f'"owner":"group:everyone","edition_id":{linked.edition},"post_id":"cold-room","network":"x"'
    text_of_old = f'{{"v":1,"what":"link","row":{{"slug":"0123456789ab",{row},"created_at":"2026-11-24T09:00:00.000000+00:00"}}}}'
    journal = Journal(Spool(tmp_path / "presses.spool"))
    journal.append(framed(text_of_old.encode()), 0)
    [found] = waiting_links(journal.spool, ["0123456789ab", "ba9876543210"])
    assert found["created_at"] == NOW
    journal.close()
    assert replay(linked.engine, journal.spool) == Replayed(stored=1)
    assert [made["created_at"] for made in linked.short_links()] == [NOW]


def test_a_short_link_of_who_was_erased_meanwhile_is_nobody_s(linked: Linked, tmp_path: Path) -> None:
    """H4: it goes on working."""
    spool = Spool(tmp_path / "presses.spool")
    row = {"edition_id": linked.edition, "post_id": "cold-room", "network": "x", "created_at": linked.now}
    made = [{"slug": f"0123456789a{n}", "owner": owner, **row} for n, owner in enumerate(("employee:99", f"employee:{linked.people['ana']}"))]
    journal = Journal(spool)
    journal.append(lines([], [], made), 0)
    journal.close()
    assert replay(linked.engine, spool) == Replayed(stored=2)
    owners = {row["slug"][-1]: row["owner"] for row in linked.short_links()}
    assert owners["1"] == f"employee:{linked.people['ana']}"
    assert owners["0"].startswith("erased:")
    with linked.client() as web:
        assert web.get("/l/0123456789a0").status_code == 302


def test_strangers_are_found_among_many(linked: Linked) -> None:
    with write(linked.engine) as connection:
        here = ",".join(map(str, linked.people.values())).encode()
        assert not replays.strangers(connection, here)
        assert not replays.strangers(connection, here + b"," + here)
        assert replays.strangers(connection, here + b",99")
        assert not replays.strangers(connection, b"")
