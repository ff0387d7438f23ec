"""Tokens and addresses: what stands in a link, and how a damaged one is read. Slugs: see `digest.domain.slug`.

Alphabet: Crockford base32 in lower case, without i l o u. Gateways change the case of URLs and people type `O` for `0`:
both are forgiven. A check character (mod 37, drawn again when it would leave the alphabet) refuses typos, cut URLs and
blind guesses without a database read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import ada_url

from digest.domain.target import looks_like_another

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TOKEN_BYTES = 10  # 80 bits
TOKEN_LENGTH = 17  # 16 characters and a check character
MAX_NUMBER = 32 * 32 - 1
HONEYPOT = MAX_NUMBER  # stands for a post that no edition has: the link that no person sees
SHARE_PAGE = "0"  # the network letter that opens the share page
MAX_ADDRESS = 2048  # characters of an article's address with what we add to it
CLICK_ID = "ac_id"  # its name in an article's address
CLICK_ID_BYTES = 10
CLICK_ID_LENGTH = 16  # 80 bits, no check character: it is looked up, and a guess gains nothing

_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # ten bits at a time: twice as quick as the library
_VALUE = {c: i for i, c in enumerate(ALPHABET)}
_TO_PYTHON = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # the digits of int(text, 32)
_WHOLE = re.compile(f"(([{ALPHABET}]{{16}})([{ALPHABET}]))/([{ALPHABET}]{{2}})([{ALPHABET}]?)")
_FORGIVE = str.maketrans({"o": "0", "i": "1", "l": "1"})
_JUNK = "'\"` .,);>/\u200b"  # what linkifiers and scanners add behind a link
_SCANNED = ("'", "%27", '"', "%22", "`")  # junk that no linkifier adds (share-links O1)
_LONGEST = 120  # nothing of ours is longer, junk included
_KEY_ID_BYTES, _EMPLOYEE_BYTES, _MAC_BYTES = 1, 5, 16
_SIGNED_LENGTH = 36  # ceil(22 bytes * 8 / 5)


def base32(value: int, length: int) -> str:
    """`value` in exactly `length` characters. Raises OverflowError when it does not fit."""
    if value >> 5 * length:
        raise OverflowError(value)
    pairs = [_PAIRS[value >> shift & 1023] for shift in range(5 * length - 10, -1, -10)]
    return "".join(pairs) + (ALPHABET[value & 31] if length % 2 else "")


def read_base32(text: str) -> int | None:
    """The value of `text`, or None when a character is outside the alphabet."""
    value = 0
    for c in text:
        digit = _VALUE.get(c)
        if digit is None:
            return None
        value = value * 32 + digit
    return value


def token(random: bytes) -> str | None:
    """A token of 80 random bits and its check character; None means draw again (5 of 37 draws)."""
    value = int.from_bytes(random, "big")
    check = value % 37
    return None if check >= len(ALPHABET) else base32(value, TOKEN_LENGTH - 1) + ALPHABET[check]


def number(n: int) -> str:
    """A post's number in an edition as two characters. Raises OverflowError above 1,023."""
    return base32(n, 2)


class Tail(NamedTuple):
    """What stood behind a token: `/<n>` or `/<n><k>`."""

    token: str
    n: int
    network: str  # a letter, or "" on /r/
    mutated: bool  # somebody on the way changed it (case, or junk behind it)
    junk: bool  # junk that no linkifier adds: evidence of a machine (share-links O1)


def clean(text: str) -> tuple[str, bool]:
    """`text` in the alphabet's spelling without trailing junk, and whether that changed it."""
    if len(text) > _LONGEST:
        return "", True
    stripped = text
    while True:
        shorter = stripped.rstrip(_JUNK)
        for tail in ("%27", "%20", "%22", "=20", "&gt;", "&gt"):
            shorter = shorter.removesuffix(tail)
        if shorter == stripped:
            break
        stripped = shorter
    if not stripped.isascii():  # else a Kelvin sign would pass for a k
        return "", True
    plain = stripped.lower().translate(_FORGIVE)
    return plain, plain != text


def valid_token(text: str) -> bool:
    """True when length, alphabet and check character are right; no database is asked."""
    if len(text) != TOKEN_LENGTH:
        return False
    value, check = read_base32(text[:-1]), read_base32(text[-1])
    return value is not None and check is not None and value % 37 == check


def parse_tail(path: str, *, network: bool) -> Tail | None:
    """Read `<token>/<n>` (with `network`: `<token>/<n><k>`); None when it is none of ours or was cut."""
    whole = _WHOLE.fullmatch(path)  # as we wrote it: most are
    if whole:
        key, text, check, place, letter = whole.groups()
        if bool(letter) == network and _checked(text, check) and place != "00":
            return Tail(key, _VALUE[place[0]] * 32 + _VALUE[place[1]], letter, mutated=False, junk=False)
    plain, mutated = clean(path)
    head, _, rest = plain.partition("/")
    if not valid_token(head) or len(rest) != (3 if network else 2):
        return None
    n = read_base32(rest[:2])
    if not n or (network and rest[2] not in _VALUE):
        return None
    return Tail(token=head, n=n, network=rest[2] if network else "", mutated=mutated, junk=scanned(path))


def _checked(text: str, check: str) -> bool:
    """Whether the check character is right; both are in the alphabet."""
    return int(text.translate(_TO_PYTHON), 32) % 37 == _VALUE[check]


