"""The usual way to record a click: Flask, SQLAlchemy, a commit for each. Served by gunicorn for `scripts/bench tracking`.

`CLICKS_DATABASE=FILE gunicorn --threads 16 "tests.bench.clicks.rival:make()"` answers `/r/TOKEN/N` of the same site as ours.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, redirect, request
from sqlalchemy import create_engine, event, insert, select

from digest.db.schema import click, edition_post, post, token
from digest.domain.link import ALPHABET
from digest.domain.visitor import classify


def make() -> Flask:
    """The application."""
    app = Flask(__name__)
    engine = create_engine(f"sqlite:///{os.environ['CLICKS_DATABASE']}", pool_size=20, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @app.get("/r/<key>/<place>")
    def read(key: str, place: str) -> Any:
        n = ALPHABET.index(place[0]) * len(ALPHABET) + ALPHABET.index(place[1])
        now = datetime.now(UTC)
        agent = request.headers.get("user-agent", "")
        with engine.begin() as connection:
            found = connection.execute(
                select(token, post.c.url, edition_post.c.post_id)
                .join(edition_post, edition_post.c.edition_id == token.c.edition_id)
                .join(post, post.c.id == edition_post.c.post_id)
                .where(token.c.token == key, edition_post.c.n == n)
            ).first()
            if found is None:
                abort(404)
            signals = {"method": request.method, "ua": agent}
            verdict = classify(signals, now)
            connection.execute(
                insert(click).values(
                    event=secrets.token_hex(16),
                    at=now,
                    token=key,
                    edition_id=found.edition_id,
                    employee_id=found.employee_id,
                    n=n,
                    post_id=found.post_id,
                    kind="read",
                    network="",
                    signals=signals,
                    source="",
                    **{"class": verdict.visitor.value},
                    reasons=list(verdict.reasons),
                    rules_version=1,
                )
            )
        return redirect(found.url)

    return app
