"""Measure a letter: words, links, images and octets, of one choice of posts or of the longest there can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cached_property
from html.parser import HTMLParser
from operator import itemgetter
from typing import Any

from digest.domain.edition import EditionContent
from digest.domain.lint import Letter
from digest.domain.message import Pick
from digest.domain.post import Origin
from digest.domain.tally import Tally
from digest.domain.words import reading_minutes
from digest.mail.clients import faults
from digest.mail.compile import Compiled
from digest.mail.fill import BOUNDARY, Fill, Filler
from digest.mail.templates import PARTS, reasons_of
from digest.mail.view import SLOTS

_TOKENS = {slot: "0" * length for slot, length in SLOTS.items() if length}
_HEAD = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'.encode()
_NAME = "Maximiliane"  # a greeting of usual length
_BUSY = Tally(88, 22, 8, 4, 444, 666, 11)  # a week of somebody who did a lot
_HEADERS = 1_300  # octets of a message's head with its signature, about


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What one group of people gets."""

    picks: tuple[Pick, ...]
    networks: str  # letters
    people: int = 0


@dataclass
class _Page(HTMLParser):
    """Links, images and the preheader of a page."""

    links: list[str] = field(default_factory=list)
    images: int = 0
    without_alt: int = 0
    preheader: str = ""
    _depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if tag == "img":
            self.images += 1
            self.without_alt += "alt" not in found
        if tag == "div" and (self._depth or "pre" in (found.get("class") or "").split()):
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "div" and self._depth > 0

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.preheader += data


class Meter:
    """Measures letters of one compiled edition."""

    def __init__(self, content: EditionContent, compiled: Compiled) -> None:
        self._posts = {post.n: post for post in content.posts}
        self._letters = [letter for letter, _, _ in content.networks]
        self._compiled = compiled
        self._filler = Filler(compiled)
        self._tally = _BUSY if content.tracking == "individual" else None

    @cached_property
    def _alone(self) -> dict[int, int]:
        """Post -> the size of a page with it alone."""
        both = "".join(self._letters[:2])
        return {n: self.html_bytes((Pick(n=n, because=self._longest_reason(n)),), both) for n in self._compiled.places}

    def html_bytes(self, picks: tuple[Pick, ...], networks: str) -> int:
        """The size of the page with these posts."""
        return len(self._parts(picks, networks)[1].encode())

    def weight(self, choice: Choice) -> int:
        """About how long a letter is, for putting many into an order."""
        return sum(self._alone.get(pick.n, 0) for pick in choice.picks)

    def worst(self, *, posts: int, curated: int, inside: int) -> Choice:
        """The longest letter that `[mix]` can give anybody, whatever they have had before."""
        heavy = [n for n, _ in sorted(self._alone.items(), key=itemgetter(1), reverse=True)]
        company = [n for n in heavy if self._posts[n].origin is Origin.CURATED and not self._posts[n].internal][:curated]
        outward = [n for n in heavy if not self._posts[n].internal and (self._posts[n].origin is Origin.COLLEAGUE or n in company)][:posts]
        stays = [n for n in heavy if self._posts[n].internal][:inside]
        picks = tuple(Pick(n=n, because=self._longest_reason(n)) for n in (*outward, *stays))
        return Choice(picks=picks, networks="".join(self._letters[:2]))

    def letter(self, choice: Choice, kind: str) -> Letter:
        """One letter, measured."""
        text, html, wire, subject = self._parts(choice.picks, choice.networks)
        page = _Page()
        page.feed(html)
        known = [pick.n for pick in choice.picks if pick.n in self._posts]
        words = self._compiled.words[0] + sum(self._compiled.words[n] for n in known)
        return Letter(
            language=self._compiled.language,
            kind=kind,
            people=choice.people,
            posts=len(known),
            outward=sum(not self._posts[n].internal for n in known),
            words=words,
            minutes=reading_minutes(words, self._compiled.pace),
            links=len(page.links),
            images=page.images,
            without_alt=page.without_alt,
            subject=subject,
            preheader=" ".join(page.preheader.replace("\u2007", " ").replace("\u034f", " ").split()),
            first_title=self._compiled.titles[known[0]] if known else "",
            html_bytes=len(html.encode()),
            text_bytes=len(text.encode()),
            wire_bytes=wire + _HEADERS,
            image_bytes=sum(shown.octets for n in known for shown in (self._posts[n].picture, self._posts[n].face) if shown),
            sections=self._sections(choice, len(html.encode())),
            unread=tuple((fault.what, f"{' and '.join(fault.clients)} {fault.then}", fault.instead) for fault in faults(html)),
        )

    def _sections(self, choice: Choice, whole: int) -> dict[str, int]:
        """What each part of the letter takes: the page with it less the page without it."""
        found = {}
        for part in PARTS:
            others = tuple(pick for pick in choice.picks if self._compiled.places.get(pick.n) != part)
            found[part] = whole - self.html_bytes(others, choice.networks) if len(others) < len(choice.picks) else 0
        return {**found, "everybody's": whole - sum(found.values())}

    def _longest_reason(self, n: int) -> str:
        return max(reasons_of(self._posts[n]), key=len) if n in self._posts else ""

    def _parts(self, picks: Sequence[Pick], networks: str) -> tuple[str, str, int, str]:
        tokens: dict[str, Any] = {"share": _TOKENS["share"], "control": _TOKENS["control"], "unsubscribe": _TOKENS["unsubscribe"]}
        filled = self._filler.fill(Fill(picks=tuple(picks), networks=tuple(networks), name=_NAME, tally=self._tally, **tokens))
        parsed = message_from_bytes(_HEAD + filled.body, policy=policy.default)
        text, html = (str(part.get_content()).replace("\r\n", "\n") for part in parsed.iter_parts())
        return text, html, len(filled.body), filled.subject
