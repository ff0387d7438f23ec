"""The content queue: files to posts, or every problem with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine

from digest.db import editions, people
from digest.db.session import read
from digest.domain.edition import EditionContent
from digest.domain.leak import Leak
from digest.domain.post import Queue, Visibility
from digest.domain.share import Network, caption_problem
from digest.errors import FileProblemsError
from digest.files.content_queue import read_queue
from digest.files.networks import load_networks
from digest.files.problems import Problem
from digest.files.roster import read_roster


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was read, what is wrong, and what could not be checked."""

    queue: Queue
    problems: tuple[Problem, ...]
    authors_checked: bool
    warnings: tuple[Problem, ...] = ()  # they stop nothing

    @property
    def colleagues(self) -> int:
        """How many posts colleagues wrote."""
        return sum(post.by is not None for post in self.queue.posts)

    @property
    def internal(self) -> int:
        """How many posts stay inside for good."""
        return sum(post.visibility is Visibility.INTERNAL for post in self.queue.posts)


def check(
    path: Path,
    *,
    people: frozenset[str] | None,
    erased: frozenset[str] = frozenset(),
    disclosure: str = "",
    networks: Iterable[Network] | None = None,
    site_url: str = "",
    wall: Callable[[Queue], list[Leak]] | None = None,
) -> Checked:
    """Read the queue in `path`. `people`: addresses on the roster; None: authors cannot be checked. `erased`: see `read_queue`.

    `disclosure` stands in every shared text, so a caption must leave room for it. `networks`: None means ours alone.
    `site_url`: base of our own links, which no post may lead to. `wall`: see `digest.pipeline.wall`. Raises UnreadableFileError.
    """
    limits = {network.name: network.limit for network in (load_networks() if networks is None else networks)}
    problem = partial(caption_problem, limits=limits, disclosure=disclosure)
    queue, found = read_queue(path, people=people, erased=erased, caption_problem=problem, networks=frozenset(limits), site_url=site_url, wall=wall)
    problems, warnings = (tuple(one for one in found if one.stops is stops) for stops in (True, False))
    return Checked(queue=queue, problems=problems, warnings=warnings, authors_checked=people is not None)


def load(
    path: Path,
    *,
    people: frozenset[str] | None,
    erased: frozenset[str] = frozenset(),
    disclosure: str = "",
    networks: Iterable[Network] | None = None,
    site_url: str = "",
) -> Queue:
    """The queue in `path`. Raises FileProblemsError with every problem, or UnreadableFileError."""
    return good(check(path, people=people, erased=erased, disclosure=disclosure, networks=networks, site_url=site_url))


def good(checked: Checked) -> Queue:
    """The queue that was read. Raises FileProblemsError with every problem."""
    if checked.problems:
        raise FileProblemsError([str(problem) for problem in checked.problems], hint="Mend them, then run `digest queue check`.")
    return checked.queue


def authors(engine: Engine) -> frozenset[str] | None:
    """Addresses that may stand in `by`; None while nobody is on the roster. Raises StorageError."""
    with read(engine) as connection:
        return people.addresses(connection) or None


def erased(engine: Engine) -> frozenset[str]:
    """Hashes of the addresses of people who were forgotten. Raises StorageError."""
    with read(engine) as connection:
        return people.erased_hashes(connection)


def authors_in(path: Path) -> frozenset[str]:
    """The addresses of a roster file. Raises FileProblemsError or UnreadableFileError."""
    rows, problems, _ = read_roster(path)
    if problems:
        raise FileProblemsError([str(problem) for problem in problems], hint="Mend them, then run `digest roster check`.")
    return frozenset(row.address.lower() for row in rows)


def store_posts(connection: Connection, content: EditionContent, now: datetime) -> None:
    """Bring the posts of an edition up to date: links in messages lead where the queue says now."""
    rows = [
        {
            "id": post.id,
            "title": post.title,
            "url": post.url,
            "origin": post.origin,
            "visibility": Visibility.INTERNAL if post.internal else Visibility.PUBLIC,
            "author_id": post.author_id,
            "public_from": datetime.fromisoformat(post.opens) if post.opens else None,
            "recalled": None,
            "first_seen_at": now,
        }
        for post in content.posts
    ]
    editions.put_posts(connection, rows)
