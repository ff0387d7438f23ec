"""Contributions through the week: into the edition, out to readers, back to their authors, and gone with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, select, update

from digest.config import Config
from digest.db import contributions, editions, people
from digest.db.schema import audit, contribution, contribution_edit, employee, notice
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import Contribution, ContributionState, Source
from digest.domain.moderation import Rules
from digest.pipeline import contribution as stage
from digest.pipeline import contribution_author, personal, privacy, roster
from digest.pipeline.contribution_moderation import Change, OvertakenError, accept, edit, trust
from tests.conftest import NOW
from tests.giving import BY, TYPED, given, mailed, noticed, one, planned, town

_S = ContributionState


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Config:
    return town(engine, tmp_path)


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
    config = config.model_copy(update={"moderation": config.moderation.model_copy(update={"approvers": ("ana@example.org",)})})
    given(engine, config)
    assert [told.kind for told in noticed(engine)] == ["promised", "to_decide"]
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


def test_of_many_moderators_at_once_one_is_first_and_the_others_are_told(engine: Engine, config: Config) -> None:
    given(engine, config)
    read_version = one(engine).version
    said: list[str] = []

    def act(number: int) -> None:
        by = replace(BY, who=f"m{number}@example.org", version=read_version)
        change = Change(new={"title": f"Title {number}"}, reason="facts")
        try:
            said.append(edit(engine, 1, by, change, site_url="", now=NOW).words.title)
        except OvertakenError as error:
            said.append(type(error).__name__)

    moderators = [Thread(target=act, args=(number,)) for number in range(5)]
    for each in moderators:
        each.start()
    for each in moderators:
        each.join()
    assert sorted(said)[:4] == ["OvertakenError"] * 4
    assert one(engine).words.title == sorted(said)[4]
    with read(engine) as connection:
        assert len(contributions.edits(connection, [1])[1]) == 1


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("yes", [True, False])
def test_no_mix_of_consents_shows_what_a_person_did_not_allow(engine: Engine, config: Config, *, named: bool, left: bool, yes: bool) -> None:
    """By page and mail, in the letter's octets: a name only by its switch, words only with the yes, nothing of who has left."""
    given(engine, config)
    accept(engine, 1, BY, NOW)
    edit(engine, 1, BY, Change(new={"why": "Changed words."}, reason="legal"), site_url="", now=NOW)
    with write(engine) as connection:
        found = contributions.get(connection, 1)
        assert found is not None
        if yes:
            contribution_author.agree(connection, found, Rules(), NOW)
        values = {"named": named, "left_at": NOW if left else None}
        connection.execute(update(employee).where(employee.c.address == "ben@example.org").values(**values))
    planned(engine, config)
    with read(engine) as connection:
        octets = b"".join(editions.bodies(connection, editions.every(connection)[0].id).values()).replace(b"=\r\n", b"")
    assert (b"Changed words." in octets) == (yes and not left)
    assert (b"Ben Baker" in octets) == (yes and named and not left)
    assert b"ben@example.org" not in octets
    assert b"mara@example.org" not in octets


@pytest.mark.usefixtures("config")
def test_the_same_form_sent_many_times_at_once_is_one_post_and_one_mail(engine: Engine) -> None:
    words = stage.written("https://example.com/ovens", "Our ovens.", public=True)
    gift = stage.Gift(key="k" * 64, employee=2, source=Source.FORM, words=words, body="", language="en")
    found: list[int] = []

    def send() -> None:
        with write(engine) as connection:
            kept = stage.hold(connection, gift, _S.UNCONFIRMED, Rules(per_day=50), NOW)
            found.append(kept.id if kept else 0)

    senders = [Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert found == [1] * 6
    assert [told.kind for told in noticed(engine)] == ["given"]
