"""`digest edition lint`: is the letter short, light and new enough."""

from __future__ import annotations

import click

from digest.cli.home import Home, as_json_option, pass_home, say


@click.command("lint")
@click.option("--edition", "period", metavar="WEEK", help="The week, such as 2026-W48 (default: the one that waits, else the coming one).")
@as_json_option
@pass_home
def command(home: Home, *, period: str | None, as_json: bool) -> int:
    """Measure the shortest, typical and longest letter in every language; exit 1 when a limit is broken."""
    from digest.pipeline import linting

    found = linting.lint(home.engine, home.config, now=home.now(), period=period)
    say(found.as_data(), found.sentence(), as_json=as_json)
    return 1 if found.stops else 0
