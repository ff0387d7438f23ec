"""The limits of a letter and what is wrong with one: what was found, what is allowed, what to change. Source: digest-content, section 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import regex

from digest.domain.words import SUBJECT_LENGTH, letters_of, shorten

REMEMBERED = 8  # earlier editions whose subjects must not come again
_NUMBERED = regex.compile(r"(?:no|nr|n\.?[ºo°]|nº|week|kw|semaine|semana|woche|第|العدد)[.\s]*\d", regex.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`[budget]` of the configuration."""

    words_from: int = 250
    words_to: int = 500
    posts_from: int = 3
    posts_to: int = 5  # outward ones: what may be shared
    links: int = 36
    html_bytes: int = 90_000
    subject: int = SUBJECT_LENGTH


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message, measured."""

    language: str
    kind: str  # shortest | typical | longest
    people: int  # how many get this very choice of posts
    posts: int
    outward: int  # of them those that may be shared
    words: int  # the company's and the colleagues', without ours around them
    minutes: int
    links: int
    images: int
    without_alt: int  # images without alt text
    subject: str
    preheader: str
    first_title: str
    html_bytes: int
    text_bytes: int
    wire_bytes: int
    image_bytes: int = 0  # of the posts' pictures and faces, fetched beside it
    sections: Mapping[str, int] = field(default_factory=dict)  # part of the letter -> bytes of its HTML
    unread: Sequence[tuple[str, str, str]] = ()  # what some mail programs break: what it is, who breaks it and how, what to write


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to mend. `stops`: a limit is broken; else it is advice."""

    where: str
    found: str
    allowed: str
    change: str
    stops: bool = True

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.where}: found {self.found}, allowed {self.allowed}. {self.change}"


def check_letter(letter: Letter, limits: Limits) -> list[Finding]:
    """What is wrong with one letter."""
    where = f"{letter.language}, {letter.kind} letter"
    return [*_sizes(letter, limits, where), *_counts(letter, limits, where), *_opening(letter, limits, where)]


def _sizes(letter: Letter, limits: Limits, where: str) -> list[Finding]:
    found = []
    if letter.html_bytes > limits.html_bytes:
        change = "Shorten the longest texts: Gmail clips near 102 KB and hides the link to leave."
        found.append(Finding(where=where, found=f"{letter.html_bytes:,} bytes of HTML", allowed=f"{limits.html_bytes:,}", change=change))
    if letter.without_alt:
        change = "Set image_alt beside image."
        found.append(Finding(where=where, found=f"{letter.without_alt} images without alt text", allowed="none", change=change))
    return found


def _counts(letter: Letter, limits: Limits, where: str) -> list[Finding]:
    found = []
    if letter.words > limits.words_to:
        change = "Shorten the note, the whys or the answers, or lower mix.posts: past two minutes people stop reading."
        found.append(Finding(where=where, found=f"{letter.words:,} words", allowed=f"at most {limits.words_to:,}", change=change))
    if letter.words < limits.words_from and letter.kind != "longest":
        change = "Say more in the note or the whys, or ask colleagues for another post."
        stops = letter.kind == "typical"
        found.append(Finding(where=where, found=f"{letter.words:,} words", allowed=f"at least {limits.words_from:,}", change=change, stops=stops))
    if letter.outward > limits.posts_to:
        change = "Lower mix.posts."
        found.append(Finding(where=where, found=f"{letter.outward} posts to share", allowed=f"at most {limits.posts_to}", change=change))
    if letter.outward < limits.posts_from and letter.kind == "typical":
        change = "Ask colleagues for posts; see digest queue list for what is open this week."
        found.append(
            Finding(where=where, found=f"{letter.outward} posts to share", allowed=f"at least {limits.posts_from}", change=change, stops=False)
        )
    if letter.links > limits.links:
        change = "Take links out of the texts, or lower mix.posts: fewer links get more clicks."
        found.append(Finding(where=where, found=f"{letter.links} links", allowed=f"at most {limits.links}", change=change))
    return found


def _opening(letter: Letter, limits: Limits, where: str) -> list[Finding]:
    found = []
    if not letter.subject.strip():
        found.append(Finding(where=where, found="no subject", allowed="some words", change="Set subject in [edition]."))
    if letters_of(letter.subject) > limits.subject:
        said = f"a subject of {letters_of(letter.subject)} characters"
        found.append(Finding(where=where, found=said, allowed=f"at most {limits.subject}", change="Set a shorter subject in [edition]."))
    if not letter.preheader:
        change = "Write a note in [edition], or add a second post."
        found.append(Finding(where=where, found="no preheader", allowed="words beside the subject", change=change, stops=False))
    elif repeats(letter.preheader, (letter.subject, letter.first_title)):
        change = "Set another subject in [edition], or another note."
        found.append(Finding(where=where, found=f"a preheader that repeats “{letter.subject}”", allowed="one that adds", change=change))
    return found


def repeats(preheader: str, said: Sequence[str]) -> bool:
    """True when a preheader begins with, or is, what the reader has just read as subject or first title."""
    mine = essence(preheader)
    return any(mine.startswith(essence(text).rstrip("…")) for text in said if essence(text))


def essence(text: str) -> str:
    """What a reader remembers of a subject: its words, without case, signs and numbers."""
    return " ".join(regex.findall(r"[\p{L}\p{M}…]+", text.casefold()))


def check_markup(letters: Sequence[Letter]) -> list[Finding]:
    """What mail programs break, each once, with the first letter that has it."""
    first: dict[tuple[str, str, str], list[Letter]] = {}
    for letter in letters:
        for unread in letter.unread:
            first.setdefault((unread[0], unread[1], unread[2]), []).append(letter)
    return [
        Finding(
            where=f"{having[0].language}, {having[0].kind} letter" + (f" and {len(having) - 1} more" if len(having) > 1 else ""),
            found=what,
            allowed=f"nothing that {fails}",
            change=f"Write {instead}; `digest templates check` names the line.",
        )
        for (what, fails, instead), having in first.items()
    ]


def check_subject(subject: str, earlier: Mapping[str, Sequence[str]], *, site_name: str) -> list[Finding]:
    """Is the point first, and is it another subject than in the editions before? `earlier`: period -> its subjects, newest first."""
    where, found = f"subject “{subject}”", []
    again = next((period for period, subjects in list(earlier.items())[:REMEMBERED] if essence(subject) in {essence(s) for s in subjects}), None)
    if again and essence(subject):
        change = "Say in [edition] what is new this week."
        found.append(Finding(where=where, found=f"the subject of {again} again", allowed="a new one every week", change=change, stops=False))
    if (essence(site_name) and essence(subject).startswith(essence(site_name))) or _NUMBERED.match(subject):
        change = "Begin with what is new; the sender already says who writes."
        found.append(Finding(where=where, found="the letter's name or number first", allowed="the point first", change=change, stops=False))
    return found


def subjects_of(subject: str | None, titles: Sequence[str]) -> tuple[str, ...]:
    """What may have stood as the subject of an edition: the editor's, or each post's title for whom it came first."""
    return (subject,) if subject else tuple(shorten(title) for title in titles)
