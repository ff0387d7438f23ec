"""Pictures of an edition, put beside their posts. One that cannot be had costs a warning, no edition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from digest.config import Config
from digest.db import people
from digest.db.pictures import Source, set_faces
from digest.db.session import read, write
from digest.domain.edition import EditionContent
from digest.domain.picture import FACE, Picture, drawn
from digest.domain.post import Post
from digest.files.pictures import PictureError
from digest.net.fetch import PUBLIC, Way
from digest.pipeline.gathering import Album, Had, Want, check_file, gather, hold, store

_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp"})


def placed(engine: Engine, config: Config, content: EditionContent, *, now: datetime, way: Way = PUBLIC) -> tuple[EditionContent, tuple[str, ...]]:
    """The edition with its pictures, which are stored for readers to fetch, and a sentence for every one that it goes without."""
    wants = _wants(engine, config, content)
    had = gather(engine, wants.every(), now, way)
    shown = store(engine, had, wants.faces, now)
    faceless = {post.author_id for post in content.posts if post.author_id} - set(wants.faces)
    if faceless:  # the file was taken away, or the name: retention may have the picture
        with write(engine) as connection:
            set_faces(connection, dict.fromkeys(faceless, ""))
    return _with(content, wants, had, shown)


def tried(
    engine: Engine, config: Config, content: EditionContent, *, now: datetime, album: Album, way: Way | None = PUBLIC
) -> tuple[EditionContent, tuple[str, ...]]:
    """The same, and nothing is stored: `album` holds the pictures, and remembers what was asked. `way` None: nobody is asked now."""
    wants = _wants(engine, config, content)
    had = gather(engine, wants.every(), now, way, album)
    return _with(content, wants, had, hold(engine, had, album) if had else {})


@dataclass(frozen=True, kw_only=True)
class _Wants:
    """What an edition would like to show."""

    images: Mapping[int, Want]  # a post's number -> its picture
    faces: Mapping[int, Want]  # author -> portrait
    problems: tuple[str, ...] = ()

    def every(self) -> set[Want]:
        return {*self.images.values(), *self.faces.values()}


def _wants(engine: Engine, config: Config, content: EditionContent) -> _Wants:
    images = {post.n: _want(post.id, post.image, config.queue_path, internal=post.internal) for post in content.posts if post.image}
    faces, problems = _portraits(engine, config, content)
    return _Wants(images=images, faces=faces, problems=problems)


def _with(content: EditionContent, wants: _Wants, had: Mapping[Want, Had], shown: Mapping[Want, Source]) -> tuple[EditionContent, tuple[str, ...]]:
    posts = tuple(
        replace(
            post,
            picture=_picture(shown.get(wants.images[post.n]), inside=post.internal) if post.n in wants.images else None,
            face=_face(shown.get(wants.faces[post.author_id])) if post.author and post.author_id and post.author_id in wants.faces else None,
        )
        for post in content.posts
    )
    said = [one.warning for one in had.values() if one.warning]
    mute = [_mute(post.id) for post in posts if post.picture and not post.image_alt]
    return replace(content, posts=posts), (*wants.problems, *said, *mute)


def files_of(config: Config, content: EditionContent) -> list[Path]:
    """The files beside the queue that its posts name, there or not."""
    wants = [_want(post.id, post.image, config.queue_path, internal=post.internal) for post in content.posts if post.image]
    return [want.file for want in wants if want.file is not None]


def look(queue: Path, posts: Iterable[Post]) -> tuple[list[str], int]:
    """A sentence for each picture beside the queue that cannot be used, and how many stand elsewhere and were not looked at."""
    said, elsewhere = [], 0
    for post in posts:
        if not post.image:
            continue
        want = _want(post.id, post.image, queue, internal=True)
        elsewhere += bool(want.address)
        try:
            if want.file is not None:
                check_file(want.file)
        except PictureError as error:
            said.append(f"{want.said}: {error.detail}. The letter would go without it.")
        if not post.image_alt:
            said.append(_mute(post.id))
    return said, elsewhere


def _mute(post: str) -> str:
    return f'post "{post}": its image has no image_alt, so who cannot see it learns nothing of it.'


def _want(post: str, image: str, queue: Path, *, internal: bool) -> Want:
    """`queue`: the file or the folder beside or in which its pictures stand."""
    said = f'post "{post}": image "{image}"'
    if "://" in image:
        return Want(said=said, internal=internal, address=image)
    return Want(said=said, internal=internal, file=(queue if queue.is_dir() else queue.parent) / image)


def _portraits(engine: Engine, config: Config, content: EditionContent) -> tuple[dict[int, Want], tuple[str, ...]]:
    """Author -> portrait, of those who are named in it; files are called by the address or by the roster's id."""
    if not config.content.faces:
        return {}, ()
    folder = config.home / config.content.faces
    try:
        files = {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.suffix.lower() in _ENDINGS}
    except OSError as error:
        return {}, (f"content.faces: {folder}: {error.strerror}. Initials stand where faces would.",)
    named = {post.author_id for post in content.posts if post.author and post.author_id}
    outside = {post.author_id for post in content.posts if not post.internal}
    with read(engine) as connection:
        authors = people.by_ids(connection, named)
    found = {number: files.get(person.address.lower()) or files.get((person.roster_id or "").lower()) for number, person in authors.items()}
    wants = {
        number: Want(said=f"portrait {path.name}", internal=number not in outside, face=True, file=path) for number, path in found.items() if path
    }
    return wants, ()


def _picture(source: Source | None, *, inside: bool) -> Picture | None:
    if source is None:
        return None
    width, height = drawn(source.width, source.height, inside=inside)
    return Picture(name=source.name, width=width, height=height, octets=source.octets)


def _face(source: Source | None) -> Picture | None:
    return Picture(name=source.name, width=FACE, height=FACE, octets=source.octets) if source else None
