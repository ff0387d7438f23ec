"""A lint that knows what mail programs ignore or break, and fails on what does not degrade. What it knows stands in clients.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from digest.mail.anatomy import PLACE, Node, dissect
from digest.mail.shapes import SHAPES

DATA = Path(__file__).with_name("clients.toml")
_SHOWN = 90  # characters of what was found
_INVISIBLE = frozenset({"html", "head", "meta", "title", "style", "body"})


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """One row of the data: who ignores or breaks what."""

    kind: str  # css | element | attribute | at | selector | shape
    names: tuple[str, ...]
    clients: tuple[str, ...]  # as people call them
    then: str
    instead: str  # "": the letter loses nothing by it
    source: str
    verified_on: date
    value: re.Pattern[str] | None = None
    on: frozenset[str] = frozenset()

    def matches(self, value: str) -> bool:
        """True when the row is about this value."""
        return self.value is None or self.value.fullmatch(value) is not None


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """Something that does not degrade. `place`: `file:line` in the templates, "" when nobody knows."""

    place: str
    what: str
    clients: tuple[str, ...] = field(compare=False)
    then: str = field(compare=False)
    instead: str

    @property
    def said(self) -> str:
        """One line for people: what was found, who fails at it, what to write."""
        return f"found {self.what}, which {' and '.join(self.clients)} {self.then}; write {self.instead}"


@dataclass(frozen=True, kw_only=True)
class Known:
    """clients.toml, read."""

    clients: Mapping[str, str]
    limits: Mapping[str, int]
    safe: frozenset[str]
    quirks: Mapping[tuple[str, str], tuple[Quirk, ...]]  # (kind, name) -> rows
    rows: tuple[Quirk, ...]

    def of(self, kind: str, name: str) -> Iterator[Quirk]:
        """The rows about `name`, and those about every name."""
        yield from self.quirks.get((kind, name), ())
        yield from self.quirks.get((kind, "*"), ())


@cache
def known() -> Known:
    """What we know of mail programs."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    rows = tuple(_quirk(kind, row, data["clients"]) for kind in ("css", "element", "attribute", "at", "selector", "shape") for row in data[kind])
    quirks: dict[tuple[str, str], tuple[Quirk, ...]] = {}
    for row in rows:
        for name in row.names:
            quirks[row.kind, name] = (*quirks.get((row.kind, name), ()), row)
    limits = {name: value for name, value in data["limits"].items() if isinstance(value, int)}
    return Known(clients=data["clients"], limits=limits, safe=frozenset(data["safe"]["css"]), quirks=quirks, rows=rows)


def _quirk(kind: str, row: Mapping[str, Any], clients: Mapping[str, str]) -> Quirk:
    return Quirk(
        kind=kind,
        names=tuple(row.get("names", [row["name"]] if "name" in row else ["*"])),
        clients=tuple(clients[name] for name in row["clients"]),
        then=row["then"],
        instead=row.get("instead", ""),
        source=row["source"],
        verified_on=row["verified_on"],
        value=re.compile(row["value"]) if "value" in row else None,
        on=frozenset(row.get("on", ())),
    )


def faults(html: str, *, sent: bool = True) -> list[Fault]:
    """What in a finished letter does not degrade, each once. `sent`: it is as long as it will be; else it holds what no one reader gets together."""
    letter, facts = dissect(html), known()
    found = [fault for node in letter.nodes for fault in _of_node(node, facts)]
    found += [fault for node, rule in letter.rules for fault in _of_rule(node, rule.selectors, rule.style, rule.within, facts)]
    for name, look in SHAPES.items():
        row = facts.quirks["shape", name][0]
        found += [_fault(row, node, what) for node, what in look(letter, facts.limits) if sent or name != "clipped"]
    return sorted(set(found))


def _of_node(node: Node, facts: Known) -> Iterator[Fault]:
    if node.word_only:
        return  # Word's own, and nobody else's
    for row in facts.of("element", node.tag):
        yield _fault(row, node, f"<{node.tag}>")
    for name, value in node.attributes.items():
        if name != PLACE:
            yield from (_fault(row, node, _shown(name, value)) for row in facts.of("attribute", name) if _about(row, node.tag, value))
    yield from _of_style(node, node.style, f"<{node.tag}>", facts)


def _of_style(node: Node, style: Mapping[str, str], where: str, facts: Known) -> Iterator[Fault]:
    for name, written in style.items():
        value = re.sub(r"\s*!important\s*\Z", "", written)
        rows = [row for row in facts.of("css", name) if row.matches(value)]
        yield from (_fault(row, node, f"{name}:{_cropped(value)} on {where}") for row in rows if row.instead)
        if name not in facts.safe and not rows and not facts.quirks.get(("css", name)):
            instead = "a property that clients.toml knows, or leave it out"
            then = "may read or not: nobody has looked"
            yield Fault(place=node.place, what=f"{name} on {where}", clients=("mail programs",), then=then, instead=instead)


def _of_rule(node: Node, selectors: tuple[str, ...], style: Mapping[str, str], within: tuple[str, ...], facts: Known) -> Iterator[Fault]:
    for around in within:
        word = re.match(r"[\w-]*", around)
        for row in facts.of("at", word[0] if word else ""):
            yield _fault(row, node, f"@{_cropped(around)}")
    for selector in selectors:
        yield from (_fault(row, node, f"the selector {_cropped(selector)}") for row in facts.of("selector", "*") if row.matches(selector))
    if not any(around.startswith(("font-face", "page", "keyframes")) for around in within):
        yield from _of_style(node, style, ", ".join(selectors) or f"@{' @'.join(within)}", facts)


def _about(row: Quirk, tag: str, value: str) -> bool:
    return (not row.on or tag in row.on) and row.matches(value)


def _fault(row: Quirk, node: Node | None, what: str) -> Fault:
    return Fault(place=node.place if node else "", what=what, clients=row.clients, then=row.then, instead=row.instead)


def _shown(name: str, value: str) -> str:
    return f"{name}={_cropped(value)!r}"


def _cropped(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
