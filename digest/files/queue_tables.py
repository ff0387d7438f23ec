"""The tables of the content queue: which keys each has, what must be there, and what must fit together."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from digest.domain.occasion import is_after
from digest.domain.post import Allowed, Answer, Audience, EditionWords, Figure, Kind, Lesson, Post, Said, Translation, Visibility
from digest.domain.prose import caption as unmarked
from digest.domain.suppression import address_hash
from digest.files import checks
from digest.files.addresses import RefusedError, country, language, nearest
from digest.files.places import Path
from digest.files.problems import found
from digest.files.tables import BAD, Notes, Reader, Spec, each, leaf, table
from digest.files.translations import translations

_NEIGHBOURS = 500  # addresses on each side, in the order of a dictionary, that are compared for a hint
_HINTS = 20  # a queue with more strangers than this has another problem than typing


@dataclass(frozen=True, kw_only=True)
class Table:
    """One kind of table: its keys, those that must be there, and its own rules as (key, sentence) pairs."""

    spec: Spec
    required: tuple[str, ...]
    make: Callable[..., Any]
    rules: Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[tuple[str, str]]]


Rules = Iterator[tuple[str, str]]  # (key, sentence); "" for the table itself


class Authors:
    """Checks `by`: an address that somebody on the roster has or who was erased has had; without a roster any address."""

    def __init__(self, people: frozenset[str] | None, erased: frozenset[str] = frozenset()) -> None:
        self._people = people
        self._erased = erased
        self._hints = _HINTS
        self._known: dict[str, str] = {}  # colleagues write more than one post

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self._people or ())

    def __call__(self, value: Any) -> str:  # noqa: ANN401 - any TOML value
        """The address in lower case. Raises RefusedError."""
        known = self._known.get(value) if isinstance(value, str) else None
        if known is None:
            known = self._known[value] = self._on_the_roster(checks.person(value))
        return known

    def _on_the_roster(self, address: str) -> str:
        if self._people is None or address in self._people or self.gone(address):
            return address
        raise RefusedError(f"the address of somebody on the roster{self._near(address)}")

    def gone(self, address: str) -> bool:
        """Whether it was of somebody who asked to be forgotten; only a hash of it is known."""
        return bool(self._erased) and address not in (self._people or ()) and address_hash(address) in self._erased

    def _near(self, address: str) -> str:
        if self._hints == 0:
            return ""
        self._hints -= 1
        at = bisect_left(self._in_order, address)
        return nearest(address, self._in_order[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS], cutoff=0.75)


def captions(caption_problem: Callable[[str, str], str | None], networks: frozenset[str]) -> Reader:
    """`[post.captions]`: network -> ready captions; a single one may stand without its list."""

    def read(notes: Notes, path: Path, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if not isinstance(value, dict):
            notes.refuse(path, value, "a table: network = [captions]")
            return BAD
        return {network: _captions(notes, (*path, network), said) for network, said in value.items() if _known(notes, (*path, network))}

    def _known(notes: Notes, path: Path) -> bool:
        name = str(path[-1])
        if name in networks:
            return True
        if name in POST_KEYS:
            notes.at_key(path, f"found {name} in [post.captions], allowed networks only; put {name} above the line [post.captions]")
        else:
            written = name if name.isprintable() else found(name)
            notes.at_key(path, f"found {written}, no such network{nearest(name, networks)}; allowed {', '.join(sorted(networks))}")
        return False

    def _captions(notes: Notes, path: Path, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any TOML value
        if not isinstance(value, str | list):
            notes.refuse(path, value, "captions in quotes, in a list")
            return ()
        pairs = [(path, value)] if isinstance(value, str) else [((*path, i), item) for i, item in enumerate(value)]
        said = [(where, leaf(checks.text)(notes, where, item)) for where, item in pairs]
        good = [(where, unmarked(caption)) for where, caption in said if caption is not BAD]  # networks know no Markdown
        for where, caption in good:
            problem = caption_problem(str(path[-1]), caption)
            if problem:
                notes.at_value(where, problem)
        return tuple(dict.fromkeys(caption for _, caption in good))

    return read


def _text_of(check: Callable[[str], str]) -> checks.Check:
    """A check of text, for a value that may be none."""
    return lambda value: check(checks.line(value))


def post_table(authors: Authors, caption_reader: Reader, site_url: str = "") -> Table:
    """`[[post]]`."""
    only = {"countries": each(_text_of(country)), "teams": each(checks.line), "languages": each(_text_of(language))}
    spec = {
        "draft": leaf(checks.flag),
        "id": leaf(checks.identifier),
        "title": leaf(checks.line),
        "url": leaf(checks.article(site_url)),
        "why": leaf(checks.text),
        "by": leaf(authors),
        "named": leaf(checks.flag),
        "kind": leaf(checks.one_of(*Kind)),
        "visibility": leaf(checks.one_of(*Visibility)),
        "public_from": leaf(checks.opening),
        "topics": each(lambda value: checks.line(value).lower()),
        "starts": leaf(checks.day),
        "ends": leaf(checks.day),
        "only": table(only, Audience),
        "language": leaf(_text_of(language)),
        "minutes": leaf(checks.minutes),
        "image": leaf(checks.image),
        "image_alt": leaf(checks.maybe_line),
        "questions": each(checks.line),
        "captions": caption_reader,
        "place": leaf(checks.maybe_line),
        "starts_at": leaf(checks.moment),
        "ends_at": leaf(checks.moment),
        "closes": leaf(checks.day),
        "refer": leaf(checks.referral),
        "translations": translations(
            {
                "title": leaf(checks.line),
                "why": leaf(checks.text),
                "questions": each(checks.line),
                "captions": caption_reader,
                "place": leaf(checks.maybe_line),
                "image_alt": leaf(checks.maybe_line),
            },
            ("title", "why"),
            Translation,
        ),
    }
    return Table(spec=spec, required=("title", "why"), make=_post, rules=_post_rules)


POST_KEYS = frozenset(Post.__dataclass_fields__) | {"draft"}


def _post(**values: Any) -> Post:  # noqa: ANN401 - checked values
    values.pop("draft", None)
    kinds = {"kind": Kind(values.get("kind", Kind.ARTICLE)), "visibility": Visibility(values.get("visibility", Visibility.PUBLIC))}
    return Post(**{**values, **kinds})


def _post_rules(data: Mapping[str, Any], good: Mapping[str, Any]) -> Rules:
    visibility = good.get("visibility", None if "visibility" in data else Visibility.PUBLIC)
    if visibility == Visibility.PUBLIC and "url" not in data:
        yield "", 'found no url, needed url = "https://..."; only posts with visibility = "internal" go without'
    if visibility == Visibility.INTERNAL and "captions" in data:
        yield "captions", "found captions of an internal post, allowed none: what is internal never gets words for sharing"
    if visibility == Visibility.INTERNAL and "public_from" in data:
        yield (
            "public_from",
            'found public_from of an internal post, allowed without visibility = "internal": until that day the post stays inside anyway',
        )
    if good.get("kind") == Kind.EVENT and "starts_at" not in data:
        yield "", "found no starts_at, needed of an event: starts_at = 2026-12-03T17:00:00+01:00"
    if good.get("kind") == Kind.JOB and "closes" not in data:
        yield "", "found no closes, needed of a job: closes = 2026-12-31"
    if visibility == Visibility.INTERNAL and any(words.captions for words in good.get("translations", {}).values()):
        yield "translations", "found captions of an internal post, allowed none: what is internal never gets words for sharing"
    if "ends_at" in good and good["ends_at"] and "starts_at" in good and not is_after(good["starts_at"], good["ends_at"]):
        yield "ends_at", f"found {found(good['ends_at'])}, allowed after starts_at = {found(good['starts_at'])}"
    yield from _ordered(good, "starts", "ends")
    yield from _ordered(good, "starts", "closes")
    yield from _own_language(data, good)


def _own_language(_data: Mapping[str, Any], good: Mapping[str, Any]) -> Rules:
    own = good.get("language", "en")
    if own in good.get("translations", {}):
        yield "translations", f'found a translation into "{own}", allowed other languages: language = "{own}" is what it is written in'


def _ordered(good: Mapping[str, Any], first: str, last: str, *, half_open: bool = False) -> Rules:
    start, end = good.get(first), good.get(last)
    if start is None or end is None or start < end or (start == end and not half_open):
        return
    yield last, f"found {found(end)}, allowed {'after' if half_open else 'no day before'} {first} = {found(start)}"


def _figure_rules(data: Mapping[str, Any], good: Mapping[str, Any]) -> Rules:
    for one, other in (("quiet_from", "quiet_until"), ("quiet_until", "quiet_from")):
        if one in data and other not in data:
            yield one, f"found {one} alone, needed {other} beside it"
    yield from _ordered(good, "quiet_from", "quiet_until", half_open=True)


def _answer_rules(data: Mapping[str, Any], good: Mapping[str, Any]) -> Rules:
    if "answered" in data and not data.get("answer"):
        yield "answered", 'found answered without an answer, needed answer = "..."; a question closes with words'
    yield from _ordered(good, "asked", "answered")


def _lesson_rules(_data: Mapping[str, Any], good: Mapping[str, Any]) -> Rules:
    choices = good.get("choices", ())
    if good.get("right") and choices and good["right"] not in choices:
        yield "right", f"found {found(good['right'])}, allowed one of the choices: {', '.join(found(c) for c in choices)}"
    if good.get("right") and not choices:
        yield "right", "found right without choices, needed choices = [...]"


def _no_rules(_data: Mapping[str, Any], _good: Mapping[str, Any]) -> Rules:
    yield from ()


FIGURE = Table(
    spec={
        "name": leaf(checks.line),
        "value": leaf(checks.number_or_line),
        "before": leaf(checks.number_or_line),
        "unit": leaf(checks.maybe_line),
        "good": leaf(checks.one_of("up", "down")),
        "meaning": leaf(checks.maybe_text),
        "you_can": leaf(checks.maybe_text),
        "quiet_from": leaf(checks.day),
        "quiet_until": leaf(checks.day),
    },
    required=("name", "value", "before"),
    make=Figure,
    rules=_figure_rules,
)
ANSWER = Table(
    spec={
        "question": leaf(checks.text),
        "asked": leaf(checks.day),
        "owner": leaf(checks.line),
        "answer": leaf(checks.maybe_text),
        "answered": leaf(checks.day),
        "hard": leaf(checks.flag),
    },
    required=("question", "asked", "owner"),
    make=Answer,
    rules=_answer_rules,
)
LESSON = Table(
    spec={
        "id": leaf(checks.identifier),
        "rule": leaf(checks.line),
        "example": leaf(checks.text),
        "question": leaf(checks.maybe_line),
        "choices": each(checks.line),
        "right": leaf(checks.maybe_line),
        "after": leaf(checks.maybe_line),
    },
    required=("id", "rule", "example"),
    make=Lesson,
    rules=_lesson_rules,
)
ALLOW = Table(
    spec={"words": leaf(checks.text), "reason": leaf(checks.line)},
    required=("words", "reason"),
    make=Allowed,
    rules=_no_rules,
)
EDITION = Table(
    spec={
        "week": leaf(checks.week),
        "subject": leaf(checks.subject),
        "note": leaf(checks.maybe_text),
        "signed": leaf(checks.maybe_line),
        "ask": leaf(checks.maybe_text),
        "language": leaf(_text_of(language)),
        "translations": translations({"subject": leaf(checks.subject), "note": leaf(checks.maybe_text), "ask": leaf(checks.maybe_text)}, (), Said),
    },
    required=(),
    make=EditionWords,
    rules=_own_language,
)
