"""What an answer is, by what its server says and by its first octets: both must agree (compare WHATWG MIME Sniffing)."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

_HEAD = 1024  # octets that are looked at


class Kind(StrEnum):
    """What can be asked for."""

    PAGE = "page"
    FEED = "feed"
    PICTURE = "picture"


ACCEPTED = {
    Kind.PAGE: ("text/html", "application/xhtml+xml"),
    Kind.FEED: ("application/atom+xml", "application/rss+xml", "application/xml", "text/xml", "application/rdf+xml"),
    Kind.PICTURE: ("image/jpeg", "image/png", "image/gif", "image/webp"),
}
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream", "text/plain", "unknown/unknown", "application/unknown"})
_PICTURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"))
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?xml[^>]*\?>|<\?xml-stylesheet[^>]*\?>|<!--.*?-->)*", re.DOTALL)
_FEED = re.compile(rb"<(?:!DOCTYPE rss[^>]*>\s*<)?(?:rss|feed|rdf:RDF|atom:feed)[\s>]", re.IGNORECASE)
_SVG = re.compile(rb"<(?:!DOCTYPE svg[^>]*>\s*<)?(?:\w+:)?svg[\s>]", re.IGNORECASE)
_PAGE = re.compile(rb"<(?:!doctype html|html|head|body|title|meta|link|script|style|div|p|h1|table|a|br|iframe)[\s>/]", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def look(data: bytes) -> str:
    """The content type that the first octets show, "text/plain" for words of no known kind, "" for other octets."""
    head = data[:_HEAD]
    for mark, found in _PICTURES:
        if head.startswith(mark):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    begins = _BEGINS.match(head)
    rest = head[begins.end() if begins else 0 :]
    for pattern, found in ((_FEED, "application/xml"), (_SVG, "image/svg+xml"), (_PAGE, "text/html")):
        if pattern.match(rest):
            return found
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "" if _BINARY.search(head) and not utf16 else "text/plain"


def judge(said: str, data: bytes, kinds: Collection[Kind]) -> tuple[Kind | None, str]:
    """The kind of an answer whose server says `said` (a content type), or None and what is wrong, as a clause."""
    seen = look(data)
    if "image/svg+xml" in {said, seen} and Kind.PICTURE in kinds:
        return None, "an SVG, which mail programs do not draw; use a JPEG or PNG"
    for kind in (kind for kind in Kind if kind in kinds):
        if _fits(kind, said, seen):
            return kind, ""
    wanted = " or ".join(f"a {kind}" for kind in Kind if kind in kinds)
    found = said if seen in {"", "text/plain"} else seen
    return None, f"found {_plain(found) or 'octets of no known kind'}, wanted {wanted}"


def _fits(kind: Kind, said: str, seen: str) -> bool:
    if kind is Kind.PICTURE:  # servers mix up JPEG and WebP; a decoder reads what it is
        return seen in ACCEPTED[kind] and (said in ACCEPTED[kind] or said in _SAYS_NOTHING or said == "image/jpg")
    if kind is Kind.FEED:  # often sent as a page or as plain text; it must begin as a feed does
        return seen == "application/xml" and (said in ACCEPTED[kind] or said in _SAYS_NOTHING or said in ACCEPTED[Kind.PAGE])
    return seen in {"text/html", "text/plain"} and said in ACCEPTED[kind] if said not in _SAYS_NOTHING else seen == "text/html"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9!#$&^_.+/-]", "", text)[:80]
