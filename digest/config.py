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
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from digest.config_tables import (
    Brand,
    Budget,
    Colleagues,
    Content,
    Conversions,
    Database,
    Delivery,
    Dkim,
    Inbound,
    Keys,
    Ledger,
    Mix,
    Moderation,
    Privacy,
    Schedule,
    Sender,
    Sharing,
    Site,
    Smtp,
    Tracking,
    Transport,
    Web,
)
from digest.config_values import TransportName, describe, quiet_at
from digest.errors import ConfigError

# environment variable -> the key it stands for; NAME_FILE names a file that holds the value
SECRETS = {
    "DIGEST_SMTP_PASSWORD": ("smtp", "password"),
    "DIGEST_DATABASE_URL": ("database", "url"),
    "DIGEST_INBOUND_PASSWORD": ("inbound", "password"),
    "DIGEST_CONVERSIONS_SECRET": ("conversions", "secret"),
}
_OF_TRANSPORT = "DIGEST_TRANSPORT_{}_PASSWORD"  # of [transports.NAME], its name in capitals, - as _


class Config(Keys):
    """The whole of config.toml. `home` is its folder; relative paths start there."""

    site: Site = Site()
    brand: Brand = Brand()
    database: Database = Database()
    content: Content = Content()
    sender: Sender = Sender()
    smtp: Smtp = Smtp()
    schedule: Schedule = Schedule()
    transports: dict[TransportName, Transport] = Field(default={})
    delivery: Delivery = Delivery()
    inbound: Inbound = Inbound()
    ledger: Ledger = Ledger()
    dkim: Dkim = Dkim()
    web: Web = Web()
    sharing: Sharing = Sharing()
    tracking: Tracking = Tracking()
    conversions: Conversions = Conversions()
    privacy: Privacy = Privacy()
    moderation: Moderation = Moderation()
    colleagues: Colleagues = Colleagues()
    mix: Mix = Mix()
    budget: Budget = Budget()
    home: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """What only several keys together can say."""
        if quiet_at(self.schedule.quiet, self.schedule.time):
            raise PydanticCustomError(
                "disagreed",
                "schedule.time: found {time}, which lies in the hours of schedule.quiet ({quiet}); change one of them",
                {"time": repr(self.schedule.time), "quiet": self.schedule.quiet},
            )
        return self

    @property
    def queue_path(self) -> Path:
        """The queue's file or folder, absolute when `home` is."""
        return self.home / self.content.queue

    @property
    def templates_path(self) -> Path | None:
        """The folder of templates that win over ours, or None."""
        return self.home / self.site.templates if self.site.templates else None

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
    for name, path in _places(data).items():
        try:
            value = env.get(name) or _secret_file(env.get(f"{name}_FILE", ""))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            problems.append(f"{name}_FILE: {env[f'{name}_FILE']}: cannot be read: {reason}")
            continue
        if value:
            _put(data, path, value)
    return problems


def _places(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Variable -> the key it stands for; each of the transports has one."""
    transports = data.get("transports")
    names = [name for name in transports if isinstance(name, str)] if isinstance(transports, dict) else []
    return SECRETS | {_OF_TRANSPORT.format(name.upper().replace("-", "_")): ("transports", name, "password") for name in names}


def _put(data: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    table: Any = data
    for name in path[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            return  # it is reported as no table
    table[path[-1]] = value


def _secret_file(name: str) -> str:
    return Path(name).read_text(encoding="utf-8-sig").rstrip("\r\n") if name else ""


def known_keys() -> list[str]:
    """Every key of config.toml as `table.key`, and every table."""
    return [key for table, field in Config.model_fields.items() for key in _keys_of(table, field.annotation)]


def _keys_of(table: str, model: object) -> list[str]:
    """A table with its keys, tables inside it among them; nothing for what is no table of ours."""
    if not (isinstance(model, type) and issubclass(model, Keys)):
        return []
    keys = [table]
    for name, field in model.model_fields.items():
        key = f"{table}.{field.alias or name}"
        keys += _keys_of(key, field.annotation) or [key]
    return keys
