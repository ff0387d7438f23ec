"""`digest outcome`: what visits led to, taken in from a file, and listed."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.pipeline.crm import Import


@click.group("outcome")
def command() -> None:
    """Take in what visits led to, as your CRM knows it, and list it."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what it would bring and store nothing.")
@click.option("--currency", default="", metavar="CODE", help="The currency of values that name none, such as EUR.")
@as_json_option
@pass_home
def import_(home: Home, *, file: Path, dry_run: bool, currency: str, as_json: bool) -> None:
    """Take in the outcomes of FILE (click_id,lead_id,stage,value and more), all or none; again as often as you like."""
    from digest.pipeline import crm

    now = home.now()
    found = crm.compare(home.engine, home.config, file, now=now, currency=currency)
    for note in found.notes:
        click.echo(note, err=True)
    if not dry_run:
        crm.bring_in(home.engine, found, file=file, who=getpass.getuser(), now=now)
    data = {"new": len(found.new), "corrected": len(found.corrected), "same": found.same, "grades": found.grades, "dry_run": dry_run}
    say(data, _told(found, dry_run=dry_run), as_json=as_json)


def _told(found: Import, *, dry_run: bool) -> str:
    grades = ", ".join(f"{grade} {count:,}" for grade, count in found.grades.items())
    said = f"{len(found.new):,} new ({grades}), {len(found.corrected):,} corrected, {found.same:,} as before."
    return f"Nothing was stored. It would be: {said}" if dry_run else said


@command.command("list")
@click.option("--edition", "period", metavar="WEEK", help="Only what came of this week's posts (default: of all).")
@as_json_option
@pass_home
def list_(home: Home, *, period: str | None, as_json: bool) -> None:
    """List every outcome beside the visit that led to it, each once; whose link it was is not told."""
    from digest.cli.tables import outcome_table
    from digest.pipeline import crm

    found = crm.listed(home.engine, period)
    text = outcome_table(found) if found else "Nothing came of any visit yet, or nobody told: docs/outcomes.md says how it is told."
    say({"outcomes": [crm.as_data(one) for one in found]}, text, as_json=as_json)
