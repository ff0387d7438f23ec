"""Compile an edition once per language: render everything, inline once, cut at the marks, encode for the wire.

The result is data: a tree of octets, slots and groups of options, written as JSON under a format number, so that what
was planned and approved is sent even after an upgrade. Filling it in (`fill`) reads nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from digest.domain.edition import EditionContent
from digest.domain.frozen import fingerprint
from digest.domain.prose import plain
from digest.domain.words import count_words, pace, reading_minutes, shorten
from digest.errors import TemplateError
from digest.mail.inline import Inliner, inline
from digest.mail.plain import clean
from digest.mail.qp import Slot, encode_run
from digest.mail.rules import whole
from digest.mail.templates import job, place_of, render
from digest.mail.view import SLOTS, PoolView, free_salt, slot_word, split_marks

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Group:
    """Options that readers differ in; a reader's choice names the keys to print, in order."""

    name: str
    options: Mapping[str, Tree]
    between: Tree


Tree = tuple["bytes | Slot | Group", ...]


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """An edition in one language, ready to be filled in."""

    language: str
    subject: str  # the editor's; "" means the first pick's title
    titles: Mapping[int, str]  # post -> its title, short enough for a subject
    places: Mapping[int, str]  # post -> part of the letter
    always: tuple[str, ...]  # parts that are there even without a post
    words: Mapping[int, int]  # post -> its words; 0 -> everybody's
    pace: int  # words a minute
    text: Tree
    html: Tree


def compile_edition(
    content: EditionContent,
    language: str,
    *,
    intents: Mapping[tuple[int, str], str] | None = None,
    inliner: Inliner = inline,
    site: Path | None = None,
) -> bytes:
    """The compiled edition for readers of `language`; the same input gives the same octets. Raises TemplateError.

    `site`: a folder whose templates win over ours; then the letter is searched for what no letter may lack.
    """
    work, made_of = job(content, language, intents=intents, site=site), fingerprint(content)
    content = work.content
    counted = _count(content)
    salt = free_salt(repr((content, work.words.phrases)))
    a_minute = pace(work.words.language)
    minutes = [str(m) for m in range(1, reading_minutes(sum(counted.values()), a_minute) + 1)]
    work, slots = replace(work, salt=salt), {slot: slot_word(salt, slot) for slot in SLOTS}
    page = render(work, (PoolView(salt, html=False), PoolView(salt, html=True)), slots, minutes)
    if site:
        whole(page, work, slots, site)
    data = {
        "language": work.words.language,
        "subject": "" if slot_word(salt, "subject") in page.subject else page.subject,
        # The first one may be the subject, which lock screens show: what stays inside has no name there.
        "titles": {post.n: shorten(content.site_name if post.internal else post.title) for post in content.posts},
        "places": {post.n: place_of(post) for post in content.posts},
        "always": ["inside"] if content.figures else [],
        "words": counted,
        "pace": a_minute,
        "text": _tree(page.text, salt, html=False),
        "html": _tree(inliner(page.html.replace(slot_word(salt, "name"), slot_word(salt, "name_html"))), salt, html=True),
    }
    return f"digest-body {FORMAT} {made_of}\n{json.dumps(data, sort_keys=True, separators=(',', ':'))}".encode("ascii")


def _count(content: EditionContent) -> dict[int, int]:
    """How many words each post adds, and under 0 what everybody reads."""
    lesson = content.lesson
    fixed = [content.note, content.ask, *(part for a in content.answers for part in (a.question, a.answer))]
    fixed += [part for f in content.figures for part in (f.name, f.meaning, f.you_can)]
    fixed += [lesson.rule, lesson.example, lesson.question] if lesson else []
    return {
        0: sum(count_words(plain(clean(text))) for text in fixed),
        **{post.n: count_words(post.title) + count_words(plain(clean(post.why))) for post in content.posts},
    }


def _tree(page: str, salt: str, *, html: bool) -> list[Any]:
    """A marked page as nested lists that JSON can hold."""
    nodes, rest = _nodes(split_marks(page, salt, html=html), salt)
    if rest:
        raise TemplateError("digest/body.html" if html else "digest/body.txt", "view.close() without view.open()")
    return nodes


def _nodes(tokens: list[tuple[str, str, str]], salt: str) -> tuple[list[Any], list[tuple[str, str, str]]]:
    nodes: list[Any] = []
    last = ""  # the pick whose options the last node holds
    while tokens:
        (kind, what, key), tokens = tokens[0], tokens[1:]
        if kind == "close":
            return nodes, [("close", "", ""), *tokens]
        if kind == "text":
            nodes += _encoded(what, salt)
            last = ""
            continue
        option, tokens = _nodes(tokens, salt)
        if not tokens:
            raise TemplateError(what, "view.open() without view.close()")
        tokens = tokens[1:]
        while len(tokens) > 1 and tokens[0][0] == "text" and not tokens[0][1].strip() and tokens[1][:2] == ("open", what):
            tokens = tokens[1:]  # white space between two options belongs to neither
        if last != what or key in nodes[-1]["o"]:
            nodes.append({"g": what.partition(".")[0], "o": {}, "b": []})
            last = what
        if key:
            nodes[-1]["o"][key] = option
        else:
            nodes[-1]["b"] = option
    return nodes, []


def _encoded(text: str, salt: str) -> list[Any]:
    run: list[str | Slot] = []
    for index, part in enumerate(text.split(salt)):
        run.append(Slot(part, SLOTS[part]) if index % 2 else part)
    return [part.decode("ascii") if isinstance(part, bytes) else {"s": part.name} for part in encode_run(run)]


def load_compiled(data: bytes) -> Compiled:
    """What `compile_edition` made. Raises TemplateError for a format this version does not know."""
    head, _, body = data.partition(b"\n")
    if head.split()[:2] != f"digest-body {FORMAT}".encode().split():
        raise TemplateError("edition_body", f"found {head[:40]!r}, allowed format {FORMAT}", hint="Run `digest edition plan` again.")
    found = json.loads(body)
    return Compiled(
        language=found["language"],
        subject=found["subject"],
        titles=_numbered(found["titles"]),
        places=_numbered(found["places"]),
        always=tuple(found["always"]),
        words=_numbered(found["words"]),
        pace=found.get("pace", 220),  # what every language had before
        text=_grown(found["text"]),
        html=_grown(found["html"]),
    )


def _numbered(data: Mapping[str, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in data.items()}


def _grown(nodes: Sequence[Any]) -> Tree:
    grown: list[bytes | Slot | Group] = []
    for node in nodes:
        if isinstance(node, str):
            grown.append(node.encode("ascii"))
        elif "s" in node:
            grown.append(Slot(node["s"], SLOTS[node["s"]]))
        else:
            options = {key: _grown(option) for key, option in node["o"].items()}
            grown.append(Group(name=node["g"], options=options, between=_grown(node["b"])))
    return tuple(grown)
