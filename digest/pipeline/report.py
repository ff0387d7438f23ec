"""What an edition led to: sent, clicks per post and network, visits, each as a range, groups below the minimum hidden.

Low counts people only; high adds the probable ones. Machines and previews are in neither and their share is printed.
Clicks (employees) and visits (everybody) are two audiences and never added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from digest.config import Config
from digest.db import audience, editions, figures
from digest.db.session import read, write
from digest.domain.edition import Edition, EditionContent
from digest.domain.groups import shown
from digest.domain.report import Range, ranged
from digest.pipeline import outbox, tracking
from digest.pipeline.edition import find


@dataclass(frozen=True, kw_only=True)
class PostFigures:
    """One post's line."""

    id: str
    title: str
    origin: str
    internal: bool
    picked: int  # messages that carried it and were sent
    read: Range
    shares_opened: Range  # share pages and intents opened; nobody knows what was posted
    visits: Range


@dataclass(frozen=True, kw_only=True)
class Report:
    """An edition's figures."""

    edition: Edition
    counts: Mapping[str, int]
    posts: tuple[PostFigures, ...]
    networks: Mapping[str, tuple[Range, Range]]  # network -> intents opened, visits
    teams: Mapping[str, int | None] = field(default_factory=dict)  # people who pressed anything; None: hidden
    machine: int = 0
    clicks: int = 0


def report(engine: Engine, config: Config, period: str | None = None) -> Report:
    """The figures of an edition, its clicks judged anew first. Raises EditionError when there is none."""
    with write(engine) as connection:
        tracking.reclassify(connection, find(connection, period).id, tracking.tracking_settings(config))
    with read(engine) as connection:
        found = find(connection, period)
        content = editions.content(connection, found.id)
        minimum = config.privacy.minimum_group
        clicks = figures.clicks(connection, found.id)
        visits = figures.visits(connection, found.id)
        classes = figures.classes(connection, found.id)
        return Report(
            edition=found,
            counts=outbox.counts(connection, found.id),
            posts=_posts(connection, found, content, clicks, visits, minimum),
            networks=_networks(content, clicks, visits, minimum),
            teams=_teams(connection, found.id, minimum),
            machine=classes.get("machine", 0) + classes.get("preview", 0),
            clicks=sum(classes.values()),
        )


def _posts(
    connection: Connection, found: Edition, content: EditionContent, clicks: figures.Clicks, visits: figures.Visits, minimum: int
) -> tuple[PostFigures, ...]:
    picked = figures.picked(connection, found.id)
    lines = []
    for post in content.posts:
        sent = picked[post.n]
        lines.append(
            PostFigures(
                id=post.id,
                title=post.title,
                origin=post.origin.value,
                internal=post.internal,
                picked=sent,
                read=_sum({key: value for key, value in clicks.items() if key[:2] == (post.id, "read")}, sent, minimum),
                shares_opened=_sum({key: value for key, value in clicks.items() if key[:2] == (post.id, "share")}, sent, minimum),
                visits=_plain({key: value for key, value in visits.items() if key[0] == post.id}),
            ),
        )
    return tuple(lines)


def _sum(counts: Mapping[Any, tuple[int, int]], members: int, minimum: int) -> Range:
    return ranged(sum(low for low, _ in counts.values()), sum(high for _, high in counts.values()), members=members, minimum=minimum)


def _plain(counts: Mapping[Any, tuple[int, int]]) -> Range:
    """Visits are the outside world's; no group of employees stands behind them."""
    return Range(low=sum(low for low, _ in counts.values()), high=sum(high for _, high in counts.values()))


def _networks(content: EditionContent, clicks: figures.Clicks, visits: figures.Visits, minimum: int) -> dict[str, tuple[Range, Range]]:
    found = {}
    for _letter, name, label in content.networks:
        opened = {key: value for key, value in clicks.items() if key[1:] == ("share", name)}
        came = {key: value for key, value in visits.items() if key[1] == name}
        if opened or came:
            found[label] = (_sum(opened, minimum, minimum), _plain(came))
    return found


def _teams(connection: Connection, edition_id: int, minimum: int) -> dict[str, int | None]:
    sizes = {group.removeprefix("team:"): size for group, size in audience.group_sizes(connection).items() if group.startswith("team:")}
    return shown(dict.fromkeys(sizes, 0) | figures.pressed_by_team(connection, edition_id), sizes, minimum)


def sentences(found: Report) -> list[str]:
    """The report's head, in words."""
    counts = found.counts
    said = [f"{found.edition.period}: {counts.get('sent', 0):,} of {found.edition.audience:,} messages accepted by the relay."]
    if found.clicks:
        share = round(100 * found.machine / found.clicks)
        said.append(f"{share} % of {found.clicks:,} clicks came from machines and count nowhere below.")
    said.append("A range goes from surely people to probably people. A share opened is not a share: what was posted nobody knows.")
    return said


def rows(found: Report) -> list[list[str]]:
    """The report for a spreadsheet: a header, then a row per post. Hidden figures are empty."""
    head = ["edition", "post", "title", "origin", "visibility", "sent_to", "read_low", "read_high"]
    head += ["shares_opened_low", "shares_opened_high", "visits_low", "visits_high"]
    lines = []
    for post in found.posts:
        figures_of = [_cells(post.read), _cells(post.shares_opened), _cells(post.visits)]
        wall = "internal" if post.internal else "public"
        start = [found.edition.period, post.id, post.title, post.origin, wall, str(post.picked)]
        lines.append([*start, *[cell for pair in figures_of for cell in pair]])
    return [head, *lines]


def _cells(figure: Range) -> tuple[str, str]:
    return ("", "") if figure.hidden else (str(figure.low), str(figure.high))


def as_data(found: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "period": found.edition.period,
        "state": found.edition.state.value,
        "audience": found.edition.audience,
        "counts": dict(found.counts),
        "clicks": {"all": found.clicks, "machine": found.machine},
        "posts": [
            {
                "post": post.id,
                "title": post.title,
                "origin": post.origin,
                "internal": post.internal,
                "sent_to": post.picked,
                "read": post.read.as_data(),
                "shares_opened": post.shares_opened.as_data(),
                "visits": post.visits.as_data(),
            }
            for post in found.posts
        ],
        "networks": {name: {"shares_opened": opened.as_data(), "visits": came.as_data()} for name, (opened, came) in found.networks.items()},
        "teams": dict(found.teams),
    }
