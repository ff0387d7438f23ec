"""A small company to test with: people in the database, a queue on disk, a configuration around both."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from digest.config import Config
from digest.db import keys
from digest.db.schema import employee
from digest.db.session import write
from tests.conftest import NOW

QUEUE = """\
[edition]
note = "Three colleagues wrote about something that first went wrong."
signed = "Mara, communications"
ask = "What did a customer teach you this month?"

[[post]]
id = "cold-room"
title = "The cold room that lied to us"
url = "https://example.com/cold-room"
why = "For nine days our reference sensor read 0.4 degrees too warm."
by = "ana@example.org"
named = true
topics = ["quality"]
[post.captions]
linkedin = ["A thermometer that was wrong for nine days."]

[[post]]
id = "flow-meter"
title = "Twelve questions before you buy a flow meter"
url = "https://example.com/flow-meter"
why = "One page, no form."
topics = ["recycling"]

[[post]]
id = "no-lyon"
title = "No office in Lyon"
why = "Customers there would rather have more visits."
visibility = "internal"
"""


def person(address: str, **more: Any) -> dict[str, Any]:
    """A row of the roster."""
    name = address.split("@", maxsplit=1)[0].replace(".", " ").title()
    row = {
        "address": address.lower(),
        "mailbox": address,
        "name": name,
        "roster_id": None,
        "language": "en",
        "zone": "UTC",
        "country": "",
        "team": "",
        "topics": [],
        "networks": ["linkedin"],
        "shared": False,
        "named": False,
        "measured": None,
        "chosen": [],
        "joined_at": NOW,
        "left_at": None,
    }
    return {**row, **more}


def crowd(count: int) -> list[dict[str, Any]]:
    """`count` people in four teams, two languages and three zones; the first is Ana, who writes."""
    zones, teams = ("UTC", "Asia/Kolkata", "Europe/Berlin"), ("Quality", "Lab", "Sales", "Field")
    return [
        person(
            f"person{n:06}@example.org" if n else "ana@example.org",
            zone=zones[n % 3],
            team=teams[n % 4],
            language=("en", "de")[n % 2],
            topics=["quality"] if n % 5 else [],
        )
        for n in range(count)
    ]


def company(engine: Engine, home: Path, people: Sequence[Mapping[str, Any]], *, queue: str = QUEUE, **tables: dict[str, Any]) -> Config:
    """Put `people` on the roster and the queue into `home`; a configuration over both, with `tables` changed."""
    (home / "queue.toml").write_text(queue, encoding="utf-8")
    with write(engine) as connection:
        keys.ensure_keys(connection, secrets.token_bytes, NOW)
        connection.execute(insert(employee), list(people))
    plain = {"site": {"company": "Example", "address": "Example, 1 Road"}, **tables}
    return Config.model_validate(plain).model_copy(update={"home": home})
