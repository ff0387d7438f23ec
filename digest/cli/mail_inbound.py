"""`digest mail inbound`: what came back."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from digest.cli.addresses import AN_ADDRESS, is_address
from digest.cli.home import Home, as_json_option, pass_home, say
from digest.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

    from digest.pipeline.inbound import Taken

EX_TEMPFAIL = 75  # sysexits.h: a mail server that pipes to us keeps the message and tries again
_STDIN = "-"
_SHOWN = 50
_MEANING = {
    "hard_bounce": "the mailbox does not exist",
    "soft_bounce": "it could not be delivered in three of the last five editions",
    "complaint": "they reported the letter as spam",
}
_KINDS = {  # one, several
    "hard": ("hard bounce", "hard bounces"),
    "soft": ("soft bounce", "soft bounces"),
    "ours": ("refused for a rule or the size, which is about us", "refused for a rule or the size, which is about us"),
    "complaint": ("complaint", "complaints"),
    "auto_reply": ("automatic answer", "automatic answers"),
    "delayed": ("delay, which is no bounce", "delays, which are no bounce"),
    "delivered": ("receipt", "receipts"),
}
_BECAME = {  # one, several
    "question": ("question, in the ledger", "questions, in the ledger"),
    "suggestion": ("suggestion or remark, in the ledger", "suggestions or remarks, in the ledger"),
    "objection": ("objection, in the ledger", "objections, in the ledger"),
    "post": ("post, proposed", "posts, proposed"),
}
_SKIPPED = {
    "automatic": "skipped: a machine wrote it",
    "maybe_automatic": "skipped: a machine, a list or an absence, by the look of it",
    "own": "skipped: by a digest",
    "stranger": "skipped: the sender is not on the roster",
    "not_to_us": "skipped: answers no letter and is not addressed to the digest",
    "no_words": "skipped: nothing of the sender's own stands in it",
    "flood": "skipped: the sender has written enough today",
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
    source = _typed(source) if source else _configured(home)
    if not source and sys.stdin.isatty():
        raise click.UsageError("Nothing to read: name a SOURCE, set inbound.mailbox in config.toml, or pipe a message to it.")
    if not source:
        return _piped(home, recipient, as_json=as_json)
    if recipient and not is_address(recipient):
        raise click.UsageError(f"--recipient: found {recipient!r}, allowed {AN_ADDRESS}")
    taken = _taken(home, source, recipient)
    say(taken.as_data(), told(taken, _folder(home)), as_json=as_json)
    for problem in taken.problems:
        click.echo(problem, err=True)
    return 1 if taken.problems else 0


def _typed(source: str) -> str:
    from digest.config_mail import source as checked

    try:
        return checked(source)
    except ValueError as error:
        raise click.UsageError(f"SOURCE: {error}, or of a file, or -") from None


def _configured(home: Home) -> str:
    """`inbound.mailbox`; a Maildir's path starts from the configuration's folder. "" when there is none."""
    mailbox = home.config.inbound.mailbox
    return mailbox if not mailbox or "://" in mailbox else str(home.config.home / mailbox)


def _piped(home: Home, recipient: str, *, as_json: bool) -> int:
    """Whatever goes wrong here is ours, and must not make the mail server throw the message away."""
    if recipient and not is_address(recipient):
        click.echo(f"--recipient: found {recipient!r}, allowed {AN_ADDRESS}; going on without it.", err=True)
        recipient = ""
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
        say(taken.as_data(), told(taken, _folder(home)), as_json=as_json)
    elif taken.empty:
        click.echo("The message is empty; nothing was kept.", err=True)
    return 0


def _folder(home: Home) -> Path:
    return home.config.home / home.config.inbound.kept


def _taken(home: Home, source: str, recipient: str) -> Taken:
    from digest.pipeline import inbound, replies

    config = home.config
    return inbound.collect(
        home.engine,
        source,
        kept=_folder(home),
        clock=home.now,
        stdin=sys.stdin.buffer,
        password=config.inbound.password,
        recipient=recipient,
        settings=replies.settings(config),
    )


def told(taken: Taken, kept: Path) -> str:
    """What a run took in, for people; `kept`: the folder of `inbound.kept`."""
    if not taken.read:
        return "Nothing is waiting." if not taken.problems else "Nothing was read."
    lines = ["Read 1 message." if taken.read == 1 else f"Read {taken.read:,} messages."]
    lines += [f"  {count:,} {_KINDS[kind][count > 1]}" for kind, count in sorted(taken.kinds.items())]
    lines += [f"  {count:,} {_BECAME[kind][count > 1]}" for kind, count in sorted(taken.replies.items())]
    lines += (
        [f"  {taken.asked:,} of these wait for a yes: nothing shows who wrote them, so whoever they name was asked by mail"] if taken.asked else []
    )
    lines += [f"  {count:,} {_SKIPPED[reason]}" for reason, count in sorted(taken.skipped.items())]
    lines += [f"  {taken.again:,} read before"] if taken.again else []
    lines += [f"  {taken.empty:,} empty; nothing to keep"] if taken.empty else []
    lines += [f"  {count:,} kept for you to look at, in {kept / folder}" for folder, count in sorted(taken.kept.items())]
    if taken.settled:
        lines.append(f"{taken.settled:,} in doubt: something came back for it, so it was sent.")
    lines += [f"Stopped: {address} ({reason}: {_MEANING[reason]})" for address, reason in taken.stopped[:_SHOWN]]
    more = len(taken.stopped) - _SHOWN
    lines += [f"Stopped: {more:,} more; see `digest suppress list`"] if more > 0 else []
    if any(reason == "hard_bounce" for _, reason in taken.stopped):
        lines.append("Tell whoever keeps the roster: mostly these people have left.")
    return "\n".join(lines)
