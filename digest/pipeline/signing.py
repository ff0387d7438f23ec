"""The signer that the configuration describes: keys are read once, whatever is wrong with one is said with its name."""

from __future__ import annotations

from email.utils import parseaddr

import ada_url

from digest.config import Config
from digest.errors import ConfigError
from digest.mail.dkim import Signer


def load(config: Config) -> Signer | None:
    """The signer of `[dkim]`, or None when no selector is named. Key files are relative to config.toml.

    Raises ConfigError or SigningError, which name `dkim.selectors.NAME` and what is wrong with it.
    """
    if not config.dkim.selectors:
        return None
    keys, problems = {}, []
    for selector, name in config.dkim.selectors.items():
        try:
            keys[selector] = (config.home / name).read_bytes()
        except OSError as error:
            problems.append(f"dkim.selectors.{selector}: {config.home / name}: cannot be read: {error.strerror}")
    if problems:
        raise ConfigError(
            problems, hint="A key is a file in PEM that the user who runs digest may read; docs/authentication.md says how to make one."
        )
    return Signer(domain(config), keys)


def domain(config: Config) -> str:
    """The signing domain in ASCII: `dkim.domain`, or else the sender's."""
    named = (config.dkim.domain or sender_domain(config)).lower()
    return named if named.isascii() else ada_url.idna_to_ascii(named).decode()


def sender_domain(config: Config) -> str:
    """The domain after the @ of `sender.from`, in ASCII and small letters."""
    found = parseaddr(config.sender.sender)[1].rpartition("@")[2].lower()
    return found if found.isascii() else ada_url.idna_to_ascii(found).decode()
