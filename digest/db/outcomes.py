"""Outcomes in the database: the visit a click id belongs to, what UTM values point at, and the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import audit, edition, edition_post, outcome, short_link, visit
from digest.domain.outcome import Grade, Outcome


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A visit that a click id belongs to, and the link it came by."""

    at: datetime
    visitor: str  # class
    reasons: tuple[str, ...]
    edition: int
    post: str
    network: str
    owner: str


def seen(connection: Connection, click_id: str) -> Seen | None:
    """The visit with this click id, or None: it was never given, or its visit is kept no longer."""
    row = connection.execute(
        select(visit, short_link).join(short_link, short_link.c.slug == visit.c.slug).where(visit.c.click_id == click_id)
    ).first()
    if row is None:
        return None
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name
    return Seen(
        at=values[visit.c.at],
        visitor=values[visit.c["class"]],
        reasons=tuple(values[visit.c.reasons]),
        edition=values[short_link.c.edition_id],
        post=values[short_link.c.post_id],
        network=values[short_link.c.network],
        owner=values[short_link.c.owner],
    )


def carried(connection: Connection, campaign: str, post: str) -> tuple[int | None, str]:
    """The edition that a campaign names, and the post of it that is meant, "" when it has none such. Both lower case, as in an address."""
    number = connection.execute(select(edition.c.id).where(func.lower(edition.c.period) == campaign)).scalar_one_or_none()
    mine = (edition_post.c.edition_id == number) & ~edition_post.c.internal
    found = select(edition_post.c.post_id).where(mine, func.lower(edition_post.c.post_id) == post).limit(1)
    return number, "" if number is None else connection.execute(found).scalar() or ""


def put(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Store an outcome; False when its key is there already, and then nothing changes. Nobody who was erased meanwhile is named."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    held = select(short_link.c.slug).where(short_link.c.owner == row["owner"]).limit(1).with_for_update(read=True)
    owner = row["owner"] if connection.execute(held).first() else ""
    made = dialect.insert(outcome).values({**row, "owner": owner}).on_conflict_do_nothing(index_elements=["key"]).returning(outcome.c.id)
    return connection.execute(made).first() is not None


def remove(connection: Connection, key: str) -> bool:
    """Delete the outcome of that key; False when there is none."""
    return connection.execute(delete(outcome).where(outcome.c.key == key)).rowcount == 1


def stored(connection: Connection, key: str) -> dict[str, Any] | None:
    """The row with this key."""
    row = connection.execute(select(outcome).where(outcome.c.key == key)).mappings().first()
    return None if row is None else dict(row)


def correct(connection: Connection, key: str, values: Mapping[str, Any]) -> None:
    """Put right what a later export says about the same outcome."""
    connection.execute(update(outcome).where(outcome.c.key == key).values(dict(values)))


def note(connection: Connection, *, who: str, file: str, detail: str, now: datetime) -> None:
    """Keep on record who took a file in."""
    connection.execute(insert(audit).values(at=now, who=who, what="outcome.import", subject=file, detail=detail))


def listed(connection: Connection, edition_id: int | None = None) -> list[Outcome]:
    """Outcomes with their visits, oldest first; of an edition also what was said elsewhere about the same external ids."""
    columns = (outcome, edition.c.period, visit.c.at.label("visited_at"), visit.c.country, visit.c.referrer_host)
    joined = outcome.outerjoin(edition, edition.c.id == outcome.c.edition_id)
    joined = joined.outerjoin(visit, (visit.c.click_id == outcome.c.click_id) & (outcome.c.click_id != ""))
    found = select(*columns).select_from(joined).order_by(outcome.c.occurred_at, outcome.c.id)
    if edition_id is not None:
        same = select(outcome.c.external_id).where(outcome.c.edition_id == edition_id, outcome.c.external_id != "")
        found = found.where((outcome.c.edition_id == edition_id) | outcome.c.external_id.in_(same))
    return [_outcome(row) for row in connection.execute(found)]


def _outcome(row: Row[Any]) -> Outcome:
    same = ("id", "at", "occurred_at", "event", "click_id", "network", "channel", "external_id", "value_minor", "currency", "source", "visited_at")
    return Outcome(
        **{name: row._mapping[name] for name in same},  # noqa: SLF001 - SQLAlchemy's documented name
        grade=Grade(row.grade),
        period=row.period or "",
        post=row.post_id,
        visitor=row.visitor_class,
        country=row.country or "",
        referrer=row.referrer_host or "",
    )
