"""`digest mail inbound`: what came back."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from digest.cli.home import Home, as_json_option, pass_home, say
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.pipeline.inbound import Taken

EX_TEMPFAIL = 75  # sysexits.h: a mail server that pipes to us keeps the message and tries again
_STDIN = "-"
_SHOWN = 50
_MEANING = {
    "hard_bounce": "the mailbox does not exist",
    "soft_bounce": "it could not be delivered in three of the last five editions",
    "complaint": "they reported the letter as spam",
}
_KINDS = {
    "hard": "hard bounces",
    "soft": "soft bounces",
    "ours": "refused for a rule or the size, which is about us",
    "complaint": "complaints",
    "auto_reply": "automatic answers",
    "delayed": "delays, which are no bounce",
    "delivered": "receipts",
}


@click.command("inbound")
@click.argument("source", required=False)
@click.option("--recipient", default="", help="The address the piped message came to; without it the message's own head is asked.")
@as_json_option
@pass_home
def command(home: Home, *, source: str | None, recipient: str, as_json: bool) -> int:
    """Take in bounces, complaints and answers from SOURCE: - (a message on standard input), a file, a Maildir, or imaps://USER@HOST/FOLDER.

    Without SOURCE it is `inbound.mailbox`, or standard input when a recipient is named or no mailbox is configured.
    """
    if source == _STDIN or (source is None and recipient):
        return _piped(home, recipient, as_json=as_json)
    source = source or _configured(home)
    if not source and sys.stdin.isatty():
        raise click.UsageError("Nothing to read: name a SOURCE, set inbound.mailbox in config.toml, or pipe a message to it.")
    if not source:
        return _piped(home, recipient, as_json=as_json)
    taken = _taken(home, source, recipient)
    say(taken.as_data(), told(taken), as_json=as_json)
    for problem in taken.problems:
        click.echo(problem, err=True)
    return 1 if taken.problems else 0


def _configured(home: Home) -> str:
    """`inbound.mailbox`; a Maildir's path starts from the configuration's folder. "" when there is none."""
    mailbox = home.config.inbound.mailbox
    return mailbox if not mailbox or "://" in mailbox else str(home.config.home / mailbox)


def _piped(home: Home, recipient: str, *, as_json: bool) -> int:
    """Whatever goes wrong here is ours, and must not make the mail server throw the message away."""
    try:
        taken = _taken(home, _STDIN, recipient)
    except DigestError as error:
        click.echo(str(error), err=True)
        return EX_TEMPFAIL
    except Exception:
        logging.getLogger("digest").exception("This is a bug in digest; please report it with the lines below. The message waits.")
        return EX_TEMPFAIL
    if taken.problems:
        click.echo("\n".join(taken.problems), err=True)
        return EX_TEMPFAIL
    if as_json or home.verbose:  # mail servers bounce what a command says, or fill their logs with it
        say(taken.as_data(), told(taken), as_json=as_json)
    return 0


def _taken(home: Home, source: str, recipient: str) -> Taken:
    from digest.pipeline import inbound

    config = home.config
    return inbound.collect(
        home.engine,
        source,
        kept=config.home / config.inbound.kept,
        clock=home.now,
        stdin=sys.stdin.buffer,
        password=config.inbound.password,
        recipient=recipient,
    )


def told(taken: Taken) -> str:
    """What a run took in, for people."""
    if not taken.read:
        return "Nothing is waiting." if not taken.problems else "Nothing was read."
    lines = ["Read 1 message." if taken.read == 1 else f"Read {taken.read:,} messages."]
    lines += [f"  {count:,} {_KINDS[kind]}" for kind, count in sorted(taken.kinds.items())]
    lines += [f"  {taken.again:,} read before"] if taken.again else []
    lines += [f"  {count:,} kept for you to look at: {folder}" for folder, count in sorted(taken.kept.items())]
    if taken.settled:
        lines.append(f"{taken.settled:,} in doubt: something came back for it, so it was sent.")
    lines += [f"Stopped: {address} ({reason}: {_MEANING[reason]})" for address, reason in taken.stopped[:_SHOWN]]
    more = len(taken.stopped) - _SHOWN
    lines += [f"Stopped: {more:,} more; see `digest suppress list`"] if more > 0 else []
    if any(reason == "hard_bounce" for _, reason in taken.stopped):
        lines.append("Tell whoever keeps the roster: mostly these people have left.")
    return "\n".join(lines)
