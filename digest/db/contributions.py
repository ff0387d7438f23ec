"""Contributions in the database. Every change counts `version` up and names the one it was made from, so nobody overwrites anybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import audit, contribution, contribution_edit, correspondence, edition, edition_post, employee, notice
from digest.domain.contribution import WORDS, Contribution, ContributionState, Edit, EditReason, Source, Words
from digest.domain.edition import EditionState

_MANY = 500  # values in one IN list
_ERASED = "(erased)"  # who decided
_PLAIN = ("id", "key", "body", "language", "n", "post_id", "version", "made_at", "proposed_at", "decide_by", "decided_at", "decided_by", "reason")


def put(connection: Connection, values: Mapping[str, Any]) -> tuple[int, bool]:
    """Write a new one; its number, and False when there was one of the same `key`: the same form or message once more.

    `values`: columns by name, `words` as Words among them; what is left out is empty.
    """
    words: Words = values["words"]
    row = {name: getattr(words, name) for name in WORDS} | {"facts": dict(words.facts)}
    row |= {name: value for name, value in values.items() if name != "words"}
    empty = {"body": "", "networks": [], "captions": {}, "version": 1, "decided_by": "", "reason": ""}
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = dialect.insert(contribution).values({**empty, **row}).on_conflict_do_nothing(index_elements=["key"]).returning(contribution.c.id)
    number = connection.execute(made).scalar()
    if number is not None:
        return int(number), True
    return int(connection.execute(select(contribution.c.id).where(contribution.c.key == row["key"])).scalar_one()), False


def get(connection: Connection, number: int) -> Contribution | None:
    """The contribution of that number."""
    row = connection.execute(select(contribution).where(contribution.c.id == number)).first()
    return None if row is None else _noun(row)


def by_key(connection: Connection, key: str) -> Contribution | None:
    """The contribution of that form or message."""
    row = connection.execute(select(contribution).where(contribution.c.key == key)).first()
    return None if row is None else _noun(row)


def _noun(row: Row[Any]) -> Contribution:
    return Contribution(
        **{name: getattr(row, name) for name in _PLAIN},
        employee=row.employee_id,
        source=Source(row.source),
        state=ContributionState(row.state),
        words=Words(**{name: getattr(row, name) for name in WORDS}, facts=row.facts),
        networks=tuple(row.networks),
        edition=row.edition_id,
        agreed_version=row.agreed_version,
        thanked_at=row.thanked_at,
    )


def change(connection: Connection, one: Contribution, values: Mapping[str, Any]) -> bool:
    """Change columns (`words` as Words among them) of the version that was read; False when somebody was first."""
    row = {name: value for name, value in values.items() if name != "words"}
    words: Words | None = values.get("words")
    if words is not None:
        row |= {name: getattr(words, name) for name in WORDS} | {"facts": dict(words.facts)}
    mine = (contribution.c.id == one.id) & (contribution.c.version == one.version)
    return connection.execute(update(contribution).where(mine).values(**row, version=one.version + 1)).rowcount == 1


def note_edit(connection: Connection, number: int, edit: Edit) -> None:
    """Keep what an edit changed."""
    values = {"version": edit.version, "at": edit.at, "who": edit.who, "reason": edit.reason, "note": edit.note}
    changed = {"before": dict(edit.before), "after": dict(edit.after)}
    connection.execute(insert(contribution_edit).values(contribution_id=number, **values, **changed))


def edits(connection: Connection, numbers: Collection[int]) -> dict[int, list[Edit]]:
    """Number -> its edits, the oldest first."""
    table = contribution_edit.c
    rows = connection.execute(select(contribution_edit).where(table.contribution_id.in_(numbers)).order_by(table.contribution_id, table.version))
    found: dict[int, list[Edit]] = {number: [] for number in numbers}
    for row in rows:
        plain = {name: getattr(row, name) for name in ("version", "at", "who", "note", "before", "after")}
        found[row.contribution_id].append(Edit(**plain, reason=EditReason(row.reason)))
    return found


def listed(connection: Connection, states: Collection[ContributionState]) -> list[Contribution]:
    """Those in these states: what was promised first stands first."""
    order = (func.coalesce(contribution.c.decide_by, contribution.c.made_at), contribution.c.id)
    return [_noun(row) for row in connection.execute(select(contribution).where(contribution.c.state.in_(states)).order_by(*order))]


def decisions(connection: Connection, since: datetime) -> list[tuple[datetime, datetime, str]]:
    """When those that were decided since then had been proposed, when they were decided, and by whom."""
    columns = (contribution.c.proposed_at, contribution.c.decided_at, contribution.c.decided_by)
    wanted = select(*columns).where(contribution.c.decided_at >= since, contribution.c.proposed_at.is_not(None))
    return [(row.proposed_at, row.decided_at, row.decided_by) for row in connection.execute(wanted)]


def colleague_among(connection: Connection, names: Collection[str], author: int | None) -> str:
    """One of these full names that somebody on the roster has, but its author; "" for none."""
    here = employee.c.left_at.is_(None) & ~employee.c.shared & (employee.c.id != (author or 0))
    wanted = sorted(names)
    for start in range(0, len(wanted), _MANY):
        chunk = employee.c.name.in_(wanted[start : start + _MANY])
        found = connection.execute(select(employee.c.name).where(here, chunk).limit(1)).scalar()
        if found is not None:
            return str(found)
    return ""


def trusted(connection: Connection, number: int) -> datetime | None:
    """Since when this person's posts need no review, or None."""
    return connection.execute(select(employee.c.trusted_at).where(employee.c.id == number)).scalar_one_or_none()


