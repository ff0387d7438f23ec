"""Safe Markdown: paragraphs, lists, bold, italics and links, as a page and as plain text. Everything else stays as it was typed.

Headings, HTML, images and code have no place in a letter; `#energy` stays a hashtag. Only web and mail addresses are
linked; any other link keeps its words alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Literal

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

_LINKED = ("https://", "http://", "mailto:")
_RULES = ("paragraph", "list", "emphasis", "balance_pairs", "fragments_join", "link", "image", "autolink", "newline", "escape", "text", "text_join")
_BARE = regex.compile(r"https?://[^\s<>\"“”«»]*[^\s<>\"“”«».,;:!?)\]}'’]")  # noqa: RUF001 - quotes end an address
_AFTER_BARE = regex.compile(rf"({_BARE.pattern})[.,;:!?]?")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One paragraph, or one entry of a list."""

    kind: Literal["p", "ul", "ol"]
    html: str  # escaped, with strong, em, br and a
    text: str  # each address on a line of its own
    mark: str = ""  # what stands before an entry: "•" or "2."


def blocks(text: str) -> list[Block]:
    """The blocks of `text`, in order; nothing for nothing."""
    found: list[Block] = []
    lists: list[list[int | None]] = []  # of each open list the next number, None for bullets
    for token in _parser().parse(text):
        match token.type:
            case "bullet_list_open":
                lists.append([None])
            case "ordered_list_open":
                lists.append([int(token.attrs.get("start", 1))])
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "inline":
                found.append(_block(token.children or [], lists[-1] if lists else None))
            case _:
                pass
    return [block for block in found if block.text.strip()]


def plain(text: str) -> str:
    """`text` without its marks, for counting, for subjects and for networks; addresses stay in their sentence."""
    return "\n\n".join(" ".join(part for part in (block.mark, " ".join(block.text.split("\n"))) if part) for block in blocks(text))


def caption(text: str) -> str:
    """A caption as a network shows it: without marks, its own lines kept."""
    if not regex.search(r"[*_\[\\<]", text):
        return text
    return "\n\n".join(f"{block.mark} {block.text}".strip() for block in blocks(text))


def links(text: str) -> list[str]:
    """Every address that `text` leads to."""
    return [str(child.attrs["href"]) for token in _parser().parse(text) for child in token.children or [] if child.type == "link_open"]


@cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("zero", {"html": False, "linkify": False, "typographer": False, "breaks": False, "maxNesting": 20})
    made.enable([rule for rule in _RULES if rule not in {"paragraph", "text"}])
    made.validateLink = lambda url: bool(url) or True  # type: ignore[method-assign]  # an unsafe one loses its marks below; else it stood there raw
    return made


def _block(children: Sequence[Token], entry: list[int | None] | None) -> Block:
    html, text = "".join(_html(children)), _text(children)
    if entry is None:
        return Block(kind="p", html=html, text=text)
    number = entry[0]
    if number is None:
        return Block(kind="ul", html=html, text=text, mark="•")
    entry[0] = number + 1
    return Block(kind="ol", html=html, text=text, mark=f"{number}.")


def _safe(href: object) -> str:
    address = str(href)
    return address if address.lower().startswith(_LINKED) else ""


def _html(children: Sequence[Token]) -> Iterator[str]:
    ends: list[str] = []
    for child in children:
        match child.type:
            case "strong_open" | "em_open" | "strong_close" | "em_close":
                yield f"<{'/' if child.nesting < 0 else ''}{child.tag}>"
            case "link_open":
                address = _safe(child.attrs["href"])
                ends.append("</a>" if address else "")
                yield f'<a class="lnk" href="{escape(address)}">' if address else ""
            case "link_close":
                yield ends.pop()
            case "softbreak":
                yield "\n"
            case "hardbreak":
                yield "<br>\n"
            case _:
                yield escape(child.content) if ends else _linked(child.content)


def _linked(text: str) -> str:
    """Text with its bare web addresses made into links."""
    made, at = [], 0
    for found in _BARE.finditer(text):
        made += [escape(text[at : found.start()]), f'<a class="lnk" href="{escape(found[0])}">{escape(found[0])}</a>']
        at = found.end()
    return "".join([*made, escape(text[at:])])


def _text(children: Sequence[Token]) -> str:
    """The words, and below them the address of each link under its words; an address in the words stands on its own line."""
    said, below, opened = [], [], []
    for child in children:
        match child.type:
            case "softbreak" | "hardbreak":
                said.append("\n")
            case "link_open":
                opened.append((len(said), _safe(child.attrs["href"])))
            case "link_close":
                start, address = opened.pop()
                label = "".join(said[start:]).strip()
                if address and address.removeprefix("mailto:") != label and address != label:
                    below.append(f"{label}:\n{address.removeprefix('mailto:')}" if label else address)
            case _:
                said.append(child.content)
    words = _AFTER_BARE.sub(lambda found: f"\n{found[1]}\n", "".join(said))
    lines = [line.strip(" ") for line in words.split("\n")]
    alone = [line for n, line in enumerate(lines) if line or (0 < n < len(lines) - 1 and not _beside(lines, n))]
    return "\n".join([*alone, *below]).strip("\n")


def _beside(lines: Sequence[str], n: int) -> bool:
    return any(_BARE.fullmatch(lines[at]) for at in (n - 1, n + 1))
