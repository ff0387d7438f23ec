"""`digest suppress`: who gets no mail, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from digest.cli.addresses import address as checked
from digest.cli.addresses import days as whole_days
from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.pipeline.suppressions import Listing

_SAID = ("manual", "unsubscribed", "complaint", "hard_bounce")  # what an operator may know; the other reasons have their own ways
_LIFTED = (*_SAID, "soft_bounce")


@click.group("suppress")
def command() -> None:
    """Stop mail to an address, see who is stopped, and end it."""


@command.command()
@click.argument("address", callback=checked)
@click.option("--reason", type=click.Choice(_SAID), default="manual", show_default=True, help="Why.")
@click.option("--days", metavar="NUMBER", callback=whole_days, help="For how many days; without it until somebody lifts it.")
@pass_home
def add(home: Home, *, address: str, reason: str, days: int | None) -> None:
    """Stop mail to ADDRESS, whether it is on the roster or not."""
    from digest.domain.suppression import SuppressionReason
    from digest.pipeline import suppressions

    stopped, known = suppressions.add(home.engine, address, SuppressionReason(reason), now=home.now(), days=days)
    until = f" for {days} days" if days and days > 1 else " for a day" if days else ""
    click.echo(f"{address} gets no mail any more{until} ({reason})." if stopped else f"{address} was stopped already ({reason}); nothing changed.")
    if not known:
        click.echo("Nobody on the roster has this address; it holds for whoever comes with it.", err=True)


@command.command("list")
@as_json_option
@pass_home
def list_(home: Home, *, as_json: bool) -> None:
    """List who gets no mail and why. Only hashes are stored, so of people who were never on the roster just the number is known."""
    from digest.pipeline import suppressions

    found = suppressions.listed(home.engine, now=home.now())
    data = {
        "people": [
            {"address": one.address, "name": one.name, "reason": one.reason, "at": one.at, "until": one.until, "left": one.left}
            for one in found.people
        ],
        "others": found.others,
    }
    say(data, _listed(found), as_json=as_json)


@command.command()
@click.argument("address", callback=checked)
@click.option("--reason", type=click.Choice(_LIFTED), help="End only this one; without it, all that hold.")
@click.option("--at-their-word", is_flag=True, help="The person asked for the letter again: needed for unsubscribed and complaint.")
@pass_home
def lift(home: Home, *, address: str, reason: str | None, at_their_word: bool) -> None:
    """Let mail go to ADDRESS again. What the person said is theirs to undo; erased stays for good."""
    from digest.domain.suppression import SuppressionReason
    from digest.pipeline import suppressions

    which = SuppressionReason(reason) if reason else None
    lifted, held = suppressions.lift(home.engine, address, which, at_their_word=at_their_word, now=home.now())
    now = f"{address} still gets no mail: {', '.join(held)}" if held else f"{address} may get mail again"
    click.echo(f"{now}; lifted: {', '.join(lifted)}.")


def _listed(found: Listing) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    if not found.people and not found.others:
        return "Nobody is suppressed."
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Address", "Name", "Why", "Since", "Until"):
        table.add_column(name, overflow="fold", no_wrap=name == "Address")
    for one in found.people:
        name = f"{one.name} (left)" if one.left else one.name
        table.add_row(one.address, name, one.reason, f"{one.at:%Y-%m-%d}", f"{one.until:%Y-%m-%d}" if one.until else "it is lifted")
    lines = [drawn(table).rstrip("\n")] if found.people else []
    lines += [f"{count:,} not on the roster: {reason}" for reason, count in sorted(found.others.items())]
    return "\n".join(lines)
