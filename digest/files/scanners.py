"""scanners.toml: the networks of mail filters, as dated data."""

from __future__ import annotations

import tomllib
from functools import cache
from ipaddress import ip_network
from pathlib import Path

from digest.domain.visitor import ScannerNetwork
from digest.errors import FileProblemsError

BUNDLED = Path(__file__).with_name("scanners.toml")


@cache
def load_scanners(path: Path = BUNDLED) -> tuple[ScannerNetwork, ...]:
    """Every known network of a mail filter. Raises FileProblemsError."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8-sig"))["network"]
        return tuple(ScannerNetwork(label=row["label"], certain=row["certain"], network=ip_network(text)) for row in rows for text in row["ranges"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise FileProblemsError([f"{path}: cannot be used: {error}"]) from error
