"""Slugs of short links: how they are made, which are fit to be seen, and how a damaged one is read."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from digest.domain.link import ALPHABET, base32, clean, scanned

SLUG_LENGTH = 12  # 60 bits, no check character: a guess gains nothing
_WHOLE = re.compile(f"[{ALPHABET}]{{{SLUG_LENGTH}}}")

# No slug has i, l, o or u in it, but people read digits as letters: each letter here stands for whatever looks like it.
_LOOKS = {"a": "a4", "b": "b8", "e": "e3", "g": "g9", "i": "1y", "l": "1", "o": "0", "s": "s5", "t": "t7", "u": "vx", "z": "z2"}
_RUDE_WORDS = (
    "anal anus arsch arse ass bitch cock coon crap cum cunt dick dyke fag fap fck fick fotze fuck fuk hitler hure idiot jap jerk kike kill kkk "
    "merde milf naked nazi neger nig nude nutte paki penis piss poop porn puta rape scum sex shit slut spic suck tard tit turd twat wank whore "
    "wichs wtf xxx"
)
_RUDE = re.compile("|".join(["88", *("".join(f"[{_LOOKS.get(c, c)}]" for c in word) for word in _RUDE_WORDS.split())]))


def slug(random: bytes) -> str:
    """A slug of 60 bits out of 8 random bytes."""
    return base32(int.from_bytes(random, "big") >> 4, SLUG_LENGTH)


def may_be_public(made: str) -> bool:
    """False when a slug could be read as an insult by the people it is shown to; draw again."""
    return _RUDE.search(made) is None


def slugs_of(secret: bytes, owner: str, post: str, network: str) -> Iterator[str]:
    """Slugs for what one owner shares of a post on a network, in the order to take them: the same wherever they are made.

    HMAC-SHA256, 60 bits: without the secret they say as little as drawn ones.
    """
    for turn in count():
        made = slug(hmac.digest(secret, f"short-link|{turn}|{owner}\0{post}\0{network}".encode(), "sha256")[:8])
        if may_be_public(made):
            yield made


def valid_slug(text: str) -> bool:
    """True when length and alphabet are a slug's."""
    return _WHOLE.fullmatch(text) is not None


class SlugTail(NamedTuple):
    """What stood behind `/l/`."""

    slug: str
    mutated: bool
    junk: bool


def parse_slug(path: str) -> SlugTail | None:
    """Read `<slug>`; None when it is none of ours or was cut."""
    if valid_slug(path):  # as we wrote it: most are
        return SlugTail(path, mutated=False, junk=False)
    plain, mutated = clean(path)
    return SlugTail(slug=plain, mutated=mutated, junk=scanned(path)) if valid_slug(plain) else None
