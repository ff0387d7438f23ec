"""The leak check: nothing that stays inside may stand in what goes outside. Each finding says where, what, and whose it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from digest.domain.post import EditionWords, Figure, Post, Queue
from digest.domain.telling import Telling, bare, capitals, numbers, telling, words_of

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
    index = _Index(_inside(queue, day, frozenset(_name(name) for name in people if " " in name.strip())))
    if not index.any:
        return []
    free = _Free([*ours, *(entry.words for entry in queue.allowed)])
    return [leak for where, text, on in _outside(queue, day) for leak in _of_text(where, bare(text), on, index, free)]


def _name(name: str) -> tuple[str, ...]:
    """A full name word by word; the roster has many, and most need no look at their letters."""
    return tuple(name.casefold().split()) if name.isascii() else words_of(name)


class _Index:
    """Everything that is inside, by what gives it away."""

    def __init__(self, inside: Iterable[_Inside]) -> None:
        self.any = False
        self.numbers: dict[str, list[tuple[_Inside, str]]] = {}
        self.names: dict[tuple[str, ...], list[tuple[_Inside, str]]] = {}
        self.runs: dict[tuple[str, ...], list[tuple[_Inside, str]]] = {}
        for one in inside:
            self.any = True
            for number, said in one.told.numbers.items():
                self.numbers.setdefault(number, []).append((one, said))
            for name, said in one.told.names.items():
                self.names.setdefault(name, []).append((one, said))
            for run, said in one.told.runs.items():
                self.runs.setdefault(run, []).append((one, said))
        self.sizes = sorted({len(run) for run in (*self.names, *self.runs)})


class _Free:
    """What may be said anywhere."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [words_of(text) for text in texts]
        self._numbers = {value for text in texts for value, _ in numbers(text)} | {" ".join(words) for words in self._words}

    def number(self, value: str) -> bool:
        return value in self._numbers

    def run(self, run: tuple[str, ...]) -> bool:
        return any(words[start : start + len(run)] == run for words in self._words for start in range(len(words) - len(run) + 1))


def _of_text(where: Place, text: str, on: date, index: _Index, free: _Free) -> list[Leak]:
    """The first few leaks of one text on a day, the plainest first, and of each internal item at most one of a kind."""
    found: dict[tuple[str, str], Leak] = {}
    for what, one, said in _shared(text, index, free):
        if one.on(on):
            found.setdefault((what, one.name), Leak(where=where, what=what, found=said, source=one.name))
    return list(found.values())[:_MOST]


def _shared(text: str, index: _Index, free: _Free) -> Iterator[tuple[str, _Inside, str]]:
    """(number | name | words, whose, as it stands inside) of everything that a public text has in common with what is inside."""
    for value in dict.fromkeys(value for value, _ in numbers(text)):
        if value in index.numbers and not free.number(value):
            yield from (("number", one, said) for one, said in index.numbers[value])
    words = words_of(text)
    runs = [
        run
        for size in index.sizes
        for start in range(len(words) - size + 1)
        if (run := words[start : start + size]) in index.names or run in index.runs
    ]
    written = capitals(text) if runs else frozenset()
    for run in dict.fromkeys(runs):
        if run in index.names and (len(run) > 1 or run[0] in written) and not free.run(run):
            yield from (("name", one, said) for one, said in index.names[run])
    for run in dict.fromkeys(runs):
        if run in index.runs and not free.run(run):
            yield from (("words", one, said) for one, said in index.runs[run])


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
