"""Editions: their rows, frozen words and state changes by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Insert, Row, Table, Text, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.prepared import Prepared, columns_of
from digest.db.schema import edition, edition_body, edition_post, message, post, token
from digest.domain.edition import NEXT, Edition, EditionContent, EditionState
from digest.domain.frozen import NO_TITLE, freeze, thaw, unnamed, without_author

_COLUMNS = [
    edition.c[f] for f in ("id", "period", "state", "paused", "reason", "hash", "audience", "planned_at", "due_from", "due_until", "approved_at")
]


def _noun(row: Row[Any]) -> Edition:
    return Edition(**{**row._mapping, "state": EditionState(row.state)})  # noqa: SLF001 - SQLAlchemy's documented name


def by_period(connection: Connection, period: str) -> Edition | None:
    """The edition of `period`, or None."""
    row = connection.execute(select(*_COLUMNS).where(edition.c.period == period)).first()
    return _noun(row) if row else None


def by_id(connection: Connection, edition_id: int) -> Edition:
    """The edition numbered `edition_id`, which exists."""
    return _noun(connection.execute(select(*_COLUMNS).where(edition.c.id == edition_id)).one())


def newest(connection: Connection) -> Edition | None:
    """The edition with the latest period, whatever its state."""
    row = connection.execute(select(*_COLUMNS).order_by(edition.c.period.desc()).limit(1)).first()
    return _noun(row) if row else None


def every(connection: Connection) -> list[Edition]:
    """All editions, oldest first."""
    return [_noun(row) for row in connection.execute(select(*_COLUMNS).order_by(edition.c.period))]


def in_states(connection: Connection, *states: EditionState) -> list[Edition]:
    """The editions in one of `states`, oldest first."""
    rows = connection.execute(select(*_COLUMNS).where(edition.c.state.in_(states)).order_by(edition.c.period))
    return [_noun(row) for row in rows]


def open_once(connection: Connection, period: str, now: datetime) -> tuple[Edition, bool]:
    """The edition of `period`, opened if there is none; True when this call opened it.

    The insert that counts starts the run: two clocks at once open one edition (delivery-rules, section 10).
    """
    values = {
        "period": period,
        "state": EditionState.PLANNING,
        "paused": False,
        "reason": "",
        "hash": "",
        "planned_through": 0,
        "audience": 0,
        "created_at": now,
    }
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = connection.execute(
        dialect.insert(edition).values(values).on_conflict_do_nothing(index_elements=["period"]).returning(edition.c.id)
    ).first()
    found = by_period(connection, period)
    assert found is not None  # noqa: S101 - inserted or already there, in this very transaction
    return found, made is not None


def move(connection: Connection, edition_id: int, to: EditionState, *, now: datetime, reason: str = "", who: str = "") -> bool:
    """Change the state if the table of transitions allows it; False when somebody else was first."""
    sources = [state for state, following in NEXT.items() if to in following]
    values: dict[str, Any] = {"state": to}
    if reason:
        values["reason"] = reason
    if to is EditionState.APPROVED:
        values |= {"approved_at": now, "approved_by": who}
    done = connection.execute(update(edition).where(edition.c.id == edition_id, edition.c.state.in_(sources)).values(values))
    return done.rowcount == 1


def begin_plan(connection: Connection, edition_id: int, content: EditionContent, envelope: Mapping[str, Any]) -> None:
    """Freeze the words and throw away what an earlier plan wrote; approval is void."""
    for table in (message, token, edition_post, edition_body):
        connection.execute(delete(table).where(table.c.edition_id == edition_id))
    values = {
        "state": EditionState.PLANNING,
        "content": freeze(content),
        "envelope": dict(envelope),
        "browser_token": content.browser_token,
        "planned_through": 0,
        "hash": "",
        "audience": 0,
        "reason": "",
        "planned_at": None,
        "due_from": None,
        "due_until": None,
        "approved_at": None,
        "approved_by": None,
    }
    connection.execute(update(edition).where(edition.c.id == edition_id).values(values))
    rows = [{"edition_id": edition_id, "n": p.n, "post_id": p.id, "internal": p.internal} for p in content.posts]
    if rows:
        connection.execute(insert(edition_post), rows)


def put_bodies(connection: Connection, edition_id: int, compiled: Mapping[str, bytes]) -> None:
    """Store the compiled edition, language -> bytes, in place of what there was."""
    connection.execute(delete(edition_body).where(edition_body.c.edition_id == edition_id))
    connection.execute(
        insert(edition_body), [{"edition_id": edition_id, "language": lang, "compiled": body} for lang, body in sorted(compiled.items())]
    )


def put_posts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert posts, or bring their title, address and wall up to date."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    for row in rows:
        change = {name: row[name] for name in ("title", "url", "origin", "visibility", "author_id", "public_from")}
        connection.execute(dialect.insert(post).values(dict(row)).on_conflict_do_update(index_elements=["id"], set_=change))


def _each(table: Table, *without: str) -> Prepared:
    def whole(dialect: str) -> Insert:
        values: dict[str, ColumnElement[Any]] = {**columns_of(table, *without)}
        for name in [name for name in values if isinstance(table.c[name].type, JSON)]:
            text = bindparam(name, type_=Text)
            values[name] = cast(text, JSON) if dialect == "postgresql" else text
        return insert(table).values(values).inline()

    return Prepared(whole)


# What no plan says stays as the table has it; all the rest is in every row, documents as their text: most letters have theirs in common with others.
_MESSAGES = _each(message, "id", "run_id", "dated_at", "sent_at", "route")
_TOKENS = _each(token, "revoked_at")


def put_messages(
    connection: Connection, edition_id: int, messages: Sequence[Mapping[str, Any]], tokens: Sequence[Mapping[str, Any]], through: int
) -> None:
    """One short transaction of planning: rows, their tokens, and how far planning has come. JSON columns come as text."""
    _MESSAGES.each(connection, {}, messages)
    _TOKENS.each(connection, {}, tokens)
    connection.execute(update(edition).where(edition.c.id == edition_id).values(planned_through=through))


def planned_through(connection: Connection, edition_id: int, browser_token: str) -> int | None:
    """The last employee whose row is committed, 0 before the first; None when this plan is over or another took its place.

    Every plan has its own browser token. The row stays locked until the transaction ends, so two planners take turns.
    """
    mine = (edition.c.id == edition_id) & (edition.c.browser_token == browser_token) & (edition.c.state == EditionState.PLANNING)
    found = connection.execute(select(edition.c.planned_through).where(mine).with_for_update()).scalar_one_or_none()
    return None if found is None else int(found)


def finish_plan(connection: Connection, edition_id: int, *, digest: str, audience: int, now: datetime) -> None:
    """The last transaction of planning: counts were checked; the edition becomes a draft."""
    due = connection.execute(select(func.min(message.c.due_at), func.max(message.c.due_at)).where(message.c.edition_id == edition_id)).one()
    values = {"state": EditionState.DRAFT, "hash": digest, "audience": audience, "planned_at": now, "due_from": due[0], "due_until": due[1]}
    connection.execute(update(edition).where(edition.c.id == edition_id, edition.c.state == EditionState.PLANNING).values(values))


def content(connection: Connection, edition_id: int) -> EditionContent:
    """The frozen words of an edition that was planned."""
    return thaw(connection.execute(select(edition.c.content).where(edition.c.id == edition_id)).scalar_one())


def reword(connection: Connection, edition_id: int, content: EditionContent) -> None:
    """Put other words in the place of those that were frozen."""
    connection.execute(update(edition).where(edition.c.id == edition_id).values(content=freeze(content)))


def title(connection: Connection, post_id: str) -> str:
    """What a post is called now; "" when it is not known any more."""
    return str(connection.execute(select(post.c.title).where(post.c.id == post_id)).scalar_one_or_none() or "")


def envelope(connection: Connection, edition_id: int) -> dict[str, Any]:
    """Sender, reply address and list id, frozen with the edition."""
    return dict(connection.execute(select(edition.c.envelope).where(edition.c.id == edition_id)).scalar_one())


def forget_author(connection: Connection, employee_id: int) -> list[int]:
    """Take an erased person's name, and the words they gave, out of every edition, and away with compiled letters that nobody waits for.

    Returns the editions on their way: the next tick compiles their letters again, without them.
    """
    waiting: list[int] = []
    gone: set[str] = set()
    for row in connection.execute(select(edition.c.id, edition.c.state, edition.c.content).where(edition.c.content.is_not(None))).all():
        if any(one["author_id"] == employee_id for one in (row.content or {}).get("posts", ())):
            content = without_author(thaw(row.content), employee_id)
            reword(connection, row.id, content)
            gone |= {one.id for one in content.posts if one.gone}
            if row.state in {EditionState.CLOSED, EditionState.CANCELLED, EditionState.SKIPPED}:
                connection.execute(delete(edition_body).where(edition_body.c.edition_id == row.id))
            else:
                waiting.append(row.id)
    for post_id in sorted(gone):
        connection.execute(update(post).where(post.c.id == post_id).values(title=NO_TITLE))
    return waiting


def names(connection: Connection, employee_id: int) -> bool:
    """Whether an edition's words name this person beside a post of theirs."""
    joined = edition_post.join(post, post.c.id == edition_post.c.post_id)
    theirs = select(edition_post.c.edition_id).select_from(joined).where(post.c.author_id == employee_id)
    contents = connection.execute(select(edition.c.content).where(edition.c.id.in_(theirs))).scalars()
    return any(one["author_id"] == employee_id and one["author"] for content in contents for one in (content or {}).get("posts", ()))


