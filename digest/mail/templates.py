"""What a template is given: an edition and a language, never an employee."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.link import HONEYPOT, SHARE_PAGE, number
from digest.domain.occasion import at_offset, offsets
from digest.domain.picture import PATH, Picture
from digest.domain.post import Origin
from digest.domain.translation import in_language
from digest.domain.words import Words, direction, plural_forms
from digest.mail import catalogue
from digest.mail.anatomy import PLACE
from digest.mail.environment import render_file
from digest.mail.plain import ascii_url, clean
from digest.mail.receipt import RECEIPTS
from digest.mail.view import PoolView, View

PARTS = ("colleagues", "sharing", "inside")


@dataclass(frozen=True, kw_only=True)
class Page:
    """One email rendered: three texts."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is rendered: an edition in one language.

    `site`: a folder of templates that win over ours. `salt`: the word that slots are marked with, when they are marked.
    `placed`: every tag says where in the templates it stands.
    """

    content: EditionContent
    words: Words
    intents: Mapping[tuple[int, str], str] = field(default_factory=dict)  # with tracking off: (post, network letter) -> compose address
    site: Path | None = None
    salt: str = ""
    placed: bool = False


def job(
    content: EditionContent,
    language: str,
    *,
    intents: Mapping[tuple[int, str], str] | None = None,
    site: Path | None = None,
) -> Job:
    """The job of rendering `content` for readers of `language`."""
    words = catalogue.words(language)
    return Job(content=in_language(content, words.language), words=words, intents=intents or {}, site=site)


def place_of(post: EditionPost) -> str:
    """The part of the letter a post stands in."""
    if post.internal:
        return "inside"
    return "colleagues" if post.origin is Origin.COLLEAGUE else "sharing"


def reasons_of(post: EditionPost) -> tuple[str, ...]:
    """Every reason a reader may get this post for; each is printed once per edition."""
    return (*(f"topic:{topic}" for topic in post.topics), "team", "country", "new")


class Links:
    """The addresses in a letter. Tokens are slots; everything else is the edition's."""

    def __init__(self, job: Job, slots: Mapping[str, str]) -> None:
        self._job = job
        self._site = job.content.site_url
        self._slots = slots

    def read(self, post: EditionPost) -> str:
        """Where *Read* leads; with tracking off straight to the article."""
        if not post.url:
            return ""
        if self._job.content.tracking == "off":
            return ascii_url(post.url)
        return f"{self._site}/r/{self._slots['share']}/{number(post.n)}"

    def share(self, post: EditionPost, letter: str = SHARE_PAGE) -> str:
        """Where *Share* or a network leads; "" where there is nothing to lead to."""
        if post.internal:
            return ""
        if self._job.content.tracking == "off":
            return ascii_url(self._job.intents.get((post.n, letter), ""))
        return f"{self._site}/s/{self._slots['share']}/{number(post.n)}{letter}"

    def answer(self, post: EditionPost) -> str:
        """Where *Reply to NAME* leads."""
        return f"{self._site}/a/{self._slots['control']}/{number(post.n)}"

    def vote(self, post: EditionPost) -> str:
        """Where *Not for me* leads."""
        return f"{self._site}/v/{self._slots['control']}/{number(post.n)}"

    def pass_on(self, post: EditionPost) -> str:
        """Where *Pass on* leads: to a colleague, inside the wall. What is public is shared instead."""
        return f"{self._site}/pass/{self._slots['control']}/{number(post.n)}" if post.internal else ""

    def picture(self, shown: Picture) -> str:
        """Where a picture is; the same address for everybody."""
        return f"{self._site}{PATH}{shown.name}"

    def refer(self, post: EditionPost) -> str:
        """Where a job says how to refer somebody."""
        return f"{self._site}/refer/{self._slots['control']}/{number(post.n)}" if post.refer else ""

    def calendar(self, post: EditionPost) -> str:
        """An event as a file for calendars."""
        return f"{self._site}/c/{self._slots['control']}/{number(post.n)}.ics" if post.starts_at else ""

    @property
    def give(self) -> str:
        """Where a question or a post is given."""
        return f"{self._site}/give/{self._slots['control']}"

    @property
    def preferences(self) -> str:
        """Where a person changes what they get and sees what is stored."""
        return f"{self._site}/me/{self._slots['control']}"

    @property
    def stop(self) -> str:
        """Where a person leaves."""
        return f"{self._site}/u/{self._slots['unsubscribe']}"

    @property
    def browser(self) -> str:
        """The edition in a browser, without personal links."""
        return f"{self._site}/w/{self._job.content.browser_token}" if self._job.content.browser_token else ""

    @property
    def trap(self) -> str:
        """A link that no person sees, for scanners to show themselves by."""
        if not self._job.content.honeypot or self._job.content.tracking == "off":
            return ""
        return f"{self._site}/r/{self._slots['share']}/{number(HONEYPOT)}"

    @property
    def policy(self) -> str:
        """The company's rules for sharing."""
        return ascii_url(self._job.content.policy_url)

    @property
    def reply(self) -> str:
        """A reply to the letter's question."""
        address = parseaddr(self._job.content.reply_to)[1]
        return f"mailto:{quote(address, safe='@')}?subject={quote(clean(self._job.content.ask), safe='')}" if address else ""


