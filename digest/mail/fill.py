"""Fill a compiled edition in for one person: choose blocks, put tokens into slots, join octets. Microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import escape

from digest.domain.message import Pick
from digest.domain.words import reading_minutes
from digest.errors import TemplateError
from digest.mail.compile import Compiled, Group, Tree
from digest.mail.qp import Slot, encode_value
from digest.mail.templates import PARTS, clean
from digest.mail.view import SLOTS

BOUNDARY = "=_digest"  # quoted-printable never holds "=_", so no body can
_VARIANTS = 512  # joined variants kept per compiled edition
_PART_HEAD = "\r\nContent-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_BEFORE_TEXT = f"--{BOUNDARY}{_PART_HEAD.format('plain')}".encode("ascii")
_BEFORE_HTML = f"\r\n--{BOUNDARY}{_PART_HEAD.format('html')}".encode("ascii")
_AFTER = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What one person's message is made of."""

    picks: tuple[Pick, ...]
    networks: tuple[str, ...]  # letters
    name: str  # how the letter greets; "" greets nobody by name
    share: str  # tokens, of exactly the length their slot has
    control: str
    unsubscribe: str


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A message without its head."""

    subject: str
    body: bytes  # multipart/alternative under BOUNDARY; CRLF; no line begins with a dot


@dataclass(frozen=True, kw_only=True)
class _Variant:
    subject: str
    pieces: tuple[bytes, ...]  # b"" where a slot is
    slots: Mapping[str, tuple[int, ...]]


class Filler:
    """Fills one compiled edition; keeps the variants that many people share."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._variants: dict[object, _Variant] = {}
        self._uses = {slot.name for tree in (compiled.text, compiled.html) for slot in _slots(tree)}

    def uses(self, slot: str) -> bool:
        """True when some option has this slot, so that its value must be made."""
        return slot in self._uses

    def fill(self, person: Fill) -> Filled:
        """Subject and body for one person."""
        variant = self._variant(person)
        pieces = list(variant.pieces)
        for slot, value in (("share", person.share), ("control", person.control), ("unsubscribe", person.unsubscribe)):
            places = variant.slots.get(slot)
            if places:
                if len(value) != SLOTS[slot]:  # the lines around it were cut for exactly this length
                    raise TemplateError(f"slot {slot}", f"found a token of {len(value)} characters, allowed {SLOTS[slot]}")
                token = value.encode("ascii")
                for index in places:
                    pieces[index] = token
        for index in variant.slots.get("name", ()):
            pieces[index] = encode_value(clean(person.name))
        for index in variant.slots.get("name_html", ()):
            pieces[index] = encode_value(str(escape(clean(person.name))))
        return Filled(subject=variant.subject, body=b"".join(pieces))

    def _variant(self, person: Fill) -> _Variant:
        key = (person.picks, person.networks, bool(person.name))
        found = self._variants.get(key)
        if found is None:
            if len(self._variants) >= _VARIANTS:
                self._variants.clear()
            found = self._variants[key] = make_variant(self._compiled, person)
        return found


def fill(compiled: Compiled, person: Fill) -> Filled:
    """Subject and body for one person. To fill in many, keep a Filler."""
    return Filler(compiled).fill(person)


def choices(compiled: Compiled, person: Fill) -> dict[str, list[str]]:
    """Which options of each group this person gets: group -> keys, in order."""
    chosen: dict[str, list[str]] = {part: [] for part in PARTS}
    for pick in person.picks:
        if pick.n in compiled.places:
            chosen[compiled.places[pick.n]].append(str(pick.n))
            chosen[f"because{pick.n}"] = [pick.because]
    known = [pick.n for pick in person.picks if pick.n in compiled.places]
    words = compiled.words[0] + sum(compiled.words[n] for n in known)
    shown = known[:2] if compiled.subject else known[1:3]
    return chosen | {
        "part": [part for part in PARTS if chosen[part] or part in compiled.always],
        "network": list(person.networks),
        "minutes": [str(reading_minutes(words))],
        "greeting": ["name" if person.name else "all"],
        "preheader": [str(n) for n in shown] or ["note"],
    }


def make_variant(compiled: Compiled, person: Fill) -> _Variant:
    """The joined octets that everybody with these choices shares."""
    chosen = choices(compiled, person)
    found: list[bytes | Slot] = [_BEFORE_TEXT]
    _walk(compiled.text, chosen, found)
    found.append(_BEFORE_HTML)
    _walk(compiled.html, chosen, found)
    found.append(_AFTER)
    pieces: list[bytes] = []
    slots: dict[str, list[int]] = {}
    gathered: list[bytes] = []
    for part in found:
        if isinstance(part, bytes):
            gathered.append(part)
            continue
        pieces.append(b"".join(gathered))
        gathered = []
        slots.setdefault(part.name, []).append(len(pieces))
        pieces.append(b"")
    pieces.append(b"".join(gathered))
    return _Variant(subject=_subject(compiled, person), pieces=tuple(pieces), slots={name: tuple(at) for name, at in slots.items()})


def _slots(tree: Tree) -> Iterator[Slot]:
    for node in tree:
        if isinstance(node, Group):
            yield from _slots(node.between)
            for option in node.options.values():
                yield from _slots(option)
        elif isinstance(node, Slot):
            yield node


def _walk(tree: Tree, chosen: Mapping[str, list[str]], out: list[bytes | Slot]) -> None:
    for node in tree:
        if isinstance(node, Group):
            options = [node.options[key] for key in chosen.get(node.name, ()) if key in node.options]
            for index, option in enumerate(options):
                if index:
                    _walk(node.between, chosen, out)
                _walk(option, chosen, out)
        else:
            out.append(node)


def _subject(compiled: Compiled, person: Fill) -> str:
    first = next((compiled.titles[pick.n] for pick in person.picks if pick.n in compiled.titles), "")
    return compiled.subject or first
