"""The fields of a contribution as a moderator types them: each as the queue would take it, or every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from digest.domain.contribution import FACTS, Words
from digest.domain.post import Kind, Visibility
from digest.domain.reachable import stays_inside
from digest.errors import DigestError
from digest.files import checks
from digest.files.addresses import RefusedError

_CHECKS: Mapping[str, checks.Check] = {
    "title": checks.line,
    "why": checks.text,
    "visibility": checks.one_of(*Visibility),
    "kind": checks.one_of(*Kind),
    "starts": checks.day,
    "ends": checks.day,
    "public_from": checks.day,
    "starts_at": checks.moment,
    "closes": checks.day,
    "place": checks.line,
    "refer": checks.referral,
}


class FieldError(DigestError):
    """A field has a value that no post may have."""

    summary = "cannot be stored"


def check(new: Mapping[str, Any], site_url: str) -> dict[str, Any]:
    """Values as the queue would take them; dates and moments as text. Raises FieldError naming each problem."""
    found, wrong = {}, []
    for name, value in new.items():
        try:
            found[name] = _value(name, value, site_url)
        except RefusedError as error:
            wrong.append(f"--{name.replace('_', '-')}: found {value!r}, allowed {error}")
    if wrong:
        raise FieldError(detail="; ".join(wrong))
    return found


def unfit(words: Words) -> str:
    """Why these words are no post as a whole, or ""."""
    if words.visibility == Visibility.PUBLIC and not words.url:
        return "a post for everybody needs a link: add --url, or --visibility internal"
    if words.visibility == Visibility.PUBLIC and (why := stays_inside(urlsplit(words.url).hostname or "")):
        return f"nobody outside can open {words.url} ({why}): add another --url, or --visibility internal"
    if words.kind == Kind.EVENT and not words.facts.get("starts_at"):
        return "an event needs its beginning: add --starts-at"
    if words.kind == Kind.JOB and not words.facts.get("closes"):
        return "a job needs its last day: add --closes"
    starts, ends = words.facts.get("starts"), words.facts.get("ends")
    return f"--ends {ends} lies before --starts {starts}" if starts and ends and ends < starts else ""


def _value(name: str, value: Any, site_url: str) -> Any:  # noqa: ANN401 - as typed
    if name == "topics":
        return [topic for part in str(value).split(",") if (topic := part.strip().lower())] or None
    if name in FACTS and not value:
        return None
    if name == "url":
        return checks.article(site_url)(value) if value else ""
    taken = date.fromisoformat(value) if name in {"starts", "ends", "public_from", "closes"} and _is_day(value) else value
    made = _CHECKS[name](taken)
    return made.isoformat() if isinstance(made, date) else made


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
