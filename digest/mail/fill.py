"""Fill a compiled edition in for one person: choose blocks, put tokens into slots, join octets. Microseconds.

A post's block depends on little (the post, the reason, the networks), so its joined octets are kept, and so is a whole
letter once a second person has the same choices: most of a message is then a handful of joins in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import escape

from digest.domain.message import Pick
from digest.domain.tally import Tally
from digest.domain.words import reading_minutes
from digest.errors import TemplateError
from digest.mail.compile import Compiled, Group, Tree
from digest.mail.plain import clean
from digest.mail.qp import Slot, encode_value
from digest.mail.receipt import told
from digest.mail.templates import PARTS
from digest.mail.view import SLOTS

BOUNDARY = "=_digest"  # quoted-printable never holds "=_", so no body can
_KEPT = 512  # joined blocks kept per option, a few kilobytes each
_WHOLE = 128  # whole letters kept, for the people of one cohort
_MET = 20_000  # choices remembered, to know a second person who has them
_PART_HEAD = "\r\nContent-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_BEFORE_TEXT = f"--{BOUNDARY}{_PART_HEAD.format('plain')}".encode("ascii")
_BEFORE_HTML = f"\r\n--{BOUNDARY}{_PART_HEAD.format('html')}".encode("ascii")
_AFTER = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")

Choices = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What one person's message is made of."""

    picks: tuple[Pick, ...]
    networks: tuple[str, ...]  # letters
    name: str  # how the letter greets; "" greets nobody by name
    share: str  # tokens, of exactly the length their slot has
    control: str
    unsubscribe: str
    tally: Tally | None = None  # their own week; None tells nothing of it
    alone: bool = True  # one person's letter; a mailbox of several people has no links that one of them alone may use
    clocks: tuple[tuple[int, str], ...] = ()  # event -> the offset of this reader's clock, where it is not the event's own


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A message without its head."""

    subject: str
    body: bytes  # multipart/alternative under BOUNDARY; CRLF; no line begins with a dot


class _Block:
    """Octets with slots between them; with one kind of slot they are joined in C."""

    def __init__(self, flat: Iterable[bytes | Slot]) -> None:
        self._pieces: list[bytes] = []  # every second one is a slot's
        self._names: list[str] = []
        gathered: list[bytes] = []
        for part in flat:
            if isinstance(part, bytes):
                gathered.append(part)
                continue
            self._pieces += [b"".join(gathered), b""]
            self._names.append(part.name)
            gathered = []
        self._pieces.append(b"".join(gathered))
        self._only = self._names[0] if len(set(self._names)) == 1 else None
        self._between = self._pieces[::2]

    def joined(self, values: Mapping[str, bytes]) -> bytes:
        if self._only:
            return values[self._only].join(self._between)
        if not self._names:
            return self._pieces[0]
        pieces = self._pieces.copy()
        pieces[1::2] = map(values.__getitem__, self._names)
        return b"".join(pieces)


class _Option:
    """One option, with the joined blocks it has made so far. `inner`: the groups inside; None when those have groups too."""

    __slots__ = ("fixed", "inner", "kept", "nodes", "tree")

    inner: tuple[str, ...] | None
    fixed: _Block | None  # the only block there is, of an option without a choice in it

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = _nodes(tree)
        groups = [node for node in self.nodes if isinstance(node, _Choice)]
        leaves = all(option.inner == () for group in groups for option in group.every())
        self.inner = tuple(group.name for group in groups) if leaves else None
        self.fixed = None if groups else _Block(_flat(tree, {}))
        self.kept: dict[object, _Block] = {}

    def block(self, chosen: Choices) -> _Block:
        if self.fixed is not None:
            return self.fixed
        key = tuple(map(chosen.get, self.inner or ()))
        found = self.kept.get(key)
        if found is None:
            if len(self.kept) >= _KEPT:
                self.kept.clear()
            found = self.kept[key] = _Block(_flat(self.tree, chosen))
        return found


class _Choice:
    """A group, ready to be chosen from."""

    __slots__ = ("between", "name", "options")

    def __init__(self, group: Group) -> None:
        self.name = group.name
        self.options = {key: _Option(tree) for key, tree in group.options.items()}
        self.between = _Option(group.between) if group.between else None

    def every(self) -> list[_Option]:
        return [*self.options.values(), *([self.between] if self.between else [])]


def _nodes(tree: Tree) -> tuple[bytes | Slot | _Choice, ...]:
    return tuple(_Choice(node) if isinstance(node, Group) else node for node in tree)


def _walk(nodes: Sequence[bytes | Slot | _Choice], chosen: Choices, values: Mapping[str, bytes], out: list[bytes]) -> None:
    for node in nodes:
        if isinstance(node, bytes):
            out.append(node)
        elif isinstance(node, Slot):
            out.append(values[node.name])
        else:
            first = True
            for key in chosen.get(node.name, ()):
                option = node.options.get(key)
                if option is None:
                    continue
                if node.between is not None and not first:
                    out.append(node.between.block(chosen).joined(values))
                first = False
                if option.inner is None:
                    _walk(option.nodes, chosen, values, out)
                else:
                    out.append(option.block(chosen).joined(values))


class Filler:
    """Fills one compiled edition; keeps what many people share. Threads may use one at the same time."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._tree = (_BEFORE_TEXT, *compiled.text, _BEFORE_HTML, *compiled.html, _AFTER)
        self._nodes = _nodes(self._tree)
        self._uses = {slot.name for slot in _slots(self._tree)}
        for octets in _octets(self._tree):
            _no_dot(octets, compiled.language)
        self._whole: dict[object, _Block] = {}
        self._met: set[object] = set()

    def uses(self, slot: str) -> bool:
        """True when some option has this slot, so that its value must be made."""
        return slot in self._uses

    def fill(self, person: Fill) -> Filled:
        """Subject and body for one person. Raises TemplateError for a token that does not fit its slot."""
        values = self._values(person)
        whole = self._letter(person)
        if whole is None:
            out: list[bytes] = []
            _walk(self._nodes, choices(self._compiled, person), values, out)
            body = b"".join(out)
        else:
            body = whole.joined(values)
        return Filled(subject=_subject(self._compiled, person), body=body)

    def _letter(self, person: Fill) -> _Block | None:
        """The whole letter of people with these choices, from the second of them on; None while there is no room for it."""
        key = (person.picks, person.networks, not person.name, person.alone, person.clocks, told(self._compiled.language, person.tally).key)
        found = self._whole.get(key)
        if found is None and len(self._whole) < _WHOLE:
            if key in self._met:
                found = self._whole[key] = _Block(_flat(self._tree, choices(self._compiled, person)))
            elif len(self._met) < _MET:
                self._met.add(key)
        return found

    def _values(self, person: Fill) -> dict[str, bytes]:
        values = {**dict(_greeted(person.name)), **told(self._compiled.language, person.tally).octets}
        for slot, token in (("share", person.share), ("control", person.control), ("unsubscribe", person.unsubscribe)):
            if slot in self._uses and len(token) != SLOTS[slot]:  # the lines around it were cut for exactly this length
                raise TemplateError(f"slot {slot}", f"found a token of {len(token)} characters, allowed {SLOTS[slot]}")
            values[slot] = token.encode("ascii")
        return values


