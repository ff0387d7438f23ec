"""`digest mail test`: one marked letter over the real relay, told step by step."""

from __future__ import annotations

import click

from digest.cli.addresses import address as checked
from digest.cli.home import Home, as_json_option, pass_home, say


@click.command("test")
@click.argument("address", callback=checked)
@click.option("--edition", "period", metavar="WEEK", help="The week, such as 2026-W48 (default: the newest planned one).")
@as_json_option
@pass_home
def command(home: Home, *, address: str, period: str | None, as_json: bool) -> None:
    """Send the edition to ADDRESS as a test: marked, its links dead, nothing stored; exit 1 when the relay did not take it."""
    from digest.pipeline import probe
    from digest.pipeline.transports import relays

    made = probe.prepare(home.engine, home.config, address, period=period, now=home.now())
    tried = probe.send(probe.carrier(relays(home.config), made), made)
    say(tried.as_data(), tried.sentences(), as_json=as_json)
    if not tried.accepted:
        raise click.exceptions.Exit(1)
