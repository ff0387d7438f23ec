"""A finished letter taken apart as mail programs do: elements with their styles, what only Word sees, and the style sheets that are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

PLACE = "data-place"  # an attribute that says where in the templates a tag stands
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_MSO = re.compile(r"\[if ([^\]]*)\]>(.*?)(?:<!\[endif\])?\Z", re.DOTALL)
_NOTHING = "\u200b\u200c\u200d\u2007\u034f\ufeff\u00ad"  # characters that nobody sees
_SIMPLE = re.compile(r"([a-z][a-z0-9]*)?((?:\.[\w-]+)*)")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a style sheet. `within`: the at-rules around it, outermost first, such as "media (max-width:480px)"."""

    selectors: tuple[str, ...]
    style: Mapping[str, str]
    within: tuple[str, ...] = ()


@dataclass(kw_only=True, eq=False)
class Node:
    """One element."""

    tag: str
    attributes: Mapping[str, str]
    style: Mapping[str, str]
    above: Node | None
    word_only: bool  # inside <!--[if mso]>
    not_word: bool = False  # inside <!--[if !mso]><!-->
    texts: list[str] = field(default_factory=list)  # its own words, without those of the elements inside it

    @property
    def place(self) -> str:
        """`file:line` in the templates, "" when nobody knows."""
        return next((found for node in self.lineage() if (found := node.attributes.get(PLACE, ""))), "")

    @property
    def hidden(self) -> bool:
        """True for what is not shown to anybody."""
        return any(node.style.get("display") == "none" for node in self.lineage())

    def lineage(self) -> Iterator[Node]:
        """The element and all around it, innermost first."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.above

    def around(self, *tags: str) -> Node | None:
        """The nearest element of such a tag, itself included."""
        return next((node for node in self.lineage() if node.tag in tags), None)


@dataclass(kw_only=True)
class Letter:
    """A letter, taken apart."""

    html: str
    nodes: list[Node] = field(default_factory=list)
    sheets: list[tuple[Node, str]] = field(default_factory=list)  # what is kept of style sheets, for everybody
    word_sheets: list[str] = field(default_factory=list)
    word_notes: list[str] = field(default_factory=list)  # conditional comments for Word, as they are
    doctype: str = ""

    @cached_property
    def rules(self) -> list[tuple[Node, Rule]]:
        """Every rule of the kept sheets, with the <style> it stands in."""
        return [(node, rule) for node, text in self.sheets for rule in sheet(text)]

    @cached_property
    def word_rules(self) -> list[Rule]:
        """What Word's sheets say."""
        return [rule for text in self.word_sheets for rule in sheet(text)]


def dissect(html: str) -> Letter:
    """`html` as a letter."""
    reader = _Reader(html)
    reader.feed(html)
    reader.close()
    return reader.letter


def declarations(text: str) -> dict[str, str]:
    """Property -> value of a style attribute or a rule; the later wins, as it does there."""
    found: dict[str, str] = {}
    for part in re.split(r";(?![^(]*\))", text):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip().lower()] = " ".join(value.split())
    return found


def sheet(text: str, within: Sequence[str] = ()) -> Iterator[Rule]:
    """The rules of a style sheet, those inside at-rules too; an at-rule without rules comes with no selectors."""
    text = re.sub(r"/\*.*?\*/|<!--|-->", "", text, flags=re.DOTALL)
    while text.strip():
        head, brace, rest = text.partition("{")
        for alone in (part for part in head.split(";")[:-1] if part.strip().startswith("@")):  # @import and its like
            yield Rule(selectors=(), style={}, within=(*within, alone.strip()[1:]))
        head = head.rpartition(";")[2].strip()
        if not brace:
            return
        body, text = _block(rest)
        if head.startswith("@"):
            inner = (*within, " ".join(head[1:].split()))
            yield Rule(selectors=(), style={} if "{" in body else declarations(body), within=inner)
            yield from sheet(body, inner) if "{" in body else ()
        else:
            yield Rule(selectors=tuple(part.strip() for part in head.split(",")), style=declarations(body), within=tuple(within))


def matches(node: Node, selector: str) -> bool:
    """True for an element and classes, such as `td.btn`; anything longer is beyond this."""
    found = _SIMPLE.fullmatch(selector)
    classes = set(node.attributes.get("class", "").split())
    return bool(found and selector and found[1] in {None, node.tag} and set(found[2].split(".")[1:]) <= classes)


def _block(text: str) -> tuple[str, str]:
    depth = 1
    for found in re.finditer(r"[{}]", text):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return text[: found.start()], text[found.end() :]
    return text, ""


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.letter = Letter(html=html)
        self._open: list[Node] = []
        self._word = self._not_word = False

    def handle_decl(self, decl: str) -> None:
        self.letter.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        above = self._open[-1] if self._open else None
        style = declarations(attributes.get("style", ""))
        node = Node(tag=tag, attributes=attributes, style=style, above=above, word_only=self._word, not_word=self._not_word)
        self.letter.nodes.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index].tag == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        here = self._open[-1]
        if here.tag == "style":
            if self._word:
                self.letter.word_sheets.append(data)
            else:
                self.letter.sheets.append((here, data))
        elif data.strip(_NOTHING + " \n\t\r\xa0"):
            here.texts.append(data)

    def handle_comment(self, data: str) -> None:
        if data == "<![endif]":
            self._not_word = False
        found = _MSO.match(data)
        if found is None:
            return
        if found[1].startswith("!"):
            self._not_word = True
        elif "mso" in found[1]:
            self.letter.word_notes.append(found[2])
            inner = _Reader("")  # a reader of its own: this one is in the middle of its text
            inner.letter, inner._open, inner._word = self.letter, self._open, True
            inner.feed(found[2])
            inner.close()