@lru_cache(maxsize=4096)
def _greeted(name: str) -> tuple[tuple[str, bytes], ...]:
    """The slots of a given name; thousands of people share a few hundred."""
    plain = clean(name)
    values = (("name", encode_value(plain)), ("name_html", encode_value(str(escape(plain)))))
    for _, value in values:
        _no_dot(value, "name")
    return values


def fill(compiled: Compiled, person: Fill) -> Filled:
    """Subject and body for one person. To fill in many, keep a Filler."""
    return Filler(compiled).fill(person)


def choices(compiled: Compiled, person: Fill) -> dict[str, tuple[str, ...]]:
    """Which options of each group this person gets: group -> keys, in order."""
    known = [pick for pick in person.picks if pick.n in compiled.places]
    chosen = {part: tuple(str(pick.n) for pick in known if compiled.places[pick.n] == part) for part in PARTS}
    words = compiled.words[0] + sum(compiled.words[pick.n] for pick in known)
    subject = _subject(compiled, person)
    shown = [pick for pick in known[1:] if compiled.places[pick.n] != "inside" and compiled.titles[pick.n] != subject][:2]
    return {
        **chosen,
        **{f"because{pick.n}": (pick.because,) for pick in known},
        **{f"clock{n}": (offset,) for n, offset in person.clocks},
        "part": tuple(part for part in PARTS if chosen[part] or part in compiled.always),
        "asks": ("yes",) if person.networks else (),
        "alone": ("yes",) if person.alone else (),
        "network": person.networks,
        "minutes": (str(reading_minutes(words, compiled.pace)),),
        "greeting": ("name" if person.name else "all",),
        **told(compiled.language, person.tally).choices,
        "preheader": tuple(str(pick.n) for pick in shown) or ("note",),
    }


def _flat(tree: Tree, chosen: Choices) -> Iterator[bytes | Slot]:
    for node in tree:
        if not isinstance(node, Group):
            yield node
            continue
        options = [node.options[key] for key in chosen.get(node.name, ()) if key in node.options]
        for index, option in enumerate(options):
            if index:
                yield from _flat(node.between, chosen)
            yield from _flat(option, chosen)


def _no_dot(octets: bytes, where: str) -> None:
    """The last gate, for each part before it is joined: no line may begin with a dot, or a server might take it for the end."""
    if octets.startswith(b".") or b"\n." in octets:
        raise TemplateError(where, "found a line that begins with a dot, allowed any other")


def _octets(tree: Tree) -> Iterator[bytes]:
    for node in tree:
        if isinstance(node, Group):
            for option in (*node.options.values(), node.between):
                yield from _octets(option)
        elif isinstance(node, bytes):
            yield node


def _slots(tree: Tree) -> Iterator[Slot]:
    for node in tree:
        if isinstance(node, Group):
            for option in (*node.options.values(), node.between):
                yield from _slots(option)
        elif isinstance(node, Slot):
            yield node


def _subject(compiled: Compiled, person: Fill) -> str:
    """The editor's, else the first title that may be read on a locked screen; a letter of inside posts alone has its own name there."""
    if compiled.subject:
        return compiled.subject
    known = [pick.n for pick in person.picks if pick.n in compiled.titles]
    return compiled.titles[next((n for n in known if compiled.places[n] != "inside"), known[0])] if known else ""
