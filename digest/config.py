"""config.toml: read, checked whole, every problem at once. Tools get plain values from it, never the whole.

Secrets may come from the environment (`DIGEST_SMTP_PASSWORD`) or from a file that it names (`DIGEST_SMTP_PASSWORD_FILE`);
both win over config.toml.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digest.config_values import Clock, Line, Listen, Mailbox, Names, OptionalMailbox, SiteUrl, WebUrl, Zone, describe
from digest.errors import ConfigError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# environment variable -> the key it stands for; NAME_FILE names a file that holds the value
SECRETS = {"DIGEST_SMTP_PASSWORD": ("smtp", "password"), "DIGEST_DATABASE_URL": ("database", "url")}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)


class Site(_Table):
    """[site]: the name and place of it all."""

    name: Line = "The Weekly Letter"
    company: Line = "our company"
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
    reply_to: OptionalMailbox = ""


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
    trusted_proxies: Names = ()


class Sharing(_Table):
    """[sharing]: networks, in the order of the share page, and what stands in every shared text."""

    networks: Names = ("linkedin", "x", "facebook", "threads", "bluesky", "mastodon", "whatsapp", "email")
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
    data = _read(path)
    problems = [f"{path}: home: no such key"] if data.pop("home", None) is not None else []
    problems += _secrets(data, os.environ if environ is None else environ)
    try:
        config = Config.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        known = known_keys()
        problems += [f"{path}: {describe(detail, known)}" for detail in error.errors(include_url=False)]
    if problems:
        raise ConfigError(sorted(set(problems)), hint="Every key stands in config.example.toml with its default and a sentence.")
    # not resolved: a link to a file elsewhere (as containers mount them) does not move the folder that paths start from
    return config.model_copy(update={"home": path.absolute().parent})


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
        raise ConfigError([_not_toml(path, str(error))], hint="Every key stands in config.example.toml; compare the line with it.") from error


def _not_toml(path: Path, message: str) -> str:
    """Before Python 3.14 the place stands only in the message: "(at line 5, column 11)"."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    return f"{path}:{found[1]}:{found[2]}: not TOML: {message[: found.start()]}" if found else f"{path}: not TOML: {message}"


def _secrets(data: dict[str, Any], env: Mapping[str, str]) -> list[str]:
    """Put what the environment says over what the file says; returns the problems."""
    problems: list[str] = []
    for name, (table, key) in SECRETS.items():
        try:
            value = env.get(name) or _secret_file(env.get(f"{name}_FILE", ""))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            problems.append(f"{name}_FILE: {env[f'{name}_FILE']}: cannot be read: {reason}")
            continue
        if value and isinstance(data.setdefault(table, {}), dict):
            data[table][key] = value
    return problems


def _secret_file(name: str) -> str:
    return Path(name).read_text(encoding="utf-8-sig").rstrip("\r\n") if name else ""


def known_keys() -> list[str]:
    """Every key of config.toml as `table.key`, and every table."""
    keys: list[str] = []
    for table, field in Config.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, _Table):
            keys.append(table)
            keys += [f"{table}.{inner.alias or name}" for name, inner in model.model_fields.items()]
    return keys
