"""Addresses, zones, languages and countries as people write them in files: the usual form, or what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

import email_validator
from email_validator import EmailNotValidError, validate_email

# A company's own network may use these; the others (arpa, invalid, onion) never take mail.
_INSIDE = frozenset({"local", "localhost", "test"})
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in _INSIDE]

# BCP 47, section 2.1, without grandfathered tags: language, script, region, variants, extensions, private use.
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?"
)
_LONGEST_LANGUAGE = 20  # what the tables hold
_COUNTRY = re.compile(r"[A-Z]{2}")


class RefusedError(ValueError):
    """A value that is not allowed; the message says what is."""


def address(text: str) -> str:
    """The address in its normal form: NFC, the domain in lower case. Nothing is looked up. Raises RefusedError."""
    try:
        return validate_email(text.strip(), check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise RefusedError(f"an address such as name@example.com: {_plain(str(error))}") from error


def _plain(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def language(text: str) -> str:
    """A BCP 47 tag in lower case. Raises RefusedError."""
    plain = text.strip().replace("_", "-").lower()
    if not _LANGUAGE.fullmatch(plain) or len(plain) > _LONGEST_LANGUAGE:
        raise RefusedError("a language tag such as en, de or pt-br")
    return plain


def country(text: str) -> str:
    """Two letters in upper case (ISO 3166-1). Raises RefusedError."""
    plain = text.strip().upper()
    if not _COUNTRY.fullmatch(plain):
        raise RefusedError("a country's two letters, such as DE")
    return plain


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def zone(text: str) -> str:
    """An IANA zone in its own spelling. Raises RefusedError, with the nearest one."""
    known = _zones().get(text.strip().lower())
    if known is None:
        raise RefusedError(f"an IANA zone such as Europe/Berlin{nearest(text, _zones().values())}")
    return known


def nearest(text: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`; did you mean X?` for the known word that looks most like `text`, or "" when none does."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(text.strip().lower(), by_lower, n=1, cutoff=cutoff)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""
