"""DKIM signatures over the final octets of a message: RFC 6376, Ed25519 after RFC 8463, relaxed/relaxed.

Canonicalisation is ours, because a general library needs ten to thirty milliseconds a message; the arithmetic is that of
`cryptography` (the extra `dkim`). A message with several selectors gets one signature each, over the same hash of its body.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from digest.errors import DigestError, NaiveTimeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

# What a signature covers when the message has it. Both unsubscribe fields must be among them (RFC 8058, 4), and Feedback-ID.
COVERED = (
    *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("Feedback-ID", "MIME-Version", "Content-Type", "Auto-Submitted", "X-Digest-ID"),
)
# Named once more than they stand in the message, so that nobody adds a second one that readers would see (RFC 6376, 8.15).
OVERSIGNED = frozenset({"from", "to", "subject", "date", "reply-to"})
SMALLEST_RSA = 2048  # bits; large providers take less for a forgery in waiting (RFC 8301, 3.2)
_FOLD = 76
_UNFOLD = re.compile(rb"\r\n(?=[ \t])")
_MAKE = {
    "rsa": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {}.pem",
    "ed25519": "openssl genpkey -algorithm ED25519 -out {}.pem",
}


class SigningError(DigestError):
    """A DKIM key cannot be used."""

    summary = "cannot sign with it"


@dataclass(frozen=True, kw_only=True)
class _Key:
    selector: str
    algorithm: str  # the value of a=
    sign: Callable[[bytes], bytes]
    record: str  # what the DNS must say of it


class Signer:
    """Signs messages for one domain with each of its keys.

    `keys`: selector -> private key in PEM. `domain`: in ASCII. Raises SigningError, which names `dkim.selectors.SELECTOR`.
    May be used by several threads at once.
    """

    def __init__(self, domain: str, keys: Mapping[str, bytes]) -> None:
        self.domain = domain
        self._keys = [_load(selector, pem) for selector, pem in keys.items()]

    @property
    def records(self) -> dict[str, str]:
        """Selector -> the text that belongs into the DNS at `SELECTOR._domainkey.DOMAIN` (RFC 6376, 3.6.1)."""
        return {key.selector: key.record for key in self._keys}

    def sign(self, wire: bytes, at: datetime) -> bytes:
        """`wire` with its signatures in front.

        `wire`: lines end in CRLF, dot-stuffed, no final dot; what a server stores is hashed, not the stuffing.
        `at`: the moment in t=; the same one gives the same octets on every attempt. Raises SigningError without a From.
        """
        if at.tzinfo is None:
            raise NaiveTimeError("at", str(at))
        plain = wire.replace(b"\r\n.", b"\r\n") if b"\r\n." in wire else wire
        head, _, body = plain.partition(b"\r\n\r\n")
        names, covered = _covered(head)
        body_hash = b64encode(hashlib.sha256(relaxed_body(body)).digest())
        moment = int(at.timestamp())
        return b"".join([*(self._field(key, moment, names, covered, body_hash) for key in self._keys), wire])

    def _field(self, key: _Key, moment: int, names: bytes, covered: bytes, body_hash: bytes) -> bytes:
        field = (
            f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n d={self.domain};\r\n s={key.selector}; t={moment};\r\n ".encode()
            + b"h=%s;\r\n bh=%s;\r\n b=" % (names, body_hash)
        )
        made = b64encode(key.sign(covered + relaxed_field(field))).decode()
        first, rest = made[: _FOLD - 3], made[_FOLD - 3 :]
        lines = [first, *(rest[start : start + _FOLD - 1] for start in range(0, len(rest), _FOLD - 1))]
        return field + "\r\n ".join(lines).encode() + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """The body as it is hashed (RFC 6376, 3.4.4): no white space at a line's end, runs of it as one space, no empty lines at the end."""
    squeezed = _squeeze(body)
    if b" \r\n" in squeezed:
        squeezed = squeezed.replace(b" \r\n", b"\r\n")
    kept = squeezed.removesuffix(b" ")
    while kept.endswith(b"\r\n"):
        kept = kept[:-2]
    return kept + b"\r\n" if kept else b""


