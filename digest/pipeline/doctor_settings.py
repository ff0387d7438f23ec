"""What `doctor` finds in the settings: left from a trial, right each for itself and wrong together, or open to others."""

from __future__ import annotations

import stat
from datetime import datetime

from digest.config import Config
from digest.domain.doctor import Finding, bad, ok, unknown, warn
from digest.errors import DigestError, FileProblemsError
from digest.files.country import open_countries
from digest.files.networks import read_networks
from digest.mail.overrides import Whose
from digest.mail.sources import from_imap, from_maildir
from digest.pipeline import branding, networks, templates, tracking

_SOME = 5  # names that are shown
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def delivery(config: Config) -> list[Finding]:
    """Who gets mail at all, and whether the first few can warn of anything."""
    said = config.delivery
    found = []
    if said.only:
        names = ", ".join(said.only[:_SOME]) + (f" and {len(said.only) - _SOME} more" if len(said.only) > _SOME else "")
        do = "When you are done with trying it out, set delivery.only = []. Who was passed over gets nothing of that edition any more."
        found.append(warn("delivery.only", f"only these get mail: {names}; everybody else is suppressed", do))
    if said.canary and not config.inbound.mailbox:
        do = f"Set inbound.mailbox, or let your mail server pipe reports to `digest mail inbound -` within {said.canary_minutes} minutes."
        found.append(warn("delivery.canary", "the first few are judged by what the relay says alone, as nothing fetches reports", do))
    elif said.canary:
        found.append(ok("delivery.canary", f"{said.canary} go first, and the rest {said.canary_minutes} minutes later"))
    return found


def reports(config: Config, *, network: bool) -> list[Finding]:
    """Whether reports about undeliverable mail are fetched. The mailbox is opened and left as it is; `network` False: no server is asked."""
    source = config.inbound.mailbox
    if not source:
        if not config.sender.bounces:
            return []
        do = "Set inbound.mailbox and run `digest mail inbound` from cron; when your mail server pipes to `digest mail inbound -`, all is well."
        return [warn("inbound.mailbox", f"reports come back to {config.sender.bounces}, and it names no place to fetch them from", do)]
    if "://" in source and not network:
        return [unknown("inbound.mailbox", f"{source} was not asked")]
    try:
        waiting = _waiting(config, source)
    except DigestError as error:
        return [bad("inbound.mailbox", str(error).removesuffix(error.hint).strip(), error.hint or "Correct inbound.mailbox in config.toml.")]
    return [ok("inbound.mailbox", f"{source} can be read; {waiting:,} unread")]


def _waiting(config: Config, source: str) -> int:
    if "://" not in source:
        return sum(1 for _ in from_maildir(config.home / source))
    with from_imap(source, config.inbound.password, look_only=True) as messages:
        return sum(1 for _ in messages)


def sharing(config: Config, now: datetime) -> list[Finding]:
    """The files of one's own that share links and visits are made with."""
    found = []
    _, problems = read_networks(networks.own_file(config))
    do = "Correct the row; until then the network stays as it was, and nothing is planned."
    found += [bad("sharing.networks_file", problem, do) for problem in problems]
    if not problems:
        try:
            networks.offered(config)
        except FileProblemsError as error:
            found += [bad("sharing.networks", problem, "Run `digest queue networks` to see which there are.") for problem in error.problems]
    file = tracking.country_database(config)
    if file is not None:
        _, problem = open_countries(file, now)
        subject, _, said = problem.partition(": ")
        found.append(warn(subject, said) if problem else ok("tracking.country_database", f"{file} can be read"))
    return found


def look(config: Config) -> list[Finding]:
    """The company's colours and logo, and its own templates."""
    _, notes = branding.brand(config)
    found = []
    for note in notes:
        subject, _, said = note.partition(": ")
        do = "Set the colour that is used, or another." if subject.startswith("brand.accent") else "Correct it in config.toml."
        found.append(warn(subject, said, do))
    try:
        behind = [file.path for file in templates.listed(config) if file.whose in {Whose.BEHIND, Whose.UNMARKED}]
    except DigestError as error:
        return [*found, bad("site.templates", error.detail, error.hint)]
    if behind:
        do = "Compare them with ours: `digest templates list`, then `digest templates check`."
        found.append(warn("site.templates", f"ours have changed since these were copied, or may have: {', '.join(behind[:_SOME])}", do))
    return found


def secrets(config: Config) -> list[Finding]:
    """Files that only their owner should be able to read."""
    found = []
    for selector, name in config.dkim.selectors.items():
        path = config.home / name
        if path.is_file() and path.stat().st_mode & _OTHERS:
            said = f"others on this machine may open {path} (mode {stat.S_IMODE(path.stat().st_mode):o}), and whoever has it signs in your name"
            found.append(warn(f"dkim.selectors.{selector}", said, f"chmod 600 {path}"))
    return found
