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
from digest.net.fetch import Way, fetch
from digest.net.kinds import Kind

_FRESH = timedelta(minutes=15)  # an address is not asked again before
_PATIENCE = 15.0  # seconds for one picture
_AT_ONCE = 8
_HEX = 64  # letters of a SHA-256


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


def gather(engine: Engine, wants: Iterable[Want], now: datetime, way: Way) -> dict[Want, Had]:
    """Look for every picture, several at a time; nothing is stored yet."""
    ordered = sorted(wants, key=lambda want: want.said)
    if not ordered:
        return {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="picture") as pool:
        octets = dict(zip(ordered, pool.map(_read, ordered), strict=True))
        sought = {want: _key(want, octets[want]) for want in ordered}
        with read(engine) as connection:
            known = pictures.known(connection, set(sought.values()))

        def have(want: Want) -> Had:
            before = known.get(sought[want])
            return _have(want, octets[want], before or Source(key=sought[want], at=now), now, way, seen=before is not None)

        return dict(zip(ordered, pool.map(have, ordered), strict=True))


def store(engine: Engine, had: Mapping[Want, Had], faces: Mapping[int, Want], now: datetime) -> dict[Want, Source]:
    """Store what is new in one transaction; the sources that have a picture. `faces`: employee -> their portrait."""
    if not had:
        return {}
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, now)
        secret = next(iter(keys.signing_keys(connection, "control").values()))
        found: dict[Want, Source] = {}
        for want, one in had.items():
            source = one.source
            if one.made is not None:
                source = _named(source, one.made, secret)
                pictures.put(connection, source.name, one.made.type, (one.made.width, one.made.height), one.made.data, now)
            pictures.remember(connection, source)
            if source.name:
                found[want] = source
        names = {source.name for source in found.values()}
        outside = {source.name for want, source in found.items() if not want.internal}
        pictures.use(connection, {name: name not in outside for name in names}, now)
        pictures.set_faces(connection, {number: found[want].name if want in found else "" for number, want in faces.items()})
    return found


def check_file(file: Path) -> None:
    """Raises PictureError when the file cannot become a post's picture."""
    make(_octets(file), face=False)


def _named(source: Source, made: Made, secret: bytes) -> Source:
    name = pictures.named(secret, made.data, made.ending)
    return replace(source, name=name, width=made.width, height=made.height, octets=len(made.data))


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


def _have(want: Want, octets: bytes | PictureError, source: Source, now: datetime, way: Way, *, seen: bool) -> Had:
    lately = timedelta() <= now - source.at < _FRESH
    if seen and (lately or bool(want.file and source.name)) and not isinstance(octets, PictureError):
        return Had(source=source, warning=_warning(want, source, source.problem))
    try:
        if isinstance(octets, PictureError):
            raise octets
        etag, data = ("", octets) if want.file else _fetched(want.address, source.etag, way)
        if data is None:
            return Had(source=replace(source, problem="", at=now))
        return Had(source=replace(source, problem="", etag=etag, at=now), made=make(data, face=want.face))
    except DigestError as error:
        problem = error.detail if isinstance(error, PictureError) else f"{error.summary}: {error.detail}"
        kept = replace(source, problem=problem, at=now)
        return Had(source=kept, warning=_warning(want, kept, problem))


def _fetched(address: str, etag: str, way: Way) -> tuple[str, bytes | None]:
    """The etag and the octets; None when they are what that etag stood for."""
    found = fetch(address, kinds=[Kind.PICTURE], most=LARGEST, patience=_PATIENCE, etag=etag, way=way)
    return found.etag, None if found.unchanged else found.data


def _warning(want: Want, source: Source, problem: str) -> str:
    if not problem:
        return ""
    if source.name:
        return f"{want.said}: {problem}. The one that was had before is shown."
    return f"{want.said}: {problem}. {'Initials stand there' if want.face else 'The letter goes without it'}."
