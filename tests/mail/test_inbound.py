"""Reading inbound messages: what they are, in whatever form; the samples of flufl.bounce; and hostile ones, at a bounded cost."""

from __future__ import annotations

import base64
import io
import quopri
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.bounce import BounceKind, BounceSource, Report, Whom, judge
from digest.errors import UnreadableFileError
from digest.mail import guess
from digest.mail.arrival import CHUNK, WINDOW, arriving
from digest.mail.inbound import read_report
from digest.mail.parts import DEPTH, FIELDS, PARTS, decoded, parts
from tests.reports import answer, arf, away, dsn

SAMPLES = Path(__file__).parent / "bounces"
EXPECTED = tomllib.loads((SAMPLES / "expected.toml").read_text(encoding="utf-8"))
REFERENCE = "2026-W48.17.0123456789abcdef"


def found(report: Report) -> set[str]:
    return {address for said in report.said for address in (said.final, said.original) if address}


def test_the_address_is_found_in_at_least_95_of_100_samples(record_property: Callable[[str, object], None]) -> None:
    named = {name: {address.lower() for kind in wanted.values() for address in kind} for name, wanted in EXPECTED.items()}
    named = {name: wanted for name, wanted in named.items() if wanted}
    missed = [name for name, wanted in named.items() if not wanted <= found(read_report((SAMPLES / name).read_bytes()))]
    share = 1 - len(missed) / len(named)
    record_property("found", f"{share:.1%} of {len(named)}")
    print(f"\nflufl.bounce samples: the address is found in {share:.1%} of {len(named)} that name one; missed: {missed}")  # noqa: T201 - shown with -s
    assert len(named) > 100
    assert share >= 0.95, missed


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.txt")), ids=lambda path: path.stem)
def test_no_sample_stops_anybody_unless_its_fields_say_that_the_mailbox_does_not_exist(path: Path) -> None:
    report = read_report(path.read_bytes())
    for address in found(report) or {"ana@example.org"}:
        assert judge(report, Whom(address=address, signed=False)).stop is None
        verdict = judge(report, Whom(address=address, signed=True))
        if verdict.stop is not None:
            assert (report.source, verdict.kind) == (BounceSource.DSN, BounceKind.HARD)
            assert verdict.status.startswith("5.1.") or verdict.status == "5.2.1"
            said = next(one for one in report.said if one.names(address))
            assert said.action == "failed"
    for delayed in EXPECTED.get(path.name, {}).get("delayed", []):
        assert judge(report, Whom(address=delayed.lower(), signed=True)).kind is BounceKind.DELAYED


def test_samples_that_are_no_bounces_are_none() -> None:
    kinds = {name: read_report((SAMPLES / name).read_bytes()).source for name in ("groupwise_03.txt", "qmail_08.txt")}
    assert kinds == {"groupwise_03.txt": None, "qmail_08.txt": BounceSource.REPLY}


def test_the_parts_that_matter_are_found_in_any_wrapping() -> None:
    raw = dsn(original="Ana@example.org", quoted=f"X-Digest-ID: {REFERENCE}")
    head, _, body = raw.partition(b"\r\n\r\n")
    plain = read_report(raw)
    assert (plain.source, plain.references, plain.identity) == (BounceSource.DSN, (REFERENCE,), "<report-1@mx.example.org>")
    said = plain.said[0]
    assert (said.final, said.original, said.action, said.status) == ("ana@example.org", "ana@example.org", "failed", "5.1.1")
    wrapped = b"From: gw@x\r\nContent-Type: multipart/mixed; boundary=OUT\r\n\r\n--OUT\r\n\r\nscanned\r\n--OUT\r\n"
    wrapped += b'Content-Type: multipart/report; boundary="B1"'
    unix = raw.replace(b"\r\n", b"\n")
    for form in (
        unix,
        b"From MAILER-DAEMON Tue Nov 24\n" + unix,
        wrapped + b"\r\n\r\n" + body + b"\r\n--OUT--\r\n",
        raw[:-20],
        head + b"\r\n\r\n" + body,
    ):
        assert (read_report(form).source, read_report(form).said) == (BounceSource.DSN, plain.said)