def trust(connection: Connection, number: int, since: datetime | None) -> None:
    """Give this person the right to go without review, or take it back with None."""
    connection.execute(update(employee).where(employee.c.id == number).values(trusted_at=since))


def history(connection: Connection, number: int) -> list[dict[str, Any]]:
    """What was done with it, the oldest first."""
    columns = (audit.c[name] for name in ("at", "who", "what", "detail"))
    rows = connection.execute(select(*columns).where(audit.c.subject == f"contribution:{number}").order_by(audit.c.id))
    return [dict(row) for row in rows.mappings()]


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A closed edition that has a contribution's post in it."""

    contribution: int
    state: ContributionState
    edition: int
    period: str
    n: int
    last_due: datetime | None


def carried(connection: Connection) -> list[Carried]:
    """Accepted and published ones whose authors were not thanked yet, in every closed edition that has them, the oldest first."""
    joined = contribution.join(edition_post, edition_post.c.post_id == contribution.c.post_id).join(
        edition, edition.c.id == edition_post.c.edition_id
    )
    states = (ContributionState.ACCEPTED, ContributionState.PUBLISHED)
    wanted = select(contribution.c.id, contribution.c.state, edition.c.id.label("edition"), edition.c.period, edition_post.c.n, edition.c.due_until)
    mine = contribution.c.state.in_(states) & contribution.c.thanked_at.is_(None) & (edition.c.state == EditionState.CLOSED)
    rows = connection.execute(wanted.select_from(joined).where(mine).order_by(edition.c.period, contribution.c.id))
    return [
        Carried(contribution=row.id, state=ContributionState(row.state), edition=row.edition, period=row.period, n=row.n, last_due=row.due_until)
        for row in rows
    ]


def letters_about(connection: Connection, post_id: str, author: int) -> int:
    """How many colleagues wrote to the author about a post."""
    mine = (correspondence.c.post_id == post_id) & (correspondence.c.to_id == author) & (correspondence.c["class"] == "human")
    return int(connection.execute(select(func.count(correspondence.c.from_id.distinct())).where(mine)).scalar_one())


def of_person(connection: Connection, number: int) -> list[dict[str, Any]]:
    """Everything that somebody gave, as rows, with every edit and without who decided."""
    hidden = {"id", "key", "employee_id", "decided_by", "edition_id", "n", "agreed_version"}
    columns = [column for column in contribution.c if column.name not in hidden]
    found = connection.execute(select(contribution.c.id, *columns).where(contribution.c.employee_id == number).order_by(contribution.c.id))
    rows = [dict(row) for row in found.mappings()]
    changes = edits(connection, [row["id"] for row in rows])
    plain = ("version", "at", "reason", "note", "before", "after")
    return [{**row, "edits": [{name: getattr(edit, name) for name in plain} for edit in changes[row["id"]]]} for row in rows]


def forget_person(connection: Connection, number: int, address: str) -> None:
    """Destroy everything that somebody gave, and their name from what they decided. Editions forget their words too (`editions`)."""
    theirs = contribution.c.employee_id == number
    ids = list(connection.execute(select(contribution.c.id).where(theirs)).scalars())
    connection.execute(delete(audit).where(audit.c.subject.in_([f"contribution:{one}" for one in ids])))
    for one in ids:  # those who decide were told of it too
        connection.execute(delete(notice).where(notice.c.about.startswith(f"contribution:{one}:")))
    connection.execute(delete(contribution_edit).where(contribution_edit.c.contribution_id.in_(ids)))
    connection.execute(delete(contribution).where(theirs))
    for column in (contribution.c.decided_by, contribution_edit.c.who, audit.c.who):
        connection.execute(update(column.table).where(func.lower(column) == address.lower()).values({column.name: _ERASED}))


def forget(connection: Connection, drafts: datetime, over: datetime) -> int:
    """Delete what nobody confirmed before `drafts`, and what came to its end before `over`; how many."""
    waiting = contribution.c.state.in_((ContributionState.DRAFT, ContributionState.UNCONFIRMED)) & (contribution.c.made_at < drafts)
    ended = contribution.c.state.in_((ContributionState.DECLINED, ContributionState.WITHDRAWN)) | contribution.c.thanked_at.is_not(None)
    ended &= contribution.c.made_at < over
    ids = list(connection.execute(select(contribution.c.id).where(waiting | ended)).scalars())
    connection.execute(delete(contribution_edit).where(contribution_edit.c.contribution_id.in_(ids)))
    connection.execute(delete(audit).where(audit.c.subject.in_([f"contribution:{one}" for one in ids])))
    return connection.execute(delete(contribution).where(contribution.c.id.in_(ids))).rowcount
