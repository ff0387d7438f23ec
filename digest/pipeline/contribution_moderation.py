"""Moderation: accept, change for a reason, decline with a reason, trust; each from the version that was read, and its author is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.db import contributions, people, privacy
from digest.db.session import read, write
from digest.domain.contribution import Contribution, ContributionState, Edit, EditReason, KeptOut, agreed, kept_out, may_follow, read_reason
from digest.domain.employee import Employee
from digest.domain.moderation import Deed, Roles, Rules, Trigger, allowed
from digest.errors import DigestError, NotFoundError
from digest.pipeline import contribution, contribution_notices, contribution_recall
from digest.pipeline.contribution_fields import FieldError, check, unfit

OPEN = (ContributionState.PROPOSED, ContributionState.EDITED, ContributionState.ACCEPTED)  # what moderators look at
_SHORTEST_REASON = 3  # letters
_S = ContributionState


class NotYoursError(DigestError):
    """Somebody without the role for it."""

    summary = "not for you to do"


class OvertakenError(DigestError):
    """Somebody else changed it meanwhile."""

    summary = "somebody changed it meanwhile, so nothing of yours was stored"


class NotNowError(DigestError):
    """Its state does not allow it."""

    summary = "not possible in the state it is in"


class NoReasonError(DigestError):
    """A change or a decline without a reason that may be one."""

    summary = "found no reason that may be one"


@dataclass(frozen=True, kw_only=True)
class Moderator:
    """Who acts, what they may do, and which version they have read (None: whatever is there now)."""

    who: str
    roles: Roles
    rules: Rules
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A contribution with everything that a moderator wants to know."""

    one: Contribution
    author: Employee | None
    trusted_at: datetime | None
    edits: Sequence[Edit]
    risks: Sequence[tuple[Trigger, str]]
    kept_out: KeptOut | None  # of an accepted one
    history: Sequence[Mapping[str, Any]]


def show(engine: Engine, number: int, rules: Rules, now: datetime) -> Shown:
    """Everything about one. Raises NotFoundError."""
    with read(engine) as connection:
        return _shown(connection, _get(connection, number), rules, now)


def listed(engine: Engine, states: Collection[ContributionState], rules: Rules, now: datetime) -> list[Shown]:
    """Those in these states, the most urgent first."""
    with read(engine) as connection:
        return [_shown(connection, one, rules, now) for one in contributions.listed(connection, states)]


def _shown(connection: Connection, one: Contribution, rules: Rules, now: datetime) -> Shown:
    author = contribution.author_of(connection, one)
    edits = contributions.edits(connection, [one.id])[one.id]
    here = author is not None and author.left_at is None
    out = KeptOut.AUTHOR_GONE if not here else None
    if one.state is _S.ACCEPTED:
        out = kept_out(one, edits, here=here, day=now.astimezone(rules.zone).date())
    return Shown(
        one=one,
        author=author,
        trusted_at=None if author is None else contributions.trusted(connection, author.id),
        edits=edits,
        risks=contribution.risks(connection, one.employee, one.words, rules),
        kept_out=out,
        history=contributions.history(connection, one.id),
    )


def accept(engine: Engine, number: int, by: Moderator, now: datetime) -> Contribution:
    """Let it go into the coming editions; while it waits for its author's yes, as soon as that is there."""
    with write(engine) as connection:
        one = _mine(connection, number, by, Deed.DECIDE)
        waits = one.state is _S.EDITED and not agreed(contributions.edits(connection, [number])[number], one.agreed_version)
        if (not waits and not may_follow(one.state, _S.ACCEPTED)) or one.state in contribution.WAITING:
            raise _not_now(one, "accepted")
        if one.state is _S.EDITED and one.decided_at is not None:
            raise NotNowError(f"contribution {number}", "it is accepted already, and waits for its author's yes")
        values = {"decided_at": now, "decided_by": by.who, "reason": "", "post_id": one.post_id or contribution.post_id(number, one.words)}
        one = _change(connection, one, values | ({} if waits else {"state": _S.ACCEPTED}))
        contribution_recall.put_back(connection, one, now, who=by.who)
        privacy.note(connection, "contribution.accepted", f"contribution:{number}", "", who=by.who, now=now)
        if not waits:
            contribution_notices.taken(connection, one, now)
        return one


