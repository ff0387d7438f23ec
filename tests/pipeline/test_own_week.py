"""The letter tells its reader, and nobody else, what was stored of their last week and what came of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.db import consents, privacy
from digest.db.schema import click, employee, message, outcome, short_link, visit
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.domain.tally import Tally, read_tally
from digest.pipeline import edition as stage
from digest.pipeline import personal, preview, week
from digest.pipeline.privacy import purge
from tests.conftest import NOW
from tests.factories import company, person

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
ANA, BEN = person("ana@example.org"), person("ben@example.org")
DAY = timedelta(days=1)
IDS = count(1)
ONCE = re.compile(r"</?span[^>]*>")  # what keeps a number on one line


def press(number: int | None, post: str, kind: str, verdict: str = "human", ago: timedelta = DAY) -> dict[str, Any]:
    event = f"e{next(IDS)}"
    row = {"event": event, "at": EVENING - ago, "token": f"t{number}", "edition_id": 7, "employee_id": number, "group_key": "g", "n": 1}
    row |= {"post_id": post, "kind": kind, "network": "", "signals": {}, "source": "s", "class": verdict, "reasons": [], "rules_version": 1}
    return row


def seen(slug: str, visitor: str, verdict: str = "human", *reasons: str) -> dict[str, Any]:
    row = {"event": f"{slug}{visitor}{verdict}", "at": EVENING - DAY, "slug": slug, "signals": {}, "visitor": visitor, "referrer_host": ""}
    return {**row, "country": "", "class": verdict, "reasons": list(reasons), "rules_version": 1}


def busy_week(engine: Engine) -> None:
    """Ana read two posts, a machine pressed on, she shared one, and people came. Ben did nothing."""
    presses = [press(1, "a", "read"), press(1, "a", "read", "probable"), press(1, "b", "read"), press(1, "c", "read", "machine")]
    presses += [press(1, "a", "share"), press(1, "old", "read", ago=8 * DAY), press(None, "a", "read")]
    visits = [seen("s1", "v1"), seen("s1", "v2", "probable"), seen("s1", "v3", "machine"), seen("s1", "v4", "human", "own"), seen("s2", "v5")]
    with write(engine) as connection:
        connection.execute(insert(click), presses)
        links = [{"slug": slug, "owner": owner, "post_id": "a", "network": "x"} for slug, owner in (("s1", "employee:1"), ("s2", "group:g"))]
        connection.execute(insert(short_link), [{**one, "edition_id": 7, "created_at": EVENING} for one in links])
        connection.execute(insert(visit), visits)
        told = {"key": "k", "at": EVENING, "occurred_at": EVENING - DAY, "event": "reply", "grade": "A", "click_id": "", "post_id": "a"}
        told |= {"network": "x", "channel": "employee", "owner": "employee:1", "visitor_class": "human", "external_id": "", "currency": ""}
        connection.execute(insert(outcome).values(**told, source="api"))


def tallies(engine: Engine) -> list[Tally | None]:
    with read(engine) as connection:
        return [read_tally(text) for text in connection.execute(select(message.c.tally).order_by(message.c.employee_id)).scalars()]


def test_the_week_is_counted_by_person_and_only_the_last_seven_days(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    busy_week(engine)
    stage.plan(engine, config, now=EVENING)
    assert tallies(engine) == [Tally(4, 1, 2, 1, 1, 2, 1), Tally()]


@pytest.mark.parametrize("how", ["off", "aggregate", "opt-in", "no", "shared"])
def test_nothing_is_told_to_whom_it_is_not_stored_for(engine: Engine, tmp_path: Path, how: str) -> None:
    tracking = {"consent": "opt-in"} if how == "opt-in" else {"mode": how} if how in {"off", "aggregate"} else {}
    config = company(engine, tmp_path, [{**ANA, "measured": False if how == "no" else None, "shared": how == "shared"}], tracking=tracking)
    busy_week(engine)
    stage.plan(engine, config, now=EVENING)
    assert tallies(engine) == [None]


@pytest.mark.parametrize("how", ["withdraw", "delete"])
def test_a_word_after_planning_takes_it_out_of_the_letter_that_waits(engine: Engine, tmp_path: Path, how: str) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    busy_week(engine)
    stage.plan(engine, config, now=EVENING)
    with write(engine) as connection:
        if how == "withdraw":
            consents.record(connection, 1, "measure", value=False, wording="1", now=EVENING)
        else:
            privacy.let_go(connection, 1, lambda: "0" * 16)
    assert tallies(engine) == [None, Tally()]


def test_the_letter_says_it_in_both_parts_once_and_forgets_it_when_it_is_sent(engine: Engine, tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    config = company(
        engine, tmp_path, [ANA, BEN, person("eve@example.org")], smtp={"port": mailbox.port}, site={"company": "Example", "url": "https://x.example"}
    )
    busy_week(engine)
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.id == 3).values(measured=False))
    stage.plan(engine, config, now=EVENING)
    assert "presses of links" not in preview.preview(engine, "ana@example.org", period=None, now=EVENING).text, "an editor sees nobody's week"
    stage.approve(engine, now=EVENING, who="mara")
    week.send_due(engine, config, clock=lambda: NOW)
    mailbox.stop()
    letters = {letter.parsed["To"].addresses[0].addr_spec: letter for letter in mailbox.letters()}
    for part in ("plain", "html"):
        ana, ben, eve = (" ".join(ONCE.sub("", letters[f"{name}@example.org"].part(part)).split()) for name in ("ana", "ben", "eve"))
        assert "seen by you alone: 4 presses of links, 1 press of a share link." in ana
        assert "You read 2 posts. You opened the share link of 1 post. What came of it: 1\N{EN DASH}2 visitors by links you shared. 1 result" in ana
        assert "Nothing about your clicks was stored last week." in ben
        assert "#stored" in ana
        assert not any(word in ben for word in ("Your week", "presses"))
        assert not any(word in eve for word in ("Your week", "last week", "#stored"))
    assert tallies(engine) == [None, None, None]


def test_a_letter_that_was_never_sent_forgets_it_after_keep_days_and_a_copy_has_it_until_then(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN])
    busy_week(engine)
    stage.plan(engine, config, now=EVENING)
    copy = personal.export(engine, config, "ana@example.org", who="op", now=EVENING)
    assert copy["messages"][0]["tally"] == "4 1 2 1 1 2 1"
    purge(engine, config, now=EVENING + 80 * DAY, trust_clock=True)
    assert tallies(engine)[0] is not None
    purge(engine, config, now=EVENING + 92 * DAY, trust_clock=True)
    assert tallies(engine) == [None, None]
