"""Seals: what binds a form to its own link and action, and says when it was shown."""

from __future__ import annotations

import hashlib
import hmac
import re

AT_ONCE = 1.0  # seconds in which nobody reads a page and finds its button; such a form acts all the same, and is marked
_MOMENT = 12  # hexadecimal digits of a moment in milliseconds


def seal(secret: bytes, link: str, action: str, moment: int) -> str:
    """The hidden field of a form of `link` that does `action`, shown at `moment` (milliseconds)."""
    shown = f"{moment:0{_MOMENT}x}"
    return shown + hmac.new(secret, f"form|{link}|{action}|{shown}".encode(), hashlib.sha256).hexdigest()[:32]


def since(secret: bytes, link: str, action: str, check: str, now: int) -> float | None:
    """Seconds since the form was shown, or None when it is not one of ours for this link and action."""
    if not re.fullmatch(f"[0-9a-f]{{{_MOMENT + 32}}}", check):
        return None
    moment = int(check[:_MOMENT], 16)
    return (now - moment) / 1000 if hmac.compare_digest(seal(secret, link, action, moment), check) else None
