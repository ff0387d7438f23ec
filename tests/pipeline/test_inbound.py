"""Inbound mail through the whole stage, on both databases: what is noted, who is stopped, what is kept, what is settled."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from digest.db import bounces, people, suppressions
from digest.db.schema import attempt, employee, message
from digest.db.session import read, write
from digest.domain.bounce import BounceKind
from digest.domain.suppression import SuppressionReason
from digest.errors import StorageError, UnreadableFileError
from digest.mail.sources import MailboxError
from digest.pipeline import inbound, roster
from tests.conftest import NOW
from tests.reports import Office, answer, arf, away, dsn, maildir

FULL = {"status": "5.2.2", "diagnostic": "smtp; 552 5.2.2 mailbox full"}


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine=engine, kept=tmp_path / "inbound").open()


def test_a_hard_bounce_at_its_signed_address_stops_mail_at_once_and_names_the_person(office: Office) -> None:
    number = office.send()
    taken = office.take(dsn(to=office.return_path(number)))
    assert taken.stopped == [("ana@example.org", SuppressionReason.HARD_BOUNCE)]
    row = office.bounces()[0]
    assert (row.kind, row.source, row.status, row.message_id, row.employee_id) == ("hard", "dsn", "5.1.1", number, office.ana)
    assert row.text == "550 5.1.1 <ana@example.org>: no such user"
    assert (office.stopped(), office.files()) == ({"hard_bounce": None}, {})
    assert office.audits() == [("a report", "suppression.add", f"employee:{office.ana}", "hard_bounce")]


def test_reading_a_report_twice_changes_nothing(office: Office) -> None:
    raw = dsn(to=office.return_path(office.send()))
    office.take(raw)
    again = office.take(b"Received: by another.way\r\n" + raw)
    assert (again.read, again.again, again.stopped, len(office.bounces()), len(office.audits())) == (1, 1, [], 1, 1)


@pytest.mark.parametrize("where", ["x-original-to", "envelope-to", "received", "pipe", "upper"])
def test_the_signed_address_is_found_wherever_a_mail_server_leaves_it(office: Office, where: str) -> None:
    address = office.return_path(office.send())
    raw = dsn(final="somebody@else.example")
    head = {"x-original-to": f"X-Original-To: {address}", "envelope-to": f"Envelope-To: <{address}>", "upper": f"Delivered-To: {address.upper()}"}
    head |= {"received": f"Received: from a by b\r\n for <{address}>; Tue, 24 Nov 2026 09:00:00 +0000"}
    office.take(f"{head.get(where, 'X-A: b')}\r\n".encode() + raw, recipient=address if where == "pipe" else "")
    assert [(row.kind, row.source) for row in office.bounces()] == [("soft", "dsn")]


def test_without_it_the_message_id_or_our_own_field_tells(office: Office) -> None:
    number = office.send()
    for quoted in (f"Message-ID: <{office.reference(number)}@example.com>", f"X-Digest-ID: {office.reference(number)}"):
        office.take(dsn(quoted=quoted, identity=f"<{quoted[:5]}@x>"))
    assert [(row.kind, row.source) for row in office.bounces()] == [("hard", "dsn")] * 2
    assert office.stopped() == {"hard_bounce": None}


def test_a_report_that_names_only_an_address_counts_as_soft_once_a_message(office: Office) -> None:
    number = office.send()
    for n in range(3):
        office.take(dsn(identity=f"<{n}@x>", quoted="Message-ID: <2026-W48.1.0123456789abcdef@example.com>"))
    assert [(row.kind, row.source, row.status, row.message_id) for row in office.bounces()] == [("soft", "guess", "5.1.1", number)]
    assert office.stopped() == {}


@pytest.mark.parametrize("broken", ["signature", "age"])
def test_a_wrong_or_old_signature_is_accepted_kept_and_does_nothing(office: Office, broken: str) -> None:
    number = office.send(state="in_doubt")
    address = office.return_path(number)
    if broken == "signature":
        address = address.replace(f"b.{number}.", f"b.{number + 1}.")
    else:
        office.now = NOW + timedelta(days=15)
    raw = dsn(to=address, quoted=f"Message-ID: <{office.reference(number)}@example.com>")
    taken = office.take(raw)
    assert (taken.kept, office.bounces(), office.stopped(), office.state(number)[0]) == ({"unsigned": 1}, [], {}, "in_doubt")
    assert office.files() == {"unsigned": [raw]}


@pytest.mark.parametrize("status", ["5.7.1", "5.7.515", "5.3.4", "5.2.3"])
def test_policy_and_size_never_stop_a_person(office: Office, status: str) -> None:
    for week in range(44, 49):
        office.send(week)
    for number in range(1, 6):
        office.now = NOW - timedelta(days=7 * (5 - number))
        office.take(dsn(to=office.return_path(number), status=status, diagnostic=f"smtp; 550 {status} no", identity=f"<{number}@x>"))
    assert ([row.kind for row in office.bounces()], office.stopped()) == (["ours"] * 5, {})


def test_a_delay_is_no_bounce_and_neither_is_prose_with_a_code_in_it(office: Office) -> None:
    number = office.send()
    office.take(dsn(to=office.return_path(number), action="delayed", status="4.4.1", diagnostic="smtp; 550 5.1.1 later"))
    office.take(away(to=office.return_path(number)))
    office.take(dsn(to=office.return_path(number), prose="550 5.1.1 5.1.1 no such user", identity="<p@x>", **FULL))
    assert [row.kind for row in office.bounces()] == ["delayed", "auto_reply", "soft"]
    assert (office.stopped(), office.files()) == ({}, {})


def test_three_soft_bounces_in_five_editions_stop_for_sixty_days(office: Office) -> None:
    numbers = [office.send(week) for week in (44, 45, 46, 47, 48)]
    for nth, number in enumerate((numbers[0], numbers[2], numbers[4])):
        assert office.stopped() == {}
        office.now = NOW + timedelta(days=1) if nth else NOW - timedelta(days=20)
        raw = dsn(to=office.return_path(number), identity=f"<{number}@x>", quoted=f"X-Digest-ID: {office.reference(number)}", **FULL)
        office.take(raw if nth == 2 else raw.replace(office.return_path(number).encode(), b"digest@example.com"))
    assert office.stopped() == {"soft_bounce": office.now + timedelta(days=60)}
    assert office.audits() == [("bounces", "suppression.add", f"employee:{office.ana}", "soft_bounce")]


def test_messages_that_got_through_wear_soft_bounces_down(office: Office) -> None:
    for week in range(43, 49):
        number = office.send(week)
        if week in {43, 44, 48}:
            office.take(dsn(quoted=f"X-Digest-ID: {office.reference(number)}", identity=f"<{week}@x>", **FULL))
    assert ([row.kind for row in office.bounces()], office.stopped()) == (["soft"] * 3, {})


def test_two_soft_bounces_of_one_edition_count_once(office: Office) -> None:
    number = office.send()
    for n in range(4):
        office.take(dsn(to=office.return_path(number), identity=f"<{n}@x>", **FULL))
    assert (len(office.bounces()), office.stopped()) == (4, {})


def test_after_a_soft_stop_the_count_begins_anew(office: Office) -> None:
    for week in (44, 45, 46):
        number = office.send(week)
        office.now = NOW + timedelta(weeks=week - 48, hours=1)
        office.take(dsn(to=office.return_path(number), identity=f"<{week}@x>", **FULL))
    assert list(office.stopped()) == ["soft_bounce"]
    number = office.send(52)
    office.now = NOW + timedelta(weeks=20)
    office.take(dsn(quoted=f"X-Digest-ID: {office.reference(number)}", **FULL))
    with read(office.engine) as connection:
        assert suppressions.held(connection, "ana@example.org", office.now) == []


def test_refusals_on_the_wire_count_with_the_reports(office: Office) -> None:
    expired = office.send(45, state="failed", reason="expired")
    refused = office.send(46, state="failed", reason="refused")
    away_relay = office.send(47, state="failed", reason="expired")
    last = office.send(48, state="failed", reason="refused")
    tries = [(expired, 452, "4.2.2 full"), (away_relay, 421, "4.3.2 closing"), (away_relay, 451, "4.7.1 greylisted")]
    with write(office.engine) as connection:
        for number, code, text in tries:
            values = {"message_id": number, "at": NOW, "phase": "rcpt", "outcome": "deferred", "code": code, "text": text, "connection": 0}
            connection.execute(insert(attempt).values(values))
        assert bounces.record_refusal(connection, refused, office.ana, BounceKind.OURS, "5.6.0", "5.6.0 not your charset", office.now)
        assert bounces.record_refusal(connection, last, office.ana, BounceKind.SOFT, "5.2.2", "5.2.2 full\x00", office.now)
        assert not bounces.record_refusal(connection, last, office.ana, BounceKind.SOFT, "5.2.2", "5.2.2 full", office.now)
        assert suppressions.held(connection, "ana@example.org", office.now) == []  # 2 of 4: the away relay and our charset are not hers
        third = connection.execute(update(message).where(message.c.id == refused).values(reason="expired"))
        connection.execute(insert(attempt).values({**values, "message_id": refused, "code": 450, "text": "4.2.1 not now"}))
        assert (third.rowcount, bounces.count_soft(connection, office.ana, office.now)) == (1, True)
    assert office.stopped() == {"soft_bounce": office.now + timedelta(days=60)}
    assert [(row.source, row.kind, row.text) for row in office.bounces()] == [
        ("smtp", "ours", "5.6.0 not your charset"),
        ("smtp", "soft", "5.2.2 full "),
    ]


@pytest.mark.parametrize("what", ["bounce", "delay", "complaint", "absence", "answer"])
def test_whatever_comes_back_for_a_message_in_doubt_proves_that_it_left(office: Office, what: str) -> None:
    number = office.send(state="in_doubt", sent_at=None)
    to = office.return_path(number)
    made = {"bounce": dsn(to=to), "delay": dsn(to=to, action="delayed"), "complaint": arf(to=to), "absence": away(to=to)}
    raw = made.get(what, answer(quoted=f"<{office.reference(number)}@example.com>"))
    assert office.take(raw).settled == 1
    assert office.state(number) == ("sent", "evidence")
    assert ("evidence", "message.resolve", f"message:{number}", "sent: evidence") in office.audits()
    assert office.take(raw).settled == 0


def test_what_anybody_could_write_proves_nothing(office: Office) -> None:
    number = office.send(state="in_doubt")
    office.take(dsn())
    assert ([row.source for row in office.bounces()], office.state(number)[0]) == (["guess"], "in_doubt")


def test_a_complaint_is_an_immediate_unsubscribe(office: Office) -> None:
    number = office.send()
    taken = office.take(arf(quoted=f"Message-ID: <{office.reference(number)}@example.com>"))
    assert (taken.stopped, office.stopped()) == ([("ana@example.org", SuppressionReason.COMPLAINT)], {"complaint": None})
    assert [(row.kind, row.source) for row in office.bounces()] == [("complaint", "arf")]


def test_a_complaint_that_shows_nothing_of_ours_is_for_a_person_to_decide(office: Office) -> None:
    office.send()
    taken = office.take(arf())
    assert (taken.kept, office.stopped(), list(office.files())) == ({"unsigned": 1}, {}, ["unsigned"])


def test_mail_by_people_reports_about_strangers_and_junk_are_kept_whole(office: Office) -> None:
    office.send()
    found = {"replies": answer(), "unmatched": dsn(final="who@example.net"), "unreadable": b"\x00\xff\r\n\r\n\x00"}
    for raw in found.values():
        office.take(raw)
        office.take(raw)
    assert office.files() == {folder: [raw] for folder, raw in found.items()}
    assert office.bounces() == []
    modes = {path.stat().st_mode & 0o777 for path in office.kept.rglob("*.eml")} | {path.stat().st_mode & 0o777 for path in office.kept.iterdir()}
    assert modes == {0o600, 0o700}


def test_a_bounce_for_an_address_that_changed_since_does_not_stop_the_new_one(office: Office) -> None:
    number = office.send()
    office.change(address="ana.new@example.org", mailbox="ana.new@example.org")
    office.take(dsn(to=office.return_path(number), original="ana@example.org"))
    assert ([row.kind for row in office.bounces()], office.stopped()) == (["soft"], {})


def test_a_bounce_for_an_erased_person_is_noted_and_stops_nobody(office: Office) -> None:
    number = office.send()
    to = office.return_path(number)
    office.take(dsn(to=to, **FULL))
    roster.erase(office.engine, "ana@example.org", now=office.now, random=lambda: "x")
    taken = office.take(dsn(to=to, identity="<later@x>"))
    assert taken.stopped == []
    assert [(row.employee_id, row.text) for row in office.bounces()] == [(None, "")] * 2


def test_a_hard_bounce_ends_when_the_person_comes_back_to_the_roster_and_nothing_else_does(office: Office, tmp_path: Path) -> None:
    def bring(*names: str) -> None:
        (tmp_path / "r.csv").write_text("address,name\n" + "".join(f"{name}@example.org,{name}\n" for name in names), encoding="utf-8")
        roster.bring_in(office.engine, roster.check(tmp_path / "r.csv"), zone="UTC", now=office.now, allow_leavers=True)

    others = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINT, SuppressionReason.MANUAL, SuppressionReason.SOFT_BOUNCE)
    office.take(dsn(to=office.return_path(office.send())))
    bring("ana", "ben")
    assert list(office.stopped()) == ["hard_bounce"]  # still here is not back
    with write(office.engine) as connection:
        for reason in others:
            suppressions.suppress(connection, "ana@example.org", reason, office.now)
    bring("ben")
    bring("ana", "ben")
    assert sorted(office.stopped()) == sorted(others)
    assert office.audits()[-1] == ("roster", "suppression.lift", f"employee:{office.ana}", "hard_bounce: came back after leaving")


def test_a_maildir_is_read_and_marked_and_never_emptied(office: Office, tmp_path: Path) -> None:
    number = office.send()
    folder = maildir(tmp_path / "maildir", [dsn(to=office.return_path(number)), answer(), b""])
    (folder / "cur" / "taken.over:2,F").write_bytes(away(to=office.return_path(number)))
    (folder / "cur" / "read:2,S").write_bytes(answer())

    def collect() -> inbound.Taken:
        return inbound.collect(office.engine, str(folder), kept=office.kept, clock=lambda: office.now, stdin=io.BytesIO())

    taken = collect()
    assert (taken.read, dict(taken.kinds), dict(taken.kept)) == (4, {"hard": 1, "auto_reply": 1}, {"replies": 1})
    assert taken.empty == 1
    assert list((folder / "new").iterdir()) == []
    assert sorted(path.name for path in (folder / "cur").iterdir()) == ["0.host:2,S", "1.host:2,S", "2.host:2,S", "read:2,S", "taken.over:2,FS"]
    assert collect().read == 0


def test_a_message_that_cannot_be_read_does_not_stop_those_behind_it(office: Office, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "maildir", [answer()])
    (folder / "new" / "0.a").mkdir()
    taken = inbound.collect(office.engine, str(folder), kept=office.kept, clock=lambda: office.now, stdin=io.BytesIO())
    assert (taken.read, taken.problems) == (1, ["0.a: Is a directory"])


def test_nothing_is_marked_when_it_cannot_be_kept_or_the_database_is_gone(office: Office, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "maildir", [answer()])
    office.kept.write_text("a file where the folder belongs")
    with pytest.raises(UnreadableFileError, match="cannot be written"):
        inbound.collect(office.engine, str(folder), kept=office.kept, clock=lambda: office.now, stdin=io.BytesIO())
    with office.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bounce")
    (folder / "new" / "0.host").write_bytes(dsn(to=office.return_path(office.send())))
    with pytest.raises(StorageError):
        inbound.collect(office.engine, str(folder), kept=tmp_path / "kept", clock=lambda: office.now, stdin=io.BytesIO())
    assert [path.name for path in (folder / "new").iterdir()] == ["0.host"]


def test_a_place_that_is_no_mailbox_is_named(office: Office, tmp_path: Path) -> None:
    with pytest.raises(MailboxError, match="a Maildir"):
        inbound.collect(office.engine, str(tmp_path / "nowhere"), kept=office.kept, clock=lambda: office.now, stdin=io.BytesIO())


def test_readers_at_once_note_a_report_once(office: Office) -> None:
    raw = dsn(to=office.return_path(office.send()))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: office.take(raw), range(16)))
    assert (len(office.bounces()), sum(one.again for one in taken), sum(len(one.stopped) for one in taken)) == (1, 15, 1)


def test_whoever_left_is_found_by_hash_too(office: Office) -> None:
    with write(office.engine) as connection:
        connection.execute(update(employee).values(left_at=NOW))
        found = people.by_hashes(connection, {"ana@example.org".upper()}, str.upper)
    assert [person.address for person in found.values()] == ["ana@example.org"]
