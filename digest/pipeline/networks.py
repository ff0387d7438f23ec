"""The networks of this installation: ours, with what `sharing.networks_file` changes or adds."""

from __future__ import annotations

import logging
from pathlib import Path

from digest.config import Config
from digest.domain.share import Network
from digest.files.networks import load_networks, networks_named, read_networks

log = logging.getLogger(__name__)


def known(config: Config) -> tuple[Network, ...]:
    """Every network. Raises FileProblemsError with every problem of the operator's own file: nothing is planned with one."""
    return load_networks(own_file(config))


def usable(config: Config) -> tuple[Network, ...]:
    """Every network that works, for links that were mailed: a broken row is told and ours stands in for it."""
    networks, problems = read_networks(own_file(config))
    for problem in problems:
        log.warning("%s; the network stays as it was.", problem)
    return networks


def offered(config: Config) -> tuple[Network, ...]:
    """The networks of `sharing.networks`, in its order. Raises FileProblemsError."""
    return networks_named(config.sharing.networks, known(config))


def names(config: Config) -> frozenset[str]:
    """What may stand in a roster. Raises FileProblemsError."""
    return frozenset(network.name for network in known(config))


def own_file(config: Config) -> Path | None:
    """The operator's own networks file, or None."""
    return config.home / config.sharing.networks_file if config.sharing.networks_file else None
