"""`digest privacy`: what is held about one person, their own switch, and what is kept no longer."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from digest.cli.addresses import address as checked
from digest.cli.home import Home, as_json_option, pass_home, plain, say


@click.group("privacy")
def command() -> None:
    """Show one person what is held about them, note their choice, and destroy what is kept no longer."""


@command.command()
@click.argument("address", callback=checked)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this new file, readable by you alone.")
@pass_home
def export(home: Home, *, address: str, output: Path | None) -> None:
    """Print everything that is held about ADDRESS as JSON, to be handed to that person. It is noted, and they are told by mail."""
    from digest.pipeline import personal

    found = personal.export(home.engine, home.config, address, who=getpass.getuser(), now=home.now())
    if output is None:
        say(found, "", as_json=True)
    else:
        personal.put(output, found, plain)
        click.echo(f"{output} holds what is known about {address}. It is for that person alone: hand it over, then delete it.")


@command.command()
@click.argument("address", callback=checked)
@click.option("--yes/--no", "value", required=True, help="Whether what they press may be counted.")
@pass_home
def measure(home: Home, *, address: str, value: bool) -> None:
    """Note that ADDRESS told you whether what they press may be counted; it is theirs to say. The erasing is `digest roster erase`."""
    from digest.pipeline import personal

    personal.measure(home.engine, address, value=value, now=home.now())
    said = "may be counted again" if value else "is not counted any more, in letters they already have too"
    click.echo(f"Noted: what {address} presses {said}.")


@command.command()
@click.option("--trust-clock", is_flag=True, help="The clock is right although it stands far ahead of everything that was recorded.")
@as_json_option
@pass_home
def purge(home: Home, *, trust_clock: bool, as_json: bool) -> None:
    """Destroy what is kept no longer. Every tick and `digest serve` do it too; by hand it is for a copy that was restored."""
    from digest.pipeline import privacy

    done = privacy.purge(home.engine, home.config, now=home.now(), trust_clock=trust_clock, who=getpass.getuser())
    say(done.as_data(), done.sentence(), as_json=as_json)
    if done.unbelieved:
        raise click.exceptions.Exit(1)
