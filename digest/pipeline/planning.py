"""Planning's inner part: from people to rows of the outbox, and the hash over what was planned."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Text, cast, select

from digest.config import Config
from digest.db import audience, editions, history, keys, suppressions, tallies
from digest.db.schema import message
from digest.domain import link, schedule
from digest.domain.employee import Employee
from digest.domain.frequency import Frequency, rests
from digest.domain.groups import Partition
from digest.domain.message import MessageState, Pick, SkipReason
from digest.domain.press import NOBODY, agrees
from digest.domain.schedule import Due, Place, Timetable
from digest.domain.selection import Mix, Selection, Skip
from digest.domain.tally import WEEK, Tally
from digest.domain.words import nearest
from digest.pipeline.selection import Selector, letters_of

_TOKEN_DAYS = 400  # a share link works for over a year, then leads to the article without attribution

Row = dict[str, Any]
Picked = tuple[tuple[int, str], ...]  # numbers of posts, each with why


class Planner:
    """Makes the rows of one edition, chunk by chunk; everything it needs of the edition was frozen before."""

    def __init__(self, connection: Connection, edition_id: int, config: Config, table: Timetable, now: datetime) -> None:
        self._edition_id = edition_id
        self._content = editions.content(connection, edition_id)
        self._languages = tuple(sorted(editions.bodies(connection, edition_id)))
        self._selector = Selector(self._content, edition_id, mix_of(config), now)
        self._table = table
        self._now = now
        self._expires = now + timedelta(days=_TOKEN_DAYS)
        self._secret = next(iter(keys.signing_keys(connection, "control").values()))
        self._mode = config.tracking.mode
        self._opt_in = config.tracking.consent == "opt-in"
        self._groups = Partition(audience.teams_and_countries(connection, opt_in=self._opt_in), config.privacy.minimum_group)
        self._group_tokens: dict[str, str] = {}
        self._due: dict[Place, Due] = {}

    @property
    def plan(self) -> str:
        """What tells this plan of the edition from any other: its browser token."""
        return self._content.browser_token

    def rows(self, connection: Connection, chunk: Sequence[Employee]) -> tuple[list[Row], list[Row]]:
        """Rows for the message and the token table: one message each, and a token where links are counted."""
        stopped = suppressions.reasons(connection, [person.address for person in chunk], self._now)
        decisions = self._selector.select(connection, chunk)
        had = history.last_periods(connection, [person.id for person in chunk if person.frequency != Frequency.WEEKLY], before=self._content.period)
        measured = [person.id for person in chunk if self._tells(person)]
        weeks = dict.fromkeys(measured, Tally()) | tallies.tallies(connection, measured, self._now - WEEK)
        messages, tokens = [], []
        for person, decision in zip(chunk, decisions, strict=True):
            row = self._row(person, decision, stopped.get(person.address), had.get(person.id))
            if row["state"] == MessageState.QUEUED and person.id in weeks:
                row["tally"] = weeks[person.id].written()
            messages.append(row)
            if row["state"] == MessageState.QUEUED and self._mode != "off" and isinstance(decision, Selection):
                token = self._token(connection, person, row, decision)
                tokens += [token] if token else []
        return messages, tokens

    def _row(self, person: Employee, decision: Selection | Skip, stopped: str | None, had: str | None) -> Row:
        due = self._due_in(Place(person.zone, person.country, person.hour))
        state, reason = MessageState.QUEUED, ""
        wish = rests(Frequency(person.frequency), had, self._content.period, paused_until=person.paused_until, due_at=due.at)
        if stopped is not None:
            state, reason = MessageState.SUPPRESSED, stopped
        elif wish is not None:
            state, reason = MessageState.SKIPPED, wish
        elif isinstance(decision, Skip):
            state, reason = MessageState.SKIPPED, decision.reason
        elif due.holiday:
            state, reason = MessageState.SKIPPED, SkipReason.HOLIDAY
        elif schedule.is_over(due.at, self._table.hours, self._now):
            state, reason = MessageState.SKIPPED, SkipReason.MISSED
        chosen = decision if isinstance(decision, Selection) and state is MessageState.QUEUED else Selection(picks=(), spares=())
        return {
            "edition_id": self._edition_id,
            "employee_id": person.id,
            "state": state,
            "reason": reason,
            "language": self._language(person),
            "picks": _document(_placed(chosen.picks)),
            "spares": _document(_placed(chosen.spares)),
            "networks": letters_of(self._content, person) if chosen.asks else "",  # without a network a letter asks nothing
            "name": "" if person.shared else person.name,
            "due_at": due.at,
            "next_attempt_at": due.at,
            "attempts": 0,
            "control_hash": link.control_hash(link.control_token(self._secret, self._content.period, person.id)),
            "share_token": None,
            "tally": "",
        }

    def _tells(self, person: Employee) -> bool:
        """Whether the letter tells its reader what is stored of their own week: only what they allow, and only where it is theirs alone."""
        return self._mode == "individual" and not person.shared and agrees(person.measured, opt_in=self._opt_in)

    def _due_in(self, place: Place) -> Due:
        found = self._due.get(place)
        if found is None:
            found = self._due[place] = schedule.due(self._content.period, self._table, place)
        return found

    def _language(self, person: Employee) -> str:
        """The language of the letter that suits the person best; English where it does not speak theirs."""
        return nearest(person.language, self._languages)

    def _token(self, connection: Connection, person: Employee, row: Row, chosen: Selection) -> Row | None:
        """A token of the person's own, or one that a group has in common, made at its first member.

        In common have it whoever is counted as a group: everybody in aggregate mode, shared mailboxes, and those who said no,
        whose presses leave nothing behind.
        """
        numbers: tuple[int, ...] | None = tuple(sorted([pick.n for pick in (*chosen.picks, *chosen.spares)]))
        employee: int | None = person.id
        agreed = agrees(person.measured, opt_in=self._opt_in)
        group = self._groups.group_of(person) if agreed else NOBODY
        if self._mode == "aggregate" or person.shared or not agreed:
            known = self._group_tokens.get(group) or editions.group_token(connection, self._edition_id, group)
            if known is not None:
                row["share_token"] = self._group_tokens[group] = known
                return None
            employee, numbers = None, None
        row["share_token"] = fresh_token()
        if employee is None:
            self._group_tokens[group] = row["share_token"]
        return {
            "token": row["share_token"],
            "edition_id": self._edition_id,
            "employee_id": employee,
            "group_key": group,
            "numbers": _document(numbers),
            "created_at": self._now,
            "expires_at": self._expires,
        }


def _placed(picks: Sequence[Pick]) -> Picked:
    return tuple([(pick.n, pick.because) for pick in picks])


@lru_cache(maxsize=8192)
def _document(value: Picked | tuple[int, ...] | None) -> str:
    """The JSON of a column; many letters have the same."""
    return json.dumps(value)


def fresh_token() -> str:
    """80 random bits with their check character."""
    while True:
        found = link.token(secrets.token_bytes(link.TOKEN_BYTES))
        if found is not None:
            return found


def mix_of(config: Config) -> Mix:
    """`[mix]` as the rule of selection takes it."""
    mix = config.mix
    return Mix(
        posts=mix.posts,
        colleague_share=mix.colleague_share,
        curated=mix.curated,
        inside=mix.inside,
        spares=mix.spares,
        repeats=mix.repeats,
    )


def edition_hash(connection: Connection, edition_id: int) -> str:
    """SHA-256, streamed once over the compiled edition and every (employee, language, due_at, picks, spares)."""
    digest = hashlib.sha256()
    for language, body in sorted(editions.bodies(connection, edition_id).items()):
        digest.update(language.encode() + b"\0" + body + b"\0")
    picked = [cast(column, Text) for column in (message.c.picks, message.c.spares)]  # as they were written: reading them is most of the work
    columns = [message.c.employee_id, message.c.state, message.c.language, message.c.due_at, *picked]
    rows = connection.execution_options(yield_per=1000).execute(
        select(*columns).where(message.c.edition_id == edition_id).order_by(message.c.employee_id),
    )
    for number, state, language, due_at, picks, spares in rows:
        head = json.dumps([number, state, language, due_at.isoformat()]).removesuffix("]")
        digest.update(f"{head}, {picks}, {spares}]".encode())
    return digest.hexdigest()
