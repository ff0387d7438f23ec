"""Short links in the database: found, minted, or put there once a journal has held them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, Text, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from digest.db.links import among, current, hashes, kept, linked, listed
from digest.db.prepared import Packed
from digest.db.schema import edition, post, short_link
from digest.domain.press import LinkedPost
from digest.domain.slug import may_be_public, slug, slugs_of
from digest.errors import StorageError

_SLUG_BYTES = 8
_DRAWS = 20


@dataclass(frozen=True, kw_only=True)
class ShortLink:
    """A short link as a visit needs it."""

    slug: str
    owner: str
    network: str
    period: str
    post: LinkedPost
    disabled: bool


_WITH_POST = (
    select(short_link, edition.c.period, post.c.title, post.c.url, post.c.visibility, post.c.recalled, post.c.public_from)
    .select_from(short_link)
    .outerjoin(edition, edition.c.id == short_link.c.edition_id)
    .outerjoin(post, post.c.id == short_link.c.post_id)
)
_FOUND = Packed(lambda dialect: _WITH_POST.where(among(short_link.c.slug, dialect)))


def find(connection: Connection, wanted: Iterable[str]) -> dict[str, ShortLink]:
    """The short links among `wanted` that exist, each with its post as it is now."""
    found = _FOUND.rows(connection, {"wanted": listed(connection, wanted)})
    return {
        row.slug: ShortLink(
            slug=row.slug,
            owner=row.owner,
            network=row.network,
            period=row.period or "",
            disabled=row.disabled_at is not None,
            post=linked(row, row.edition_id, 0, row.post_id),
        )
        for row in found
    }


@dataclass(frozen=True, kw_only=True)
class Want:
    """A short link that is needed: one per owner, post and network, however often it is asked for."""

    owner: str
    edition: int
    post: str
    network: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one."""
        return self.owner, self.post, self.network


_KEY = ("owner", "post_id", "network")


def _wanted_keys(dialect: str) -> Select[Any]:
    if dialect == "postgresql":
        lists = [bindparam(f"all_{name}", type_=ARRAY(String)) for name in _KEY]
        listed = func.unnest(*lists).table_valued(*_KEY).render_derived()
        same = [short_link.c[name] == listed.c[name] for name in _KEY]
    else:  # SQLite looks at every row for a list of tuples
        listed = func.json_each(bindparam("wanted", type_=Text)).table_valued("value")
        same = [short_link.c[name] == func.json_extract(listed.c.value, f"$[{place}]") for place, name in enumerate(_KEY)]
    return select(*(short_link.c[name] for name in (*_KEY, "slug"))).select_from(listed.join(short_link, and_(*same)))


_SLUGS = Packed(_wanted_keys)


def slugs(connection: Connection, wants: Iterable[Want]) -> dict[tuple[str, str, str], str]:
    """The slugs that already exist for `wants`."""
    keys = [want.key for want in wants]
    if connection.dialect.name == "postgresql":
        asked: dict[str, Any] = {f"all_{name}": [key[place] for key in keys] for place, name in enumerate(_KEY)}
    else:
        asked = {"wanted": json.dumps(keys)}
    return {(row.owner, row.post_id, row.network): row.slug for row in _SLUGS.rows(connection, asked)}


def mint(connection: Connection, wants: Sequence[Want], random: Callable[[int], bytes], now: datetime) -> dict[tuple[str, str, str], str]:
    """The slugs for `wants`, made where there was none. Idempotent; a clash draws again and never overwrites a row."""
    have: dict[tuple[str, str, str], str] = {}
    missing = {want.key: want for want in sorted(wants, key=lambda want: want.key)}  # one order: no deadlock
    for _ in range(_DRAWS):
        rows = [
            {"slug": made, "owner": want.owner, "edition_id": want.edition, "post_id": want.post, "network": want.network}
            for want in missing.values()
            if may_be_public(made := slug(random(_SLUG_BYTES)))
        ]
        _MINTED.each(connection, {"created_at": now}, rows)
        have |= slugs(connection, missing.values())
        missing = {key: want for key, want in missing.items() if key not in have}
        if not missing:
            return have
    raise StorageError("short_link", f"no free slug in {_DRAWS} draws", hint="The machine's random source is broken; check /dev/urandom.")


def made_of(connection: Connection, wants: Iterable[Want], secret: bytes) -> dict[tuple[str, str, str], str]:
    """Slugs for `wants`, which have none: not stored yet, the same wherever they are made, and nobody else's."""
    coming = {want.key: slugs_of(secret, *want.key) for want in wants}
    made = {key: next(following) for key, following in coming.items()}
    while taken := set(made.values()) & _stored(connection, made.values()):
        made |= {key: next(coming[key]) for key, slug in made.items() if slug in taken}
    return made


def _stored(connection: Connection, slugs: Iterable[str]) -> set[str]:
    return {row.slug for row in _STORED.rows(connection, {"wanted": listed(connection, slugs)})}


def arriving(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, ShortLink]:
    """Rows of short links that are not stored yet as a visit needs them, each with its post as it is now."""
    if not rows:
        return {}
    periods = hashes(connection, [row["edition_id"] for row in rows])
    posts = current(connection, [row["post_id"] for row in rows])
    return {
        row["slug"]: ShortLink(
            slug=row["slug"],
            owner=row["owner"],
            network=row["network"],
            period=periods.get(row["edition_id"], ("", ""))[0],
            disabled=False,
            post=posts.get(row["post_id"]) or _nothing(row["edition_id"], row["post_id"]),
        )
        for row in rows
    }


def _nothing(edition_id: int, post_id: str) -> LinkedPost:
    return LinkedPost(edition=edition_id, n=0, id=post_id, title="", internal=False, url=None, recalled=None)


def put(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert short links; what is there already, by its slug or by what it is for, stays as it is."""
    _MINTED.each(connection, {}, rows)


_STORED = Packed(lambda dialect: select(short_link.c.slug).where(among(short_link.c.slug, dialect)))
_MINTED = kept(short_link, "disabled_at")
