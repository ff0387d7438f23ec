"""Each person's own last week, for their own letter: what was stored beside them, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Text, case, cast, func, select

from digest.db.schema import click, outcome, short_link, visit
from digest.domain.tally import Tally
from digest.domain.visitor import Audience

_COUNTED = ("human", "probable")


def tallies(connection: Connection, people: Sequence[int], since: datetime) -> dict[int, Tally]:
    """Employee -> their week since then; whoever left nothing behind is not in it."""
    if not people:
        return {}
    presses, posts = _presses(connection, people, since)
    low, high = _visitors(connection, people, since)
    results = _results(connection, people, since)
    return {
        number: Tally(
            presses=presses[number, "read"],
            shares=presses[number, "share"],
            read=posts[number, "read"],
            shared=posts[number, "share"],
            visits=low[number],
            perhaps=high[number],
            outcomes=results[number],
        )
        for number in {*(number for number, _ in presses), *high, *results}
    }


def _presses(connection: Connection, people: Sequence[int], since: datetime) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]]]:
    """(employee, read or share) -> every stored press; and -> posts that a person seems to have pressed."""
    mine = click.c.employee_id.in_(people) & (click.c.at >= since)
    by_person = case((click.c["class"].in_(_COUNTED), 1), else_=0)
    columns = (click.c.employee_id, click.c.kind, click.c.post_id, func.count().label("presses"), func.max(by_person).label("person"))
    presses: Counter[tuple[int, str]] = Counter()
    posts: Counter[tuple[int, str]] = Counter()
    for row in connection.execute(select(*columns).where(mine).group_by(click.c.employee_id, click.c.kind, click.c.post_id)):
        presses[row.employee_id, row.kind] += row.presses
        posts[row.employee_id, row.kind] += row.person if row.post_id else 0
    return presses, posts


def _visitors(connection: Connection, people: Sequence[int], since: datetime) -> tuple[Counter[int], Counter[int]]:
    """Employee -> visitors of their short links, each once a day and link: surely people, and probably; our own people are none."""
    owners = [f"employee:{number}" for number in people]
    reasons = cast(visit.c.reasons, Text)
    inside = reasons.like(f'%"{Audience.OWN.value}"%') | reasons.like(f'%"{Audience.COLLEAGUE.value}"%')
    columns = (short_link.c.owner, func.max(case((visit.c["class"] == "human", 1), else_=0)).label("human"))
    joined = short_link.join(visit, visit.c.slug == short_link.c.slug)
    wanted = short_link.c.owner.in_(owners) & (visit.c.at >= since) & visit.c["class"].in_(_COUNTED)
    each = select(*columns, func.max(case((inside, 1), else_=0)).label("inside")).select_from(joined).where(wanted)
    low: Counter[int] = Counter()
    high: Counter[int] = Counter()
    for row in connection.execute(each.group_by(short_link.c.owner, visit.c.slug, visit.c.visitor)):
        if not row.inside:
            number = int(row.owner.partition(":")[2])
            low[number] += row.human
            high[number] += 1
    return low, high


def _results(connection: Connection, people: Sequence[int], since: datetime) -> Counter[int]:
    """Employee -> outcomes reported of their links."""
    owners = {f"employee:{number}": number for number in people}
    found = select(outcome.c.owner, func.count()).where(outcome.c.owner.in_(owners), outcome.c.occurred_at >= since).group_by(outcome.c.owner)
    return Counter({owners[owner]: int(count) for owner, count in connection.execute(found)})
