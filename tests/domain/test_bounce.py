"""What a report means: the classes of delivery-rules, section 6, and the count of soft bounces."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.bounce import (
    BounceKind,
    BounceSource,
    Folder,
    Report,
    Said,
    Verdict,
    Whom,
    classify,
    judge,
    judge_said,
    reply_codes,
    soft_stops,
)
from digest.domain.suppression import SuppressionReason

ANA = Whom(address="ana@example.org", signed=True)
K = BounceKind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, K.HARD) for status in ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")],
        *[(status, K.SOFT) for status in ("4.2.2", "4.4.7", "4.1.1", "4.7.1", "5.2.2", "5.4.4", "5.4.1", "5.0.0", "5.3.0", "5.5.0", "5.2.0", "")],
        *[(status, K.OURS) for status in ("5.7.1", "5.7.515", "5.7.26", "5.3.4", "5.2.3", "5.6.0", "5.1.7", "5.1.8")],
    ],
)
def test_a_failure_is_judged_by_its_status(status: str, kind: BounceKind) -> None:
    assert classify(status=status) is kind


@pytest.mark.parametrize("status", ["5.1.1", "5.7.1", "4.4.1", ""])
def test_a_delay_or_a_receipt_is_no_bounce_whatever_its_status(status: str) -> None:
    assert classify(action="delayed", status=status) is K.DELAYED
    for action in ("delivered", "relayed", "expanded"):
        assert classify(action=action, status=status) is K.DELIVERED


def test_without_an_action_only_a_permanent_code_says_that_it_failed() -> None:
    assert [classify(action="", status=status) for status in ("5.1.1", "4.2.2", "")] == [K.HARD, K.DELAYED, K.DELAYED]
    assert [classify(action="", code=code) for code in (550, 450, None)] == [K.SOFT, K.DELAYED, K.DELAYED]


def test_a_bare_550_is_soft_for_it_may_mean_either() -> None:
    assert {classify(code=code) for code in (550, 551, 552, 553, 554)} == {K.SOFT}


@pytest.mark.parametrize(
    ("diagnostic", "codes"),
    [
        ("smtp; 550 5.1.1 <ana@example.org>: no such user", (550, "5.1.1")),
        ("550-5.7.1 blocked\n550 5.7.1 more", (550, "5.7.1")),
        ("smtp;550 #5.1.0 Address rejected", (550, "5.1.0")),
        ("X-Postfix; unknown user", (None, "")),
        ("5.2.2 full", (None, "5.2.2")),
        ("the address 550 5.1.1 is a joke", (None, "")),
        ("550 10.5.1.1 is our address", (550, "")),
        ("", (None, "")),
    ],
)
def test_a_diagnostic_is_read_at_its_beginning_only(diagnostic: str, codes: tuple[int | None, str]) -> None:
    assert reply_codes(diagnostic) == codes


@pytest.mark.parametrize(
    ("status", "diagnostic", "found"),
    [
        ("5.0.0", "550 5.1.1 no such user", (K.HARD, "5.1.1")),
        ("", "550 5.1.1 no such user", (K.HARD, "5.1.1")),
        ("5.0.0", "550-5.7.1 likely unsolicited", (K.OURS, "5.7.1")),
        ("5.1.1", "550 5.7.1 our rule", (K.OURS, "5.7.1")),
        ("5.1.1", "550 5.2.2 full", (K.HARD, "5.1.1")),
        ("5.7.1", "550 5.1.1 no such user", (K.OURS, "5.7.1")),
        ("4.4.7", "451 4.7.1 greylisted", (K.SOFT, "4.4.7")),
        ("nonsense", "550 no", (K.SOFT, "")),
    ],
)
def test_the_server_s_own_code_wins_over_a_general_one_and_a_rule_over_everything(status: str, diagnostic: str, found: tuple[str, str]) -> None:
    assert judge_said(Said(action="failed", status=status, diagnostic=diagnostic)) == found


def dsn(*said: Said, source: BounceSource = BounceSource.DSN) -> Report:
    return Report(source=source, said=said or (Said(final="ana@example.org", action="failed", status="5.1.1", diagnostic="550 5.1.1 who?"),))


def test_a_hard_bounce_of_a_message_we_surely_sent_stops_the_person() -> None:
    assert judge(dsn(), ANA) == Verdict(kind=K.HARD, status="5.1.1", text="550 5.1.1 who?", stop=SuppressionReason.HARD_BOUNCE)
    unnamed = Said(action="failed", status="5.1.1")
    assert judge(dsn(unnamed), ANA).stop is SuppressionReason.HARD_BOUNCE


def test_what_anybody_could_write_or_what_is_about_another_address_is_soft() -> None:
    elsewhere = Said(final="ana.old@example.org", action="failed", status="5.1.1")
    for report, whom in ((dsn(), Whom(address="ana@example.org", signed=False)), (dsn(elsewhere), ANA), (dsn(source=BounceSource.GUESS), ANA)):
        assert (judge(report, whom).kind, judge(report, whom).stop) == (K.SOFT, None)
    aliased = Said(final="asmith@mail.example.org", original="ana@example.org", action="failed", status="5.1.1")
    assert judge(dsn(aliased), ANA).kind is K.HARD


def test_of_several_recipients_the_person_s_own_counts() -> None:
    others = [Said(final=f"p{n}@example.org", action="failed", status="5.1.1") for n in range(3)]
    assert judge(dsn(*others, Said(final="ana@example.org", action="delayed", status="4.4.1")), ANA).kind is K.DELAYED


def test_a_complaint_stops_when_it_shows_our_signature_and_else_a_person_decides() -> None:
    for feedback in ("abuse", "fraud", "opt-out"):
        assert judge(Report(source=BounceSource.ARF, feedback=feedback), ANA).stop is SuppressionReason.COMPLAINT
    for feedback in ("not-spam", "auth-failure", "virus", "other", ""):
        assert judge(Report(source=BounceSource.ARF, feedback=feedback), ANA) == Verdict(kind=K.UNKNOWN, keep=Folder.REPLIES)
    report = Report(source=BounceSource.ARF, feedback="abuse")
    assert judge(report, Whom(address="ana@example.org", signed=False)).keep is Folder.UNSIGNED
    assert judge(report, None).keep is Folder.UNMATCHED


def test_mail_that_is_no_report_is_kept_and_an_absence_notice_is_nothing() -> None:
    assert judge(Report(source=None), ANA).keep is Folder.REPLIES
    assert judge(Report(source=None, machine=True), ANA).keep is Folder.UNREADABLE
    assert judge(dsn(), None).keep is Folder.UNMATCHED
    assert judge(Report(source=BounceSource.REPLY), None) == Verdict(kind=K.AUTO_REPLY)


@given(
    action=st.sampled_from(["failed", "delayed", "delivered", "", "nonsense"]),
    status=st.one_of(st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True), st.text(max_size=8)),
    diagnostic=st.one_of(st.text(max_size=30), st.from_regex(r"smtp; [45][0-9]{2}[ -][245]\.[0-7]\.[0-9]{1,3} no", fullmatch=True)),
    signed=st.booleans(),
    source=st.sampled_from([BounceSource.DSN, BounceSource.GUESS]),
)
def test_nobody_is_stopped_by_a_soft_or_policy_bounce(action: str, status: str, diagnostic: str, *, signed: bool, source: BounceSource) -> None:
    said = Said(final="ana@example.org", action=action, status=status, diagnostic=diagnostic)
    verdict = judge(dsn(said, source=source), Whom(address="ana@example.org", signed=signed))
    assert (verdict.stop is not None) == (verdict.kind is K.HARD)
    if verdict.kind is K.HARD:
        assert (signed, source) == (True, BounceSource.DSN)
        assert [int(part) for part in verdict.status.split(".")][:2] in ([5, 1], [5, 2])


def test_three_of_the_last_five_stop_and_what_got_through_wears_them_down() -> None:
    for scores in product((False, True), repeat=5):
        assert soft_stops(scores) is (sum(scores) >= 3)
    assert not soft_stops([True, True])
    assert not soft_stops([False, False, False, True, True, True, True])
    assert soft_stops([True, False, True, False, True, False])
