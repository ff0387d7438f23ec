"""`digest doctor`: what is wrong, and what to type or to publish."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from digest.cli.addresses import dns_server
from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.pipeline.doctor import Examination

_MARKS = {"bad": "BAD", "unknown": "?"}


@click.command("doctor")
@click.option("--skip-network", is_flag=True, help="Look only at this machine: no relay, no DNS, no pages.")
@click.option(
    "--nameserver", metavar="ADDRESS", callback=dns_server, help="Ask this DNS server, such as 9.9.9.9, to see what the world outside sees."
)
@as_json_option
@pass_home
def command(home: Home, *, skip_network: bool, nameserver: str, as_json: bool) -> None:
    """Look at database, relays, DNS, links, clock and letter; say what is wrong and what to do. Exit 1 if anything is bad."""
    from digest.pipeline import doctor

    found = doctor.examine(home.config, clock=home.now, network=not skip_network, nameserver=nameserver)
    say(found.as_data(), told(found), as_json=as_json)
    if not found.sound:
        raise click.exceptions.Exit(1)


def told(found: Examination) -> str:
    """The findings for people: a line each, and under it what to do."""
    lines = []
    for section in found.sections:
        lines.append(section.name)
        for finding in section.findings:
            first, *rest = finding.said.splitlines()
            lines.append(f"  {_MARKS.get(finding.level, finding.level):<8}{finding.subject}: {first}")
            lines += [f"          {line}" for line in [*rest, *finding.do.splitlines()]]
    counts = Counter(str(finding.level) for section in found.sections for finding in section.findings)
    summary = ", ".join(f"{counts[level]} {level}" for level in ("ok", "warn", "bad", "unknown") if counts[level])
    return "\n".join([*lines, "", f"{summary}."])