def relaxed_field(field: bytes) -> bytes:
    """One header field as it is hashed (RFC 6376, 3.4.2), without the CRLF at its end."""
    name, _, value = _squeeze(_UNFOLD.sub(b"", field.removesuffix(b"\r\n"))).partition(b":")
    return name.strip(b" ").lower() + b":" + value.strip(b" ")


def _squeeze(text: bytes) -> bytes:
    """Runs of spaces and tabs as one space. Looking first is cheap: most messages have none, and a regex is slow."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _covered(head: bytes) -> tuple[bytes, bytes]:
    """The value of h=, folded, and the fields it names as they are hashed; of several alike the last comes first (RFC 6376, 5.4.2)."""
    found: dict[bytes, list[bytes]] = {}
    for line in _squeeze(_UNFOLD.sub(b"", head)).split(b"\r\n"):
        name, _, value = line.partition(b":")
        short = name.strip(b" ").lower()
        found.setdefault(short, []).append(short + b":" + value.strip(b" ") + b"\r\n")
    if b"from" not in found:
        raise SigningError("message", "it has no From")
    counts = tuple(len(found.get(name.lower().encode(), ())) for name in COVERED)
    hashed = [line for name in COVERED for line in reversed(found.get(name.lower().encode(), ()))]
    return _names(counts), b"".join(hashed)


@lru_cache(maxsize=64)
def _names(counts: Sequence[int]) -> bytes:
    """The value of h= for so many fields of each name in COVERED."""
    words = [name for name, count in zip(COVERED, counts, strict=True) for _ in range(count + (name.lower() in OVERSIGNED if count else 0))]
    lines, line = [], "h="
    for place, word in enumerate(words):
        more = word + (":" if place < len(words) - 1 else ";")
        if 1 + len(line) + len(more) > _FOLD:
            lines.append(line)
            line = ""
        line += more
    return "\r\n ".join([*lines, line]).removeprefix("h=").removesuffix(";").encode()


def _load(selector: str, pem: bytes) -> _Key:
    place = f"dkim.selectors.{selector}"
    make = "Make one with `" + _MAKE["rsa"].format(selector) + "`."
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise SigningError(
            place, "signing needs the library cryptography, which is not here", hint="Run `pip install 'weekly-digest[dkim]'`."
        ) from error
    try:
        key = load_pem_private_key(pem, None)
    except TypeError as error:
        raise SigningError(place, "the key is protected by a password", hint="Remove it: `openssl pkey -in FILE -out NEW.pem`.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        found = "a public key, and the private one is needed" if b"PUBLIC KEY" in pem else "no private key in PEM"
        raise SigningError(place, f"found {found}", hint=make) from error
    return _key(selector, place, key)


def _key(selector: str, place: str, key: PrivateKeyTypes) -> _Key:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        record = f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"
        # RFC 8463, 3: what Ed25519 signs is the SHA-256 of the fields
        return _Key(selector=selector, algorithm="ed25519-sha256", sign=lambda data: key.sign(hashlib.sha256(data).digest()), record=record)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningError(
            place, "found a key of another kind, allowed RSA or Ed25519", hint="Make one with `" + _MAKE["rsa"].format(selector) + "`."
        )
    if key.key_size < SMALLEST_RSA:
        detail = f"found an RSA key of {key.key_size} bits, allowed {SMALLEST_RSA} or more"
        raise SigningError(place, detail, hint="Make one with `" + _MAKE["rsa"].format(selector) + "`.")
    way, digest = padding.PKCS1v15(), hashes.SHA256()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"
    return _Key(selector=selector, algorithm="rsa-sha256", sign=lambda data: key.sign(data, way, digest), record=record)
