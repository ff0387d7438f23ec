"""The envelope sender of each message names the message, signed, so that a report needs to quote nothing of it (VERP)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

VALID: Final = timedelta(days=14)  # from the message's Date; a relay tries for five days after our own deadline
LOCAL_PART: Final = 64  # octets (RFC 5321, 4.5.3.1.1)
_MAC_HEX = 16
_SIGNED = re.compile(r"(?:^|\+)b\.([0-9]{1,19})\.([0-9a-f]{1,10})\.([0-9a-f]{16})$")


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What the address says to which a report came. `message` None: its signature is wrong, or too old."""

    message: int | None


def verp_address(bounces: str, secret: bytes, message: int, at: datetime) -> str:
    """The envelope sender of `message`, lower case: `b.<message>.<hex time>.<16 hex of HMAC-SHA-256>` at the domain of `bounces`.

    `bounces`: "*@domain", or "local@domain" for local+b.... `at`: the message's Date; its whole seconds count.
    Raises ValueError for a local part over 64 octets, which no configuration that was checked can make.
    """
    local, _, domain = bounces.rpartition("@")
    plain = f"{message}.{int(at.timestamp()):x}"
    signed = f"b.{plain}.{_mac(secret, plain)}"
    whole = (signed if local == "*" else f"{local}+{signed}").lower()
    if len(whole) > LOCAL_PART:
        raise ValueError(f"the local part {whole!r} has {len(whole)} octets, allowed {LOCAL_PART}")
    return f"{whole}@{domain.lower()}"


def read_verp(address: str, secrets: Iterable[bytes], now: datetime) -> Returned | None:
    """The message that an address names; None when it is no such address. Letter case and what stands before a `+` do not count."""
    found = _SIGNED.search(address.strip().strip("<>").rpartition("@")[0].lower())
    if found is None:
        return None
    number, time, mac = found.groups()
    genuine = any(hmac.compare_digest(mac, _mac(secret, f"{number}.{time}")) for secret in secrets)
    fresh = genuine and now <= datetime.fromtimestamp(int(time, 16), UTC) + VALID
    return Returned(message=int(number) if fresh else None)


def _mac(secret: bytes, plain: str) -> str:
    return hmac.digest(secret, plain.encode(), "sha256").hex()[:_MAC_HEX]
