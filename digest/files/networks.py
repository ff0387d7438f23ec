"""networks.toml: the networks an employee may share to, read and checked once."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.domain.link import ALPHABET, SHARE_PAGE
from digest.domain.share import LIMITS, Network, template_problem
from digest.errors import FileProblemsError

BUNDLED = Path(__file__).with_name("networks.toml")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    label: Annotated[str, Field(min_length=1)]
    letter: Annotated[str, Field(min_length=1, max_length=1)]
    host: str
    desktop: str
    phone: str | None = None
    verified_on: date | None = None
    default_on: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    network: list[_Row]


@cache
def load_networks(path: Path = BUNDLED) -> tuple[Network, ...]:
    """Every network of the file, in its order. Raises FileProblemsError with every problem."""
    try:
        rows = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig"))).network
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileProblemsError([f"{path}: cannot be read: {error}"]) from error
    except ValidationError as error:
        problems = [f"{path}: {'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in error.errors()]
        raise FileProblemsError(problems) from error
    problems = _problems(path, rows)
    if problems:
        raise FileProblemsError(problems)
    return tuple(_network(row) for row in rows)


def networks_named(names: Sequence[str], path: Path = BUNDLED) -> tuple[Network, ...]:
    """The networks called `names`, in that order. Raises FileProblemsError for a name that the file does not have."""
    known = {network.name: network for network in load_networks(path)}
    problems = [f"sharing.networks: found {name!r}, allowed {', '.join(known)}" for name in names if name not in known]
    if problems:
        raise FileProblemsError(problems)
    return tuple(known[name] for name in names)


def _problems(path: Path, rows: list[_Row]) -> list[str]:
    found = []
    for key in ("name", "letter"):
        values = [getattr(row, key) for row in rows]
        found += [f"{path}: {key} {value!r} stands twice; each network has its own" for value in sorted({v for v in values if values.count(v) > 1})]
    for row in rows:
        if row.letter not in ALPHABET or row.letter == SHARE_PAGE:
            found.append(f"{path}: {row.name}: found letter {row.letter!r}, allowed one of {ALPHABET[1:]}")
        if row.name not in LIMITS:
            found.append(f"{path}: {row.name}: no limit is known for it; allowed {', '.join(LIMITS)}")
        for template in (row.desktop, row.phone or ""):
            problem = template_problem(template, row.host)
            if problem:
                found.append(f"{path}: {row.name}: {problem}")
    return found


def _network(row: _Row) -> Network:
    return Network(
        name=row.name,
        label=row.label,
        letter=row.letter,
        desktop=row.desktop,
        phone=row.desktop if row.phone is None else row.phone,
        limit=LIMITS[row.name],
        verified_on=row.verified_on,
        default_on=row.default_on,
    )
