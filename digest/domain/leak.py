"""The leak check: nothing that stays inside may stand in what goes outside. Each finding says where, what, and whose it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from digest.domain.post import EditionWords, Figure, Post, Queue
from digest.domain.prose import plain
from digest.domain.telling import Telling, capitals, numbers, telling, words_of

Place = tuple[str | int, ...]  # ("post", 2, "captions", "linkedin", 0): as in the queue's file

_MOST = 3  # findings in one text; more would say the same


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Something internal in a public text."""

    where: Place
    what: str  # number | name | words
    found: str  # as it stands in the internal text
    source: str  # which internal item it is from

    def __str__(self) -> str:
        """What to say at its place."""
        kinds = {"number": "the number", "name": "the name", "words": "the words"}
        return (
            f"found {kinds[self.what]} “{self.found}” of {self.source}, which stays inside; "
            "allowed outside only with an [[allow]] that gives the words and a reason"
        )


@dataclass(frozen=True, kw_only=True)
class _Inside:
    name: str  # as people know it
    told: Telling
    until: date | None  # inside before that day; None: for good

    def on(self, day: date) -> bool:
        return self.until is None or day < self.until


def leaks(queue: Queue, day: date, *, people: Collection[str] = (), ours: Collection[str] = ()) -> list[Leak]:
    """Every leak in a queue as of `day`: a public text is judged on the first day from then on that it may go out.

    `people`: full names; `ours`: names that anybody may say, such as the company's.
    """
    inside = list(_inside(queue, day, frozenset(words_of(name) for name in people if " " in name.strip())))
    if not inside:
        return []
    free = _Free([*ours, *(entry.words for entry in queue.allowed)])
    return [leak for where, text, on in _outside(queue, day) for leak in _of_text(where, plain(text), [one for one in inside if one.on(on)], free)]


class _Free:
    """What may be said anywhere."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [words_of(text) for text in texts]
        self._numbers = {value for text in texts for value, _ in numbers(text)} | {" ".join(words) for words in self._words}

    def number(self, value: str) -> bool:
        return value in self._numbers

    def run(self, run: tuple[str, ...]) -> bool:
        return any(words[start : start + len(run)] == run for words in self._words for start in range(len(words) - len(run) + 1))


def _of_text(where: Place, text: str, inside: Sequence[_Inside], free: _Free) -> list[Leak]:
    """The first few leaks of one text, the plainest first, and of each internal item at most one of a kind."""
    public = _Public(words=words_of(text), numbers=frozenset(value for value, _ in numbers(text)), capitals=capitals(text))
    found: dict[tuple[str, str], Leak] = {}
    for one in inside:
        for what, told in _shared(one.told, public, free):
            found.setdefault((one.name, what), Leak(where=where, what=what, found=told, source=one.name))
    return list(found.values())[:_MOST]


@dataclass(frozen=True, kw_only=True)
class _Public:
    words: tuple[str, ...]
    numbers: frozenset[str]
    capitals: frozenset[str]


def _shared(told: Telling, public: _Public, free: _Free) -> Iterator[tuple[str, str]]:
    yield from (("number", written) for value, written in told.numbers.items() if value in public.numbers and not free.number(value))
    words, sizes = public.words, {len(run) for run in (*told.names, *told.runs)}
    runs = {words[start : start + size] for size in sizes for start in range(len(words) - size + 1)}
    names = {name: written for name, written in told.names.items() if name in runs and (len(name) > 1 or name[0] in public.capitals)}
    yield from (("name", written) for name, written in names.items() if not free.run(name))
    yield from (("words", written) for run, written in told.runs.items() if run in runs and not free.run(run))


def _inside(queue: Queue, day: date, people: Collection[tuple[str, ...]]) -> Iterator[_Inside]:
    for post in queue.posts:
        if post.internal_on(day):
            told = [telling(text, language, people) for text, language in _words_of_post(post)]
            yield _Inside(name=f"the post “{post.title}”", told=_together(told), until=post.inside_until)
    for figure in queue.figures:
        yield _Inside(name=f"the figure “{figure.name}”", told=telling(_words_of_figure(figure), _own(queue.editions)), until=None)


def _own(editions: Sequence[EditionWords]) -> str:
    return editions[0].language if editions else "en"


def _words_of_figure(figure: Figure) -> str:
    return "\n\n".join((f"{figure.value} {figure.unit}", f"{figure.before} {figure.unit}", figure.meaning, figure.you_can))


def _words_of_post(post: Post) -> Iterator[tuple[str, str]]:
    yield "\n\n".join((post.title, post.why, post.place, *post.questions)), post.language
    for language, words in post.translations.items():
        yield "\n\n".join((words.title, words.why, words.place, *words.questions)), language


def _together(told: Sequence[Telling]) -> Telling:
    return Telling(
        numbers={key: said for one in told for key, said in one.numbers.items()},
        names={key: said for one in told for key, said in one.names.items()},
        runs={key: said for one in told for key, said in one.runs.items()},
    )


def _outside(queue: Queue, day: date) -> Iterator[tuple[Place, str, date]]:
    """Every text that may leave the house, with the first day it may do so."""
    for number, post in enumerate(queue.posts):
        on = max(day, post.starts or day)
        if not post.internal_on(on) and not (post.ends and post.ends < day):
            yield from ((("post", number, *place), text, on) for place, text in _texts(post))
    week = "{}-W{:02}".format(*day.isocalendar())
    for number, said in enumerate(queue.editions):
        if said.week is not None and said.week < week:
            continue
        texts: Mapping[Place, str] = {("subject",): said.subject or "", ("note",): said.note, ("ask",): said.ask}
        yield from ((("edition", number, *place), text, day) for place, text in texts.items())
        for language, words in said.translations.items():
            for key, text in (("subject", words.subject or ""), ("note", words.note), ("ask", words.ask)):
                yield ("edition", number, "translations", language, key), text, day


def _texts(post: Post) -> Iterator[tuple[Place, str]]:
    """What of a public post is seen outside: its words, its captions, and what a link's preview and address show."""
    yield from ((("title",), post.title), (("why",), post.why), (("place",), post.place), (("image_alt",), post.image_alt))
    yield ("id",), post.id.replace("-", " ")
    yield from ((("questions", n), text) for n, text in enumerate(post.questions))
    yield from _captions((), post.captions)
    for language, words in post.translations.items():
        at: Place = ("translations", language)
        yield from (((*at, "title"), words.title), ((*at, "why"), words.why), ((*at, "place"), words.place), ((*at, "image_alt"), words.image_alt))
        yield from (((*at, "questions", n), text) for n, text in enumerate(words.questions))
        yield from _captions(at, words.captions)


def _captions(at: Place, captions: Mapping[str, Sequence[str]]) -> Iterator[tuple[Place, str]]:
    for network, texts in captions.items():
        yield from (((*at, "captions", network, n), text) for n, text in enumerate(texts))