def test_fields_that_are_encoded_folded_or_run_together_are_read() -> None:
    fields = b"Reporting-MTA: dns; x\n\nFinal-Recipient:\n  rfc822;<Ana@Example.org>\nAction: Failed (no)\n"
    fields += b"Status: 5.1.1 (bad mailbox)\nFinal-Recipient: rfc822;b@x\n"
    for name, coded in (("base64", base64.encodebytes(fields)), ("quoted-printable", quopri.encodestring(fields)), ("8bit", fields)):
        head = b"From: x\nContent-Type: multipart/report; boundary=B\n\n--B\nContent-Transfer-Encoding: " + name.encode()
        said = read_report(head + b"\nContent-Type: message/delivery-status\n\n" + coded + b"\n--B--\n").said
        assert [(one.final, one.action, one.status) for one in said] == [("ana@example.org", "failed", "5.1.1"), ("b@x", "failed", "5.1.1")]


def test_a_report_inside_somebody_s_letter_is_not_a_report() -> None:
    forwarded = b"From: ben@x\r\nContent-Type: multipart/mixed; boundary=OUT\r\n\r\n--OUT\r\n\r\nWhat is this?\r\n--OUT\r\n"
    forwarded += b"Content-Type: message/rfc822\r\n\r\n"
    report = read_report(forwarded + dsn() + b"\r\n--OUT--\r\n")
    assert (report.source, report.machine) == (None, False)


def test_complaints_absences_receipts_and_answers_are_told_apart() -> None:
    receipt = dsn().replace(b"message/delivery-status", b"message/disposition-notification")
    sources = [read_report(raw).source for raw in (arf(), away(), receipt, answer())]
    assert sources == [BounceSource.ARF, BounceSource.REPLY, BounceSource.REPLY, None]
    assert (read_report(arf()).feedback, found(read_report(arf()))) == ("abuse", {"ana@example.org"})
    for field in ("X-Autoreply: yes", "Precedence: auto_reply", "Auto-Submitted: auto-generated; x=y", "X-Autorespond: gone"):
        assert read_report(f"From: ana@x\r\nReturn-Path: <>\r\n{field}\r\nSubject: undeliverable\r\n\r\nx".encode()).source is BounceSource.REPLY
    assert read_report(b"From: ana@x\r\nAuto-Submitted: no\r\n\r\nHello").source is None


def test_references_are_found_in_encoded_parts_too() -> None:
    text = f"Your message <{REFERENCE}@example.com> was lost".encode()
    for name, coded in (("base64", base64.encodebytes(text)), ("quoted-printable", b"=\n".join([text[:30], text[30:]]))):
        head = f"From: x\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Transfer-Encoding: {name}\n\n".encode()
        assert read_report(head + coded + b"\n--B--\n").references == (REFERENCE,)


