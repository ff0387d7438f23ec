"""Counting what happened to an edition: clicks, visits, classes, picks. Rows in, numbers out; no rule about showing them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, exists, func, select

from digest.db import retention
from digest.db.reach import reach
from digest.db.schema import click, message
from digest.domain.press import ERASED

_COUNTED = ("human", "probable")

Clicks = Mapping[tuple[str, str, str], tuple[int, int]]  # (post, kind, network) -> human; human and probable
Visits = Mapping[tuple[str, str], tuple[int, int]]  # (post, network) -> human; human and probable


def clicks(connection: Connection, edition_id: int) -> Clicks:
    """One click counts per link and person; repeats stay events. What is kept no longer stands in sums."""
    columns = (click.c.post_id, click.c.kind, click.c.network, click.c["class"], click.c.token, click.c.source, click.c.employee_id)
    rows = connection.execution_options(yield_per=2000).execute(
        select(*columns).where(click.c.edition_id == edition_id, click.c["class"].in_(_COUNTED)).distinct(),
    )
    surely: dict[tuple[str, str, str], set[str]] = {}
    either: dict[tuple[str, str, str], set[str]] = {}
    for post_id, kind, network, verdict, token, source, employee_id in rows:
        who = retention.actor(token, source, employee_id)
        either.setdefault((post_id, kind, network), set()).add(who)
        if verdict == "human":
            surely.setdefault((post_id, kind, network), set()).add(who)
    found = {key: (len(surely.get(key, ())), len(people)) for key, people in either.items()}
    for one in retention.sums(connection, edition_id):
        if one.kind != "visit" and one.counted:
            low, high = found.get((one.post, one.kind, one.network), (0, 0))
            found[one.post, one.kind, one.network] = (low + (one.counted if one.verdict == "human" else 0), high + one.counted)
    return found


def visits(connection: Connection, edition_id: int) -> Visits:
    """Distinct visitors a day per short link of the edition, outsiders only; employees' and brand's posts together."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for (post_id, network, _), pair in reach(connection, edition_id).visits.items():
        low, high = found.get((post_id, network), (0, 0))
        found[post_id, network] = (low + pair.low, high + pair.high)
    return found


def classes(connection: Connection, edition_id: int) -> dict[str, int]:
    """Class -> clicks of the edition, repeats included."""
    rows = connection.execute(select(click.c["class"], func.count()).where(click.c.edition_id == edition_id).group_by(click.c["class"]))
    found = Counter({verdict: int(count) for verdict, count in rows})
    for one in retention.sums(connection, edition_id):
        found[one.verdict] += one.events if one.kind != "visit" else 0
    return dict(found)


def after_reading(connection: Connection, edition_id: int) -> dict[tuple[str, str], bool]:
    """(person, post) of every share that people opened -> whether that person had opened the article by then, of those who are known apart."""
    read = click.alias()
    same = (read.c.token == click.c.token) | (read.c.employee_id == click.c.employee_id)
    before = exists().where(same, read.c.post_id == click.c.post_id, read.c.kind == "read", read.c["class"] == "human", read.c.at <= click.c.at)
    mine = (click.c.edition_id == edition_id) & (click.c.kind == "share") & (click.c["class"] == "human")
    known = click.c.employee_id.is_not(None) | click.c.token.startswith(ERASED)
    found: dict[tuple[str, str], bool] = {}
    for token, post, after in connection.execute(select(click.c.token, click.c.post_id, before).where(mine, known).distinct()):
        found[token, post] = bool(after) or found.get((token, post), False)
    return found


def own_words(connection: Connection, edition_id: int) -> dict[tuple[str, str], bool]:
    """(person, post) of every share by the button of the share page -> whether no ready caption was taken, of those who are known apart."""
    mine = (click.c.edition_id == edition_id) & (click.c.kind == "share") & (click.c["class"] == "human")
    known = click.c.employee_id.is_not(None) | click.c.token.startswith(ERASED)
    found: dict[tuple[str, str], bool] = {}
    for token, post, signals in connection.execute(select(click.c.token, click.c.post_id, click.c.signals).where(mine, known)):
        if signals.get("method") == "POST":
            found[token, post] = found.get((token, post), True) and not signals.get("caption")
    return found


def picked(connection: Connection, edition_id: int) -> Counter[int]:
    """Number of a post -> sent messages that carried it."""
    found: Counter[int] = Counter()
    rows = connection.execution_options(yield_per=1000).execute(
        select(message.c.picks).where(message.c.edition_id == edition_id, message.c.state == "sent"),
    )
    for (picks,) in rows:
        found.update(n for n, _ in picks)
    return found


def pressed_by_group(connection: Connection, edition_id: int) -> dict[str, int]:
    """Group, as planned -> people of it who surely pressed anything. In aggregate mode browsers of a day stand for people."""
    columns = (click.c.group_key, click.c.token, click.c.source, click.c.employee_id)
    mine = (click.c.edition_id == edition_id) & (click.c["class"] == "human") & click.c.group_key.is_not(None)
    found: dict[str, set[str]] = {}
    for group, token, source, employee_id in connection.execute(select(*columns).where(mine).distinct()):
        found.setdefault(group, set()).add(retention.actor(token, source, employee_id))
    return {group: len(people) for group, people in found.items()}
