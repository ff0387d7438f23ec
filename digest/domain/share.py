"""Sharing: what a network takes, how it counts, and the share intent that opens its composer.

The employee's words may be cut, at a grapheme and with one ellipsis; the link and the disclosure never are.
Templates, order and dates come from a data file; the counting rules are stated by each network and stand here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import accumulate
from urllib.parse import quote

import regex

ELLIPSIS = "…"
MAX_INTENT = 8000  # octets of an intent; servers and proxies refuse a longer `Location`
_URL_ON_X = 23
_URL = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_BARE = regex.compile(r"(?<![\w@./-])(?:[\w-]+\.)+[a-z]{2,}(?:/[^\s<>\"]*)?", regex.IGNORECASE)
_GRAPHEME = regex.compile(r"\X")
_BRACKETED = regex.compile(r"\[([^\[\]]*)\]")
# X's configuration version 3: these code points weigh 1, all others 2.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


class Rule(StrEnum):
    """How a network counts the characters of a text."""

    X = "x"  # weighted code points after NFC; any URL counts 23
    GRAPHEMES = "graphemes"  # what a person sees as one character
    CHARS = "chars"  # Unicode code points


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much text a network takes, link included."""

    most: int
    rule: Rule = Rule.CHARS
    url_counts: int | None = None  # what any URL counts; None: its own length
    octets: int | None = None  # a second limit, in UTF-8
    encoded: int = MAX_INTENT  # octets of the whole intent


