"""config.toml: read, checked whole, every problem at once. Tools get plain values from it, never the whole.

Secrets may come from the environment (`DIGEST_SMTP_PASSWORD`) or a file (`DIGEST_SMTP_PASSWORD_FILE`); both win over the file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import time
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import ada_url
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from digest.errors import ConfigError

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _refuse(found: object, allowed: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "found {found}, allowed {allowed}", {"found": repr(found), "allowed": allowed})


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise _refuse(value, "an IANA zone such as Europe/Berlin")
    return value


def _clock(value: str) -> str:
    try:
        parsed = time.fromisoformat(value)
    except ValueError:
        raise _refuse(value, "00:00 to 23:59") from None
    if len(value) != len("09:00"):
        raise _refuse(value, "00:00 to 23:59")
    return parsed.strftime("%H:%M")


def _site(value: str) -> str:
    try:
        url = ada_url.URL(value)
    except ValueError:
        raise _refuse(value, "https://HOST, or http://127.0.0.1:PORT for trying out") from None
    secure = url.protocol == "https:" or (url.protocol == "http:" and url.hostname in _LOOPBACK)
    if not secure or url.search or url.hash or url.username:
        raise _refuse(value, "https://HOST, or http://127.0.0.1:PORT for trying out")
    return str(url.href).rstrip("/")


def _web(value: str) -> str:
    if value == "":
        return value
    try:
        url = ada_url.URL(value)
    except ValueError:
        raise _refuse(value, "an https address") from None
    if url.protocol not in {"https:", "http:"}:
        raise _refuse(value, "an https address")
    return str(url.href)


def _mailbox(value: str) -> str:
    name, address = parseaddr(value)
    if address.count("@") != 1 or any(c in value for c in "\r\n\0") or address.startswith("@") or address.endswith("@"):
        raise _refuse(value, 'NAME <ADDRESS>, such as "Mara at Example <digest@example.com>"')
    del name
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:  # noqa: PLR2004 - the range of ports
        raise _refuse(value, "HOST:PORT, such as 127.0.0.1:8080")
    return value


Zone = Annotated[str, AfterValidator(_zone)]
Clock = Annotated[str, AfterValidator(_clock)]
SiteUrl = Annotated[str, AfterValidator(_site)]
WebUrl = Annotated[str, AfterValidator(_web)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Listen = Annotated[str, AfterValidator(_listen)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Site(_Table):
    """[site]: the name and place of it all."""

    name: str = "The Weekly Letter"
    company: str = "our company"
    url: SiteUrl = "http://127.0.0.1:8080"
    timezone: Zone = "UTC"
    address: str = ""
    policy_url: WebUrl = ""


class Database(_Table):
    """[database]: where the rows live."""

    url: str = "sqlite:///digest.db"


class Content(_Table):
    """[content]: the queue, one file or a folder of files."""

    queue: str = "queue.toml"


class Sender(_Table):
    """[sender]: whom the letter is from."""

    sender: Mailbox = Field(default="The Weekly Letter <digest@example.com>", alias="from")
    reply_to: str = ""


class Smtp(_Table):
    """[smtp]: the relay that takes our messages."""

    host: str = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = Field(default="", repr=False)
    connections: int = Field(default=4, ge=1, le=64)
    per_minute: int = Field(default=0, ge=0)


class Schedule(_Table):
    """[schedule]: when the week goes out."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "tuesday"
    time: Clock = "09:00"
    zone: Literal["employee", "site"] = "employee"
    approval: Literal["automatic", "required"] = "automatic"
    plan_hours: int = Field(default=24, ge=1, le=144)
    catch_up_hours: int = Field(default=24, ge=0, le=144)


class Delivery(_Table):
    """[delivery]: what happens when the wire fails."""

    on_doubt: Literal["hold", "resend"] = "hold"
    deadline_hours: int = Field(default=48, ge=1, le=144)
    grace_seconds: int = Field(default=30, ge=0, le=600)


class Web(_Table):
    """[web]: where the pages listen."""

    listen: Listen = "127.0.0.1:8080"
    trusted_proxies: tuple[str, ...] = ()


class Sharing(_Table):
    """[sharing]: networks, in the order of the share page, and what stands in every shared text."""

    networks: tuple[str, ...] = ("linkedin", "x", "facebook", "threads", "bluesky", "mastodon", "whatsapp", "email")
    link: Literal["short", "canonical"] = "short"
    disclosure: str = ""


