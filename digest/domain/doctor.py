"""What an examination found: one line each, and under a bad one exactly what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HTML_BUDGET = 90_000  # octets of HTML; Gmail cuts a message near 102 KB and hides its foot with the unsubscribe link
HTML_CUT = 102_000
_LITTLE_DISK, _NO_DISK = 1_000_000_000, 100_000_000
_CERTIFICATE_WARNING = timedelta(days=14)
_CLOCK_WARNING, _CLOCK_WRONG = timedelta(seconds=30), timedelta(minutes=5)
_OLD_ZONES = 2  # years; governments change their clocks with less notice
_STRING = 255  # octets in one character-string of a TXT record (RFC 1035, 3.3)


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"  # as it should be
    WARN = "warn"  # works, and may cost some letters
    BAD = "bad"  # letters or links do not work
    UNKNOWN = "unknown"  # could not be looked at


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    subject: str  # "SPF of example.com"
    said: str
    do: str = ""  # what to type or to publish


@dataclass(frozen=True, kw_only=True)
class Section:
    """Findings about one thing."""

    name: str
    findings: tuple[Finding, ...]


def ok(subject: str, said: str) -> Finding:
    """As it should be."""
    return Finding(level=Level.OK, subject=subject, said=said)


def warn(subject: str, said: str, do: str = "") -> Finding:
    """It works, and may cost some letters."""
    return Finding(level=Level.WARN, subject=subject, said=said, do=do)


def bad(subject: str, said: str, do: str) -> Finding:
    """It does not work; what to do must be said."""
    return Finding(level=Level.BAD, subject=subject, said=said, do=do)


def unknown(subject: str, said: str, do: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(level=Level.UNKNOWN, subject=subject, said=said, do=do)


def txt_record(name: str, text: str) -> str:
    """The line to put into the DNS; a long text is cut into strings of 255 octets, which readers join."""
    strings = [text[start : start + _STRING] for start in range(0, len(text), _STRING)] or [""]
    return f"{name}. TXT " + " ".join(f'"{string}"' for string in strings)


def letter_size(html: int, whole: int, limit: int) -> Finding:
    """The longest letter: octets of its HTML and on the wire; `limit`: the relay's SIZE, 0 for none."""
    said = f"{html:,} octets of HTML, {whole:,} on the wire"
    fewer = "Set mix.posts lower, or shorten what stands around the posts, then run `digest edition plan`."
    if 0 < limit < whole:
        return bad("longest letter", f"{said}; the relay takes {limit:,}", fewer)
    if html >= HTML_CUT:
        return bad("longest letter", f"{said}; Gmail cuts it near {HTML_CUT:,} and hides the unsubscribe link", fewer)
    if html >= HTML_BUDGET:
        return warn("longest letter", f"{said}; from {HTML_BUDGET:,} on Gmail may cut it", fewer)
    return ok("longest letter", f"{said}; Gmail cuts near {HTML_CUT:,}")


def free_disk(free: int, place: str) -> Finding:
    """Octets that are free where the database lies."""
    said = f"{free / 1e9:,.1f} GB are free at {place}"
    if free < _NO_DISK:
        return bad("free disk", said, "Free some before the next edition is planned; when it is full, nothing is sent and nothing is lost.")
    return warn("free disk", said, "Free some soon.") if free < _LITTLE_DISK else ok("free disk", said)


def certificate(until: datetime, now: datetime) -> Finding:
    """How long the relay's certificate is valid."""
    left = until - now
    said = f"valid until {until:%Y-%m-%d}, {left.days} days left"
    if left < _CERTIFICATE_WARNING:
        return warn("certificate", said, "Tell the relay's keeper to renew it; when it ends, nothing can be sent.")
    return ok("certificate", said)


def clock(now: datetime, others: Mapping[str, datetime]) -> Finding:
    """This machine's clock against those of others, each asked at about `now`."""
    if not others:
        return unknown("clock", "nobody was there to compare it with")
    name, far = max(((name, now - at) for name, at in others.items()), key=lambda pair: abs(pair[1]))
    said = f"{_span(far)} {name}'s"
    do = "Turn time synchronisation on (`timedatectl set-ntp true`), or mend the other clock."
    if abs(far) >= _CLOCK_WRONG:
        return bad("clock", said, do)
    return warn("clock", said, do) if abs(far) >= _CLOCK_WARNING else ok("clock", f"agrees with {' and '.join(others)}")


def _span(far: timedelta) -> str:
    seconds = abs(int(far.total_seconds()))
    length = f"{seconds} seconds" if seconds < 120 else f"{seconds // 60} minutes"  # noqa: PLR2004 - when a person would say minutes
    return f"{length} {'ahead of' if far > timedelta() else 'behind'}"


def zones(version: str, now: datetime) -> Finding:
    """The time zone data, such as "2026b"."""
    if not version[:4].isdigit():
        return unknown("time zones", "the version of their data is not known")
    if now.year - int(version[:4]) >= _OLD_ZONES:
        return warn("time zones", f"their data is of {version}", "Upgrade the package tzdata of this system, or of pip where the system has none.")
    return ok("time zones", f"data of {version}")


def limits(subject: str, provider: str, asked: Mapping[str, int], have: Mapping[str, int], table: str) -> Finding:
    """A provider's limits against the configured ones; 0 means none."""
    over = {key: most for key, most in asked.items() if have.get(key, 0) == 0 or have[key] > most}
    if not over:
        return ok(subject, f"within what {provider} takes: {', '.join(f'{key} = {most}' for key, most in asked.items())}")
    lines = "\n".join([f"[{table}]", *(f"{key} = {most}" for key, most in asked.items())])
    return warn(subject, f"{provider} takes less than is configured", f"Set in config.toml:\n{lines}")


def reverse_name(address: str, names: Sequence[str], forward: Sequence[str]) -> Finding:
    """The name of a sending address (PTR). `forward`: the addresses of the first of its `names`."""
    subject = f"PTR of {address}"
    if not names:
        do = "Ask whoever gives you the address for a PTR record with the relay's name."
        return warn(subject, "it has no name, and large receivers refuse mail from such", do)
    if address not in forward:
        return warn(subject, f"its name {names[0]} does not lead back to it", f"Publish: {names[0]}. {'AAAA' if ':' in address else 'A'} {address}")
    return ok(subject, f"{names[0]}, which leads back to it")


def worst(sections: Sequence[Section]) -> Level:
    """The worst level of all findings."""
    found = {finding.level for section in sections for finding in section.findings}
    return next((level for level in (Level.BAD, Level.WARN, Level.UNKNOWN) if level in found), Level.OK)