def test_without_flufl_bounce_such_reports_wait_and_the_log_says_why(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    raw = (SAMPLES / "qmail_01.txt").read_bytes()
    assert read_report(raw).source is BounceSource.GUESS
    monkeypatch.setitem(__import__("sys").modules, "flufl.bounce", None)
    monkeypatch.setattr(guess, "_missing", [])
    for _ in range(2):
        report = read_report(raw)
        assert (report.source, report.machine) == (None, True)
    assert [record.message.split(":")[0] for record in caplog.records] == ["Reports in no standard form are kept unread"]


def nested(levels: int) -> bytes:
    heads = [f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(levels)]
    return ("From: x@y\r\n" + "".join(heads) + "\r\nthe end\r\n").encode()


def report_head(fields: bytes = b"") -> bytes:
    return b"From: MAILER-DAEMON@x\r\nSubject: Undelivered Mail\r\n" + fields + b"Content-Type: multipart/report; boundary=B\r\n\r\n"


HOSTILE = {
    "nothing": b"",
    "NULs": b"\0" * WINDOW,
    "a thousand nested parts": nested(1000),
    "ten thousand nested parts": nested(10_000),
    "only boundaries": report_head() + b"--B\r\n" * 100_000,
    "only dashes": report_head() + b"\n--" * 170_000,
    "a hundred thousand fields": b"".join(b"X-%d: y\r\n" % n for n in range(100_000)),
    "one field of the whole window": b"Subject: " + b"a" * WINDOW,
    "one folded field": b"Subject: a\r\n" + b" b\r\n" * 120_000,
    "quotes and semicolons": b'Content-Type: multipart/mixed; boundary="' + b'";' * 200_000,
    "a boundary of the whole window": b"Content-Type: multipart/mixed; boundary=" + b"b" * WINDOW,
    "spaces": b"From: MAILER-DAEMON\r\nContent-Type:" + b" " * WINDOW,
    "encoded words": b"From: a\r\nSubject: " + b"=?utf-8?q?=?" * 40_000,
    "received for": b"Received: " + b"for <" * 100_000,
    "at signs": b"To: " + b"a@" * 200_000,
    "diagnostics": report_head()
    + b"--B\r\nContent-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b\r\nDiagnostic-Code: x\r\n\r\n" * 8000,
    "references": b"From: a\r\n\r\n" + b"2026-W48.1.0123456789abcdef " * 18_000,
    "almost references": b"From: a\r\n\r\n" + b"2026-W48." + b"1" * WINDOW,
    "angle brackets for the guess": b"From: MAILER-DAEMON@x\r\n\r\n" + (b"<" * 900 + b"\r\n") * 500,
    "addresses for the guess": b"From: MAILER-DAEMON@x\r\n\r\nThe following addresses had permanent fatal errors\r\n" + b"<a@b.c>:\r\n" * 50_000,
    "broken base64": report_head() + b"--B\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=A=" * 150_000,
    "a charset nobody has": b"From: MAILER-DAEMON@x\r\nSubject: =?x-nobody?B?gIGC?=\r\nContent-Type: text/plain; charset=x-no\r\n\r\n\x80\x81\xff",
    "bytes that are no text": bytes(range(256)) * 2000,
    "cut in the middle of a report": dsn()[:700],
    "surrogates": "From: \ud800MAILER-DAEMON@x\r\n\r\n\udfff".encode("utf-8", "surrogatepass"),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_whatever_comes_costs_bounded_time_and_is_not_taken_for_a_report(raw: bytes) -> None:
    started = time.process_time()
    report = read_report(raw[:WINDOW], "x" * 1000)
    assert time.process_time() - started < 2
    assert report.source in {None, BounceSource.GUESS, BounceSource.DSN}
    assert len(report.said) <= 50 or report.source is BounceSource.GUESS
    for one in report.said:
        assert len(one.final) <= 600
        assert len(one.diagnostic) <= 500


def test_depth_parts_and_fields_have_their_limits() -> None:
    _, _, found_parts = parts(nested(1000))
    assert len(found_parts) == 1
    assert found_parts[0].kind == "multipart/mixed"
    assert b"boundary=b%d" % (DEPTH + 1) in found_parts[0].body
    assert len(parts(report_head() + b"--B\r\n\r\nx\r\n" * 1000)[2]) == PARTS
    assert len(parts(HOSTILE["a hundred thousand fields"])[0]) == FIELDS


@given(
    st.binary(max_size=2000), st.lists(st.sampled_from([b"--B\r\n", b"--B--\r\n", b"\r\n", b"Content-Type: multipart/mixed; boundary=B\r\n", b"a"]))
)
def test_no_bytes_break_the_reader(noise: bytes, lines: list[bytes]) -> None:
    for raw in (noise, b"".join(lines), report_head() + b"--B\r\n" + noise, dsn().replace(b"Action", noise), b"".join(lines) + noise):
        report = read_report(raw)
        judge(report, Whom(address="ana@example.org", signed=True))
        for part in parts(raw)[2]:
            decoded(part)


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=90))
def test_an_arrival_is_kept_byte_for_byte_whatever_its_chunks(tmp_path_factory: pytest.TempPathFactory, raw: bytes, step: int) -> None:
    folder = tmp_path_factory.mktemp("kept")
    with arriving((raw[n : n + step] for n in range(0, len(raw), step)), folder) as arrival:
        assert (arrival.head, arrival.size) == (raw, len(raw))
        assert arrival.keep(folder / "why").read_bytes() == raw


@pytest.mark.parametrize("size", [WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW + 7])
def test_a_large_arrival_passes_through_the_disk_and_leaves_nothing_behind(tmp_path: Path, size: int) -> None:
    raw = bytes(n % 251 for n in range(size))
    stream = io.BytesIO(raw)
    with arriving(iter(lambda: stream.read(CHUNK), b""), tmp_path) as arrival:
        assert (arrival.head, arrival.size, arrival.whole is not None) == (raw[:WINDOW], size, size > WINDOW)
        first, second = arrival.keep(tmp_path / "why"), arrival.keep(tmp_path / "why")
    assert (first, first.read_bytes()) == (second, raw)
    assert [path.name for path in tmp_path.rglob("*")] == ["why", first.name]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with arriving([b"x"], tmp_path) as arrival, pytest.raises(UnreadableFileError, match="cannot be written: Not a directory"):
        arrival.keep(tmp_path / "file" / "why")
    with pytest.raises(UnreadableFileError, match="Make room"), arriving([b"x" * WINDOW, b"y"], tmp_path / "file" / "deeper"):
        pass
