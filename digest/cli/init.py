"""`digest init`: a place to start from."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from digest.cli.home import Home, pass_home


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@pass_home
def command(home: Home, folder: Path) -> None:
    """Write config.toml, queue.toml and roster.csv to FOLDER and make the database. Never overwrites a file."""
    from digest.config import load_config
    from digest.db import keys, migrate
    from digest.db.session import open_database, place, write
    from digest.files.starter import write_starter

    for path, made in write_starter(folder):
        click.echo(f"{path}: {'written' if made else 'is there already and stays as it is'}")
    config = load_config(folder / "config.toml")
    engine = open_database(config.database.url, base=config.home)
    migrate.upgrade(engine)
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, home.now())
    engine.dispose()
    click.echo(f"{place(engine)}: ready")
    here = "" if folder == Path() else f"cd {folder}, then "
    click.echo(f"Next: {here}put your people into roster.csv and run `digest roster import roster.csv`.")
