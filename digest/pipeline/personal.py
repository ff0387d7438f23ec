"""What is held about one person, for that person: everything at once, and their own switch. Each look is noted, and they are told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import consents, contributions, correspondences, editions, notices, people, privacy, questions, replies, votes
from digest.db.session import read, write
from digest.domain.edition import EditionContent
from digest.domain.notice import Notice
from digest.errors import DigestError, NotFoundError

_ONLY_OWNER = 0o600
_TOLD = "at their word"  # they told an operator


class NotWrittenError(DigestError):
    """The file is there already, or cannot be made."""

    summary = "nothing was written"


def export(engine: Engine, config: Config, address: str, *, who: str, now: datetime) -> dict[str, Any]:
    """Everything that is held about whoever has `address`, noted in the audit. Lists are empty for somebody who is not known."""
    with read(engine) as connection:
        person = people.by_address(connection, address)
        found: dict[str, Any] = {"address": address, "at": now, "tracking": config.tracking.mode}
        found |= of_person(connection, config.site.url, person.id) if person is not None else _nothing()
        found["suppressions"] = privacy.held(connection, address)
    if person is not None:
        with write(engine) as connection:
            privacy.note(connection, "privacy.export", f"employee:{person.id}", "", who=who, now=now)
            notices.put(connection, person.id, Notice.EXPORTED, now)
    return found


def _nothing() -> dict[str, Any]:
    stored = ("consents", "messages", "clicks", "short_links", "outcomes", "bounces")
    written = ("posts", "votes", "letters", "questions", "replies", "notes", "notices", "contributions", "links_once", "noted")
    return {"person": None, **{name: [] for name in (*stored, *written)}}


def of_person(connection: Connection, site_url: str, number: int) -> dict[str, Any]:
    """Every list that is held about one person."""
    links = privacy.short_links(connection, number)
    return {
        "person": privacy.row(connection, number),
        "consents": privacy.consents(connection, number),
        "messages": _messages(connection, number),
        "clicks": privacy.clicks(connection, number),
        "short_links": [{"url": f"{site_url}/l/{link['slug']}", **link} for link in links],
        "outcomes": privacy.outcomes(connection, number),
        "bounces": privacy.bounces(connection, number),
        "posts": privacy.authored(connection, number),
        "votes": votes.of_person(connection, number),
        "letters": correspondences.of_person(connection, number),
        "questions": questions.of_person(connection, number),
        "replies": replies.of_person(connection, number),
        "notes": replies.notes_of_person(connection, number),
        "notices": privacy.notices(connection, number),
        "contributions": contributions.of_person(connection, number),
        "links_once": privacy.links_once(connection, number),
        "noted": privacy.noted(connection, number),
    }


def _messages(connection: Connection, number: int) -> list[dict[str, Any]]:
    found = privacy.messages(connection, number)
    contents = {edition: editions.content(connection, edition) for edition in {row["edition_id"] for row in found}}
    tries: dict[int, list[dict[str, Any]]] = {}
    for tried in privacy.attempts(connection, [row["id"] for row in found]):
        tries.setdefault(tried["message_id"], []).append({name: value for name, value in tried.items() if name != "message_id"})
    return [_message(row, contents[row["edition_id"]], tries.get(row["id"], [])) for row in found]


def _message(row: Mapping[str, Any], content: EditionContent, tries: list[dict[str, Any]]) -> dict[str, Any]:
    titles = {post.n: post.title for post in content.posts}
    names = {letter: name for letter, name, _ in content.networks}
    plain = {name: row[name] for name in ("period", "state", "reason", "language", "name", "due_at", "sent_at", "tally")}
    return {
        **plain,
        "networks": [names.get(letter, letter) for letter in row["networks"]],
        "picks": _carried(titles, row["picks"]),
        "spares": _carried(titles, row["spares"]),
        "attempts": tries,
    }


def _carried(titles: Mapping[int, str], picks: Iterable[tuple[int, str]]) -> list[dict[str, str]]:
    return [{"title": titles.get(n, ""), "because": because} for n, because in picks]


def put(path: Path, found: Mapping[str, Any], plain: Callable[[object], str]) -> None:
    """Write an export for its owner's eyes only, into a file of its own. `plain`: what JSON has no form for. Raises NotWrittenError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
    except FileExistsError:
        raise NotWrittenError(path, "there is a file of this name", hint="Name another one: an export never writes over a file.") from None
    except OSError as error:
        raise NotWrittenError(path, error.strerror or str(error), hint="Check that the folder is there and may be written.") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(found, file, ensure_ascii=False, indent=2, default=plain)
        file.write("\n")


def measure(engine: Engine, address: str, *, value: bool, now: datetime) -> None:
    """Note that this person told an operator whether what they press may be counted. Raises NotFoundError."""
    with write(engine) as connection:
        person = people.by_address(connection, address)
        if person is None:
            raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        consents.record(connection, person.id, "measure", value=value, wording=_TOLD, now=now)
