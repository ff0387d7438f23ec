"""`digest verify`: did every expected edition happen."""

from __future__ import annotations

import click

from digest.cli.home import Home, as_json_option, pass_home, say


@click.command("verify")
@as_json_option
@pass_home
def command(home: Home, *, as_json: bool) -> None:
    """Look for editions that did not happen and for what is open and should be over; exit 1 if there is any. For cron."""
    from digest.pipeline.verify import verify

    verdict = verify(home.engine, home.config, now=home.now())
    text = "\n".join(verdict.problems) or "Every expected edition happened, and nothing is overdue."
    say({"problems": list(verdict.problems)}, text, as_json=as_json)
    if verdict.problems:
        raise click.exceptions.Exit(1)