class Tracking(_Table):
    """[tracking]: what pressing a link leaves behind."""

    mode: Literal["individual", "aggregate", "off"] = "individual"
    consent: Literal["opt-out", "opt-in"] = "opt-out"
    keep_days: int = Field(default=90, ge=1, le=800)


class Privacy(_Table):
    """[privacy]: the smallest group a figure may speak of."""

    minimum_group: int = Field(default=5, ge=3, le=100)


class Mix(_Table):
    """[mix]: colleagues first. Kept per selection, by capping."""

    colleague_share: float = Field(default=0.5, ge=0, le=1)
    curated: int = Field(default=2, ge=0, le=10)
    posts: int = Field(default=5, ge=1, le=12)
    inside: int = Field(default=1, ge=0, le=5)
    spares: int = Field(default=3, ge=0, le=10)
    repeats: int = Field(default=3, ge=1, le=10)
    when_missing: Literal["warn", "stop"] = "warn"


class Config(_Table):
    """The whole of config.toml. `home` is its folder; relative paths start there."""

    site: Site = Site()
    database: Database = Database()
    content: Content = Content()
    sender: Sender = Sender()
    smtp: Smtp = Smtp()
    schedule: Schedule = Schedule()
    delivery: Delivery = Delivery()
    web: Web = Web()
    sharing: Sharing = Sharing()
    tracking: Tracking = Tracking()
    privacy: Privacy = Privacy()
    mix: Mix = Mix()
    home: Path = Field(default=Path(), exclude=True)

    @property
    def queue_path(self) -> Path:
        """The queue's file or folder, absolute when `home` is."""
        return self.home / self.content.queue

    @property
    def site_zone(self) -> ZoneInfo:
        """The organisation's zone."""
        return ZoneInfo(self.site.timezone)


def load_config(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Read and check `path`. Raises ConfigError with every problem, each naming its key."""
    env = os.environ if environ is None else environ
    data = _read(path)
    problems: list[str] = []
    _secrets(data, env, problems)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        problems += [_problem(path, detail) for detail in error.errors(include_url=False)]
        raise ConfigError(sorted(set(problems)), hint="Every key stands in config.example.toml with its default.") from error
    if problems:
        raise ConfigError(problems)
    return config.model_copy(update={"home": path.resolve().parent})


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file"], hint="Run `digest init` here, or name it: `digest --config FILE ...`.") from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"], hint="Check the file's permissions.") from error
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: found bytes that are not UTF-8, allowed UTF-8 text"], hint="Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from error


def _secrets(data: dict[str, Any], env: Mapping[str, str], problems: list[str]) -> None:
    value = env.get("DIGEST_SMTP_PASSWORD")
    file = env.get("DIGEST_SMTP_PASSWORD_FILE")
    if value is None and file:
        try:
            value = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            problems.append(f"DIGEST_SMTP_PASSWORD_FILE: {file}: cannot be read: {error.strerror}")
    if value is not None:
        data.setdefault("smtp", {})
        if isinstance(data["smtp"], dict):
            data["smtp"]["password"] = value
    url = env.get("DIGEST_DATABASE_URL")
    if url:
        data.setdefault("database", {})
        if isinstance(data["database"], dict):
            data["database"]["url"] = url


def _problem(path: Path, detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, known_keys(), n=1, cutoff=0.6)
        return f"{path}: {where}: no such key" + (f", did you mean {near[0]}?" if near else "")
    if detail["type"] == "refused":
        return f"{path}: {where}: {detail['msg']}"
    return f"{path}: {where}: found {_short(detail['input'])}, allowed {_allowed(detail)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - what fits a line


def _allowed(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            return str(context["expected"])
        case "greater_than_equal":
            return f"{context['ge']} or more"
        case "less_than_equal":
            return f"{context['le']} or less"
        case "int_type" | "int_parsing" | "int_from_float":
            return "a whole number"
        case "string_type":
            return "text in quotes"
        case "bool_type" | "bool_parsing":
            return "true or false"
        case "model_type" | "dict_type":
            return "a table"
        case _:
            return detail["msg"].lower()


def known_keys() -> list[str]:
    """Every key of config.toml as `table.key`, and every table."""
    keys: list[str] = []
    for table, field in Config.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, _Table):
            keys.append(table)
            keys += [f"{table}.{inner.alias or name}" for name, inner in model.model_fields.items()]
    return keys

