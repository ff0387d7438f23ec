"""Conversions as they are told: whatever is in them, a claim or a list of faults, and no two requests share a signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.domain.conversion import FIELDS, UTM, Fault, read_claim, sign, unknown_fields, unsigned
from tests.conftest import NOW

EVENTS = ("lead", "sale")
NEEDED = ("key", "event", "click_id")
BERLIN = ZoneInfo("Europe/Berlin")
JUNK = st.none() | st.booleans() | st.text(max_size=300) | st.lists(st.text(), max_size=2) | st.dictionaries(st.text(), st.text(), max_size=2)
GOOD = {"key": "k", "event": "lead", "click_id": "0123456789abcdef"}


@given(st.dictionaries(st.sampled_from([*FIELDS, *UTM]), JUNK), st.sampled_from([BERLIN, None]))
@example({**GOOD, "occurred_at": "9999-12-31T23:59:59-14:00"}, BERLIN)
@example({**GOOD, "occurred_at": "0001-01-01"}, BERLIN)
def test_anything_is_a_claim_or_a_list_of_faults(fields: dict[str, object], zone: ZoneInfo | None) -> None:
    claim, faults = read_claim(fields, needed=NEEDED, events=EVENTS, now=NOW, zone=zone)
    assert (claim is None) == bool(faults)
    assert all(fault.found and fault.allowed and len(fault.found) <= 60 for fault in faults)
    if claim is not None:
        assert claim.event in EVENTS
        assert (claim.currency != "") == (claim.value_minor is not None)


def test_every_fault_is_named_at_once() -> None:
    _, faults = read_claim({"value": "-1", "occurred_at": "soon"}, needed=NEEDED, events=EVENTS, now=NOW)
    assert {fault.field for fault in faults} == {"key", "click_id", "event", "value", "occurred_at"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)),  # the day's end there
        ("2026-11-24", NOW),  # today is not over
        ("2026-11-20 10:00", datetime(2026, 11, 20, 9, 0, tzinfo=UTC)),
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
    ],
)
def test_in_a_file_a_day_means_its_end_and_a_clock_that_of_the_site(text: str, moment: datetime) -> None:
    claim, faults = read_claim({**GOOD, "occurred_at": text}, needed=NEEDED, events=EVENTS, now=NOW, zone=BERLIN)
    assert faults == []
    assert claim is not None
    assert claim.occurred_at == moment


def test_a_click_id_is_read_as_people_and_gateways_spell_it() -> None:
    claim, _ = read_claim({**GOOD, "click_id": " OI23456789ABCDEF "}, needed=NEEDED, events=EVENTS, now=NOW)
    assert claim is not None
    assert claim.click_id == "0123456789abcdef"


def test_an_unknown_field_is_named_with_the_one_that_was_meant() -> None:
    assert unknown_fields(["clickid", "event"]) == [
        Fault(field="clickid", found="a field that nothing reads", allowed=f"{', '.join(FIELDS)}; did you mean click_id?")
    ]


@given(st.binary(max_size=80), st.integers(-400, 400))
def test_a_signature_holds_for_its_body_and_for_five_minutes(body: bytes, off: int) -> None:
    stamp = str(int(NOW.timestamp()) + off)
    made = "v1=" + sign("s" * 32, stamp, body)
    assert (unsigned("s" * 32, stamp, made, body, NOW) == "") is (abs(off) <= 300)
    assert unsigned("s" * 32, stamp, made, body + b"x", NOW)
    assert unsigned("t" * 32, stamp, made, body, NOW)
    assert unsigned("s" * 32, stamp, made, body, NOW, key="k")
    assert unsigned("s" * 32, stamp, made, body, NOW + timedelta(seconds=701))
