"""Clicks and visits made up, with the count that a report makes of them, before and after some became sums."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from digest.db import retention
from digest.db.schema import click, short_link, visit
from digest.db.session import read
from tests.conftest import NOW

LONG_AGO = NOW - timedelta(days=200)
CLASSES = ("human", "probable", "machine", "preview")
Figures = dict[tuple[str, ...], tuple[int, int, int]]  # kind, post, network, country, whose -> human; human and probable; events


def a_click(at: datetime, **more: Any) -> dict[str, Any]:
    """A row of the table."""
    row = {
        "event": uuid.uuid4().hex, "at": at, "token": "t" * 17, "edition_id": 1, "employee_id": 7, "group_key": None, "n": 1, "post_id": "cold-room",
        "kind": "read", "network": "", "signals": {"method": "GET"}, "source": "s", "class": "human", "reasons": [], "rules_version": 1,
    }  # fmt: skip
    return {**row, **more}


def a_visit(at: datetime, **more: Any) -> dict[str, Any]:
    """A row of the table."""
    row = {
        "event": uuid.uuid4().hex, "at": at, "slug": "000000000001", "signals": {"method": "GET"}, "visitor": "v", "referrer_host": "",
        "country": "", "class": "human", "reasons": [], "rules_version": 1,
    }  # fmt: skip
    return {**row, **more}


def put_links(connection: Connection) -> None:
    """Two short links of an employee's and one of the brand's."""
    for slug, owner, network in (("000000000001", "employee:7", "linkedin"), ("000000000002", "employee:7", "x"), ("000000000003", "brand", "x")):
        row = {"slug": slug, "owner": owner, "edition_id": 1, "post_id": "cold-room", "network": network, "created_at": LONG_AGO}
        connection.execute(insert(short_link).values(row))


def figures(engine: Engine, edition_id: int = 1) -> Figures:
    """What a report counts: events that are still there, and the sums of those that are gone."""
    with read(engine) as connection:
        clicks = connection.execute(select(click).where(click.c.edition_id == edition_id)).mappings().all()
        joined = visit.join(short_link, short_link.c.slug == visit.c.slug)
        wanted = select(visit, short_link.c.network, short_link.c.post_id).select_from(joined).where(short_link.c.edition_id == edition_id)
        visits = connection.execute(wanted).mappings().all()
        sums = retention.sums(connection, edition_id)
    people: dict[tuple[str, ...], dict[tuple[str, ...], set[str]]] = defaultdict(lambda: defaultdict(set))
    events: dict[tuple[str, ...], int] = defaultdict(int)
    visitors: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in clicks:
        who = retention.actor(row["token"], row["source"], row["employee_id"])
        what = (row["kind"], row["post_id"], row["network"], "", "")
        people[what][who,].add(row["class"])
        events[what] += 1
    for row in visits:
        visitors[row["slug"], row["visitor"], row["at"].date().isoformat()].append(row)
    for visitor, theirs in visitors.items():
        for row in theirs:
            events["visit", row["post_id"], row["network"], row["country"], _whose(row["reasons"])] += 1
        counted = [row for row in theirs if row["class"] in {"human", "probable"}]
        whose = _whose([reason for row in counted for reason in row["reasons"]])
        what = ("visit", theirs[0]["post_id"], theirs[0]["network"], theirs[0]["country"], whose)
        people[what][visitor] |= {"human" if whose else row["class"] for row in counted}
    found = {what: (_low(people[what]), _high(people[what]), events[what]) for what in {*people, *events}}
    for one in sums:
        inside = one.verdict in {"own", "colleague"}
        what = (one.kind, one.post, one.network, one.country, one.verdict if inside else "")
        low, high, count = found.get(what, (0, 0, 0))
        found[what] = (low + one.counted * (inside or one.verdict == "human"), high + one.counted, count + one.events)
    return {what: figure for what, figure in found.items() if any(figure)}


def _whose(reasons: list[str]) -> str:
    return next((one for one in ("own", "colleague") if one in reasons), "")


def _low(who: dict[tuple[str, ...], set[str]]) -> int:
    return sum("human" in classes for classes in who.values())


def _high(who: dict[tuple[str, ...], set[str]]) -> int:
    return sum(bool(classes & {"human", "probable"}) for classes in who.values())