LIMITS: Mapping[str, Limit] = {
    "linkedin": Limit(most=3000),
    "x": Limit(most=280, rule=Rule.X, url_counts=_URL_ON_X),
    "facebook": Limit(most=63206),
    "threads": Limit(most=500),
    "bluesky": Limit(most=300, rule=Rule.GRAPHEMES, octets=3000),
    "mastodon": Limit(most=500, url_counts=_URL_ON_X),
    "whatsapp": Limit(most=65000),
    "email": Limit(most=2000, encoded=2000),  # some mail programs cut a longer mailto
    "telegram": Limit(most=4096),
    "teams": Limit(most=3000),
    "slack": Limit(most=4000),
    "reddit": Limit(most=300),
    "line": Limit(most=1000),
    "weibo": Limit(most=2000),
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where an employee may share, as the networks file says.

    A template holds `{text}` (words and link), `{caption}` (words alone), `{body}` (words, then the link on its own line),
    `{link}`, `{title}` and `{hashtag}`; a part in square brackets goes when its value is empty. "" means the network has
    no compose address: copy the text, then open it yourself.
    """

    name: str
    label: str
    letter: str  # in links, one base32 character; given once and never to another network
    desktop: str
    phone: str
    limit: Limit
    verified_on: date | None  # the day somebody saw it work; None: nobody has yet
    default_on: bool

    def template(self, *, phone: bool) -> str:
        """The compose address for this device."""
        return self.phone if phone else self.desktop

    def takes_text(self, *, phone: bool) -> bool:
        """True when the composer opens with our words already in it."""
        return any(slot in self.template(phone=phone) for slot in ("{text}", "{caption}", "{body}"))

    @property
    def two_devices(self) -> bool:
        """True when phone and desktop need different addresses."""
        return self.phone != self.desktop


def graphemes(text: str) -> list[str]:
    """`text` cut where a reader sees one character end (UAX 29)."""
    found: list[str] = _GRAPHEME.findall(text)
    return found


def weigh_x(text: str) -> int:
    """How X counts `text`; joined emoji weigh more here than there, so a text that fits here fits there."""
    plain = unicodedata.normalize("NFC", text)
    bare = 0
    parts: list[str] = _URL.split(plain)
    rest, urls = " ".join(parts), len(parts) - 1
    for found in _BARE.finditer(rest):  # X makes a link of `example.com` too
        bare += max(0, _URL_ON_X - _weigh_points(found.group()))
    return urls * _URL_ON_X + bare + _weigh_points(rest) - urls


def _weigh_points(text: str) -> int:
    return sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in text)


def count(limit: Limit, text: str) -> int:
    """How `limit`'s network counts `text`."""
    if limit.rule is Rule.X:
        return weigh_x(text)
    if limit.url_counts is not None:
        text = _URL.sub("u" * limit.url_counts, text)
    return len(graphemes(text)) if limit.rule is Rule.GRAPHEMES else len(text)


def fits(limit: Limit, text: str) -> bool:
    """True when `text`, link included, is within the network's limits."""
    return count(limit, text) <= limit.most and (limit.octets is None or len(text.encode()) <= limit.octets)


def with_link(caption: str, link: str) -> str:
    """Words and link as one text."""
    return f"{caption} {link}" if caption else link


def room(limit: Limit, disclosure: str, link: str) -> int:
    """How many characters are left for the employee's own words."""
    taken = count(limit, with_link(f"\n{disclosure}" if disclosure else "", link) if disclosure else f" {link}")
    return max(0, limit.most - taken)


def caption_problem(network: str, caption: str, *, disclosure: str = "", limits: Mapping[str, Limit] = LIMITS) -> str | None:
    """What is wrong with a ready caption (what was found, what is allowed), or None. The link's place is counted."""
    limit = limits.get(network)
    if limit is None:
        return f"found network {network!r}, allowed {', '.join(sorted(limits))}"
    if not caption.strip():
        return "found an empty caption, allowed some words"
    most = room(limit, disclosure, "https://" + "x" * 42)
    found = count(limit, caption)
    if found > most:
        return f"found {found:,} characters as {network} counts them, allowed {most:,} beside the link"
    if limit.octets is not None and len(caption.encode()) > limit.octets - 100:
        return f"found {len(caption.encode()):,} octets, allowed {limit.octets - 100:,}"
    return None


def compose(network: Network, *, words: str, disclosure: str, link: str, phone: bool = False) -> str:
    """The caption that is shared: the employee's words, cut if they must be, and the disclosure whole. No link in it.

    A disclosure that already stands in the words is not said twice.
    """
    plain = tidy(words)
    whole = _join(plain, disclosure)
    if _goes(network, whole, link, phone=phone):
        return whole
    ends = [0, *accumulate(len(g) for g in graphemes(plain))]
    low, high = 0, len(ends) - 1  # the longest cut that goes lies in between; 0 is no words at all
    while low < high:
        middle = (low + high + 1) // 2
        if _goes(network, _join(_cut(plain, ends[middle]), disclosure, said=False), link, phone=phone):
            low = middle
        else:
            high = middle - 1
    return _join(_cut(plain, ends[low]) if low else "", disclosure, said=False)


def _cut(words: str, end: int) -> str:
    return words[:end].rstrip() + ELLIPSIS


def _goes(network: Network, caption: str, link: str, *, phone: bool) -> bool:
    if not fits(network.limit, with_link(caption, link)):
        return False
    return len(intent(network, caption=caption, link=link, title="", phone=phone)) <= network.limit.encoded


def _join(words: str, disclosure: str, *, said: bool = True) -> str:
    if not disclosure or (said and disclosure in words):
        return words
    return f"{words}\n{disclosure}" if words else disclosure


def tidy(words: str) -> str:
    """`words` with plain line ends and without control characters or lone surrogates, which no network takes."""
    plain = words.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in plain if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"}).strip()


def intent(network: Network, *, caption: str, link: str, title: str, phone: bool, hashtag: str | None = None) -> str:
    """The address that opens the network's composer; "" for a network that has none.

    Every value is percent-encoded whole, so nothing in it can leave its parameter. `caption` is what `compose` made.
    """
    caption, title = tidy(caption), " ".join(tidy(title).split())
    values = {
        "text": with_link(caption, link),
        "caption": caption,
        "body": f"{caption}\n{link}".lstrip().replace("\n", "\r\n"),
        "link": link,
        "title": title,
        "hashtag": hashtag or "",
    }
    template = _BRACKETED.sub(lambda m: m.group(1) if all(values[name] for name in _slots(m.group(1))) else "", network.template(phone=phone))
    return str(_SLOT.sub(lambda m: quote(values[m.group(1)], safe=""), template))


SLOTS = ("text", "caption", "body", "link", "title", "hashtag")
_SLOT = regex.compile(r"\{(" + "|".join(SLOTS) + r")\}")


def _slots(template: str) -> list[str]:
    found: list[str] = _SLOT.findall(template)
    return found


def template_problem(template: str, host: str) -> str | None:
    """What is wrong with a compose address, or None. `host` is the one the network is known by; "" for mailto."""
    if not template:
        return None
    start = f"https://{host}/" if host else "mailto:"
    if not template.startswith(start):
        return f"found {template!r}, allowed an address that starts with {start}"
    rest = _SLOT.sub("", template.replace("[", "").replace("]", ""))
    if "{" in rest or "}" in rest:
        return f"found {template!r}, allowed no other braces than {', '.join('{' + s + '}' for s in SLOTS)}"
    if not any(slot in {"text", "link", "body"} for slot in _slots(template)):
        return f"found {template!r}, allowed an address with {{link}}, {{text}} or {{body}} in it"
    return None
