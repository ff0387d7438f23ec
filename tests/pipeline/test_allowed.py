"""For any mix of consents, no letter, page, report or export shows what a person did not allow; a word taken back is kept from then on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import consents, control, keys, people, questions
from digest.db.control import Holder
from digest.db.schema import click, edition, employee, message, token
from digest.db.session import open_database, read, write
from digest.domain.consent import Switch
from digest.domain.link import control_token
from digest.domain.question import QuestionKind
from digest.pipeline import edition as stage
from digest.pipeline import ledger, personal, preferences, preview, report
from digest.pipeline.ledger import Hand
from digest.pipeline.preferences import By, Done
from digest.web.app import make_app
from digest.web.serving import web_settings
from tests.factories import company, person
from tests.linked import PERSON

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
WEEK = timedelta(weeks=1)
NAMES = ("Anaquist", "Benquist", "Cleoquist")
SITE = "https://letter.example.com"
POST = """
[[post]]
id = "post-{n}"
title = "Post {n}"
url = "https://example.com/{n}"
why = "Something that first went wrong."
by = "{by}@example.org"
"""
WORDS = st.lists(st.tuples(st.sampled_from([Switch.MEASURE, Switch.NAME, Switch.QUOTE, Switch.NOMINATE]), st.booleans()), max_size=4)
MIX = st.tuples(WORDS, st.sampled_from([None, True, False]))  # what somebody said, and what the queue says they agreed to


def turned(engine: Engine, number: int, switch: Switch, now: datetime, *, value: bool) -> Done:
    """What a person's own page does."""
    holder = Holder(message=0, edition=0, period="", employee=number, language="en", shared=False, numbers=frozenset(), left_at=None)
    return preferences.turn(engine, holder, switch, By(how="form; human", machine=False, now=now), value=value, opt_in=False)


def planned(engine: Engine, config: Config, now: datetime) -> dict[str, str]:
    """Reader -> everything that their letter says."""
    stage.plan(engine, config, now=now)
    found = {}
    for name in NAMES:
        shown = preview.preview(engine, f"{name.lower()}@example.org", period=None, now=now)
        found[name] = shown.html + shown.text
    return found


def asked(engine: Engine) -> None:
    """Everybody asked something, and has an answer."""
    with write(engine) as connection:
        for number, _ in enumerate(NAMES, start=1):
            put: dict[str, Any] = {
                "key": f"k{number}",
                "employee": number,
                "kind": QuestionKind.QUESTION,
                "text": f"What of Wharf{number}?",
                "language": "en",
            }
            entry = questions.put(connection, **put, now=EVENING - WEEK)
            ledger.answer(connection, entry, f"Answer{number}.", owner="Jonas", hand=Hand(who="mara", now=EVENING - WEEK))


def pages(engine: Engine, config: Config, now: datetime) -> str:
    """What anybody sees who has a letter: the edition in a browser, the share page of each post, their own page."""
    with read(engine) as connection:
        browser = connection.execute(select(edition.c.browser_token).order_by(edition.c.id)).scalars().all()
        shares = connection.execute(select(token.c.token)).scalars().all()
        periods = connection.execute(select(edition.c.period, message.c.employee_id).join(message, message.c.edition_id == edition.c.id)).all()
        secret = next(iter(keys.signing_keys(connection, "control").values()))
        own = [control_token(secret, row.period, row.employee_id) for row in periods]
        assert all(control.holder(connection, one) for one in own)
    paths = [f"/w/{one}" for one in browser] + [f"/s/{one}/0{n}0" for one in shares for n in (1, 2, 3)] + [f"/me/{one}" for one in own]
    with TestClient(make_app(engine, web_settings(config, now), lambda: now), base_url=SITE, follow_redirects=False) as client:
        client.headers = PERSON
        return "".join(client.get(path).text for path in paths)


def may_be_named(said: list[tuple[Switch, bool]], agreed: bool | None) -> bool:
    """By the person's last word, else by what the queue says they agreed to."""
    words = [value for switch, value in said if switch is Switch.NAME]
    if words and not words[-1]:
        return False
    return agreed if agreed is not None else bool(words)


def may_be_measured(said: list[tuple[Switch, bool]], *, opt_in: bool) -> bool:
    words = [value for switch, value in said if switch is Switch.MEASURE]
    return words[-1] if words else not opt_in