def scanned(path: str) -> bool:
    """Whether somebody put quotation marks or the like behind a link, as scanners do and linkifiers do not (share-links O1)."""
    return any(mark in path for mark in _SCANNED)


@lru_cache(maxsize=4096)
def web_address(url: str | None) -> str | None:
    """`url` as browsers read it (WHATWG) and in ASCII, or None unless it is http or https to a named place.

    Stored addresses were checked when they came in; a redirect checks once more.
    """
    if not url or not url.lower().startswith(("https://", "http://")) or "\\" in url:
        return None
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return None
    href = str(parsed.href)
    fine = parsed.protocol in {"https:", "http:"} and parsed.hostname and not parsed.username and not parsed.password and parsed.port != "0"
    return href if fine and href.isascii() and href.isprintable() and not looks_like_another(parsed.hostname) else None


@lru_cache(maxsize=4096)
def with_utm(url: str, *, source: str, campaign: str, content: str) -> str:
    """`url` with our UTM values put into its query as text; nothing that is there is touched or repeated.

    An address that would grow beyond 2,048 characters stays as it is.
    """
    values = {"utm_source": source, "utm_medium": "social", "utm_campaign": campaign, "utm_content": content}
    return _with_values(url, {name: value.lower() for name, value in values.items()})


def without_utm(url: str) -> str:
    """`url` without the UTM values that a feed or a newsletter put into it; all else stays as it was written."""
    base, mark, fragment = url.partition("#")
    head, _, query = base.partition("?")
    kept = "&".join(part for part in query.split("&") if part and not part.lower().startswith("utm_"))
    return f"{head}{'?' if kept else ''}{kept}{mark}{fragment}" if "utm_" in query.lower() else url


def with_click_id(url: str, made: str) -> str:
    """`url` with `ac_id` put into its query as text; as it is when it has one already or would grow beyond 2,048 characters."""
    return _with_values(url, {CLICK_ID: made})


def _with_values(url: str, values: Mapping[str, str]) -> str:
    base, mark, fragment = url.partition("#")
    head, asked, query = base.partition("?")
    have = {part.partition("=")[0].lower() for part in re.split("[&;]", query)}
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items() if name not in have)
    if not added:
        return url
    joint = "" if not asked or not query or query.endswith("&") else "&"
    made = f"{head}?{query}{joint}{added}{mark}{fragment}"
    return made if len(made) <= MAX_ADDRESS else url


def control_token(secret: bytes, period: str, employee: int) -> str:
    """The token of one message's preference, vote and answer links; the same message always gets the same token."""
    return _drawn(secret, f"control|{period}|{employee}")


def capability_token(secret: bytes, purpose: str, employee: int, subject: int | None, made_at: datetime) -> str:
    """The token of a link that works once; to be made again from what its row says, so nothing secret is stored."""
    return _drawn(secret, f"capability|{purpose}|{employee}|{subject}|{made_at.timestamp():.6f}")


def _drawn(secret: bytes, what: str) -> str:
    """HMAC-SHA256 over `what`, 80 bits. The counter draws again until the check character fits."""
    for turn in range(1000):
        found = token(hmac.digest(secret, f"{what}|{turn}".encode(), "sha256")[:TOKEN_BYTES])
        if found is not None:
            return found
    raise OverflowError(what)


def click_id(random: bytes) -> str:
    """What goes with a visitor to a listed host: 80 random bits in 16 characters. It opens nothing and names nobody."""
    return base32(int.from_bytes(random, "big"), CLICK_ID_LENGTH)


def read_click_id(text: str) -> str | None:
    """A click id as other systems hand it back, in our spelling; None when it is none."""
    plain, _ = clean(text.strip())
    return plain if len(plain) == CLICK_ID_LENGTH and read_base32(plain) is not None else None


def control_hash(control: str) -> str:
    """What the message row keeps of a control token: its SHA-256."""
    return hashlib.sha256(control.encode()).hexdigest()


def sign_unsubscribe(key_id: int, secret: bytes, employee: int) -> str:
    """The token of `/u/`: key id, employee and an HMAC-SHA256 cut to 128 bits; 36 characters, never expires.

    Signed rather than stored, so that it survives a database restored from yesterday's backup (share-links O12).
    """
    head = key_id.to_bytes(_KEY_ID_BYTES, "big") + employee.to_bytes(_EMPLOYEE_BYTES, "big")
    raw = head + _mac(secret, head)
    return base32(int.from_bytes(raw, "big"), _SIGNED_LENGTH)


def read_unsubscribe(text: str, secrets: dict[int, bytes]) -> int | None:
    """The employee a `/u/` token speaks for, or None when it is forged, cut or of an unknown key."""
    plain, _ = clean(text)
    value = read_base32(plain) if len(plain) == _SIGNED_LENGTH else None
    size = _KEY_ID_BYTES + _EMPLOYEE_BYTES + _MAC_BYTES
    if value is None or value >> (8 * size):
        return None
    raw = value.to_bytes(size, "big")
    head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    secret = secrets.get(head[0])
    if secret is None or not hmac.compare_digest(mac, _mac(secret, head)):
        return None
    return int.from_bytes(head[_KEY_ID_BYTES:], "big")


def _mac(secret: bytes, head: bytes) -> bytes:
    return hmac.digest(secret, b"unsubscribe|" + head, "sha256")[:_MAC_BYTES]
