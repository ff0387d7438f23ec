"""How many shares came after a read: of enough people on either side, machines and doubtful presses apart."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from digest.db.schema import click, token
from digest.db.session import read, write
from digest.domain.report import percent
from digest.pipeline import report, report_forms, roster
from tests.pipeline.test_report import BROWSER, LATER, planned

POST = "cold-room"


def press(engine: Engine, person: int, kind: str, at: datetime, *, machine: bool = False) -> None:
    """One press of post 1 by somebody."""
    with write(engine) as connection:
        row = connection.execute(select(token).where(token.c.employee_id == person)).first()
        assert row is not None
        signals = {"method": "GET", "ua": ""} if machine else BROWSER
        values = {
            "event": str(uuid.uuid4()), "at": at, "token": row.token, "edition_id": 1, "employee_id": person, "group_key": row.group_key, "n": 1,
            "post_id": POST, "kind": kind, "network": "" if kind == "read" else "linkedin", "signals": signals, "source": f"source{person}",
            "class": "human", "reasons": [], "rules_version": 0,
        }  # fmt: skip
        connection.execute(insert(click).values(values))


def shares(engine: Engine, after: int, without: int) -> None:
    """`after` people read and then share, `without` share and perhaps read later, or only a machine did."""
    with read(engine) as connection:
        people = list(connection.execute(select(token.c.employee_id).order_by(token.c.employee_id)).scalars())
    for place, person in enumerate(people[: after + without]):
        at = LATER + timedelta(minutes=place * 3)
        if place < after:
            press(engine, person, "read", at)
        elif place % 2:
            press(engine, person, "read", at, machine=True)
        press(engine, person, "share", at + timedelta(minutes=1))
        if place >= after and not place % 2:
            press(engine, person, "read", at + timedelta(minutes=2))


@pytest.mark.parametrize(("after", "without", "said"), [(9, 6, 60), (4, 6, None), (9, 4, None), (0, 0, None), (12, 0, None)])
def test_it_is_told_of_enough_people_on_either_side(engine: Engine, tmp_path: Path, after: int, without: int, said: int | None) -> None:
    config = planned(engine, tmp_path)
    shares(engine, after, without)
    found = report.report(engine, config)
    assert found.after_reading == report_forms.as_data(found)["shares_after_reading_percent"] == said
    assert any("after they had opened the article" in line for line in report_forms.sentences(found)) == (said is not None)


def test_the_head_of_the_report_says_how_many_used_their_own_words(engine: Engine, tmp_path: Path) -> None:
    found = report.report(engine, planned(engine, tmp_path))
    assert (found.own_words, report_forms.as_data(found)["shares_in_own_words_percent"]) == (None, None)
    said = report_forms.sentences(replace(found, own_words=58))
    assert said[1] == "58 % of the shares by the share page were in people's own words: no ready caption was taken."


def test_who_is_erased_changes_it_for_nobody(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    shares(engine, 9, 6)
    roster.erase(engine, "person000001@example.org", now=LATER, random=lambda: "x" * 16)
    assert report.report(engine, config).after_reading == 60


@given(st.dictionaries(st.tuples(st.text(max_size=2), st.sampled_from("abc")), st.booleans(), max_size=40), st.integers(1, 9))
def test_no_figure_speaks_of_few(found: dict[tuple[str, str], bool], minimum: int) -> None:
    said = percent(found, minimum)
    people = [{person for (person, _), so in found.items() if so is side} for side in (True, False)]
    assert (said is not None) == (min(map(len, people)) >= minimum)
    assert said is None or 0 < said < 100
