"""The report as sentences, as one JSON object and as tables for a spreadsheet. A hidden figure has no number in any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC
from typing import Any

from digest.domain.money import major
from digest.domain.outcome import Grade, tally, values
from digest.domain.report import Range
from digest.domain.visitor import Audience, VisitorClass
from digest.pipeline import crm
from digest.pipeline.report import Grades, Report, Rungs

_ASIDE = (VisitorClass.MACHINE, VisitorClass.PREVIEW)


def sentences(found: Report) -> list[str]:
    """The report's head, in words."""
    said = [f"{found.edition.period}: {found.counts.get('sent', 0):,} of {found.edition.audience:,} messages accepted by the relay."]
    if found.own_words is not None:
        said.append(f"{found.own_words} % of the shares by the share page were in people's own words: no ready caption was taken.")
    for what, classes in (("clicks", found.click_classes), ("visits", found.visit_classes)):
        if classes and sum(classes.values()):
            counts = ", ".join(f"{classes[one]:,} {one.value}" for one in VisitorClass)
            share = round(100 * sum(classes[one] for one in _ASIDE) / sum(classes.values()))
            said.append(f"{sum(classes.values()):,} {what}: {counts}. {share} % came from machines and previews and count nowhere below.")
    said.append("A range goes from surely people to probably people. A share opened is not a share: what was posted nobody knows.")
    if any(one.high for one in found.insiders.values()):
        own, colleagues = (found.insiders[one] for one in (Audience.OWN, Audience.COLLEAGUE))
        said.append(f"Not counted as reach: visits by the owners of the links themselves {own}, by colleagues {colleagues}.")
    if found.after_reading is not None:
        said.append(f"{found.after_reading} % of the shares that people opened came after they had opened the article.")
    said += [found.ledger.sentence()] if found.ledger is not None else []
    return said


def as_data(found: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    clicks = found.click_classes
    return {
        "period": found.edition.period,
        "state": found.edition.state.value,
        "audience": found.edition.audience,
        "counts": dict(found.counts),
        "outcomes": {"by_event": _by_event(found), "each": [crm.as_data(one) for one in found.outcomes]},
        "clicks": {
            "all": None if clicks is None else sum(clicks.values()),
            "machine": None if clicks is None else sum(clicks[one] for one in _ASIDE),
        },
        "classes": {"clicks": _classes(clicks), "visits": _classes(found.visit_classes)},
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
                "brand_visits": post.brand_visits.as_data(),
                "outcomes": _grades(post.outcomes),
            }
            for post in found.posts
        ],
        "evidence": [_rungs(one) for one in found.rungs],
        "channels": {
            channel.value: {
                "short_links_followed": side.followed.as_data(),
                "visits": side.visits.as_data(),
                "outcomes": _grades(side.outcomes),
                "visits_per_outcome_a": side.visits_per_outcome,
            }
            for channel, side in found.sides.items()
        },
        "countries": {country or "unknown": figure.as_data() for country, figure in found.countries.items()},
        "hours": {
            "zone": found.zone,
            "visits": {"unknown" if hour is None else f"{hour:02}": figure.as_data() for hour, figure in found.hours.items()},
        },
        "insiders": {one.value: figure.as_data() for one, figure in found.insiders.items()},
        "shares_in_own_words_percent": found.own_words,
        "shares_after_reading_percent": found.after_reading,
        "ledger": None if found.ledger is None else asdict(found.ledger),
        "teams": dict(found.teams),
    }


def _classes(counts: Mapping[VisitorClass, int] | None) -> dict[str, int | None]:
    return {one.value: None if counts is None else counts[one] for one in VisitorClass}


def _grades(grades: Grades) -> dict[str, dict[str, int]]:
    return {event: {grade.value: count for grade, count in counts.items()} for event, counts in grades.items()}


