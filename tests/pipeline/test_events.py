"""Events: what tells one from another, and when it was."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digest.db.replays import CLICK_COLUMNS
from digest.pipeline.events import new_event
from digest.pipeline.records import lines

_FORKED = """
import os
from digest.pipeline.events import new_event
first = [new_event(), new_event()]
reads, writes = os.pipe()
if os.fork() == 0:
    os.write(writes, " ".join(new_event() for _ in range(3)).encode())
    os._exit(0)
os.wait()
print(*first, *(new_event() for _ in range(3)), os.read(reads, 1000).decode())
"""
_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_no_two_events_of_a_process_have_one_id_and_later_ones_stand_behind() -> None:
    """An index of them grows at its end."""
    drawn = [new_event() for _ in range(1000)]
    assert drawn == sorted(set(drawn))
    assert {len(one) for one in drawn} == {32}


def test_a_forked_process_draws_other_ids_than_its_parent() -> None:
    """Else the second of two presses would pass for the first, come again."""
    drawn = subprocess.run([sys.executable, "-c", _FORKED], check=True, capture_output=True, text=True).stdout.split()
    assert len(drawn) == len(set(drawn)) == 8


@given(at=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=_ZONES))  # noqa: DTZ001 - hypothesis gives them their zone
def test_a_journal_has_moments_in_utc_to_the_microsecond(at: datetime) -> None:
    row: dict[str, Any] = {**dict.fromkeys(CLICK_COLUMNS, ""), "at": at, "employee_id": None}
    [record] = lines([row], []).splitlines()
    assert json.loads(record[9:])["rows"][0][0] == at.astimezone(UTC).isoformat(timespec="microseconds")
