"""Giving posts in tests: a letter's control link, forms as a browser fills them, and what the person finds in their mailbox."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import capabilities, contributions, editions, keys
from digest.db.schema import capability, contribution, message, notice
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import Contribution
from digest.domain.edition import EditionContent
from digest.domain.link import control_hash, control_token
from digest.domain.moderation import Roles, Rules
from digest.pipeline import contribution_giving
from digest.pipeline import edition as editing
from digest.pipeline.contribution_moderation import Moderator
from tests.conftest import NOW
from tests.factories import company, person
from tests.linked import OURS, Linked

BY = Moderator(who="mara@example.org", roles=Roles(), rules=Rules())
TYPED = contribution_giving.Typed(
    by="ben@example.org", url="https://example.com/ovens", why="Our ovens are older than our data.", networks=("linkedin",)
)
PERIOD = "2026-W48"
POST = {"what": "https://example.com/ovens", "why": "Our ovens are older than our data. Here is what that costs.", "visibility": "public"}


def give_link(linked: Linked, name: str = "ana") -> str:
    """The path of the link that every letter of this person has."""
    person = linked.people[name]
    with write(linked.engine) as connection:
        token = control_token(next(iter(keys.signing_keys(connection, "control").values())), PERIOD, person)
        connection.execute(update(message).where(message.c.employee_id == person).values(control_hash=control_hash(token)))
    return f"/give/{token}"


def fields(text: str, action: str = "give") -> dict[str, str]:
    """The hidden fields of the form that does `action`."""
    form = next(form for form in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'name="action" value="{action}"' in form)
    return {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def sent(web: TestClient, path: str, do: str = "send", action: str = "give", **typed: Any) -> Any:
    """Open the page, fill its form in and press the button."""
    form = fields(web.get(path).text, action)
    return web.post(path, data={**form, **(POST if action == "give" else {}), "do": do, **typed}, headers=OURS)


def one(engine: Engine, number: int = 1) -> Contribution:
    """A contribution that must be there."""
    with read(engine) as connection:
        found = contributions.get(connection, number)
    assert found is not None
    return found


@dataclass(frozen=True)
class Noticed:
    """A notice that was written."""

    kind: str
    facts: dict[str, Any]
    made_at: datetime
    employee: int


def noticed(engine: Engine) -> list[Noticed]:
    """Every notice so far."""
    with read(engine) as connection:
        rows = connection.execute(select(notice).order_by(notice.c.id)).all()
    return [Noticed(row.kind, row.facts, row.made_at, row.employee_id) for row in rows]


def mailed(engine: Engine, purpose: Purpose, number: int = 1) -> str:
    """The path of the newest link of this purpose, as it stands in the person's mailbox."""
    with read(engine) as connection:
        mine = (capability.c.purpose == purpose) & (capability.c.subject == number)
        row = connection.execute(select(capability).where(mine).order_by(capability.c.made_at.desc()).limit(1)).one()
        token = capabilities.token_of(connection, row.employee_id, purpose, row.made_at, subject=number)
    return f"/{'give/yes' if purpose is Purpose.CONFIRM else 'agree'}/{token}"


def press(web: TestClient, path: str, action: str, **typed: Any) -> Any:
    """Open a page of ours and press the button that does `action`."""
    return web.post(path, data={**fields(web.get(path).text, action), **typed}, headers=OURS)


def count(engine: Engine) -> int:
    """How many contributions there are."""
    with read(engine) as connection:
        return len(connection.execute(select(contribution.c.id)).all())


def given(engine: Engine, config: Config, now: datetime = NOW, **more: Any) -> Contribution:
    """A post that an operator typed in for Ben."""
    return contribution_giving.give(engine, config, replace(TYPED, **more), who="mara@example.org", now=now)


def planned(engine: Engine, config: Config, now: datetime = NOW) -> tuple[EditionContent, tuple[str, ...]]:
    """The coming edition as it is planned now, and what the plan says."""
    done = editing.plan(engine, config, now=now)
    with read(engine) as connection:
        return editions.content(connection, done.edition.id), done.warnings


def town(engine: Engine, home: Path) -> Config:
    """Ana, Ben who writes, and eight more."""
    crowd = [person(f"p{n}@example.org") for n in range(8)]
    return company(engine, home, [person("ana@example.org"), person("ben@example.org", name="Ben Baker", language="de", team="Lab"), *crowd])
