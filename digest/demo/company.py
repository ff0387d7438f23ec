"""An invented company in a folder: config, queue, roster, database, people's consents."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from digest.config import Config, load_config
from digest.db import consents, keys, migrate, people
from digest.db.session import open_database, read, write
from digest.demo.pictures import FACES, illustrate
from digest.pipeline import roster

SAMPLE = Path(__file__).resolve().parent.parent / "sample"
_WORDING = "2026-11"

_CONFIG = """\
# The demo's configuration: the sample company on this machine's loopback.
[site]
name = "The Fernwood Letter"
company = "Fernwood Instruments"
url = "http://127.0.0.1:{web}"
timezone = "Europe/Lisbon"
address = "12 Fern Lane, 00000 Sampleton"
policy_url = "https://fernwood.example/sharing"

[content]
faces = "{faces}"

[sender]
from = "Mara at Fernwood <letter@fernwood.example>"
reply_to = "letter@fernwood.example"

[smtp]
port = {smtp}

[schedule]
approval = "required"

[web]
listen = "127.0.0.1:{web}"

[sharing]
disclosure = "I work at Fernwood Instruments."
"""


@dataclass(frozen=True, kw_only=True)
class Company:
    """The folder, its configuration and its open database."""

    folder: Path
    config: Config
    engine: Engine


def found(folder: Path, *, web: int, smtp: int, now: datetime) -> Company:
    """Set the company up in `folder`; files that are there stay, the config gets this run's ports."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("queue.toml", "roster.csv"):
        if not (folder / name).exists():
            shutil.copyfile(SAMPLE / name, folder / name)
    illustrate(folder)
    (folder / "config.toml").write_text(_CONFIG.format(web=web, smtp=smtp, faces=FACES), encoding="utf-8")
    config = load_config(folder / "config.toml", environ={})
    engine = open_database(config.database.url, base=config.home)
    migrate.upgrade(engine)
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, now)
    roster.bring_in(engine, roster.check(folder / "roster.csv"), zone=config.site.timezone, now=now, allow_leavers=True)
    _consent(engine, now)
    return Company(folder=folder, config=config, engine=engine)


def _consent(engine: Engine, now: datetime) -> None:
    """Everybody receives and is measured but the last one, who said no; those who write agreed to be named."""
    with read(engine) as connection:
        everybody = [person for person in people.stream(connection) if not person.shared]
    with write(engine) as connection:
        for person in everybody:
            if person.measured is None:
                consents.record(connection, person.id, "measure", value=person != everybody[-1], wording=_WORDING, now=now)
                consents.record(connection, person.id, "name", value=person != everybody[-1], wording=_WORDING, now=now)
