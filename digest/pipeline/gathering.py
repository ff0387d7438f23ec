"""Gathering pictures: each file is read, each address asked if it was not just now; what is new is made small and stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from digest.db import keys, pictures
from digest.db.pictures import Source
from digest.db.session import read, write
from digest.errors import DigestError
from digest.files.pictures import LARGEST, Made, PictureError, make
from digest.net.fetch import PUBLIC, Way, fetch
from digest.net.kinds import Kind

_FRESH = timedelta(minutes=15)  # an address is not asked again before
_PATIENCE = 15.0  # seconds for one picture
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Want:
    """A picture that an edition would like to show: a file or an address."""

    said: str  # how a warning calls it
    internal: bool
    face: bool = False
    address: str = ""
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Had:
    """What came of it. Without a picture in `source` the warning says why."""

    source: Source
    made: Made | None = None  # new, and not stored yet
    warning: str = ""


class Album:
    """What earlier calls made and did not store."""

    def __init__(self) -> None:
        self.had: dict[str, Had] = {}  # by the source's key
        self.unkept: dict[str, Made] = {}  # by name


def gather(engine: Engine, wants: Iterable[Want], now: datetime, way: Way | None, album: Album | None = None) -> dict[Want, Had]:
    """Look for every picture, several at a time; nothing is stored yet. `album`: what earlier calls made, and this one adds to it.

    `way` None: no address is asked, and what was never had is left out without a word.
    """
    ordered = sorted(wants, key=lambda want: want.said)
    if not ordered:
        return {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="picture") as pool:
        octets = dict(zip(ordered, pool.map(_read, ordered), strict=True))
        sought = {want: _key(want, octets[want]) for want in ordered}
        with read(engine) as connection:
            seen = {key: Had(source=source) for key, source in pictures.known(connection, set(sought.values())).items()}
        for key, one in album.had.items() if album else ():
            if key not in seen or seen[key].source.at < one.source.at:
                seen[key] = one
        had = dict(
            zip(ordered, pool.map(lambda want: _have(want, octets[want], seen.get(sought[want]), sought[want], now, way), ordered), strict=True)
        )
    if album is not None:
        album.had |= {one.source.key: one for want, one in had.items() if want.file or way is not None}
    return had


def store(engine: Engine, had: Mapping[Want, Had], faces: Mapping[int, Want], now: datetime) -> dict[Want, Source]:
    """Store what is new in one transaction; the sources that have a picture. `faces`: employee -> their portrait."""
    if not had:
        return {}
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, now)
        named = {want: _named(one, keys.signing_keys(connection, "control")) for want, one in had.items()}
        for want, source in named.items():
            made = had[want].made
            if made is not None:
                pictures.put(connection, source.name, made.type, (made.width, made.height), made.data, now)
            pictures.remember(connection, source)
        found = {want: source for want, source in named.items() if source.name}
        outside = {source.name for want, source in found.items() if not want.internal}
        pictures.use(connection, {source.name: source.name not in outside for source in found.values()}, now)
        pictures.set_faces(connection, {number: found[want].name if want in found else "" for number, want in faces.items()})
    return found


def hold(engine: Engine, had: Mapping[Want, Had], album: Album) -> dict[Want, Source]:
    """The sources that have a picture; what is not stored goes into the album and nowhere else."""
    with read(engine) as connection:
        secret = keys.signing_keys(connection, "control")
    found = {want: source for want, one in had.items() if (source := _named(one, secret)).name}
    album.unkept |= {source.name: made for want, source in found.items() if (made := had[want].made)}
    return found


def check_file(file: Path) -> None:
    """Raises PictureError when the file cannot become a post's picture."""
    make(_octets(file), face=False)


def _named(one: Had, secret: Mapping[int, bytes]) -> Source:
    if one.made is None:
        return one.source
    name = pictures.named(next(iter(secret.values()), b""), one.made.data, one.made.ending)
    return replace(one.source, name=name, width=one.made.width, height=one.made.height, octets=len(one.made.data))


def _read(want: Want) -> bytes | PictureError:
    """A file's octets, or why there are none; of an address nothing yet."""
    if want.file is None:
        return b""
    try:
        return _octets(want.file)
    except PictureError as error:
        return error


def _octets(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise PictureError(detail="there is no such file") from None
    except OSError as error:
        raise PictureError(detail=f"cannot be read: {error.strerror}") from None


def _key(want: Want, octets: bytes | PictureError) -> str:
    """What the database knows it by: the address, or the octets, each for its use."""
    use = b"face|" if want.face else b"post|"
    if want.address or isinstance(octets, PictureError):
        return hashlib.sha256(use + b"address|" + (want.address or str(want.file)).encode()).hexdigest()
    return hashlib.sha256(use + b"octets|" + octets).hexdigest()


def _have(want: Want, octets: bytes | PictureError, before: Had | None, key: str, now: datetime, way: Way | None) -> Had:
    """`before`: what is stored or in the album."""
    source = before.source if before else Source(key=key, at=now)
    if isinstance(octets, PictureError):
        return _missed(want, before, source, octets, now)
    lately = timedelta() <= now - source.at < _FRESH
    if before and (lately or (want.file and (source.name or before.made))):
        return replace(before, warning=_warning(want, before))
    if way is None and want.address:
        return replace(before, warning=_warning(want, before)) if before else Had(source=source)
    try:
        etag, data = ("", octets) if want.file else _fetched(want.address, source.etag, way or PUBLIC)
        if data is None:
            return Had(source=replace(source, problem="", at=now), made=before.made if before else None)
        return Had(source=replace(source, problem="", etag=etag, at=now), made=make(data, face=want.face))
    except DigestError as error:
        return _missed(want, before, source, error, now)


def _missed(want: Want, before: Had | None, source: Source, error: DigestError, now: datetime) -> Had:
    problem = error.detail if isinstance(error, PictureError) else f"{error.summary}: {error.detail}"
    missed = Had(source=replace(source, problem=problem, at=now), made=before.made if before else None)
    return replace(missed, warning=_warning(want, missed))


def _fetched(address: str, etag: str, way: Way) -> tuple[str, bytes | None]:
    """The etag and the octets; None when they are what that etag stood for."""
    found = fetch(address, kinds=[Kind.PICTURE], most=LARGEST, patience=_PATIENCE, etag=etag, way=way)
    return found.etag, None if found.unchanged else found.data


def _warning(want: Want, one: Had) -> str:
    if not one.source.problem:
        return ""
    instead = "Initials stand there" if want.face else "The letter goes without it"
    return f"{want.said}: {one.source.problem}. {'The one that was had before is shown' if one.source.name or one.made else instead}."