@settings(max_examples=12, deadline=None)
@given(mixes=st.tuples(MIX, MIX, MIX), opt_in=st.booleans(), withdrawn=st.sets(st.sampled_from(NAMES)))
def test_nobody_is_shown_beyond_their_word(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, mixes: Any, opt_in: bool, withdrawn: set[str]
) -> None:
    home = tmp_path_factory.mktemp("allowed")
    shutil.copy(sqlite_template, home / "digest.db")
    engine = open_database(f"sqlite:///{home / 'digest.db'}")
    try:
        _nobody_beyond(engine, home, dict(zip(NAMES, mixes, strict=True)), opt_in=opt_in, withdrawn=withdrawn)
    finally:
        engine.dispose()


def _nobody_beyond(engine: Engine, home: Path, mixes: Mapping[str, Any], *, opt_in: bool, withdrawn: set[str]) -> None:
    queue = "".join(
        POST.format(n=n, by=name.lower()) + ("" if mixes[name][1] is None else f"named = {str(mixes[name][1]).lower()}\n")
        for n, name in enumerate(NAMES, start=1)
    )
    rows = [person(f"{name.lower()}@example.org", name=name, team="Lab") for name in NAMES]
    site = {"url": SITE, "company": "Example"}
    config = company(engine, home, rows, queue=queue, site=site, tracking={"consent": "opt-in" if opt_in else "opt-out"}, mix={"repeats": 10})
    for number, name in enumerate(NAMES, start=1):
        for minute, (switch, value) in enumerate(mixes[name][0]):
            turned(engine, number, switch, EVENING - WEEK + timedelta(minutes=minute), value=value)
    asked(engine)
    letters = planned(engine, config, EVENING)
    shown = pages(engine, config, EVENING)
    for number, name in enumerate(NAMES, start=1):
        quoted = [value for switch, value in mixes[name][0] if switch is Switch.QUOTE][-1:] == [True]
        assert {f"Wharf{number}" in letters[reader] for reader in NAMES} == {quoted}
    assert "Answer3." in letters[NAMES[0]], "an answer stands there whoever may be quoted"
    allowed = {name: may_be_named(*mixes[name]) for name in NAMES}
    for author in NAMES:
        assert {author in letters[reader].replace(f"Hello {author}", "").replace(f"to {author}", "") for reader in NAMES if reader != author} == {
            allowed[author]
        }
        assert (author in shown) == allowed[author]
    _measured(engine, mixes, opt_in=opt_in)
    _told_nobody_else(engine, config)
    for number, name in enumerate(NAMES, start=1):
        if name in withdrawn:
            turned(engine, number, Switch.NAME, EVENING + timedelta(hours=1), value=False)
    shown = pages(engine, config, EVENING + timedelta(hours=2))
    with write(engine) as connection:
        connection.execute(click.delete())  # else nobody gets again what they looked at
        connection.execute(update(message).values(state="sent"))
        connection.execute(update(edition).values(state="closed"))
    letters = planned(engine, config, EVENING + WEEK)
    for author in withdrawn:
        assert author not in shown
        assert not any(author in letters[reader] for reader in NAMES if reader != author), "withdrawn, and gone from the next edition"


def _measured(engine: Engine, mixes: Mapping[str, Any], *, opt_in: bool) -> None:
    """Presses and letters of people who did not allow it lead to nobody."""
    with read(engine) as connection:
        told = {row.employee_id: row.tally for row in connection.execute(select(message.c.employee_id, message.c.tally))}
        tied = set(connection.execute(select(token.c.employee_id)).scalars()) - {None}
        row = connection.execute(select(employee.c.id, employee.c.measured)).all()
        last = consents.last_words(connection, Switch.MEASURE)
        pressed = set(connection.execute(select(click.c.employee_id)).scalars()) - {None}  # our looks at share pages
    for number, name in enumerate(NAMES, start=1):
        agrees = may_be_measured(mixes[name][0], opt_in=opt_in)
        assert (number in tied, number in pressed, told[number] != "") == (agrees, agrees, agrees)
    assert {one.id: one.measured for one in row if one.measured is not None} == last


def _told_nobody_else(engine: Engine, config: Config) -> None:
    """A report names nobody; a copy of everything names its own person alone."""
    made = report.report(engine, config, now=EVENING)
    assert not any(name in json.dumps(made, default=str) + str(made) for name in NAMES if name not in _bylines(engine))
    with read(engine) as connection:
        assert {one.name for one in people.by_ids(connection, [1, 2, 3]).values()} == set(NAMES)
    for name in NAMES:
        copy = json.dumps(personal.export(engine, config, f"{name.lower()}@example.org", who="op", now=EVENING), default=str)
        assert not any(f"{other.lower()}@" in copy or other in copy for other in NAMES if other != name)


def _bylines(engine: Engine) -> set[str]:
    with read(engine) as connection:
        contents = connection.execute(select(edition.c.content)).scalars().all()
    return {post["author"] for content in contents if content for post in content["posts"]}
