"""`digest db`: bring the tables up to date, or check them."""

from __future__ import annotations

import secrets

import click

from digest.cli.home import Home, as_json_option, pass_home, say


@click.group("db")
def command() -> None:
    """Make, upgrade and check the database."""


@command.command()
@pass_home
def upgrade(home: Home) -> None:
    """Make the tables, or bring them to this version; makes the signing keys if there are none."""
    from digest.db import keys, migrate
    from digest.db.session import place, write

    migrate.upgrade(home.unchecked_engine)
    with write(home.unchecked_engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, home.now())
    click.echo(f"{place(home.unchecked_engine)} is up to date.")


@command.command()
@as_json_option
@pass_home
def check(home: Home, *, as_json: bool) -> None:
    """Say whether the tables are those of this version."""
    from digest.db.session import place
    from digest.errors import SchemaError

    found = place(home.unchecked_engine)
    try:
        ready = home.engine is not None
    except SchemaError as error:
        if not as_json:
            raise
        say({"database": found, "up_to_date": False, "problem": str(error)}, "", as_json=True)
        raise click.exceptions.Exit(1) from error
    say({"database": found, "up_to_date": ready, "problem": ""}, f"{found} is up to date.", as_json=as_json)
