"""Templates: found in the checkout or the wheel, rendered for an edition and a language, never for an employee."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.link import HONEYPOT, SHARE_PAGE, number
from digest.domain.post import Origin
from digest.domain.words import Words, direction, initial
from digest.errors import TemplateError
from digest.mail import catalogue
from digest.mail.view import View

WIDTH = 76  # of the text part (RFC 3676 asks for 78 or less)
PARTS = ("colleagues", "sharing", "inside")
_ASCII = "".join(chr(c) for c in range(0x21, 0x7F))
_DROPPED = {"Cc", "Cs", "Cn"}  # control characters, lone surrogates, code points that are none


def templates_folder() -> Path:
    """`templates/` beside the package in a checkout, inside the package in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One email rendered: three texts."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is rendered: an edition in one language. `two_way`: links to answer, vote and give are live."""

    content: EditionContent
    words: Words
    two_way: bool = False
    intents: Mapping[tuple[int, str], str] = field(default_factory=dict)  # with tracking off: (post, network letter) -> compose address


def job(content: EditionContent, language: str, *, two_way: bool = False, intents: Mapping[tuple[int, str], str] | None = None) -> Job:
    """The job of rendering `content` for readers of `language`."""
    return Job(content=content, words=catalogue.words(language), two_way=two_way, intents=intents or {})


def clean(text: str) -> str:
    """`text` with plain line ends and without what no mail may carry."""
    if text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in plain if c in "\n\t" or unicodedata.category(c) not in _DROPPED)


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
        return f"{self._site}/a/{self._slots['control']}/{number(post.n)}" if self._job.two_way else ""

    def vote(self, post: EditionPost) -> str:
        """Where *Not for me* leads."""
        return f"{self._site}/v/{self._slots['control']}/{number(post.n)}" if self._job.two_way else ""

    def refer(self, post: EditionPost) -> str:
        """Where a referral goes, when it is an address."""
        if post.refer.startswith(("https://", "http://")):
            return ascii_url(post.refer)
        return f"mailto:{ascii_url(post.refer)}" if parseaddr(post.refer)[1] == post.refer and "@" in post.refer else ""

    @property
    def give(self) -> str:
        """Where a question, a nomination or a post is given."""
        return f"{self._site}/give/{self._slots['control']}" if self._job.two_way else ""

    @property
    def preferences(self) -> str:
        """Where a person changes what they get and sees what is stored."""
        return f"{self._site}/me/{self._slots['control']}" if self._job.two_way else ""

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


def ascii_url(url: str) -> str:
    """`url` with anything outside ASCII percent-encoded, so that no mail program reads it otherwise."""
    return quote(clean(url), safe=_ASCII)


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """`text` in lines of at most 76 by words; line breaks of its own stay."""
    lines: list[str] = []
    for line in clean(str(text)).split("\n"):
        lines += textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent if lines or first is None else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines).strip("\n")


def paragraphs(text: str) -> list[str]:
    """`text` cut at its empty lines."""
    return [part.strip() for part in re.split(r"\n\s*\n", clean(text)) if part.strip()]


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value)
    return value


@cache
def environment() -> jinja2.Environment:
    """The one environment: HTML escaped, nothing undefined, control characters dropped from every value."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder()),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
        auto_reload=False,
    )
    made.filters.update(wrap=wrap, paragraphs=paragraphs, initial=initial, number=number, direction=direction)
    return made


def render(job: Job, views: tuple[View, View], slots: Mapping[str, str], minutes: Sequence[str]) -> Page:
    """Subject, text and HTML (not yet inlined). `views`: one for text, one for HTML; `minutes`: every reading time a reader may have.

    Raises TemplateError naming file and line.
    """
    text, html = views
    return Page(
        subject=_render("digest/subject.txt", _context(job, text, slots, minutes)).strip("\n"),
        text=_render("digest/body.txt", _context(job, text, slots, minutes)),
        html=_render("digest/body.html", _context(job, html, slots, minutes)),
    )


def _context(job: Job, view: View, slots: Mapping[str, str], minutes: Sequence[str]) -> dict[str, Any]:
    content = job.content
    places = {part: [str(post.n) for post in content.posts if place_of(post) == part] for part in PARTS}
    return {
        "edition": content,
        "words": job.words,
        "view": view,
        "slot": slots,
        "links": Links(job, slots),
        "posts": {str(post.n): post for post in content.posts},
        "places": places,
        "parts": [part for part in PARTS if places[part] or (part == "inside" and content.figures)],
        "reasons": reasons_of,
        "reason_words": lambda reason: _because(job.words, reason),
        "letters": {letter: label for letter, _, label in content.networks},
        "minutes": minutes,
        "two_way": job.two_way,
    }


def _because(words: Words, reason: str) -> str:
    kind, _, what = reason.partition(":")
    return words(f"because_{kind}", topic=what)


def _render(name: str, context: Mapping[str, Any]) -> str:
    try:
        return environment().get_template(name).render(context)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{error.name}:{error.lineno}", error.message or "") from error
    except jinja2.TemplateNotFound as error:
        raise TemplateError(error.name or name, "there is no such template") from error
    except (jinja2.UndefinedError, KeyError) as error:
        raise TemplateError(f"{name}:{_line(error)}", str(error)) from error


def _line(error: BaseException) -> int:
    """The template's line: Jinja rewrites the traceback so that its last template frame has it."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith((".html", ".txt")):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
