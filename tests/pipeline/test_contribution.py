"""Contributions through the week: into the edition, out to readers, back to their authors, and gone with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.config import Config
from digest.db import contributions, editions, people
from digest.db.schema import audit, contribution, contribution_edit, correspondence, edition, employee, message, notice, outcome, short_link, visit
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import Contribution, ContributionState, Source
from digest.domain.edition import EditionContent, EditionState
from digest.domain.moderation import Roles, Rules
from digest.pipeline import contribution as stage
from digest.pipeline import contribution_afterlife, contribution_giving, personal, privacy, roster
from digest.pipeline import edition as editing
from digest.pipeline.contribution_moderation import Change, Moderator, accept, edit, trust
from tests.conftest import NOW
from tests.factories import company, person
from tests.giving import mailed, noticed, one

BY = Moderator(who="mara@example.org", roles=Roles(), rules=Rules())
TYPED = contribution_giving.Typed(
    by="ben@example.org", url="https://example.com/ovens", why="Our ovens are older than our data.", networks=("linkedin",)
)
_S = ContributionState


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Config:
    crowd = [person(f"p{n}@example.org") for n in range(8)]
    return company(engine, tmp_path, [person("ana@example.org"), person("ben@example.org", name="Ben Baker", language="de", team="Lab"), *crowd])


def given(engine: Engine, config: Config, now: datetime = NOW, **more: Any) -> Contribution:
    return contribution_giving.give(engine, config, replace(TYPED, **more), who="mara@example.org", now=now)


def planned(engine: Engine, config: Config, now: datetime = NOW) -> tuple[EditionContent, tuple[str, ...]]:
    done = editing.plan(engine, config, now=now)
    with read(engine) as connection:
        return editions.content(connection, done.edition.id), done.warnings


def test_what_is_accepted_flows_into_the_week_as_a_colleague_s_post(engine: Engine, config: Config) -> None:
    given(engine, config)
    content, _ = planned(engine, config)
    assert "our-ovens" not in "".join(post.id for post in content.posts)
    accept(engine, 1, BY, NOW)
    content, _ = planned(engine, config)
    [post] = [post for post in content.posts if post.id.endswith("-c1")]
    assert (post.origin, post.why, post.author_team, post.language) == ("colleague", TYPED.why, "Lab", "de")
    assert post.captions == {"linkedin": (TYPED.why,)}
    assert post.author == ""


@pytest.mark.parametrize("named", [True, False])
def test_the_name_stands_there_only_by_its_owner_s_own_switch(engine: Engine, config: Config, *, named: bool) -> None:
    given(engine, config)
    accept(engine, 1, BY, NOW)
    with write(engine) as connection:
        connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(named=named))
    content, _ = planned(engine, config)
    assert [post.author for post in content.posts if post.id.endswith("-c1")] == ["Ben Baker" if named else ""]


def test_an_edited_post_stays_out_and_the_plan_says_why(engine: Engine, config: Config) -> None:
    given(engine, config)
    accept(engine, 1, BY, NOW)
    edit(engine, 1, BY, Change(new={"why": "Other words."}, reason="legal"), site_url="", now=NOW)
    content, warnings = planned(engine, config)
    assert not [post for post in content.posts if post.id.endswith("-c1")]
    assert any("not_agreed" in warning for warning in warnings)


def test_the_edition_prints_the_median_of_decided_posts_and_nothing_before(engine: Engine, config: Config) -> None:
    given(engine, config, now=NOW - timedelta(days=5))
    assert planned(engine, config)[0].decided_days is None
    accept(engine, 1, BY, NOW - timedelta(days=3))
    given(engine, config, why="A second post that waits.")
    content, _ = planned(engine, config)
    assert content.decided_days == 2
    with read(engine) as connection:
        bodies = editions.bodies(connection, editions.every(connection)[0].id)
    assert b"were decided within 2 days" in bodies["en"].replace(b"=\r\n", b"")


def test_a_trusted_author_s_posts_count_in_no_median(engine: Engine, config: Config) -> None:
    trust(engine, "ben@example.org", BY, NOW)
    assert given(engine, config).state is _S.ACCEPTED
    assert planned(engine, config)[0].decided_days is None


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


def by_mail(engine: Engine, config: Config, key: str, text: str, *, proven: bool, now: datetime = NOW) -> Contribution | None:
    with write(engine) as connection:
        ben = people.by_address(connection, "ben@example.org")
        assert ben is not None
        return stage.propose_from_mail(connection, ben, key, text, stage.rules(config), now=now, proven=proven, source=Source.REPLY, n=1)


def test_a_mail_is_one_proposal_however_often_it_is_read(engine: Engine, config: Config) -> None:
    text = "Look at https://example.com/ovens\nOur ovens are older than our data."
    first, second = (by_mail(engine, config, "m1", text, proven=True) for _ in range(2))
    assert first == second
    assert first is not None
    assert (first.state, first.words.url, first.words.visibility) == (_S.PROPOSED, "https://example.com/ovens", "public")
    assert "https" not in first.words.why
    assert [told.kind for told in noticed(engine)] == ["promised"]


def test_a_mail_that_may_be_forged_waits_for_a_yes(engine: Engine, config: Config) -> None:
    found = by_mail(engine, config, "m1", "Just words.", proven=False)
    assert found is not None
    assert (found.state, found.words.visibility) == (_S.UNCONFIRMED, "internal")
    assert mailed(engine, Purpose.CONFIRM).startswith("/give/yes/")


def test_mails_without_end_are_enough_one_day(engine: Engine, config: Config) -> None:
    found = [by_mail(engine, config, f"m{n}", f"Words {n}.", proven=True) for n in range(7)]
    assert [each is None for each in found] == [False] * 5 + [True] * 2
    again = by_mail(engine, config, "m0", "Words 0.", proven=True)
    assert again is not None


@pytest.mark.parametrize("text", ["x" * 20_000, "", "https://bit.ly/abc and words", "https://", "\x00\x1b[31m\u202e", "> " * 3000])
def test_any_mail_becomes_something_a_moderator_can_read(engine: Engine, config: Config, text: str) -> None:
    found = by_mail(engine, config, "m1", text, proven=True)
    assert found is not None
    assert len(found.words.why) <= 4000
    assert not {"\x00", "\x1b", "\u202e"} & set(found.words.why + found.words.title + found.body)


def test_erasing_the_author_takes_everything_they_gave_along(engine: Engine, config: Config) -> None:
    given(engine, config)
    edit(engine, 1, BY, Change(new={"why": "Other words."}, reason="legal"), site_url="", now=NOW)
    roster.erase(engine, "ben@example.org", now=NOW, random=lambda: "draw")
    with read(engine) as connection:
        for table in (contribution, contribution_edit, notice):
            assert connection.execute(select(table)).all() == []
        assert not connection.execute(select(audit).where(audit.c.subject.like("contribution:%"))).all()
        assert not contributions.of_person(connection, 2)


def test_erasing_a_moderator_takes_their_address_out_of_what_they_did(engine: Engine, config: Config) -> None:
    given(engine, config)
    by = replace(BY, who="Ana@example.org")
    edit(engine, 1, by, Change(new={"why": "Other words."}, reason="legal"), site_url="", now=NOW)
    accept(engine, 1, by, NOW)
    roster.erase(engine, "ana@example.org", now=NOW, random=lambda: "draw")
    with read(engine) as connection:
        said = [connection.execute(select(table)).all() for table in (contribution, contribution_edit, audit)]
    assert "ana@example.org" not in str(said).lower()
    assert one(engine).decided_by == "(erased)"


def test_a_person_sees_everything_they_gave_and_not_who_decided(engine: Engine, config: Config) -> None:
    given(engine, config)
    edit(engine, 1, BY, Change(new={"why": "Other words."}, reason="legal"), site_url="", now=NOW)
    accept(engine, 1, BY, NOW)
    [found] = personal.export(engine, config, "ben@example.org", who="op", now=NOW)["contributions"]
    assert (found["title"], found["why"], found["state"]) == ("Our ovens are older than our data.", "Other words.", "edited")
    assert found["edits"][0]["before"] == {"why": TYPED.why}
    assert "mara" not in str(found)


def test_what_nobody_confirmed_goes_after_a_month_and_what_was_declined_after_half_a_year(engine: Engine, config: Config) -> None:
    by_mail(engine, config, "m1", "Just words.", proven=False)
    given(engine, config)
    with write(engine) as connection:
        connection.execute(update(contribution).where(contribution.c.id == 2).values(state=_S.DECLINED))
    left = []
    for days in (29, 31, 179, 181):
        privacy.purge(engine, config, now=NOW + timedelta(days=days), trust_clock=True)
        with read(engine) as connection:
            left.append(list(connection.execute(select(contribution.c.id).order_by(contribution.c.id)).scalars()))
    assert left == [[1, 2], [2], [2], []]
