"""Logs as Postfix 3.7 and Exim 4.96 and 4.97 write them, and what they say about our messages."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.maillog import Reader, Trace, parse
from tests.conftest import NOW

REAL = Path(__file__).with_name("postfix-3.7.log")
REAL_EXIM = Path(__file__).with_name("exim-4.96.log")
ANA = "2026-W48.17.0123456789abcdef@example.com"
BEN = "2026-W48.18.fedcba9876543210@example.com"

POSTFIX = f"""\
Nov 24 09:00:01 mx1 postfix/smtpd[2211]: connect from app.example.com[192.0.2.1]
Nov 24 09:00:01 mx1 postfix/smtpd[2211]: 4F1A2C0D3E: client=app.example.com[192.0.2.1]
Nov 24 09:00:01 mx1 postfix/cleanup[2214]: 4F1A2C0D3E: message-id=<{ANA}>
Nov 24 09:00:01 mx1 postfix/qmgr[801]: 4F1A2C0D3E: from=<digest@example.com>, size=31337, nrcpt=1 (queue active)
Nov 24 09:00:02 mx1 postfix/smtp[2215]: 4F1A2C0D3E: to=<ana@example.org>, relay=mx.example.org[198.51.100.7]:25, delay=1.1, \
delays=0.05/0.01/0.4/0.64, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 9B1D440C21)
Nov 24 09:00:02 mx1 postfix/qmgr[801]: 4F1A2C0D3E: removed
Nov 24 09:00:02 mx1 postfix/smtpd[2211]: disconnect from app.example.com[192.0.2.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
"""

POSTFIX_OUT = f"""\
2026-11-24T10:00:01.123456+01:00 mx1 postfix-out/submission/smtpd[2211]: 4TjQ8z1mXkz9sRf: client=app[192.0.2.1], sasl_method=PLAIN, sasl_username=d
2026-11-24T10:00:01.223456+01:00 mx1 postfix-out/cleanup[2214]: 4TjQ8z1mXkz9sRf: message-id=<{ANA}>
2026-11-24T10:00:01.323456+01:00 mx1 postfix-out/qmgr[801]: 4TjQ8z1mXkz9sRf: from=<digest@example.com>, size=31337, nrcpt=1 (queue active)
2026-11-24T10:00:31.423456+01:00 mx1 postfix-out/smtp[2215]: 4TjQ8z1mXkz9sRf: to=<ana@example.org>, relay=none, delay=30, \
delays=0.1/0.01/30/0, dsn=4.4.1, status=deferred (connect to mx.example.org[198.51.100.7]:25: Connection timed out)
2026-11-24T10:10:31.523456+01:00 mx1 postfix-out/qmgr[801]: 4TjQ8z1mXkz9sRf: from=<digest@example.com>, size=31337, nrcpt=1 (queue active)
2026-11-24T10:10:32.623456+01:00 mx1 postfix-out/smtp[2219]: 4TjQ8z1mXkz9sRf: to=<ana@example.org>, relay=mx.example.org[198.51.100.7]:25, delay=9, \
delays=630/0.01/0.4/0.3, dsn=5.1.1, status=bounced (host mx.example.org[198.51.100.7] said: 550 5.1.1 <ana@example.org>: \
Recipient address rejected: User unknown (in reply to RCPT TO command))
2026-11-24T10:10:32.723456+01:00 mx1 postfix-out/bounce[2220]: 4TjQ8z1mXkz9sRf: sender non-delivery notification: 4TjQN10VHCz9sRj
2026-11-24T10:10:32.823456+01:00 mx1 postfix-out/qmgr[801]: 4TjQ8z1mXkz9sRf: removed
"""

EXIM = f"""\
2026-11-24 09:00:01 1oyABC-0001Ab-2c <= digest@example.com H=app.example.com [192.0.2.1] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 \
CV=no A=PLAIN:digest S=31337 id={ANA} T="Forty thousand batteries" from <digest@example.com> for ana@example.org
2026-11-24 09:00:02 1oyABC-0001Ab-2c => ana@example.org R=dnslookup T=remote_smtp H=mx.example.org [198.51.100.7] C="250 2.0.0 OK 17 - gsmtp"
2026-11-24 09:00:02 1oyABC-0001Ab-2c Completed
"""

EXIM_LONG = f"""\
2026-11-24 09:00:01.123 +0100 [4711] 1vNXYZ-000000001Qa-2zKd <= digest@example.com H=(app) [192.0.2.1] P=esmtp S=31337 id={ANA}
2026-11-24 09:00:02.456 +0100 [4713] 1vNXYZ-000000001Qa-2zKd == ana@example.org R=dnslookup T=remote_smtp defer (-44): SMTP error from remote mail \
server after RCPT TO:<ana@example.org>: 450 4.2.0 greylisted
2026-11-24 09:30:02.789 +0100 [4799] 1vNXYZ-000000001Qa-2zKd ** ana@example.org R=dnslookup T=remote_smtp: SMTP error from remote mail server after \
RCPT TO:<ana@example.org>: 550 5.1.1 no such user
2026-11-24 09:30:02.800 +0100 [4799] 1vNXYZ-000000001Qa-2zKd Completed
"""


def read(*files: str, wanted: tuple[str, ...] = (ANA, BEN)) -> Reader:
    reader = Reader(wanted, NOW)
    for text in files:
        reader.read(text.encode().splitlines(keepends=True))
    return reader


def only(text: str) -> Trace:
    (found,) = read(text).traces.values()
    return found


def test_postfix_takes_a_message_and_passes_it_on() -> None:
    found = only(POSTFIX)
    assert found.taken
    assert (found.last, found.words) == ("delivered", "250 2.0.0 Ok: queued as 9B1D440C21")
    assert found.at == datetime(2026, 11, 24, 9, 0, 1, tzinfo=UTC)
    assert found.source == "mx1 wall"


def test_another_instance_with_long_queue_ids_and_rfc_3339_stamps_bounces_it_later() -> None:
    found = only(POSTFIX_OUT)
    assert found.taken, "it was accepted once, whatever came later"
    assert found.last == "bounced"
    assert "550 5.1.1" in found.words
    assert found.at == datetime(2026, 11, 24, 9, 0, 1, 223456, tzinfo=UTC)
    assert found.source == "mx1 zoned"


def test_exim_delivers() -> None:
    found = only(EXIM)
    assert found.taken
    assert found.last == "delivered"
    assert 'C="250 2.0.0 OK 17 - gsmtp"' in found.words


def test_exim_with_long_ids_a_zone_and_process_ids_fails_it_later() -> None:
    found = only(EXIM_LONG)
    assert found.taken
    assert (found.last, found.at) == ("bounced", datetime(2026, 11, 24, 8, 0, 1, 123000, tzinfo=UTC))
    assert "550 5.1.1 no such user" in found.words


def test_exim_through_syslog_with_and_without_its_own_stamp() -> None:
    for own in ("2026-11-24 09:00:01 ", ""):
        found = only(f"Nov 24 09:00:01 mx2 exim[99]: {own}1oyABC-0001Ab-2c <= digest@example.com H=app S=3 id={ANA}\n")
        assert found.taken
        assert found.at == datetime(2026, 11, 24, 9, 0, 1, tzinfo=UTC)


def test_a_message_id_that_was_only_read_is_not_taken() -> None:
    """Cleanup saw the head; nothing says yet that the message came whole."""
    found = only("".join(POSTFIX.splitlines(keepends=True)[:3]))
    assert (found.taken, found.last) == (False, "seen")


WENT = ["taken", "broken off in mid-body", "gone after the dot", "refused by a rule", "held by a rule", "bounced later", "deferred"]


@pytest.mark.parametrize(("series", "ids"), [(1, "short"), (2, "long")], ids=["short queue ids", "long queue ids"])
def test_a_real_log_of_postfix_3_7_tells_what_became_of_each(series: int, ids: str) -> None:
    """Written by a real Postfix 3.7.11: seven messages with short queue ids, and after a reload the same with long ones."""
    wanted = [f"2026-W48.{series}{n}.0123456789abcdef@example.com" for n in range(len(WENT))]
    reader = Reader(wanted, datetime(2026, 11, 22, tzinfo=UTC))
    reader.read(REAL.read_bytes().splitlines())
    assert all(f"2026-W48.{series}{n}" in one for n, one in enumerate(reader.traces)), ids
    went = dict(zip(WENT, [(trace.taken, trace.last, trace.words) for trace in reader.traces.values()], strict=True))
    later, gone = "450 4.2.0 later (in reply to RCPT TO command)", "550 5.1.1 no such user (in reply to RCPT TO command)"
    assert went.pop("refused by a rule")[:2] == (False, "refused")
    assert went.pop("held by a rule")[:2] == (False, "held")
    assert went == {
        "taken": (True, "delivered", "250 2.0.0 taken"),
        "broken off in mid-body": (False, "refused", "lost connection after DATA"),
        "gone after the dot": (True, "delivered", "250 2.0.0 taken"),
        "bounced later": (True, "bounced", f"host 127.0.0.1[127.0.0.1] said: {gone}"),
        "deferred": (True, "deferred", f"host 127.0.0.1[127.0.0.1] said: {later}"),
    }


@pytest.mark.parametrize("series", [1, 2], ids=["as it comes", "with everything logged"])
def test_a_real_log_of_exim_4_96_tells_what_became_of_each(series: int) -> None:
    """The same seven messages; Exim names a message only once it has taken it, also when the client left after the dot."""
    wanted = [f"2026-W48.{series}{n}.0123456789abcdef@example.com" for n in range(len(WENT))]
    reader = Reader(wanted, datetime(2026, 11, 22, tzinfo=UTC))
    reader.read(REAL_EXIM.read_bytes().splitlines())
    went = {what: reader.traces[one] for what, one in zip(WENT, wanted, strict=True) if one in reader.traces}
    assert {what: (trace.taken, trace.last) for what, trace in went.items()} == {
        "taken": (True, "delivered"),
        "held by a rule": (True, "delivered"),  # there was no such rule here
        "bounced later": (True, "bounced"),
        "deferred": (True, "deferred"),
    }
    assert "550 5.1.1 no such user" in went["bounced later"].words
    assert 'C="250 2.0.0 taken"' in went["taken"].words


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("milter-reject: END-OF-MESSAGE from app[192.0.2.1]: 5.7.1 Command rejected; from=<digest@example.com> to=<ana@example.org>", "refused"),
        ("reject: header Subject: Forty from app[192.0.2.1]; from=<digest@example.com> to=<ana@example.org>: 5.7.1 no digests", "refused"),
        ("hold: header Subject: Forty from app[192.0.2.1]; from=<digest@example.com> to=<ana@example.org>: wait", "held"),
    ],
)
def test_what_a_rule_of_cleanup_stopped_is_not_taken(line: str, last: str) -> None:
    found = only(
        f"Nov 24 09:00:01 mx1 postfix/cleanup[9]: 4F1A2C0D3E: message-id=<{ANA}>\nNov 24 09:00:01 mx1 postfix/cleanup[9]: 4F1A2C0D3E: {line}\n"
    )
    assert (found.taken, found.last) == (False, last)


def test_exim_refuses_after_data() -> None:
    text = f"2026-11-24 09:00:01 1oyABC-0001Ab-2c <= a@b S=3 id={BEN}\n"
    text += "2026-11-24 09:00:01 1oyABC-0001Ab-2d H=app [192.0.2.1] F=<digest@example.com> rejected after DATA: spam\n"
    assert read(text, wanted=(ANA,)).traces == {}
    assert only(text).last == "taken"


def test_a_queue_id_that_is_used_again_speaks_of_other_mail() -> None:
    again = "Nov 24 11:00:01 mx1 postfix/cleanup[9]: 4F1A2C0D3E: message-id=<other@example.net>\n"
    again += "Nov 24 11:00:01 mx1 postfix/smtp[9]: 4F1A2C0D3E: to=<x@example.net>, relay=mx, dsn=5.0.0, status=bounced (no)\n"
    assert only(POSTFIX + again).last == "delivered"
    assert only(POSTFIX.replace("Nov 24 09:00:02 mx1 postfix/qmgr[801]: 4F1A2C0D3E: removed\n", "") + again).last == "delivered"


def test_a_connection_that_breaks_speaks_of_the_message_it_was_at() -> None:
    """One connection brings many messages; only the last one of them is lost."""
    other = "Nov 24 09:00:03 mx1 postfix/smtpd[2211]: 5A1A2C0D3E: client=app.example.com[192.0.2.1]\n"
    other += f"Nov 24 09:00:03 mx1 postfix/cleanup[2214]: 5A1A2C0D3E: message-id=<{BEN}>\n"
    lost = "Nov 24 09:00:03 mx1 postfix/smtpd[2211]: lost connection after DATA (5120 bytes) from app.example.com[192.0.2.1]\n"
    elsewhere = "Nov 24 09:00:03 mx1 postfix/smtpd[9999]: timeout after DATA (5120 bytes) from app.example.com[192.0.2.1]\n"
    found = read(POSTFIX + other + elsewhere).traces
    assert (found[ANA].last, found[BEN].last) == ("delivered", "seen")
    found = read(POSTFIX + other + lost).traces
    assert (found[ANA].last, found[BEN].last, found[BEN].taken) == ("delivered", "refused", False)


def test_two_instances_on_one_host_keep_their_queue_ids_apart() -> None:
    other = POSTFIX.replace("postfix/", "postfix-in/").replace(ANA, "other@example.net").replace("status=sent (250", "status=bounced (550")
    assert only(POSTFIX.split("Nov 24 09:00:02", maxsplit=1)[0] + other).last == "taken"


def test_a_content_filter_takes_the_message_twice() -> None:
    first = POSTFIX.replace("relay=mx.example.org[198.51.100.7]:25", "relay=127.0.0.1[127.0.0.1]:10024")
    second = POSTFIX.replace("4F1A2C0D3E", "5A5A5A5A5A").replace("status=sent (250", "status=deferred (450")
    found = only(first + second)
    assert (found.taken, found.last) == (True, "deferred")


def test_stamps_without_a_year_take_the_nearest_one() -> None:
    def at(stamp: str, near: datetime) -> datetime | None:
        line = parse(f"{stamp} mx1 postfix/cleanup[9]: 4F1A2C0D3E: message-id=<a@b>".encode(), near)
        assert line is not None
        return line.at

    new_year = datetime(2027, 1, 1, 0, 10, tzinfo=UTC)
    assert at("Dec 31 23:59:59", new_year) == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert at("Jan  1 00:00:01", new_year - timedelta(hours=1)) == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert at("Feb 29 12:00:00", NOW) is None
    assert at("Feb 29 12:00:00", datetime(2028, 3, 1, tzinfo=UTC)) == datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert at("Foo 99 99:99:99", NOW) is None


def test_what_strangers_wrote_cannot_steer_a_terminal() -> None:
    found = only(POSTFIX.replace("Ok: queued as", "\x1b[2J\x07Ok"))
    assert found.words.isprintable()


def test_spans_say_from_when_until_when_a_log_names_what_it_was_offered() -> None:
    (span,) = read(POSTFIX + POSTFIX.replace("09:00", "17:30")).spans
    assert (span.source, span.first.hour, span.last.hour) == ("mx1 wall", 9, 17)


PIECES = (
    "postfix/cleanup[1]: ",
    "message-id=<",
    ANA,
    "status=sent (",
    "exim[1]: ",
    "<= ",
    "=> ",
    "1oyABC-0001Ab-2c ",
    "4F1A2C0D3E: ",
    "\x00",
    ": ",
    "]: ",
)
STAMPS = (
    "Nov 24 09:00:01 ",
    "2026-11-24 09:00:01 ",
    "2026-11-24T09:00:01+01:00 ",
    "2026-99-99T99:99:99Z ",
    "Nov 99 99:99:99 ",
    "0000-00-00 00:00:00 ",
)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(PIECES).map(str.encode), st.sampled_from(STAMPS).map(str.encode)), max_size=12))
def test_no_line_whatever_makes_it_stumble(pieces: list[bytes]) -> None:
    reader = Reader((ANA,), NOW)
    reader.read(POSTFIX.encode().splitlines())
    reader.read([b"".join(pieces), b"mx1 ".join(pieces), POSTFIX.encode()[:100] + b"".join(pieces)])
    assert reader.traces[ANA].taken


def test_a_long_line_costs_no_more_than_a_short_one() -> None:
    started = time.monotonic()
    for text in (b"message-id=" * 1_000_000, b"Nov 24 09:00:01 mx1 " + b"to=<" * 1_000_000 + b"message-id=", b" <= " + b"a" * 5_000_000):
        read_one = Reader((ANA,), NOW)
        read_one.read([text])
    assert time.monotonic() - started < 5
