"""A small edition with its links, written straight into the tables, and the application over it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, insert, select, update
from starlette.testclient import TestClient

from digest.db.keys import ensure_keys, signing_keys
from digest.db.schema import click, edition, edition_post, employee, message, metadata, post, short_link, token, visit
from digest.db.session import read, write
from digest.domain.edition import EditionContent, EditionPost, FrozenFigure
from digest.domain.frozen import freeze
from digest.domain.link import number, sign_unsubscribe
from digest.domain.link import token as make_token
from digest.domain.post import Kind, Origin
from digest.files.networks import load_networks
from digest.files.scanners import load_scanners
from digest.web.app import App, make_app
from digest.web.settings import WebSettings
from tests.conftest import NOW

SITE = "https://letter.example.com"
DISCLOSURE = "I work at Fernwood Instruments."
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"
PERSON = {"user-agent": BROWSER, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-user": "?1"}
OURS = {**PERSON, "sec-fetch-site": "same-origin"}


def a_token(seed: int) -> str:
    """A valid share token; the same seed gives the same."""
    return next(found for extra in range(100) if (found := make_token((seed * 1000 + extra).to_bytes(10, "big"))) is not None)


ANA, BEN, OLD, GROUP, BROWSER_TOKEN = a_token(1), a_token(2), a_token(3), a_token(4), a_token(5)

POSTS = (
    EditionPost(
        n=1,
        id="cold-room",
        origin=Origin.COLLEAGUE,
        kind=Kind.STORY,
        internal=False,
        title="The cold room that lied to us",
        why="It read minus twenty for nine days. It was minus eleven. We found it because somebody touched the door.",
        url="https://example.com/blog/cold-room?a=1&a=2#door",
        minutes=3,
        author="Inês",
        author_team="calibration lab",
        author_place="Porto",
        questions=("What surprised you about it?", "Who do you know that should hear this?"),
        captions={
            "linkedin": (
                "A thermometer that was wrong for nine days taught us more than ten years of right ones.",
                "What do you do when every certificate agrees with the broken sensor?",
            ),
        },
    ),
    EditionPost(
        n=2,
        id="batteries",
        origin=Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=False,
        title="What 40,000 returned batteries taught us",
        why="Facts your network can use, one honest failure included.",
        url="https://example.com/blog/batteries",
        minutes=5,
    ),
    EditionPost(
        n=3,
        id="pay",
        origin=Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=True,
        title="The new pay bands",
        why="Inside.",
        url="https://intra.example.com/pay",
    ),
    EditionPost(n=4, id="canteen", origin=Origin.CURATED, kind=Kind.ARTICLE, internal=True, title="The canteen moves", why="Inside.", url=None),
    EditionPost(
        n=5,
        id="spare",
        origin=Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=False,
        title="A spare",
        why="In nobody's message.",
        url="https://example.com/spare",
    ),
)

CONTENT = EditionContent(
    period="2026-W48",
    number=48,
    day=date(2026, 11, 24),
    site_name="The Weekly Letter",
    site_url=SITE,
    company="Fernwood Instruments",
    address="1 Fern Lane",
    policy_url="https://example.com/privacy",
    reply_to="",
    subject=None,
    note="",
    signed="",
    ask="",
    disclosure=DISCLOSURE,
    keep_days=90,
    tracking="individual",
    networks=tuple((n.letter, n.name, n.label) for n in load_networks() if n.default_on),
    posts=POSTS,
    figures=(FrozenFigure(name="Returns", value="3%", before="4%", good="down", rising=False, meaning="Fewer", you_can="Ask"),),
    browser_token=BROWSER_TOKEN,
)


class Linked:
    """The tables behind the links, and the application."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOW + timedelta(hours=1)
        self.edition = 0
        self.people: dict[str, int] = {}
        self._apps: list[App] = []
        self._fill()

    def _fill(self) -> None:
        with write(self.engine) as connection:
            ensure_keys(connection, lambda size: b"k" * size, NOW)
            row = {
                "period": "2026-W48",
                "state": "sending",
                "paused": False,
                "reason": "",
                "hash": "h",
                "planned_through": 0,
                "audience": 2,
                "created_at": NOW,
            }
            made = connection.execute(insert(edition).values(**row, content=freeze(CONTENT), browser_token=BROWSER_TOKEN).returning(edition.c.id))
            self.edition = made.scalar_one()
            for one in POSTS:
                visibility = "internal" if one.internal else "public"
                connection.execute(
                    insert(post).values(id=one.id, title=one.title, url=one.url, origin=one.origin.value, visibility=visibility, first_seen_at=NOW)
                )
                connection.execute(insert(edition_post).values(edition_id=self.edition, n=one.n, post_id=one.id, internal=one.internal))
            for name, language, networks in (("ana", "en", "12"), ("ben", "de", "5")):
                self.people[name] = self._person(connection, name, language)
                self._message(connection, self.people[name], networks)
            self._token(connection, ANA, self.people["ana"], [1, 2, 3, 4])
            self._token(connection, BEN, self.people["ben"], [1, 2])
            self._token(connection, OLD, self.people["ana"], [1, 2], expires_at=NOW)
            self._token(connection, GROUP, None, None, group_key="team:Quality")

    @staticmethod
    def _person(connection: Any, name: str, language: str) -> int:
        row = {"address": f"{name}@example.com", "mailbox": f"{name}@example.com", "name": name.title(), "language": language, "zone": "UTC"}
        row |= {"country": "DE", "team": "Quality"}
        lists = {"topics": [], "networks": [], "chosen": [], "shared": False, "named": False, "joined_at": NOW}
        return int(connection.execute(insert(employee).values(**row, **lists).returning(employee.c.id)).scalar_one())

    def _message(self, connection: Any, person: int, networks: str) -> None:
        connection.execute(
            insert(message).values(
                edition_id=self.edition,
                employee_id=person,
                state="sent",
                reason="",
                language="en",
                picks=[[1, ""], [2, ""], [3, ""], [4, ""]],
                spares=[],
                networks=networks,
                name="",
                attempts=1,
                sent_at=NOW,
            ),
        )

    def _token(self, connection: Any, text: str, person: int | None, numbers: list[int] | None, **more: Any) -> None:
        row = {
            "token": text,
            "edition_id": self.edition,
            "employee_id": person,
            "numbers": numbers,
            "created_at": NOW,
            "expires_at": NOW + timedelta(days=400),
        }
        connection.execute(insert(token).values({**row, **more}))

    def settings(self, **changes: Any) -> WebSettings:
        """The settings of the application."""
        base = WebSettings(
            site_url=SITE,
            site_name="The Weekly Letter",
            company="Fernwood Instruments",
            policy_url="https://example.com/privacy",
            networks=load_networks(),
            scanners=load_scanners(),
        )
        return replace(base, **changes)

    @contextmanager
    def client(self, *, address: str = "192.0.2.7", **changes: Any) -> Iterator[TestClient]:
        """A client of a running application; redirects are looked at, not followed."""
        app = make_app(self.engine, self.settings(**changes), lambda: self.now)
        with TestClient(app, base_url=SITE, follow_redirects=False, client=(address, 50000), raise_server_exceptions=True) as client:
            client.headers = PERSON
            self._apps.append(app)
            yield client
            self._apps.remove(app)

    def clicks(self) -> list[Mapping[str, Any]]:
        """Every click, oldest first."""
        return self._rows(click)

    def visits(self) -> list[Mapping[str, Any]]:
        """Every visit, oldest first."""
        return self._rows(visit)

    def settled(self, folder: Path) -> None:
        """Wait until nothing stands in a spool in that folder: a server has brought it into the database."""
        until = time.monotonic() + 30
        while any(path.stat().st_size for path in folder.glob("*.spool*") if path.exists()):
            assert time.monotonic() < until, "presses stay on disk"
            time.sleep(0.02)

    def short_links(self) -> list[Mapping[str, Any]]:
        """Every short link."""
        with read(self.engine) as connection:
            return [dict(row) for row in connection.execute(select(short_link)).mappings()]

    def _rows(self, table: Any) -> list[Mapping[str, Any]]:
        for app in self._apps:
            app.settle()
        with read(self.engine) as connection:
            return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]

    def change(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        """Change rows of a table."""
        found = metadata.tables[table]
        with write(self.engine) as connection:
            statement = update(found).values(**values)
            for name, value in where.items():
                statement = statement.where(found.c[name] == value)
            connection.execute(statement)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with read(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one())

    def leave_link(self, name: str = "ana") -> str:
        """The path of a person's unsubscribe link."""
        with read(self.engine) as connection:
            number_of, secret = next(iter(signing_keys(connection, "unsubscribe").items()))
        return f"/u/{sign_unsubscribe(number_of, secret, self.people[name])}"

    def wait(self, **span: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**span)
        return self.now


def read_link(text: str, n: int) -> str:
    """The path of a read link."""
    return f"/r/{text}/{number(n)}"


def share_link(text: str, n: int, letter: str = "0") -> str:
    """The path of a share link."""
    return f"/s/{text}/{number(n)}{letter}"
