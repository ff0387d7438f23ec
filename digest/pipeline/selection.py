"""Selection: for a chunk of people fetch what they have had, ask the rule, answer with rows for the outbox."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from digest.db import history
from digest.domain.edition import EditionContent
from digest.domain.employee import Cohort, Employee
from digest.domain.post import Origin
from digest.domain.selection import History, Mix, Ranked, Selection, Skip, choose, rank

_COHORTS = 20_000  # ranked lists kept; past that the memory is given back and they are ranked anew


class Selector:
    """Ranks once per cohort and remembers it for one edition."""

    def __init__(self, content: EditionContent, edition_id: int, mix: Mix) -> None:
        self._posts = content.posts
        self._edition_id = edition_id
        self._mix = mix
        self._colleagues_write = any(p.origin is Origin.COLLEAGUE and not p.internal for p in content.posts)
        self._ranked: dict[Cohort, tuple[Ranked, ...]] = {}

    def select(self, connection: Connection, people: Sequence[Employee]) -> list[Selection | Skip]:
        """One decision per person, in their order."""
        past = history.histories(connection, [person.id for person in people], before_edition=self._edition_id)
        nothing = History()
        return [
            choose(self._for(person.cohort), past.get(person.id, nothing), self._mix, colleagues_write=self._colleagues_write) for person in people
        ]

    def _for(self, cohort: Cohort) -> tuple[Ranked, ...]:
        found = self._ranked.get(cohort)
        if found is None:
            if len(self._ranked) >= _COHORTS:
                self._ranked.clear()
            found = self._ranked[cohort] = rank(self._posts, cohort)
        return found
