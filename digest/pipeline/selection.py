"""Selection: for a chunk of people fetch what they have had, ask the rule, answer with rows for the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice

from sqlalchemy import Connection

from digest.db import history, people, votes
from digest.domain.edition import EditionContent
from digest.domain.employee import Cohort, Employee
from digest.domain.post import Origin
from digest.domain.selection import History, Mix, Ranked, Selection, Skip, choose, rank

_CHUNK = 500  # employees asked for at once
_LINKS = 2  # one-click networks in a message; the rest live on the share page
_COHORTS = 20_000  # ranked lists kept; past that the memory is given back and they are ranked anew


class Selector:
    """Ranks once per cohort and remembers it for one edition."""

    def __init__(self, content: EditionContent, edition_id: int, mix: Mix, now: datetime | None = None) -> None:
        self._posts = content.posts
        self._places = content.places
        self._now = now
        self._topics: dict[str, tuple[str, ...]] | None = None  # of posts that are not somebody's field
        self._edition_id = edition_id
        self._mix = mix
        self._colleagues_write = any(p.origin is Origin.COLLEAGUE and not p.internal for p in content.posts)
        self._known: dict[Cohort, tuple[tuple[Ranked, ...], Selection | Skip]] = {}
        self._shared: dict[tuple[int, int, str], Ranked] = {}  # a post ranks alike in most cohorts; one object serves them all

    def select(self, connection: Connection, people: Sequence[Employee]) -> list[Selection | Skip]:
        """One decision per person, in their order."""
        past = self.past(connection, people)
        return [self._decide(person.cohort, past.get(person.id)) for person in people]

    def everybody(self, connection: Connection) -> Iterator[tuple[Employee, Selection | Skip]]:
        """Everybody on the roster with their decision; memory holds one chunk."""
        waiting = people.stream(connection)
        while chunk := list(islice(waiting, _CHUNK)):
            yield from zip(chunk, self.select(connection, chunk), strict=True)

    def past(self, connection: Connection, people: Sequence[Employee]) -> dict[int, History]:
        """Employee -> what they have had and said, for those who have anything. A shared mailbox has said nothing."""
        if self._topics is None:
            self._topics = votes.topics(connection)
        numbers = [person.id for person in people]
        mine = [post.id for post in self._posts]
        return history.histories(connection, numbers, before_edition=self._edition_id, posts=mine, now=self._now, topics=self._topics)

    def _decide(self, cohort: Cohort, past: History | None) -> Selection | Skip:
        ranked, for_newcomers = self._cohort(cohort)
        return for_newcomers if past is None else self._choose(ranked, past)

    def _cohort(self, cohort: Cohort) -> tuple[tuple[Ranked, ...], Selection | Skip]:
        """The cohort's ranked list, and what it means for somebody who has had nothing yet."""
        found = self._known.get(cohort)
        if found is None:
            if len(self._known) >= _COHORTS:
                self._known.clear()
            ranked = tuple(self._shared.setdefault((r.post.n, r.score, r.because), r) for r in rank(self._posts, cohort))
            found = self._known[cohort] = (ranked, self._choose(ranked, History()))
        return found

    def _choose(self, ranked: Sequence[Ranked], past: History) -> Selection | Skip:
        return choose(ranked, past, self._mix, colleagues_write=self._colleagues_write, places=self._places)


def letters_of(content: EditionContent, person: Employee) -> str:
    """The networks that get a link of their own in this person's letter, one letter each."""
    return _letters(content.networks, person.networks)


@lru_cache(maxsize=1024)
def _letters(offered: tuple[tuple[str, str, str], ...], wanted: tuple[str, ...]) -> str:
    known = {name: letter for letter, name, _ in offered}
    mine = [known[name] for name in wanted if name in known]
    return "".join((mine or list(known.values())[:1])[:_LINKS])
