"""Tracking: how much a press leaves behind, and the verdict on stored events, which may change as more are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import ada_url
from sqlalchemy import Connection

from digest.config import Config
from digest.domain.press import LinkToken, is_counted, is_measured
from digest.domain.share import Network
from digest.domain.verdicts import classify_all
from digest.domain.visitor import DEFAULTS, RULES_VERSION, ScannerNetwork, Thresholds, Verdict, VisitorClass, classify
from digest.files.scanners import load_scanners
from digest.pipeline import networks

OWN_MINUTES = 10  # how long an owner's browser is known again on the own short link


class Mode(StrEnum):
    """How much a press leaves behind (`[tracking] mode`)."""

    INDIVIDUAL = "individual"  # beside the person, for that person's eyes only
    AGGREGATE = "aggregate"  # beside a group of at least k
    OFF = "off"  # nothing


def nowhere(_address: str) -> str:
    """The country of every address while there is no database of them."""
    return ""


@dataclass(frozen=True, kw_only=True)
class TrackingSettings:
    """What tracking needs of the configuration."""

    site_url: str
    networks: tuple[Network, ...]  # every network that has a letter, offered or not: old links name them
    mode: Mode = Mode.INDIVIDUAL
    opt_in: bool = False
    short: bool = True  # False: shared texts carry the article's own address
    thresholds: Thresholds = DEFAULTS
    scanners: tuple[ScannerNetwork, ...] = ()
    click_hosts: frozenset[str] = frozenset()  # hosts of articles whose visitors carry a click id, in ASCII
    country: Callable[[str], str] = nowhere  # of a visitor's address

    def measures(self, token: LinkToken) -> bool:
        """True when this token's clicks stand beside its person."""
        return self.mode is Mode.INDIVIDUAL and is_measured(token, opt_in=self.opt_in)

    def counts(self, token: LinkToken) -> bool:
        """True when this token's clicks leave anything behind, beside its person or a group."""
        return self.mode is not Mode.OFF and is_counted(token, opt_in=self.opt_in)


def tracking_settings(config: Config) -> TrackingSettings:
    """`[tracking]` and `[sharing]` with the bundled catalogues. Raises FileProblemsError for a broken catalogue."""
    return TrackingSettings(
        site_url=config.site.url,
        networks=networks.usable(config),
        mode=Mode(config.tracking.mode),
        opt_in=config.tracking.consent == "opt-in",
        short=config.sharing.link == "short",
        scanners=load_scanners(),
        click_hosts=in_ascii(config.conversions.hosts),
    )


def in_ascii(hosts: Iterable[str]) -> frozenset[str]:
    """Host names as they stand in a redirect's address."""
    return frozenset(ada_url.idna_to_ascii(host).decode() for host in hosts)


def country_database(config: Config) -> Path | None:
    """The file that tells countries, or None."""
    return config.home / config.tracking.country_database if config.tracking.country_database else None


def employee_of(owner_name: str) -> int | None:
    """The person who owns a short link, or None for a group."""
    kind, _, number = owner_name.partition(":")
    return int(number) if kind == "employee" else None


def judged(verdict: Verdict) -> dict[str, Any]:
    """A verdict as an event's row keeps it."""
    return {"class": verdict.visitor.value, "reasons": list(verdict.reasons), "rules_version": RULES_VERSION}


def reclassify(connection: Connection, edition_id: int, settings: TrackingSettings) -> dict[str, int]:
    """Judge an edition's events again, each among the others; raw signals stay. Returns class -> clicks.

    The same events give the same verdicts, so running it twice changes nothing. Verdicts stay as they are once what they
    looked at is gone: when some of the edition's events became sums, and for people who were erased.
    """
    clicks = links.clicks_of(connection, edition_id)
    if retention.begun(connection, edition_id):
        return dict.fromkeys(map(str, VisitorClass), 0) | Counter(row._mapping["class"] for row in clicks)  # noqa: SLF001 - SQLAlchemy's documented name
    verdicts = classify_all([_hit(row) for row in clicks], settings.thresholds)
    verdicts |= {row.id: _stored(row) for row in clicks if row.token.startswith(ERASED)}
    links.put_verdicts(connection, "click", [_change(row, verdicts[row.id]) for row in clicks if _differs(row, verdicts[row.id])])
    busy: dict[int, list[datetime]] = {}
    for row in clicks:
        verdict = verdicts[row.id]
        if (
            row.employee_id is not None
            and verdict.visitor is VisitorClass.MACHINE
            and {"burst", "slow_burst", "share_of_links"} & set(verdict.reasons)
        ):
            busy.setdefault(row.employee_id, []).append(row.at)
    _reclassify_visits(connection, edition_id, settings, busy)
    counts = dict.fromkeys(map(str, VisitorClass), 0)
    for verdict in verdicts.values():
        counts[verdict.visitor] += 1
    return counts


def _reclassify_visits(connection: Connection, edition_id: int, settings: TrackingSettings, busy: dict[int, list[datetime]]) -> None:
    """A scanner that follows a share link finds the short link in it: a visit by its browser inside its burst is its own."""
    changed = []
    for row in links.visits_of(connection, edition_id):
        verdict = classify(row.signals, row.at, settings.thresholds) if not row.owner.startswith("erased:") else _stored(row)
        theirs = busy.get(employee_of(row.owner) or 0, ()) if row.signals.get("own") else ()
        if verdict.visitor is not VisitorClass.PREVIEW and any(abs(row.at - at) <= timedelta(minutes=OWN_MINUTES) for at in theirs):
            verdict = Verdict(visitor=VisitorClass.MACHINE, reasons=("burst",))
        if _differs(row, verdict):
            changed.append(_change(row, verdict))
    links.put_verdicts(connection, "visit", changed)


def _hit(row: Any) -> Hit:  # noqa: ANN401 - a row of the database
    shared = row.employee_id is None and not row.token.startswith("~")  # one token for a whole group: its browsers are told apart
    total = None if row.picks is None else len(row.picks) * (2 + len(row.networks or ""))
    return Hit(
        id=row.id,
        at=row.at,
        actor=f"{row.token}/{row.source}" if shared else row.token,
        n=row.n,
        link=f"{row.kind}/{row.network}",
        source=row.source,
        signals=row.signals,
        links=total,
    )


def _stored(row: Any) -> Verdict:  # noqa: ANN401 - a row of the database
    return Verdict(visitor=VisitorClass(row._mapping["class"]), reasons=tuple(row.reasons))  # noqa: SLF001 - SQLAlchemy's documented name


def _differs(row: Any, verdict: Verdict) -> bool:  # noqa: ANN401 - a row of the database
    return (row._mapping["class"], list(row.reasons), row.rules_version) != (verdict.visitor.value, list(verdict.reasons), RULES_VERSION)  # noqa: SLF001 - SQLAlchemy's documented name


def _change(row: Any, verdict: Verdict) -> dict[str, Any]:  # noqa: ANN401 - a row of the database
    return {"which": row.id, **judged(verdict)}
