"""Employees in the database: found, streamed, changed and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, insert, select, update

from digest.db import people, privacy
from digest.db.schema import attempt, audit, click, consent_event, edition, employee, message, post, short_link, suppression, token
from digest.db.session import open_database, read, write
from digest.domain.employee import EmployeeId
from digest.domain.suppression import address_hash
from tests.conftest import NOW
from tests.factories import person


def put(engine: Engine, *addresses: str) -> None:
    with write(engine) as connection:
        connection.execute(insert(employee), [person(address, topics=["a"]) for address in addresses])


def test_streaming_walks_everybody_here_by_number_whatever_the_chunk(engine: Engine) -> None:
    put(engine, *(f"p{n}@example.org" for n in range(7)))
    with write(engine) as connection:
        people.leave(connection, [EmployeeId(3)], NOW)
    with read(engine) as connection:
        for chunk in (1, 2, 3, 6, 100):
            assert [found.id for found in people.stream(connection, chunk=chunk)] == [1, 2, 4, 5, 6, 7]
        assert [found.id for found in people.stream(connection, after=4, chunk=2)] == [5, 6, 7]


def test_an_address_is_found_in_any_letter_case_and_mailed_as_written(engine: Engine) -> None:
    put(engine, "Ann.Lee@example.org")
    with read(engine) as connection:
        found = people.by_address(connection, " ann.LEE@EXAMPLE.org ")
        assert found is not None
        assert (found.address, found.topics, found.networks) == ("Ann.Lee@example.org", ("a",), ("linkedin",))
        assert people.by_address(connection, "nobody@example.org") is None
        assert people.addresses(connection) == {"ann.lee@example.org"}


def test_people_are_found_by_their_numbers(engine: Engine) -> None:
    put(engine, *(f"p{n}@example.org" for n in range(3)))
    with read(engine) as connection:
        assert {number: found.address for number, found in people.by_ids(connection, {1, 3, 99}).items()} == {
            1: "p0@example.org",
            3: "p2@example.org",
        }
        assert people.by_ids(connection, range(1, 2000)).keys() == {1, 2, 3}
        assert people.by_ids(connection, []) == {}


def test_addresses_and_roster_numbers_change_hands_in_one_go(engine: Engine) -> None:
    put(engine, "ann@example.org", "ben@example.org")
    with write(engine) as connection:
        people.change(connection, {EmployeeId(1): {"roster_id": "1"}, EmployeeId(2): {"roster_id": "2"}})
        people.change(
            connection,
            {EmployeeId(1): {"address": "Ben@example.org", "roster_id": "2"}, EmployeeId(2): {"address": "ann@example.org", "roster_id": "1"}},
        )
    with read(engine) as connection:
        found = people.by_ids(connection, [1, 2])
        assert [(found[n].address, found[n].roster_id) for n in (1, 2)] == [("Ben@example.org", "2"), ("ann@example.org", "1")]
        assert people.addresses(connection) == {"ann@example.org", "ben@example.org"}


def test_what_people_chose_is_known_by_their_numbers(engine: Engine) -> None:
    put(engine, "ann@example.org", "ben@example.org")
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.id == 2).values(chosen=["language"]))
        assert people.chosen(connection, [EmployeeId(2), EmployeeId(1)]) == {1: frozenset(), 2: frozenset({"language"})}
        assert people.chosen(connection, []) == {}


def test_erasing_leaves_nothing_that_leads_to_the_person(engine: Engine) -> None:
    put(engine, "Ann@example.org", "ben@example.org")
    _history(engine)
    with write(engine) as connection:
        ann = people.by_address(connection, "ann@example.org")
        assert ann is not None
        privacy.erase(connection, ann, NOW, draw=lambda: "r4nd0m")
    with read(engine) as connection:
        assert people.by_address(connection, "ann@example.org") is None
        assert connection.execute(select(func.count()).select_from(consent_event)).scalar_one() == 0
        assert connection.execute(select(post.c.author_id)).scalar_one() is None
        rows = connection.execute(select(message.c.employee_id, message.c.name, message.c.state, message.c.control_hash).order_by(message.c.id)).all()
        assert [tuple(row) for row in rows] == [(None, "", "sent", None), (None, "", "suppressed", None), (2, "Ben", "queued", "h3")]
        assert connection.execute(select(attempt.c.text)).scalars().all() == [""]
        assert [tuple(row) for row in connection.execute(select(token.c.employee_id, token.c.revoked_at).order_by(token.c.token))] == [
            (None, NOW),
            (2, None),
        ]
        assert [tuple(row) for row in connection.execute(select(click.c.employee_id, click.c.token))] == [(None, "~er4nd0m")]
        assert sorted(connection.execute(select(short_link.c.owner)).scalars()) == ["employee:2", "erased:r4nd0m", "erased:r4nd0m"]
        assert people.erased_hashes(connection) == {address_hash("ann@example.org")}
        written = str([list(row) for table in (audit, suppression, message) for row in connection.execute(select(table))])
        assert "ann@" not in written.lower()


def _history(engine: Engine) -> None:
    with write(engine) as connection:
        base = {"paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": 2, "created_at": NOW}
        connection.execute(insert(edition), [{"period": "2026-W47", "state": "closed", **base}, {"period": "2026-W48", "state": "approved", **base}])
        plain = {"reason": "", "language": "en", "picks": [], "spares": [], "networks": "", "attempts": 0, "due_at": NOW}
        rows = [(1, 1, "sent", "Ann", "h1"), (2, 1, "queued", "Ann", "h2"), (2, 2, "queued", "Ben", "h3")]
        values = [{"edition_id": e, "employee_id": p, "state": s, "name": n, "control_hash": h, **plain} for e, p, s, n, h in rows]
        connection.execute(insert(message), values)
        said = "250 ok <ann@example.org>"
        connection.execute(insert(attempt).values(message_id=1, at=NOW, phase="data", outcome="sent", code=250, text=said, connection=0))
        for name, number in (("t1", 1), ("t2", 2)):
            connection.execute(insert(token).values(token=name, edition_id=1, employee_id=number, created_at=NOW, expires_at=NOW))
        pressed = {"signals": {}, "source": "", "class": "human", "reasons": [], "rules_version": 1, "network": "", "kind": "read"}
        connection.execute(insert(click).values(event="e", at=NOW, token="t1", edition_id=1, employee_id=1, n=1, post_id="p", **pressed))
        for slug, owner, network in (("s1", 1, "x"), ("s2", 1, "linkedin"), ("s3", 2, "x")):
            values_ = {"slug": slug, "owner": f"employee:{owner}", "edition_id": 1, "post_id": "p", "network": network, "created_at": NOW}
            connection.execute(insert(short_link).values(values_))
        connection.execute(insert(consent_event).values(employee_id=1, switch="name", value=True, wording="1", at=NOW))
        connection.execute(insert(post).values(id="p", title="t", origin="colleague", visibility="public", author_id=1, first_seen_at=NOW))


def test_the_hour_that_comes_twice_in_autumn_is_read_as_two(postgres_url: str) -> None:
    engine = open_database(f"{postgres_url}&options=-ctimezone%3DEurope/Berlin")
    put(engine, "ana@example.org", "ben@example.org")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    paused = {EmployeeId(1): first, EmployeeId(2): first + timedelta(hours=1)}
    with write(engine) as connection:
        for number, until in paused.items():
            people.change(connection, {number: {"paused_until": until}})
    with read(engine) as connection:
        assert {found.id: found.paused_until for found in people.stream(connection)} == paused
    engine.dispose()
