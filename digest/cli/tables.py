"""Tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from digest.pipeline.report import Report, sentences


def report_table(found: Report) -> str:
    """The report for people: sentences first, then a line per post and per network."""
    posts = table_of("Post", "From", "Sent to", "Read", "Shares opened", "Visits")
    for post in found.posts:
        origin = "inside" if post.internal else post.origin
        visits = "-" if post.internal else str(post.visits)
        shares = "-" if post.internal else str(post.shares_opened)
        posts.add_row(post.title, origin, f"{post.picked:,}", str(post.read), shares, visits)
    networks = table_of("Network", "Shares opened", "Visits")
    for name, (opened, visits_of) in found.networks.items():
        networks.add_row(name, str(opened), str(visits_of))
    teams = table_of("Team", "Pressed a link")
    for team, people in sorted(found.teams.items()):
        teams.add_row(team, "hidden" if people is None else str(people))
    parts = [*sentences(found), "", drawn(posts)]
    parts += [drawn(networks)] if found.networks else []
    parts += [drawn(teams)] if any(people is not None for people in found.teams.values()) else []
    return "\n".join(parts)


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