def hide_author(connection: Connection, employee_id: int) -> None:
    """Take the name of somebody who withdrew it out of every edition's words, which our pages show."""
    for row in connection.execute(select(edition.c.id, edition.c.content).where(edition.c.content.is_not(None))).all():
        if any(one["author_id"] == employee_id and one["author"] for one in (row.content or {}).get("posts", ())):
            hidden = unnamed(thaw(row.content), employee_id)
            reword(connection, row.id, hidden)


def bodies(connection: Connection, edition_id: int) -> dict[str, bytes]:
    """The compiled edition, language -> bytes."""
    rows = connection.execute(select(edition_body.c.language, edition_body.c.compiled).where(edition_body.c.edition_id == edition_id))
    return {row.language: row.compiled for row in rows}


def by_browser_token(connection: Connection, browser_token: str) -> EditionContent | None:
    """The words of the edition that `/w/<token>` shows, or None."""
    found = connection.execute(select(edition.c.content).where(edition.c.browser_token == browser_token)).scalar_one_or_none()
    return None if found is None else thaw(found)


def group_token(connection: Connection, edition_id: int, group: str) -> str | None:
    """The share token that the members of `group` have in common in this edition, or None before its first member."""
    common = (token.c.edition_id == edition_id) & (token.c.group_key == group) & token.c.employee_id.is_(None) & token.c.revoked_at.is_(None)
    found = connection.execute(select(token.c.token).where(common)).scalar_one_or_none()
    return None if found is None else str(found)
