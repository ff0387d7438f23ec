"""A letter that is HTML alone, as text: cleaned first, so that what reads it meets whole tags only; quoted parts marked as in text."""

from __future__ import annotations

from html.parser import HTMLParser

import nh3

_MOST = 131_072  # characters of HTML that are looked at
_TAGGED = 8_000  # tags of it; cleaning takes quadratic time in how deep they nest
_DEEP = 3  # levels of quoting that are marked; deeper ones look like these
_BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "blockquote"})
_TAGS = {*_BLOCKS, "br", "li", "td", "a"}
_WITH_CONTENT = {"script", "style", "title", "template", "textarea", "select", "object", "svg", "math", "noscript", "iframe"}


def unmarked(html: str) -> str:
    """The text of `html`; what was quoted in it begins with `>`, a link's address stands behind its words."""
    safe = nh3.clean(
        _bounded(html), tags=_TAGS, clean_content_tags=_WITH_CONTENT, attributes={"a": {"href"}}, url_schemes={"http", "https"}, link_rel=None
    )
    reader = _Reader()
    reader.feed(safe)
    reader.close()
    return reader.text()


def _bounded(html: str) -> str:
    pieces = html[:_MOST].split("<", _TAGGED)
    return "<".join(pieces[:_TAGGED])


class _Reader(HTMLParser):
    """Gathers lines, each with how deep it is quoted."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[tuple[int, list[str]]] = [(0, [])]
        self._depth = 0
        self._pre = 0
        self._href = ""
        self._words: list[str] = []  # of the link that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "blockquote":
            self._depth += 1
        if tag == "pre":
            self._pre += 1
        if tag == "a":
            self._href, self._words = dict(attrs).get("href") or "", []
        elif tag in _BLOCKS or tag in {"br", "li"}:
            self._break(again=tag == "br")
            if tag == "li":
                self._say("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._depth = max(0, self._depth - 1)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag == "a":
            words = "".join(self._words).strip()
            if self._href and words.rstrip("/") not in {self._href.rstrip("/"), self._href.partition("://")[2].rstrip("/")}:
                self._say(f" {self._href}")
            elif self._href and words != self._href:
                self._say(f" ({self._href})")
            self._href = ""
        elif tag == "td":
            self._say(" ")
        elif tag in _BLOCKS:
            self._break()
            if tag == "p":
                self._break(again=True)

    def handle_data(self, data: str) -> None:
        if self._pre:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._break(again=True)
                self._say(line)
            return
        plain = " ".join(data.split())
        self._say(f"{' ' if data[:1].isspace() else ''}{plain}{' ' if plain and data[-1:].isspace() else ''}")

    def text(self) -> str:
        """Everything, in lines."""
        lines = ["> " * min(depth, _DEEP) + " ".join("".join(said).split(" ")).strip() for depth, said in self._lines]
        return "\n".join(lines).strip()

    def _say(self, words: str) -> None:
        if self._href:
            self._words.append(words)
        self._lines[-1][1].append(words)

    def _break(self, *, again: bool = False) -> None:
        """A new line; `again`: even behind an empty one."""
        if again or "".join(self._lines[-1][1]).strip():
            self._lines.append((self._depth, []))
        else:
            self._lines[-1] = (self._depth, [])
