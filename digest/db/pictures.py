"""Pictures in the database: what is served, where each came from, and which ones nobody refers to any more."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.schema import edition, employee, picture, picture_source
from digest.domain.edition import EditionState
from digest.domain.link import base32

_NAME_BYTES = 16
_NAME_LENGTH = 26  # characters of base32
_OVER = (EditionState.CLOSED, EditionState.CANCELLED, EditionState.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is known of an address or of a file's octets."""

    key: str
    name: str = ""  # of the picture it gave; "": it could not be had
    width: int = 0  # pixels
    height: int = 0
    octets: int = 0
    problem: str = ""
    etag: str = ""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Served:
    """A picture as it goes out."""

    type: str
    octets: bytes
    internal: bool


def named(secret: bytes, octets: bytes, ending: str) -> str:
    """A picture's name: the same for the same octets, and nobody else can make it, even who has them."""
    mac = hmac.digest(secret, b"picture|" + octets, "sha256")[:_NAME_BYTES]
    return f"{base32(int.from_bytes(mac, 'big'), _NAME_LENGTH)}.{ending}"


def known(connection: Connection, keys: Collection[str]) -> dict[str, Source]:
    """Key -> what is known, for the keys that are."""
    columns = (picture.c.name, picture.c.width, picture.c.height, func.length(picture.c.octets).label("octets"))
    where = picture_source.c.source.in_(sorted(keys))
    rows = connection.execute(select(picture_source, *columns).outerjoin(picture, picture.c.name == picture_source.c.picture).where(where))
    return {row.source: _source(row) for row in rows}


def _source(row: Any) -> Source:  # noqa: ANN401 - a row
    return Source(
        key=row.source,
        name=row.name or "",
        width=row.width or 0,
        height=row.height or 0,
        octets=row.octets or 0,
        problem=row.problem,
        etag=row.etag if row.name else "",  # without its octets it must be fetched whole
        at=row.at,
    )


def put(connection: Connection, name: str, kind: str, size: tuple[int, int], octets: bytes, now: datetime) -> None:
    """Store a picture; one that is there already stays."""
    values = {"name": name, "type": kind, "width": size[0], "height": size[1], "octets": octets, "internal": True, "made_at": now}
    connection.execute(_insert(connection, picture).values(values).on_conflict_do_nothing(index_elements=["name"]))


def remember(connection: Connection, source: Source) -> None:
    """Note what an address or a file gave, or why it gave nothing."""
    values = {"picture": source.name or None, "problem": source.problem, "etag": source.etag, "at": source.at}
    made = _insert(connection, picture_source).values(source=source.key, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["source"], set_=values))


def use(connection: Connection, names: Mapping[str, bool], now: datetime) -> None:
    """Note that an edition uses these pictures now; name -> only by internal posts. What was public once stays so."""
    for name, internal in sorted(names.items()):
        change: dict[str, Any] = {"made_at": now} if internal else {"made_at": now, "internal": False}
        connection.execute(update(picture).where(picture.c.name == name).values(change))


def set_faces(connection: Connection, faces: Mapping[int, str]) -> None:
    """Employee -> the name of their picture; "" for none."""
    for number, name in sorted(faces.items()):
        connection.execute(update(employee).where(employee.c.id == number, employee.c.picture != name).values(picture=name))


def get(connection: Connection, name: str) -> Served | None:
    """The picture of this name, or None."""
    row = connection.execute(select(picture.c.type, picture.c.octets, picture.c.internal).where(picture.c.name == name)).first()
    return None if row is None else Served(type=row.type, octets=bytes(row.octets), internal=row.internal)


def forget_face(connection: Connection, number: int) -> None:
    """Destroy the picture of somebody who is erased, with every way back to it; letters that show it show it no more."""
    name = connection.execute(select(employee.c.picture).where(employee.c.id == number)).scalar_one_or_none()
    if name:
        connection.execute(delete(picture_source).where(picture_source.c.picture == name))
        connection.execute(delete(picture).where(picture.c.name == name))


def purge(connection: Connection, before: datetime) -> int:
    """Delete pictures that no edition has used since that moment, unless one that was under way since, or a colleague, shows them; how many."""
    old = set(connection.execute(select(picture.c.name).where(picture.c.made_at < before)).scalars())
    if old:
        faces = select(employee.c.picture).where(employee.c.picture != "", employee.c.left_at.is_(None))
        old -= {*connection.execute(faces).scalars(), *_in_letters(connection, before)}
    for name in sorted(old):
        connection.execute(delete(picture_source).where(picture_source.c.picture == name))
        connection.execute(delete(picture).where(picture.c.name == name))
    connection.execute(delete(picture_source).where(picture_source.c.picture.is_(None), picture_source.c.at < before))
    return len(old)


def _in_letters(connection: Connection, before: datetime) -> Iterator[str]:
    """Names in editions that are not over, or ended since that moment."""
    recent = edition.c.state.not_in(_OVER) | (func.coalesce(edition.c.due_until, edition.c.created_at) >= before)
    for content in connection.execute(select(edition.c.content).where(edition.c.content.is_not(None), recent)).scalars():
        for post in (content or {}).get("posts", ()):
            yield from (post[key]["name"] for key in ("picture", "face") if post.get(key))


def _insert(connection: Connection, table: Any) -> Any:  # noqa: ANN401 - each dialect has its own kind
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
