"""`digest tracking`: judge again who followed the links."""

from __future__ import annotations

import click

from digest.cli.home import Home, as_json_option, pass_home, say


@click.group("tracking")
def command() -> None:
    """Clicks and visits, and what is thought of them."""


@command.command("reclassify")
@click.option("--edition", "period", metavar="WEEK", help="One week, such as 2026-W48 (default: all that have single clicks or visits).")
@as_json_option
@pass_home
def reclassify(home: Home, *, period: str | None, as_json: bool) -> None:
    """Judge stored clicks and visits again, after new rules or thresholds; twice changes nothing more."""
    from digest.pipeline import verdicts

    found = verdicts.judge_again(home.engine, home.config, period)
    say(verdicts.as_data(found), "\n".join(verdicts.sentences(found)), as_json=as_json)