def _by_event(found: Report) -> dict[str, Any]:
    """Event -> grade -> how many, and the values that were named; in the operator's order."""
    counts, named = tally(found.outcomes), values(found.outcomes)
    return {
        event: {
            grade.value: {
                "count": counts[event][grade],
                "values": {currency: major(minor, currency) for (of, by, currency), minor in named.items() if (of, by) == (event, grade)},
            }
            for grade in Grade
        }
        for event in in_order(found, counts)
    }


def in_order(found: Report, counts: Grades) -> list[str]:
    """The events of `counts` as the operator put them; those that are no longer in the configuration last."""
    known = [event for event in found.events if event in counts]
    return known + sorted(set(counts) - set(known))


def _rungs(one: Rungs) -> dict[str, Any]:
    return {
        "post": one.post,
        "network": one.network,
        "channel": one.channel.value,
        "intent_opened": one.intent_opened and one.intent_opened.as_data(),
        "preview_fetched": one.preview_fetched and one.preview_fetched.as_data(),
        "first_visit": one.first_visit.as_data(),
        "first_visit_at": one.first_visit_at and one.first_visit_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "visits": one.visits.as_data(),
        "outcomes": _grades(one.outcomes),
    }


def rows(found: Report, table: str = "posts") -> list[list[str]]:
    """One of the report's tables for a spreadsheet: a header, then its rows. Hidden figures are empty."""
    return TABLES[table](found)


def _posts(found: Report) -> list[list[str]]:
    head = ["edition", "post", "title", "origin", "visibility", "sent_to", *_ends("read", "shares_opened", "visits", "brand_visits")]
    lines = [
        [
            *(found.edition.period, post.id, post.title, post.origin, "internal" if post.internal else "public", str(post.picked)),
            *_cells(post.read, post.shares_opened, post.visits, post.brand_visits),
        ]
        for post in found.posts
    ]
    return [head, *lines]


def _evidence(found: Report) -> list[list[str]]:
    head = ["edition", "post", "network", "channel", *_ends("intent_opened", "preview_fetched", "first_visit", "visits")]
    return [
        head,
        *(
            [
                *(found.edition.period, one.post, one.network, one.channel.value),
                *_cells(one.intent_opened, one.preview_fetched, one.first_visit, one.visits),
            ]
            for one in found.rungs
        ),
    ]


def _outcomes(found: Report) -> list[list[str]]:
    head = ["event", "grade", "external_id", "occurred_at", "edition", "post", "network", "channel", "value", "currency", "click_id"]
    each = [crm.as_data(one) for one in found.outcomes]
    visit = ["visited_at", "visitor", "country", "referrer"]
    seen = [one["visit"] or {} for one in each]
    lines = [
        [*(str(one[name] or "") for name in head), *(str(at.get(name) or "") for name in ("at", "class", "country", "referrer"))]
        for one, at in zip(each, seen, strict=True)
    ]
    return [[*head, *visit], *lines]


def _countries(found: Report) -> list[list[str]]:
    head = ["edition", "country", *_ends("visits")]
    return [head, *([found.edition.period, country or "unknown", *_cells(figure)] for country, figure in found.countries.items())]


def _hours(found: Report) -> list[list[str]]:
    head = ["edition", "zone", "hour", *_ends("visits")]
    lines = ([found.edition.period, found.zone, "" if hour is None else str(hour), *_cells(figure)] for hour, figure in found.hours.items())
    return [head, *lines]


TABLES: Mapping[str, Callable[[Report], list[list[str]]]] = {
    "posts": _posts,
    "evidence": _evidence,
    "outcomes": _outcomes,
    "countries": _countries,
    "hours": _hours,
}


def _ends(*names: str) -> list[str]:
    return [f"{name}_{end}" for name in names for end in ("low", "high")]


def _cells(*figures: Range | None) -> list[str]:
    return [cell for figure in figures for cell in (("", "") if figure is None or figure.hidden else (str(figure.low), str(figure.high)))]
