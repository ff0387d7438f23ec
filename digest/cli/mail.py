"""`digest mail`: letters outside the week's own run."""

from __future__ import annotations

import click

from digest.cli.mail_inbound import command as inbound
from digest.cli.mail_test import command as test


@click.group("mail")
def command() -> None:
    """Send a test letter; take in what comes back."""


command.add_command(test)
command.add_command(inbound)
