"""The kinds of value that config.toml knows, how each is checked, and the sentence for one that does not fit."""

from __future__ import annotations

import difflib
import ipaddress
import re
from datetime import date
from typing import Annotated
from zoneinfo import available_timezones

import ada_url
import regex
from pydantic import AfterValidator, BeforeValidator, Strict
from pydantic_core import ErrorDetails, PydanticCustomError

_SECRET = 32  # characters that a secret has at least
_WIDTH = 60  # characters of a wrong value that are quoted back
_SITE = "https://HOST, or http://127.0.0.1:PORT for trying out"
_SENTENCES = {  # pydantic's kind of error -> what is allowed
    "literal_error": "{expected}",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": 'a list such as ["one", "two"]',
    "model_type": "a table",
    "dict_type": "a table",
}
_HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_CANARY = 'a number of messages such as 50, a share such as "1%", or 0 for none'
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def refuse(found: object, allowed: str) -> PydanticCustomError:
    """The error that says what was found and what is allowed."""
    return PydanticCustomError("refused", "found {found}, allowed {allowed}", {"found": repr(found), "allowed": allowed})


def _line(value: str) -> str:
    if CONTROL.search(value):
        raise refuse(value, "one line of text")
    return value


def _zone(value: str) -> str:
    zones = available_timezones()
    if value in zones:
        return value
    near = difflib.get_close_matches(value.lower(), [zone.lower() for zone in zones], n=1)
    names = {zone.lower(): zone for zone in zones}
    raise refuse(value, f"an IANA zone such as {names[near[0]] if near else 'Europe/Berlin'}")


def _clock(value: str) -> str:
    if not re.fullmatch(_HOUR, value):
        raise refuse(value, "00:00 to 23:59")
    return value


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _site(value: str) -> str:
    try:
        url = ada_url.URL(value)
    except ValueError:
        raise refuse(value, _SITE) from None
    secure = url.protocol == "https:" or (url.protocol == "http:" and _loopback(url.hostname))
    if not secure or url.search or url.hash or url.username or url.password:
        raise refuse(value, _SITE)
    return f"{url.protocol}//{url.host}{url.pathname}".rstrip("/")


def _web(value: str) -> str:
    if value == "":
        return value
    try:
        url = ada_url.URL(value)
    except ValueError:
        raise refuse(value, "a web address such as https://example.com/policy") from None
    if url.protocol not in {"https:", "http:"}:
        raise refuse(value, "a web address such as https://example.com/policy")
    return str(url.href)


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:  # noqa: PLR2004 - the last port there is
        raise refuse(value, "HOST:PORT, such as 127.0.0.1:8080")
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise refuse(value, "an address such as 192.0.2.1 or a network such as 192.0.2.0/24") from None
    return value


def _proxy(value: str) -> str:
    return value if value == "unix" else _network(value)


def _secret(value: str) -> str:
    if value and (len(value) < _SECRET or CONTROL.search(value)):
        raise refuse("something that is not shown here", f"{_SECRET} characters or more on one line, such as `openssl rand -hex 32` prints")
    return value


def _event(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9 _-]{0,59}", value):
        raise refuse(value, "a word of small letters such as lead")
    return value


def _quiet(value: str) -> str:
    if value and not re.fullmatch(rf"{_HOUR}-{_HOUR}", value):
        raise refuse(value, 'HH:MM-HH:MM, such as 21:00-06:00, or ""')
    if value and value[:5] == value[6:]:
        raise refuse(value, "two different times")
    return value


def quiet_at(quiet: str, clock: str) -> bool:
    """True when `clock` ("09:00") lies in `quiet` ("21:00-06:00"; "" has no hours). The end is not quiet any more."""
    start, _, end = quiet.partition("-")
    if not quiet:
        return False
    return start <= clock < end if start < end else clock >= start or clock < end


def _day(value: str) -> str:
    try:
        date.fromisoformat(value if len(value) > len("12-24") else f"2024-{value}")
    except ValueError:
        raise refuse(value, "a day such as 2026-12-24, or 12-24 for every year") from None
    return value


def _canary(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise refuse(value, _CANARY)
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]+)?)%", value)
        if not found or not float(found[1]) > 0:
            raise refuse(value, _CANARY)
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,38}", value) or value == "smtp":
        raise refuse(value, "a name of small letters, digits and -, other than smtp")
    return value


def _selector(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value):
        raise refuse(value, "letters, digits, - and ., as in the name of a DNS record")
    return value


def _country(value: str) -> str:
    if value and not re.fullmatch(r"[A-Z]{2}", value):
        raise refuse(value, 'a country\'s two letters, such as "DE", or ""')
    return value


def _pattern(value: str) -> str:
    try:
        regex.compile(value, regex.IGNORECASE)
    except regex.error as error:
        raise refuse(value, f"a regular expression; {error}") from None
    return value


Line = Annotated[str, AfterValidator(_line)]
Zone = Annotated[str, AfterValidator(_zone)]
Clock = Annotated[str, AfterValidator(_clock)]
SiteUrl = Annotated[str, AfterValidator(_site)]
WebUrl = Annotated[str, AfterValidator(_web)]
Listen = Annotated[str, AfterValidator(_listen)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Strict(strict=False)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], Strict(strict=False)]
Names = Annotated[tuple[Line, ...], Strict(strict=False)]  # TOML has lists only; the words inside stay strict
Days = Annotated[tuple[Annotated[str, AfterValidator(_day)], ...], Strict(strict=False)]
Country = Annotated[str, AfterValidator(_country)]
Patterns = Annotated[tuple[Annotated[str, AfterValidator(_pattern)], ...], Strict(strict=False)]
Secret = Annotated[str, AfterValidator(_secret)]
Events = Annotated[tuple[Annotated[str, AfterValidator(_event)], ...], Strict(strict=False)]
Quiet = Annotated[str, AfterValidator(_quiet)]
Canary = Annotated[int | str, BeforeValidator(_canary)]
TransportName = Annotated[str, AfterValidator(_name)]
Selector = Annotated[str, AfterValidator(_selector)]


def describe(detail: ErrorDetails, known: list[str]) -> str:
    """`table.key: what was found, what is allowed`; for a key that is not in `known`, the one that was probably meant."""
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        near = _meant(where, known)
        return f"{where}: no such key" + (f", did you mean {near}?" if near else "")
    if detail["type"] == "missing":
        return f"{where}: found nothing, and it must be set"
    if detail["type"] == "refused":
        return f"{where.removesuffix('.[key]')}: {detail['msg']}"
    if detail["type"] == "disagreed":
        return detail["msg"]
    return f"{where}: found {_shown(where, detail['input'])}, allowed {_allowed(detail)}"


def _meant(where: str, known: list[str]) -> str:
    """A right key in the wrong table, else the nearest spelling in its own table, else the nearest table; "" when nothing is near."""
    table, dot, leaf = where.rpartition(".")
    elsewhere = [key for key in known if key.endswith(f".{leaf}")]
    if elsewhere:
        return elsewhere[0]
    near = difflib.get_close_matches(leaf, [key.removeprefix(table + dot) for key in known if key.startswith(table + dot)], n=1)
    return table + dot + near[0] if near else ""


def _shown(where: str, value: object) -> str:
    if where.endswith(("password", "secret")):
        return "something that is not shown here"
    if isinstance(value, dict | list):  # may hold a password further in
        return "a table" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _allowed(detail: ErrorDetails) -> str:
    sentence = _SENTENCES.get(detail["type"])
    return sentence.format_map(detail.get("ctx", {})) if sentence else detail["msg"].lower()