def decline(engine: Engine, number: int, by: Moderator, reason: str, now: datetime) -> Contribution:
    """Do not print it, and say why."""
    said = " ".join(reason.split())
    if len(said) < _SHORTEST_REASON:
        raise NoReasonError(f"contribution {number}", f"found {reason!r}, needed words that its author is told", hint='Add --reason "...".')
    with write(engine) as connection:
        one = _mine(connection, number, by, Deed.DECIDE)
        if not may_follow(one.state, _S.DECLINED):
            raise _not_now(one, "declined")
        one = _change(connection, one, {"state": _S.DECLINED, "decided_at": now, "decided_by": by.who, "reason": said})
        contribution_recall.take_off(connection, one, now, who=by.who)
        privacy.note(connection, "contribution.declined", f"contribution:{number}", said, who=by.who, now=now)
        contribution_notices.not_taken(connection, one, now)
        return one


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a moderator would change, and why."""

    new: Mapping[str, Any]  # field -> text as typed; "" takes a fact away
    reason: str
    note: str = ""  # for the author


def edit(engine: Engine, number: int, by: Moderator, change: Change, *, site_url: str, now: datetime) -> Contribution:
    """Change fields for a reason; from then on it waits for its author's yes."""
    why = read_reason(change.reason)
    if why is None:
        raise NoReasonError(f"contribution {number}", f"found {change.reason!r}, allowed {', '.join(EditReason)}", hint="Tone is its author's own.")
    checked = check(change.new, site_url)
    with write(engine) as connection:
        one = _mine(connection, number, by, Deed.EDIT)
        if not may_follow(one.state, _S.EDITED):
            raise _not_now(one, "changed")
        before, after = one.words.changed(checked)
        if not after:
            raise NotNowError(f"contribution {number}", "these are its words already", hint="Look with `digest contributions show`.")
        words = one.words.with_changes(after)
        wrong = unfit(words)
        if wrong:
            raise FieldError(f"contribution {number}", wrong)
        made = Edit(version=one.version + 1, at=now, who=by.who, reason=why, note=change.note.strip(), before=before, after=after)
        one = _change(connection, one, {"state": _S.EDITED, "words": words})
        contributions.note_edit(connection, number, made)
        privacy.note(connection, "contribution.edited", f"contribution:{number}", f"{why}: {', '.join(after)}", who=by.who, now=now)
        contribution_notices.changed(connection, one, made, now)
        return one


def trust(engine: Engine, address: str, by: Moderator, now: datetime, *, reason: str = "", given: bool = True) -> Employee:
    """Give an author the right to go without review, or take it back for a reason; they are told either way. Raises NotFoundError."""
    _allowed(by, Deed.TRUST)
    if not given and len(reason.strip()) < _SHORTEST_REASON:
        raise NoReasonError(address, f"found {reason!r}, needed words that the author is told", hint='Add --reason "...".')
    with write(engine) as connection:
        person = people.by_address(connection, address)
        if person is None or person.left_at is not None:
            raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        if (contributions.trusted(connection, person.id) is not None) is given:
            raise NotNowError(address, "a trusted author already" if given else "no trusted author")
        contributions.trust(connection, person.id, now if given else None)
        privacy.note(connection, f"author.{'trusted' if given else 'untrusted'}", f"employee:{person.id}", reason.strip(), who=by.who, now=now)
        contribution_notices.trusted(connection, person.id, now, reason=reason.strip(), given=given)
        return person


def _mine(connection: Connection, number: int, by: Moderator, deed: Deed) -> Contribution:
    _allowed(by, deed)
    one = _get(connection, number)
    if by.version is not None and by.version != one.version:
        raise _overtaken(one, f"you read version {by.version}, and it is at {one.version}")
    return one


def _allowed(by: Moderator, deed: Deed) -> None:
    if not allowed(by.roles, deed, by.who):
        may = ", ".join(sorted(by.roles.may(deed)))
        raise NotYoursError(by.who, f"[moderation] lets {may} do it", hint="Say who you are with --as ADDRESS or DIGEST_USER.")


def _get(connection: Connection, number: int) -> Contribution:
    found = contributions.get(connection, number)
    if found is None:
        raise NotFoundError(f"contribution {number}", "there is none of this number", hint="List them with `digest contributions list --all`.")
    return found


def _change(connection: Connection, one: Contribution, values: Mapping[str, Any]) -> Contribution:
    if not contributions.change(connection, one, values):
        raise _overtaken(one, "two of you were at it in the same second")
    return replace(_get(connection, one.id))


def _overtaken(one: Contribution, detail: str) -> OvertakenError:
    return OvertakenError(
        f"contribution {one.id}", detail, hint=f"Read it again with `digest contributions show {one.id}`, then repeat what you meant."
    )


def _not_now(one: Contribution, deed: str) -> NotNowError:
    return NotNowError(f"contribution {one.id}", f"it is {one.state}, so it cannot be {deed}")
