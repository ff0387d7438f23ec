"""What the configuration says about sending, as the plain values that delivery takes."""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from digest.config import Config
from digest.config_tables import Smtp, Transport
from digest.db import keys
from digest.db.session import read
from digest.domain import canary
from digest.domain.quiet import parse_quiet
from digest.errors import ConfigError
from digest.pipeline import signing
from digest.pipeline.policy import Policy
from digest.pipeline.saturation import Waves
from digest.smtp.relay import Relay


def relays(config: Config) -> tuple[Relay, ...]:
    """`[smtp]` and every `[transports.NAME]`. Raises ConfigError for a file of certificates that cannot be read."""
    return tuple(relay(name, said, config.home) for name, said in tables(config).items())


def tables(config: Config) -> dict[str, Smtp]:
    """Name -> what the configuration says about that relay; `[smtp]` is the first."""
    return {"smtp": config.smtp, **config.transports}


def relay(name: str, said: Smtp, home: Path) -> Relay:
    """One relay as it is used; files are relative to `home`. Raises ConfigError for a file of certificates that cannot be read."""
    return Relay(
        name=name,
        host=said.host,
        port=said.port,
        security=said.security,
        username=said.username,
        password=said.password,
        connections=said.connections,
        per_second=said.per_second,
        per_minute=said.per_minute,
        per_day=said.per_day,
        weight=said.weight,
        domains=frozenset(domain.lower() for domain in said.domains) if isinstance(said, Transport) else frozenset(),
        tls=_trusted(name, home / said.ca_file) if said.ca_file else None,
    )


def _trusted(name: str, file: Path) -> ssl.SSLContext:
    key = f"{name}.ca_file" if name == "smtp" else f"transports.{name}.ca_file"
    try:
        return ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it holds no certificate"
        raise ConfigError([f"{key}: {file}: cannot be used: {why}"], hint="It must be a PEM file of certificate authorities.") from error


def policy(engine: Engine, config: Config, *, at_once: bool = False) -> Policy:
    """`[delivery]`, quiet hours, the bounce address and the signer. Raises ConfigError or SigningError for a key that is no key."""
    said = config.delivery
    signer = signing.load(config)
    with read(engine) as connection:
        secrets = keys.signing_keys(connection, "bounce")
    return Policy(
        on_doubt=said.on_doubt,
        deadline=timedelta(hours=said.deadline_hours),
        grace=said.grace_seconds,
        at_once=at_once,
        quiet=parse_quiet(config.schedule.quiet),
        site_zone=config.site_zone,
        canary=partial(canary.size, said.canary) if said.canary else None,
        canary_wait=timedelta(minutes=said.canary_minutes),
        only=frozenset(one.lower() for one in said.only),
        give_way=_waves(config),
        bounces=config.sender.bounces if secrets else "",
        bounce_key=next(iter(secrets.values()), b""),
        sign=signer.sign if signer is not None else None,
    )


def _waves(config: Config) -> Waves | None:
    """The rule of saturation; None where nothing is counted or wanted."""
    if not config.mix.saturation or config.tracking.mode == "off":
        return None
    return Waves(most=config.mix.saturation, share=config.mix.colleague_share, curated=config.mix.curated)
