"""`digest roster`: who gets the letter."""

from __future__ import annotations

import getpass
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.domain.employee import Employee
    from digest.domain.roster import Difference

_SHOWN = 50  # lines of each kind; the rest is counted
file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.group("roster")
def command() -> None:
    """Import the people who get the letter, list them, forget one."""


@command.command()
@file_argument
@as_json_option
@pass_home
def check(home: Home, *, file: Path, as_json: bool) -> None:
    """Find every problem in FILE and say where it is. Needs no database."""
    from digest.pipeline import networks, roster

    found = roster.check(file, networks.names(home.config) if home.config_path.exists() else None)
    _aloud(found.notes)
    say(
        {"file": str(file), "people": len(found.rows), "notes": list(found.notes)},
        f"{file}: no problems. {_people(len(found.rows))}.",
        as_json=as_json,
    )


@command.command("import")
@file_argument
@click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
@click.option("--allow-leavers", is_flag=True, help="Act even when more than a fifth of all people would leave.")
@as_json_option
@pass_home
def import_(home: Home, *, file: Path, dry_run: bool, allow_leavers: bool, as_json: bool) -> None:
    """Make the roster what FILE says: who is new joins, who is missing leaves. What people chose themselves stays."""
    from digest.pipeline import networks, roster

    found = roster.check(file, networks.names(home.config))
    _aloud(found.notes)
    zone = home.config.site.timezone
    if dry_run:
        change = roster.preview(home.engine, found, zone=zone)
    else:
        change = roster.bring_in(home.engine, found, zone=zone, now=home.now(), allow_leavers=allow_leavers)
    say(_as_data(change) | {"dry_run": dry_run}, _told(change, dry_run=dry_run), as_json=as_json)


@command.command("list")
@as_json_option
@pass_home
def list_(home: Home, *, as_json: bool) -> None:
    """List everybody who is on the roster now."""
    from digest.pipeline import roster

    people = roster.listed(home.engine)
    text = f"{_table(people)}\n{_people(len(people))}." if people else "Nobody is on the roster yet. Run `digest roster import FILE.csv`."
    say({"people": [_person(person) for person in people]}, text, as_json=as_json)


@command.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_home
def erase(home: Home, *, address: str, yes: bool) -> None:
    """Forget one person for good: their row, their links, and every thread from a figure back to them."""
    from digest.pipeline import roster

    engine = home.engine
    if not yes:
        click.confirm(f"Forget {address} for good? This cannot be undone", abort=True)
    folded = roster.erase(engine, address, now=home.now(), random=lambda: secrets.token_hex(8), who=getpass.getuser())
    click.echo("Forgotten. An import will not bring this address back: only its hash is kept, to know it by.")
    if not folded:
        click.echo("Somebody reads the database just now; the next tick clears the last traces out of its log.", err=True)
    click.echo("If the queue has posts by this address, take `by` out of them; `digest queue check` names the lines.")


def _aloud(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(note, err=True)


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _person(person: Employee) -> dict[str, Any]:
    names = ("address", "name", "language", "country", "team", "topics", "networks", "shared")
    return {name: getattr(person, name) for name in names} | {"id": person.roster_id, "timezone": person.zone}


def _as_data(change: Difference) -> dict[str, Any]:
    def moved(changes: tuple[Any, ...]) -> list[dict[str, Any]]:
        return [
            {"address": c.employee.address, "changes": [{"field": f.field, "before": f.before, "after": f.after} for f in c.fields]} for c in changes
        ]

    return {
        "joined": [values["address"] for values in change.joined],
        "changed": moved(change.changed),
        "returned": moved(change.returned),
        "left": [person.address for person in change.left],
        "unchanged": change.unchanged,
        "erased": change.erased,
    }


def _told(change: Difference, *, dry_run: bool) -> str:
    lines = [*_shown("+", [f"{v['address']}  {v['name']}" for v in change.joined])]
    for mark, changes in (("~", change.changed), ("^", change.returned)):
        lines += _shown(mark, [_moved(c.employee.address, c.fields) for c in changes])
    lines += _shown("-", [f"{person.address}  {person.name}" for person in change.left])
    would = "would be " if dry_run else ""
    counts = f"{len(change.joined):,} joined, {len(change.changed):,} changed, {len(change.returned):,} returned, {len(change.left):,} left"
    lines.append(
        f"Nothing {would or 'was '}changed: {change.unchanged:,} people as before."
        if change.is_empty
        else f"{_head(dry_run)}{counts}, {change.unchanged:,} unchanged."
    )
    if change.erased:
        who = "1 person who asked to be forgotten was" if change.erased == 1 else f"{change.erased:,} people who asked to be forgotten were"
        lines.append(f"{who} left out.")
    if dry_run and change.too_many_leave:
        lines.append(f"{len(change.left):,} of {change.here:,} would leave: a real import needs --allow-leavers.")
    return "\n".join(lines)


def _head(dry_run: bool) -> str:
    return "This would be the change, nothing was done: " if dry_run else ""


def _moved(address: str, fields: tuple[Any, ...]) -> str:
    return f"{address}  " + ("; ".join(f"{f.field}: {_plain(f.before)} -> {_plain(f.after)}" for f in fields) or "back, as before")


def _plain(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value) if value not in {None, ""} else "nothing"


def _shown(mark: str, lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [f"{mark} {line}" for line in lines[:_SHOWN]] + ([f"{mark} and {more:,} more"] if more > 0 else [])


def _table(people: list[Employee]) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Address", "Name", "Team", "Country", "Language", "Time zone"):
        table.add_column(name, overflow="fold", no_wrap=name == "Address")
    for person in people:
        name = f"{person.name} (shared)" if person.shared else person.name
        table.add_row(person.address, name, person.team, person.country, person.language, person.zone)
    return drawn(table).rstrip("\n")