def render(job: Job, views: tuple[View, View], slots: Mapping[str, str], minutes: Sequence[str]) -> Page:
    """Subject, text and HTML (not yet inlined). `views`: one for text, one for HTML; `minutes`: every reading time a reader may have.

    Raises TemplateError naming file and line.
    """
    text, html = views
    return Page(
        subject=render_file("digest/subject.txt", _context(job, text, slots, minutes), job.site).strip("\n"),
        text=render_file("digest/body.txt", _context(job, text, slots, minutes), job.site),
        html=_mirrored(render_file("digest/body.html", _context(job, html, slots, minutes), job.site, placed=job.placed), job.words.language),
    )


def names(job: Job) -> frozenset[str]:
    """The names that a letter's templates may use."""
    return frozenset(name for name in _context(job, PoolView(job.salt, html=True), {}, ()) if not name.startswith("_"))


def _context(job: Job, view: View, slots: Mapping[str, str], minutes: Sequence[str]) -> dict[str, Any]:
    content = job.content
    places = {part: [str(post.n) for post in content.posts if place_of(post) == part] for part in PARTS}
    return {
        "edition": content,
        "brand": content.brand,
        # Checked name by name when the configuration was read, so the quotes in them may stand in a style sheet.
        "fonts": {"serif": Markup(content.brand.serif), "sans": Markup(content.brand.sans)},  # noqa: S704
        "_salt": job.salt,
        "words": job.words,
        "rtl": direction(job.words.language) == "rtl",
        "start": "right" if direction(job.words.language) == "rtl" else "left",  # where lines begin
        "end": "left" if direction(job.words.language) == "rtl" else "right",
        "view": view,
        "slot": slots,
        "links": Links(job, slots),
        "posts": {str(post.n): post for post in content.posts},
        "places": places,
        "parts": [part for part in PARTS if places[part] or (part == "inside" and content.figures)],
        "reasons": reasons_of,
        "offsets": offsets,
        "at_offset": at_offset,
        "reason_words": lambda reason: _because(job.words, reason),
        "letters": {letter: label for letter, _, label in content.networks},
        "minutes": minutes,
        "forms": plural_forms(job.words.language),
        "receipts": RECEIPTS if content.tracking == "individual" else (),  # for readers who are measured
    }


def _mirrored(page: str, language: str) -> str:
    """Every table of a right-to-left letter says so: some mail programs drop what stands around it."""
    return re.sub(rf'(<table(?: {PLACE}="[^"]*")? role="presentation")', r'\1 dir="rtl"', page) if direction(language) == "rtl" else page


def _because(words: Words, reason: str) -> str:
    kind, _, what = reason.partition(":")
    return words(f"because_{kind}", topic=what)
