"""Well-known relays: their limits and what they ask for in SPF."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("relays.toml")


@dataclass(frozen=True, kw_only=True)
class KnownRelay:
    """A provider's relay, as its own pages describe it."""

    label: str
    hosts: tuple[str, ...]
    seen: date
    include: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)  # keys of [smtp]


@cache
def load_relays() -> tuple[KnownRelay, ...]:
    """Every relay of the file, in its order."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["relay"]
    return tuple(KnownRelay(**{**row, "hosts": tuple(row["hosts"])}) for row in rows)


def known_relay(host: str) -> KnownRelay | None:
    """The provider behind `host`, or None."""
    name = host.lower().rstrip(".")
    for relay in load_relays():
        if any(name == one or (one.startswith(".") and name.endswith(one)) for one in relay.hosts):
            return relay
    return None
