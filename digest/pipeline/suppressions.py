"""Suppressions by hand: stop mail to an address, see who is stopped and why, and end it again by the rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from digest.db import people, suppressions
from digest.db.session import read, write
from digest.domain.suppression import AT_THEIR_WORD, BY_OPERATOR, SuppressionReason, address_hash
from digest.errors import DigestError

WHO = "operator"


class NotLiftedError(DigestError):
    """There is no such suppression, or it is not an operator's to end."""

    summary = "nothing was lifted"


@dataclass(frozen=True, kw_only=True)
class Held:
    """Somebody on the roster, or who was on it, and why they get no mail."""

    address: str
    name: str
    reason: SuppressionReason
    at: datetime
    until: datetime | None
    left: bool


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Everybody who is stopped: those we know by name, and how many others, of whom only a hash is here."""

    people: tuple[Held, ...]
    others: dict[SuppressionReason, int]


def add(engine: Engine, address: str, reason: SuppressionReason, *, now: datetime, days: int | None = None) -> tuple[bool, bool]:
    """Stop mail to `address`, for some days or for good: (whether this stopped it, whether they are on the roster)."""
    with write(engine) as connection:
        number = _number(connection, address)
        until = None if days is None else now + timedelta(days=days)
        return suppressions.stop(connection, number, address, reason, now, who=WHO, until=until), number is not None


def listed(engine: Engine, *, now: datetime) -> Listing:
    """Who is stopped now, the newest first."""
    with read(engine) as connection:
        active = suppressions.active(connection, now)
        known = people.by_hashes(connection, {hashed for hashed, *_ in active}, address_hash)
    found = [(known.get(hashed), reason, at, until) for hashed, reason, at, until in active]
    return Listing(
        people=tuple(
            Held(address=who.address, name=who.name, reason=reason, at=at, until=until, left=who.left_at is not None)
            for who, reason, at, until in found
            if who is not None
        ),
        others=dict(Counter(reason for who, reason, *_ in found if who is None)),
    )


def lift(
    engine: Engine, address: str, reason: SuppressionReason | None, *, at_their_word: bool, now: datetime
) -> tuple[list[SuppressionReason], list[SuppressionReason]]:
    """End one reason, or all: (those that ended, those that still hold). Raises NotLiftedError when none holds, or it is not an operator's to end."""
    with write(engine) as connection:
        every = suppressions.held(connection, address, now)
        held = [one for one in every if reason in {None, one}]
        if not held:
            what = f"it is suppressed, but as {' and '.join(every)}" if every else "it is not suppressed"
            raise NotLiftedError(address, what, hint="See who is with `digest suppress list`.")
        _check(address, held, at_their_word=at_their_word)
        number = _number(connection, address)
        why = "at their word" if at_their_word else ""
        ended = [one for one in held if suppressions.end(connection, number, address, one, now, who=WHO, why=why if one in AT_THEIR_WORD else "")]
        return ended, [one for one in every if one not in ended]


def _check(address: str, held: list[SuppressionReason], *, at_their_word: bool) -> None:
    if SuppressionReason.ERASED in held:
        raise NotLiftedError(address, "this person asked to be forgotten, and that is for good")
    theirs = [one for one in held if one not in BY_OPERATOR]
    if theirs and not at_their_word:
        raise NotLiftedError(
            address,
            f"{' and '.join(theirs)} is for the person to end",
            hint="When they ask for the letter again, repeat with --at-their-word. Or name another reason with --reason.",
        )


def _number(connection: Connection, address: str) -> int | None:
    person = people.by_address(connection, address)
    return None if person is None else person.id
