"""Two weeks after its edition an author hears what their post led to, never by whom, and no figure of few people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from digest.config import Config
from digest.db import editions, people
from digest.db.schema import correspondence, edition, message, outcome, short_link, visit
from digest.db.session import write
from digest.domain.contribution import ContributionState
from digest.domain.edition import EditionState
from digest.pipeline import contribution_afterlife
from digest.pipeline.contribution_moderation import accept
from tests.conftest import NOW
from tests.giving import BY, given, noticed, one, planned, town

_S = ContributionState


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Config:
    return town(engine, tmp_path)


def carried(engine: Engine, config: Config) -> int:
    """An edition that carried contribution 1 to everybody and is over; its number."""
    given(engine, config)
    accept(engine, 1, BY, NOW)
    content, _ = planned(engine, config)
    n = next(post.n for post in content.posts if post.id.endswith("-c1"))
    with write(engine) as connection:
        found = editions.every(connection)[0].id
        connection.execute(update(edition).where(edition.c.id == found).values(state=EditionState.CLOSED))
        connection.execute(update(message).where(message.c.edition_id == found).values(state="sent", picks=[[n, ""]], sent_at=NOW))
    return found


def visits(engine: Engine, found: int, count: int) -> None:
    with write(engine) as connection:
        post = str(one(engine).post_id)
        link = {"owner": "employee:3", "edition_id": found, "post_id": post, "network": "linkedin", "created_at": NOW}
        connection.execute(insert(short_link).values(slug="abcdefghjkmn", **link))
        empty = {"slug": "abcdefghjkmn", "signals": {}, "referrer_host": "", "class": "human", "reasons": [], "rules_version": 1, "at": NOW}
        for each in range(count):
            connection.execute(insert(visit).values(event=f"e{each}", visitor=f"v{each}", **empty))


def letters(engine: Engine, count: int) -> None:
    with write(engine) as connection:
        ben = people.by_address(connection, "ben@example.org")
        assert ben is not None
        for each in range(count):
            row = {"key": f"l{each}", "post_id": one(engine).post_id, "from_id": 3 + each, "to_id": ben.id, "text": "Well said.", "at": NOW}
            connection.execute(insert(correspondence).values(**row, **{"class": "human"}))


def test_two_weeks_later_the_author_hears_what_it_caused_and_never_by_whom(engine: Engine, config: Config) -> None:
    found = carried(engine, config)
    visits(engine, found, 7)
    letters(engine, 2)
    assert contribution_afterlife.follow(engine, config, now=NOW) == ["Contribution 1 was printed in 2026-W48."]
    assert one(engine).state is _S.PUBLISHED
    assert contribution_afterlife.follow(engine, config, now=NOW + timedelta(days=13)) == []
    after = NOW + timedelta(days=15)
    assert contribution_afterlife.follow(engine, config, now=after) == ["The author of contribution 1 is told what it led to."]
    assert contribution_afterlife.follow(engine, config, now=after) == []
    told = noticed(engine)[-1]
    assert (told.kind, told.facts["quotes"]) == ("afterlife", [["caused_visits", "7"], ["caused_letters", "2"]])
    assert "employee" not in str(told.facts)


def test_few_visitors_are_no_figure_and_silence_is_said_kindly(engine: Engine, config: Config) -> None:
    found = carried(engine, config)
    visits(engine, found, 4)
    contribution_afterlife.follow(engine, config, now=NOW + timedelta(days=15))
    assert noticed(engine)[-1].facts["quotes"] == [["caused_visits", "weniger als 5"]]


def test_nothing_to_tell_is_told_too(engine: Engine, config: Config) -> None:
    carried(engine, config)
    contribution_afterlife.follow(engine, config, now=NOW + timedelta(days=15))
    [[heading, words]] = noticed(engine)[-1].facts["quotes"]
    assert (heading, words[:18]) == ("", "Bisher nichts, was")


def test_outcomes_are_told_by_grade_and_never_added(engine: Engine, config: Config) -> None:
    found = carried(engine, config)
    with write(engine) as connection:
        same = {"at": NOW, "occurred_at": NOW, "click_id": "", "edition_id": found, "post_id": one(engine).post_id, "network": "linkedin"}
        same |= {"channel": "employee", "owner": "employee:3", "visitor_class": "human", "currency": "", "source": "csv"}
        for n in range(8):
            row = {"key": f"k{n}", "event": "meeting", "grade": "A" if n < 6 else "C", "external_id": f"x{n}"}
            connection.execute(insert(outcome).values(**same, **row))
    contribution_afterlife.follow(engine, config, now=NOW + timedelta(days=15))
    assert noticed(engine)[-1].facts["quotes"] == [["caused_outcomes", "meeting (A): 6\nmeeting (C): weniger als 5"]]


def test_a_post_in_nobody_s_letter_was_not_printed(engine: Engine, config: Config) -> None:
    found = carried(engine, config)
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.edition_id == found).values(picks=[[99, ""]]))
    assert contribution_afterlife.follow(engine, config, now=NOW + timedelta(days=15)) == []
    assert one(engine).state is _S.ACCEPTED
