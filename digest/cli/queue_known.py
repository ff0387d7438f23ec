"""What `digest queue` learns from the configuration and the database, as long as they are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from digest.cli.home import Home
from digest.errors import DigestError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from digest.config import Config
    from digest.pipeline.contribution_posts import Offered

Told = TypeVar("Told")


def config_of(home: Home) -> Config | None:
    """The configuration where there is one; a broken one is no problem of the queue, and every other command names it."""
    try:
        return home.config if home.config_path.exists() else None
    except DigestError:
        return None


def given(home: Home) -> Offered:
    """What employees gave, while there is a database to ask."""
    from digest.pipeline.contribution_posts import Offered, known

    return _asked(home, lambda engine: known(engine, home.config, home.now()), Offered())


def authors(home: Home, roster: Path | None) -> tuple[frozenset[str] | None, str]:
    """Who may stand in `by`, and why that is unknown."""
    from digest.pipeline import queue

    if roster is not None:
        return queue.authors_in(roster), ""
    if not home.config_path.exists():
        return None, f"there is no {home.config_path} here that names the database"
    try:
        url = home.unchecked_engine.url
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return None, "there is no database yet; `digest db upgrade` makes it"
        found = queue.authors(home.engine)
    except DigestError as error:
        return None, str(error).splitlines()[0]
    return found, "" if found else "nobody was imported yet; `digest roster import FILE.csv` does it"


def erased(home: Home) -> frozenset[str]:
    """Hashes of the addresses of people who were forgotten, while there is a database to ask."""
    from digest.pipeline import queue

    return _asked(home, queue.erased, frozenset())


def names(home: Home) -> frozenset[str]:
    """Full names on the roster, while there is a database to ask."""
    from digest.pipeline import contribution_wall

    return _asked(home, contribution_wall.names, frozenset())


def unowned(home: Home) -> list[str]:
    """Questions that the edition has to name and that nobody answers for; none where there is no database to ask."""
    from digest.db.session import read
    from digest.pipeline import ledger

    def ask(engine: Engine) -> list[str]:
        with read(engine) as connection:
            return [*ledger.unowned(connection, home.now()), *ledger.unquoted(connection)]

    return _asked(home, ask, [])


def _asked(home: Home, ask: Callable[[Engine], Told], otherwise: Told) -> Told:
    """What the database says; `otherwise` where there is none, or none that answers, which `authors` tells."""
    try:
        url = home.unchecked_engine.url if home.config_path.exists() else None
        if url is None or (url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()):
            return otherwise
        return ask(home.engine)
    except DigestError:
        return otherwise
