"""Sharing: the share intent that opens a network's composer, with words that fit.

The employee's words may be cut, at a grapheme and with one ellipsis; the link and the disclosure never are.
Templates, limits and dates come from a data file; how each network counts stands in `counting`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from urllib.parse import quote

from digest.domain.counting import MAX_INTENT, URL, Limit, count, fits, graphemes
from digest.domain.slug import SLUG_LENGTH, valid_slug

ELLIPSIS = "…"
TITLE_MOST = 300  # characters of a title, where a network names no limit of its own
LONGEST_TEMPLATE = 1000
_ANY_SLUG = "z" * SLUG_LENGTH  # stands for a slug where only its length matters
_TITLE_SHARE = 4  # a title takes a quarter of the intent at most
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_NO_SERVER = {"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "invalid"}
_LONGEST_HOST = 253
# What turns the direction of everything behind it: an author's text must not mirror the disclosure or the link.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
    server: str = ""  # where people have servers of their own: the address on one, with `{server}` as its host
    title_most: int = TITLE_MOST
    colleagues: bool = False  # for sharing among colleagues
    documentation: str = ""  # the network's own page about it; "" when none is known
    checked_on: date | None = None  # the day somebody compared it with the documentation
    verified_on: date | None = None  # the day somebody opened it signed in and saw it work; None: nobody has yet
    default_on: bool = False

    def template(self, *, phone: bool, server: str = "") -> str:
        """The compose address for this device, or on the person's own server."""
        if server and self.server:
            return self.server
        return self.phone if phone else self.desktop

    def takes_text(self, *, phone: bool) -> bool:
        """True when the composer opens with our words already in it."""
        return any(slot in self.template(phone=phone) for slot in ("{text}", "{caption}", "{body}"))

    @property
    def two_devices(self) -> bool:
        """True when phone and desktop need different addresses."""
        return self.phone != self.desktop


def plain_host(text: str) -> str | None:
    """`text` in lower case when it is the public name of a server and nothing else, or None.

    No scheme, user, port, path or address; no IDNA form, since two names that look alike would lead apart.
    """
    host = text.strip().lower()
    if len(host) > _LONGEST_HOST or not host.isascii() or not _HOST.fullmatch(host):
        return None
    labels = host.split(".")
    return None if labels[-1] in _NO_SERVER or any(label.startswith("xn--") for label in labels) else host


def with_link(caption: str, link: str) -> str:
    """Words and link as one text."""
    return f"{caption} {link}" if caption else link


def room(limit: Limit, disclosure: str, link: str) -> int:
    """How many characters are left for the employee's own words."""
    return max(0, limit.most - count(limit, _beside(disclosure, link)))


def room_octets(limit: Limit, disclosure: str, link: str) -> int | None:
    """How many octets are left for them, where the network counts those too."""
    return None if limit.octets is None else max(0, limit.octets - len(_beside(disclosure, link).encode()))


def _beside(disclosure: str, link: str) -> str:
    return with_link(f"\n{disclosure}", link) if disclosure else f" {link}"


def caption_problem(network: str, caption: str, *, limits: Mapping[str, Limit], disclosure: str = "") -> str | None:
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


def compose(network: Network, *, words: str, disclosure: str, link: str, phone: bool = False, title: str = "", server: str = "") -> str:
    """The caption that is shared: the employee's words, cut if they must be, and the disclosure whole. No link in it.

    A disclosure that already stands in the words is not said twice.
    """

    def goes(caption: str) -> bool:
        if not fits(network.limit, with_link(caption, link)):
            return False
        return len(intent(network, caption=caption, link=link, title=title, phone=phone, server=server)) <= network.limit.encoded

    plain = tidy(words)
    if network.template(phone=phone, server=server):
        plain = plain[: network.limit.encoded + 1]  # no address holds more, so what lies behind need not be counted
    whole = _join(plain, disclosure)
    if goes(whole):
        return whole
    ends = _ends(plain)
    low, high = 0, len(ends) - 1  # the longest cut that goes lies in between; 0 is no words at all
    while low < high:
        middle = (low + high + 1) // 2
        if goes(_join(_cut(plain, ends[middle]), disclosure, said=False)):
            low = middle
        else:
            high = middle - 1
    return _join(_cut(plain, ends[low]) if low else "", disclosure, said=False)


def _ends(words: str) -> list[int]:
    """Where words may be cut: behind what a reader sees as one character, and never inside an address."""
    ends = [0, *accumulate(len(g) for g in graphemes(words))]
    for found in URL.finditer(words):
        inside = slice(bisect_left(ends, found.start() + 1), bisect_left(ends, found.end()))
        del ends[inside]
    return ends


def _cut(words: str, end: int) -> str:
    kept = words[:end].rstrip().rstrip(ELLIPSIS)
    last = kept.rsplit(maxsplit=1)[-1:]
    return f"{kept} {ELLIPSIS}" if last and URL.search(last[0]) else kept + ELLIPSIS  # else the ellipsis would become part of an address


