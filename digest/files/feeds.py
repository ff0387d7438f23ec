"""RSS and Atom that was fetched already: its entries, newest first. Everything in it is a stranger's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree, html

from digest.domain.lines import one_line
from digest.domain.link import web_address, without_utm

_MOST = 500  # entries that are looked at
_TITLE, _SUMMARY = 300, 600  # characters


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a feed: plain text on one line, an address as browsers write it."""

    title: str
    url: str
    summary: str = ""
    language: str = ""
    published_at: datetime | None = None


def read_feed(data: bytes, url: str) -> tuple[Entry, ...]:
    """The entries of a feed that came from `url`, newest first, those without a date last; nothing when it is no feed."""
    import feedparser  # a tenth of a second to load, for one command

    found = feedparser.parse(data, response_headers={"content-location": url, "content-type": "application/xml"})
    language = str(found.feed.get("language") or "")
    entries = {entry.url: entry for entry in _entries(found.entries[:_MOST], language)}
    return tuple(sorted(entries.values(), key=lambda entry: entry.published_at or datetime.min.replace(tzinfo=UTC), reverse=True))


def _entries(items: list[Any], language: str) -> Iterator[Entry]:
    for item in items:
        address = web_address(str(item.get("link") or ""))
        title = _plain(item.get("title"), _TITLE)
        if address is not None and title:
            yield Entry(
                title=title,
                url=without_utm(address),
                summary=_plain(item.get("summary"), _SUMMARY),
                language=_language(str(item.get("title_detail", {}).get("language") or language)),
                published_at=_moment(item.get("published_parsed") or item.get("updated_parsed")),
            )


def _plain(value: object, longest: int) -> str:
    """Words without marks, on one line, cut at a character."""
    marked = str(value or "")[: 20 * longest]
    try:
        words = str(html.fromstring(f"<div>{marked}</div>").text_content()) if "<" in marked or "&" in marked else marked
    except (etree.LxmlError, ValueError):
        words = ""
    clean = one_line(words)
    return clean if len(clean) <= longest else f"{clean[: longest - 1].rstrip()}…"


def _language(told: str) -> str:
    plain = told.strip().replace("_", "-")
    return plain if plain.replace("-", "").isascii() and plain.replace("-", "").isalnum() and len(plain) <= 20 else ""  # noqa: PLR2004 - the column


def _moment(parts: Any) -> datetime | None:  # noqa: ANN401 - time.struct_time or nothing
    try:
        year, month, day, hour, minute, second = parts[:6] if parts else (0,) * 6
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) if parts else None
    except (TypeError, ValueError, OverflowError):
        return None
