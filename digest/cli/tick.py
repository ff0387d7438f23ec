"""`digest tick`: everything that is due, once; for cron."""

from __future__ import annotations

import threading

import click

from digest.cli.home import Home, as_json_option, pass_home, say
from digest.cli.signals import draining, pausing


@click.command("tick")
@click.option("--now", "at_once", is_flag=True, help="Treat every queued or deferred message of approved editions as due; plan nothing.")
@as_json_option
@pass_home
def command(home: Home, *, at_once: bool, as_json: bool) -> None:
    """Plan, approve and send what is due, once. Safe to run every minute, and twice at the same time."""
    from digest.cli.progress import counting
    from digest.pipeline import week

    stop = threading.Event()
    with draining(stop):
        with pausing(home.engine, home.now), counting("Sending", quiet=as_json) as sent_one:
            done = week.tick(home.engine, home.config, clock=home.now, at_once=at_once, stop=stop, progress=sent_one)
        say(done.as_data(), done.sentence(), as_json=as_json)
    if done.needs_somebody:
        raise click.exceptions.Exit(1)
