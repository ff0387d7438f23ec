"""Tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from digest.domain.ladder import RUNGS
from digest.domain.money import spoken
from digest.domain.outcome import Channel, Grade, Outcome, tally, values
from digest.domain.report import Range
from digest.pipeline.report import Grades, Report
from digest.pipeline.report_forms import in_order, sentences

_LISTED = 20  # outcomes that stand in the report; `digest outcome list` has all
_OUTCOME = ("When", "What", "Grade", "Lead", "Post", "Network", "Whose", "Visit", "Value")
_WHOSE = {Channel.EMPLOYEE: "employees", Channel.BRAND: "the brand"}


def report_table(found: Report) -> str:
    """The report for people: sentences first, then what came of it, then a line per post and per network."""
    parts = [*sentences(found), ""]
    if found.outcomes:
        parts += ["Outcomes, each once. A: by a person's visit. B: by a doubtful one, or by UTM values. C: somebody says so. Never added.", ""]
        parts += [drawn(_events(found)), outcome_table(found.outcomes[-_LISTED:])]
    parts.append(drawn(_posts(found)))
    if found.rungs:
        parts += [drawn(_evidence(found), width=120), drawn(_sides(found))]
    parts += _spread(found)
    if any(people is not None for people in found.teams.values()):
        parts.append(drawn(_teams(found)))
    return "\n".join(parts)


def _events(found: Report) -> Table:
    counts, named = tally(found.outcomes), values(found.outcomes)
    table = table_of("What", *(grade.value for grade in Grade), "Value as named")
    for event in in_order(found, counts):
        said = [f"{grade} {spoken(minor, currency)}" for (of, grade, currency), minor in sorted(named.items()) if of == event]
        table.add_row(event, *(str(counts[event][grade]) for grade in Grade), ", ".join(said) or "-")
    return table


def _posts(found: Report) -> Table:
    table = table_of("Post", "From", "Sent to", "Read", "Shares opened", "Visits", "By the brand", "Outcomes")
    for post in found.posts:
        outside = ["-"] * 4 if post.internal else [str(post.shares_opened), str(post.visits), str(post.brand_visits), graded(post.outcomes)]
        table.add_row(post.title, "inside" if post.internal else post.origin, f"{post.picked:,}", str(post.read), *outside)
    return table


def _evidence(found: Report) -> Table:
    table = table_of("Short links of", "Network", "Post of", *(rung.capitalize() for rung in RUNGS), "Visits", "Outcomes")
    for one in found.rungs:
        first = f"{one.first_visit_at:%m-%d %H:%M}" if one.first_visit_at else "-" if one.channel is Channel.BRAND else str(one.first_visit)
        fetched = (
            ("no", "yes")[one.preview_fetched.high > 0] if one.preview_fetched and one.channel is Channel.BRAND else _or_dash(one.preview_fetched)
        )
        label = found.labels.get(one.network, one.network)
        table.add_row(one.post, label, _WHOSE[one.channel], _or_dash(one.intent_opened), fetched, first, str(one.visits), graded(one.outcomes))
    return table


def _sides(found: Report) -> Table:
    table = table_of("Posts of", "Short links followed", "Visits", "Outcomes", "Visits to one of grade A")
    for channel, side in found.sides.items():
        per = "-" if side.visits_per_outcome is None else f"{side.visits_per_outcome:,}"
        table.add_row(_WHOSE[channel], str(side.followed), str(side.visits), graded(side.outcomes), per)
    return table


def _spread(found: Report) -> list[str]:
    lines = []
    if found.countries:
        most = sorted(found.countries.items(), key=lambda pair: (-pair[1].high, pair[0]))
        lines.append("Visits by country: " + ", ".join(f"{country or 'unknown'} {figure}" for country, figure in most) + ".")
    if found.hours:
        each = ", ".join(f"{'unknown' if hour is None else f'{hour:02}'} {figure}" for hour, figure in found.hours.items())
        lines.append(f"Visits by hour ({found.zone}): {each}.")
    return [*lines, ""] if lines else []


def _teams(found: Report) -> Table:
    table = table_of("Team", "Pressed a link")
    for team, people in sorted(found.teams.items()):
        table.add_row(team, "hidden" if people is None else str(people))
    return table


def graded(outcomes: Grades) -> str:
    """`lead A1 B0 C2`: no grade is added to another."""
    return "; ".join(f"{event} {' '.join(f'{grade}{count}' for grade, count in counts.items())}" for event, counts in outcomes.items()) or "-"


def _or_dash(figure: Range | None) -> str:
    return "-" if figure is None else str(figure)


def outcome_table(found: tuple[Outcome, ...] | list[Outcome]) -> str:
    """Outcomes for people, a line each, beside the visit that led to it."""
    table = table_of(*_OUTCOME)
    for one in found:
        visit = f"{one.visitor} {one.visited_at:%Y-%m-%d %H:%M} {one.country}".rstrip() if one.visited_at else one.visitor
        value = "" if one.value_minor is None else spoken(one.value_minor, one.currency)
        row = (f"{one.occurred_at:%Y-%m-%d %H:%M}", one.event, one.grade, one.external_id, one.post, one.network, one.channel, visit, value)
        table.add_row(*(cell or "-" for cell in row))
    return drawn(table, width=150)


def table_of(*columns: str) -> Table:
    """A table whose first column holds words and whose others hold figures."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(columns[0], overflow="fold", max_width=44)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def drawn(table: Table, *, width: int = 100) -> str:
    """The table as text, `width` columns at most; what stands in its cells is never taken for markup."""
    console = Console(width=width, no_color=True, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