def _join(words: str, disclosure: str, *, said: bool = True) -> str:
    if not disclosure or (said and disclosure in words):
        return words
    return f"{words}\n{disclosure}" if words else disclosure


def tidy(words: str) -> str:
    """`words` with plain line ends, and without control characters, lone surrogates and what turns the direction of a text."""
    plain = words.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(c for c in plain if c in "\n\t" or (unicodedata.category(c) not in {"Cc", "Cs"} and c not in _TURNS)).strip()


def intent(network: Network, *, caption: str, link: str, title: str, phone: bool, hashtag: str | None = None, server: str = "") -> str:
    """The address that opens the network's composer; "" for a network that has none.

    Every value is percent-encoded whole, so nothing in it can leave its parameter. `caption` is what `compose` made;
    `server`, where a person has one, is what `plain_host` gave.
    """
    caption = tidy(caption)
    values = {
        "text": with_link(caption, link),
        "caption": caption,
        "body": f"{caption}\n{link}".lstrip().replace("\n", "\r\n"),
        "link": link,
        "title": _title(network, title),
        "hashtag": hashtag or "",
        "server": server,
    }
    template = network.template(phone=phone, server=server)
    template = _BRACKETED.sub(lambda m: m.group(1) if all(values[name] for name in _slots(m.group(1))) else "", template)
    return _SLOT.sub(lambda m: quote(values[m.group(1)], safe=""), template)


def composed(network: Network, *, words: str, disclosure: str, link: str, phone: bool, title: str, server: str) -> tuple[str, str]:
    """Caption and composer's address. Composed once for all links that differ in their last characters, which a network counts alike."""
    slug = link[-SLUG_LENGTH:]
    common = valid_slug(slug) and not any(_ANY_SLUG in text for text in (words, disclosure, title, link))
    named = link[:-SLUG_LENGTH] + _ANY_SLUG if common else link
    caption, target = _composed(network, words, disclosure, named, phone, title, server)
    return caption, target.replace(_ANY_SLUG, slug) if common else target


@lru_cache(maxsize=1024)
def _composed(network: Network, words: str, disclosure: str, link: str, phone: bool, title: str, server: str) -> tuple[str, str]:
    caption = compose(network, words=words, disclosure=disclosure, link=link, phone=phone, title=title, server=server)
    return caption, intent(network, caption=caption, link=link, title=title, phone=phone, server=server)


def _title(network: Network, title: str) -> str:
    """A title on one line, as long as the network takes and no longer than its share of the address."""
    plain = " ".join(tidy(title).split())
    letters = graphemes(plain)
    sizes = list(accumulate(len(quote(letter, safe="")) for letter in letters))
    most = network.limit.encoded // _TITLE_SHARE
    if len(letters) <= network.title_most and (not sizes or sizes[-1] <= most):
        return plain
    keep = min(network.title_most - 1, bisect_left(sizes, most - len(quote(ELLIPSIS))))
    return "".join(letters[:keep]).rstrip(f" {ELLIPSIS}") + ELLIPSIS


SLOTS = ("text", "caption", "body", "link", "title", "hashtag")
_SLOT = re.compile(r"\{(" + "|".join((*SLOTS, "server")) + r")\}")


def _slots(template: str) -> list[str]:
    return _SLOT.findall(template)


def template_problem(template: str, host: str) -> str | None:
    """What is wrong with a compose address, or None.

    `host` is the one the network is known by; "" for mailto; "{server}" for an address on the person's own server.
    """
    if not template:
        return None
    start = f"https://{host}/" if host else "mailto:"
    rest = template.removeprefix(start)
    odd = not template.isascii() or not template.isprintable() or {" ", "\\", '"', "<", ">"} & set(template) or len(template) > LONGEST_TEMPLATE
    checks = (
        (not template.startswith(start), f"an address that starts with {start}"),
        ("{server}" in rest or {"{", "}"} & set(_SLOT.sub("", rest)), f"no other braces than {', '.join('{' + s + '}' for s in SLOTS)}"),
        ({"[", "]"} & set(_BRACKETED.sub("", rest)), "square brackets in pairs, none inside another"),
        (odd, f"plain letters, everything else percent-encoded, and {LONGEST_TEMPLATE:,} characters at most"),
        (
            not {"text", "link", "body"} & set(_slots(_BRACKETED.sub("", rest))),
            "an address with {link}, {text} or {body} in it, outside square brackets",
        ),
    )
    allowed = next((text for wrong, text in checks if wrong), None)
    return None if allowed is None else f"found {template[:200]!r}, allowed {allowed}"


def too_long(address: str) -> bool:
    """True for an intent that no `Location` can carry: a page shows the text instead."""
    return len(address) > MAX_INTENT
