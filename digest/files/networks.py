"""networks.toml: the networks an employee may share to, ours and an operator's own, read and checked."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from digest.domain.counting import MAX_INTENT, Limit, Rule
from digest.domain.share import TITLE_MOST, Network, plain_host, template_problem
from digest.errors import FileProblemsError

BUNDLED = Path(__file__).with_name("networks.toml")
OWN_LETTERS = "qrstvwxyz"  # ours never take these
_TEMPLATES = ("desktop", "phone", "server")
_DATES = ("checked_on", "verified_on")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=20)]
    label: Annotated[str, Field(min_length=1, max_length=40)]
    letter: Annotated[str, Field(min_length=1, max_length=1)]
    host: str
    desktop: str
    phone: str | None = None
    server: str = ""
    limit: Annotated[int, Field(ge=100, le=100_000)] = 500
    counts: Rule = Rule.CHARS
    url_counts: Annotated[int, Field(ge=1, le=200)] | None = None
    octets: Annotated[int, Field(ge=300)] | None = None
    encoded: Annotated[int, Field(ge=1000, le=MAX_INTENT)] = MAX_INTENT
    title_limit: Annotated[int, Field(ge=20, le=1000)] = TITLE_MOST
    colleagues: bool = False
    documentation: str = ""
    checked_on: date | None = None
    verified_on: date | None = None
    default_on: bool = False


def load_networks(own: Path | None = None) -> tuple[Network, ...]:
    """Every network: ours, and what the operator's `own` file changes or adds. Raises FileProblemsError with every problem."""
    found, problems = read_networks(own)
    if problems:
        raise FileProblemsError(list(problems), hint="What each key means stands at the head of digest/files/networks.toml.")
    return found


def read_networks(own: Path | None = None) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    """The networks that can be used, and what is wrong in `own`: a row with a problem leaves ours as it is."""
    ours = _bundled()
    if own is None:
        return ours, ()
    try:
        rows = tomllib.loads(own.read_bytes().decode("utf-8-sig")).get("network", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return ours, (f"{own}: cannot be read: {error}",)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return ours, (f"{own}: found no list of tables, allowed [[network]]",)
    good, problems = _changes(own, rows)
    kept = [good.pop(network.name, network) for network in ours]
    return (*kept, *good.values()), tuple(problems)


def networks_named(names: Sequence[str], known: Sequence[Network]) -> tuple[Network, ...]:
    """The networks called `names`, in that order. Raises FileProblemsError for a name that is not `known`."""
    by_name = {network.name: network for network in known}
    problems = [f"sharing.networks: found {name!r}, allowed {', '.join(by_name)}" for name in names if name not in by_name]
    if problems:
        raise FileProblemsError(problems)
    return tuple(by_name[name] for name in dict.fromkeys(names))


@cache
def _rows(path: Path) -> Mapping[str, Mapping[str, Any]]:
    return {row["name"]: row for row in tomllib.loads(path.read_text(encoding="utf-8"))["network"]}


@cache
def _bundled(path: Path = BUNDLED) -> tuple[Network, ...]:
    return tuple(_network(_Row.model_validate(row)) for row in _rows(path).values())


def _changes(path: Path, rows: list[dict[str, Any]]) -> tuple[dict[str, Network], list[str]]:
    good: dict[str, Network] = {}
    problems: list[str] = []
    taken = Counter(str(row.get("letter")) for row in rows)
    names = Counter(str(row.get("name")) for row in rows)
    for place, row in enumerate(rows, 1):
        name = str(row.get("name", ""))
        ours = _rows(BUNDLED).get(name, {})
        where = f"{path}: [[network]] {place} ({name or 'without a name'})"
        found = [f"{where}: name: found {name!r} in {names[name]} rows, allowed once"] if names[name] > 1 else []
        merged = _merged(ours, row)
        try:
            whole = _Row.model_validate(merged)
        except ValidationError as error:
            found += [f"{where}: {_sentence(detail)}" for detail in error.errors(include_url=False)]
        else:
            found += [f"{where}: {problem}" for problem in _problems(whole, ours, twice=taken[whole.letter] > 1)]
            if not found:
                good[name] = _network(whole)
        problems += found
    return good, problems


def _merged(ours: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Ours with what the row says. An address that is changed was not checked by us, and what was not seen did not work yet."""
    changed = any(key in row and row[key] != ours.get(key) for key in (*_TEMPLATES, "host"))
    return {key: value for key, value in ours.items() if not (changed and key in _DATES)} | dict(row)


def _problems(row: _Row, ours: Mapping[str, Any], *, twice: bool) -> list[str]:
    found = []
    if ours and row.letter != ours["letter"]:
        found.append(f"letter: found {row.letter!r}, allowed {ours['letter']!r}, which stands in links that were mailed")
    if not ours and (row.letter not in OWN_LETTERS or twice):
        found.append(f"letter: found {row.letter!r}, allowed one of {OWN_LETTERS} that no other network has")
    if row.host != plain_host(row.host) and row.host:
        found.append(f"host: found {row.host!r}, allowed the name of a server such as example.com, or nothing for mailto:")
    for key in _TEMPLATES:
        problem = template_problem(getattr(row, key) or "", "{server}" if key == "server" else row.host)
        if problem:
            found.append(f"{key}: {problem}")
    return found


def _sentence(detail: ErrorDetails) -> str:
    key = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"{key}: no such key, allowed {', '.join(_Row.model_fields)}"
    if detail["type"] == "missing":
        return f"{key}: found nothing, and a network of your own needs one"
    return f"{key}: found {detail['input']!r}, allowed: {detail['msg'].removeprefix('Input should be ').removeprefix('String should ')}"


def _network(row: _Row) -> Network:
    return Network(
        name=row.name,
        label=row.label,
        letter=row.letter,
        desktop=row.desktop,
        phone=row.desktop if row.phone is None else row.phone,
        server=row.server,
        limit=Limit(most=row.limit, rule=row.counts, url_counts=row.url_counts, octets=row.octets, encoded=row.encoded),
        title_most=row.title_limit,
        colleagues=row.colleagues,
        documentation=row.documentation,
        checked_on=row.checked_on,
        verified_on=row.verified_on,
        default_on=row.default_on,
    )
