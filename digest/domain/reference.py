"""A message's Message-ID: the same on every attempt, and nobody else can make it."""

from __future__ import annotations

import hmac

_MAC_HEX = 16


def reference(secret: bytes, period: str, message: int) -> str:
    """The local part of the Message-ID: `2026-W48.17.<16 hex>`."""
    plain = f"{period}.{message}"
    return f"{plain}.{hmac.digest(secret, plain.encode(), 'sha256').hex()[:_MAC_HEX]}"


def message_id(secret: bytes, period: str, message: int, domain: str) -> str:
    """The Message-ID without its angle brackets, as relays log it."""
    return f"{reference(secret, period, message)}@{domain}"
