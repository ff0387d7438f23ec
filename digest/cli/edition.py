"""`digest edition`: plan, look, approve, watch, stop."""

from __future__ import annotations

import getpass
import webbrowser
from pathlib import Path
from typing import Any, Literal

import click

from digest.cli import edition_lint
from digest.cli.home import Home, as_json_option, pass_home, say
from digest.domain.message import FailReason

edition_option = click.option("--edition", "period", metavar="WEEK", help="The week, such as 2026-W48 (default: the newest planned one).")


@click.group("edition")
def command() -> None:
    """Plan a week's edition, look at it, approve it, watch it go out, stop it."""


@command.command()
@edition_option
@as_json_option
@pass_home
def plan(home: Home, *, period: str | None, as_json: bool) -> None:
    """Freeze the coming edition from the queue and the roster as they are now; voids an approval."""
    from digest.cli.progress import measuring
    from digest.pipeline import edition, status

    with measuring("Planning", quiet=as_json) as progress:
        planned = edition.plan(home.engine, home.config, now=home.now(), period=period, progress=progress)
    for line in (*planned.warnings, *planned.languages, *planned.rules):
        click.echo(line, err=True)
    found = status.status(home.engine, planned.edition.period)
    say(found, status.sentence(found, approval=home.config.schedule.approval), as_json=as_json)


@command.command()
@click.option("--as", "address", metavar="ADDRESS", required=True, help="The employee whose message you want to see.")
@edition_option
@click.option("--part", type=click.Choice(["text", "html", "headers", "links"]), default="text", help="What to print (default: text).")
@click.option("--open", "in_browser", is_flag=True, help="Open the HTML in your browser.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write the whole message to this .eml file.")
@as_json_option
@pass_home
def preview(home: Home, *, address: str, period: str | None, part: str, in_browser: bool, save: Path | None, as_json: bool) -> None:
    """Show the message one employee gets: text, HTML, headers, links and size. Its links are dead."""
    from digest.pipeline import preview as stage

    shown = stage.preview(home.engine, address, period=period, now=home.now())
    if save:
        save.write_bytes(shown.eml)
        click.echo(f"{save}: {len(shown.eml)} bytes", err=True)
    if in_browser:
        path = stage.save_page(shown)
        click.echo(f"Opening {path}", err=True)
        webbrowser.open(path.as_uri())
    say(shown.as_data(), shown.part(part), as_json=as_json)


command.add_command(edition_lint.command)


@command.command()
@edition_option
@pass_home
def approve(home: Home, *, period: str | None) -> None:
    """Let an edition go out at its hours. Where none is needed, says so."""
    from digest.pipeline import edition

    click.echo(edition.approve(home.engine, home.config, now=home.now(), who=getpass.getuser(), period=period))


@command.command("status")
@edition_option
@as_json_option
@pass_home
def status_(home: Home, *, period: str | None, as_json: bool) -> None:
    """Say where an edition stands and where every message is; the counts add up to the audience."""
    from digest.pipeline import status

    found = status.status(home.engine, period, now=home.now())
    say(found, status.sentence(found, approval=home.config.schedule.approval), as_json=as_json)


@command.command()
@click.argument("address")
@edition_option
@as_json_option
@pass_home
def why(home: Home, *, address: str, period: str | None, as_json: bool) -> None:
    """Say what one employee gets and why, or why nothing; and what happened when."""
    from digest.pipeline import why as stage

    found = stage.why(home.engine, address, period, now=home.now(), config=home.config)
    say(found, stage.sentence(found), as_json=as_json)


@command.command()
@edition_option
@click.option("--reason", default="", help="A word for the record.")
@pass_home
def pause(home: Home, *, period: str | None, reason: str) -> None:
    """Stop sending after the messages that are on the wire."""
    from digest.pipeline import outbox

    click.echo(outbox.pause(home.engine, period, reason=reason, who=getpass.getuser(), now=home.now()))


@command.command()
@edition_option
@pass_home
def resume(home: Home, *, period: str | None) -> None:
    """Go on with a paused edition."""
    from digest.pipeline import outbox

    click.echo(outbox.resume(home.engine, period, who=getpass.getuser(), now=home.now()))


@command.command()
@edition_option
@click.option("--reason", default="", help="A word for the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_home
def cancel(home: Home, *, period: str | None, reason: str, yes: bool) -> None:
    """Stop an edition for good; what was not offered to the relay is never sent."""
    from digest.pipeline import outbox

    if not yes:
        name, waiting = outbox.cancellable(home.engine, period)
        what = f"{waiting:,} {'message waits and is' if waiting == 1 else 'messages wait and are'} never sent"
        if not click.confirm(f"Cancel {name} for good? {what}; there is no way back."):
            click.echo("Nothing was cancelled.")
            return
    click.echo(outbox.cancel(home.engine, period, reason=reason, who=getpass.getuser(), now=home.now()))


@command.command()
@edition_option
@click.option("--message", type=int, help="One message of the list.")
@click.option("--all", "everything", is_flag=True, help="Every message of the list.")
@click.option("--as", "decision", type=click.Choice(["sent", "queued"]), help="sent: it arrived. queued: send it (again).")
@click.option(
    "--log", "logs", multiple=True, metavar="FILE", help="Settle them by the relay's own log, Postfix or Exim; may be repeated, - is standard input."
)
@click.option("--missing", type=click.Choice(["queued"]), help="With --log: queue again what the relay provably never took.")
@as_json_option
@pass_home
def resolve(  # noqa: PLR0913 - one for each option
    home: Home,
    *,
    period: str | None,
    message: int | None,
    everything: bool,
    decision: Literal["sent", "queued"] | None,
    logs: tuple[str, ...],
    missing: Literal["queued"] | None,
    as_json: bool,
) -> None:
    """List the messages whose outcome is unknown, or settle them by a decision or by the relay's log."""
    from digest.pipeline import evidence

    _check_choice(logs, missing, message=message, everything=everything, decision=decision)
    settled: dict[str, Any] = {}
    if logs:
        settled = _by_logs(home, period, logs, missing, as_json=as_json)
    elif decision:
        done = evidence.decide(home.engine, period, message=message, decision=decision, who=getpass.getuser(), now=home.now())
        click.echo(f"{done:,} decided as {decision}." if done else "Nothing was in doubt, so nothing was decided.", err=True)
    found, sending = evidence.cases(home.engine, period), evidence.still_sending(home.engine, period)
    say({"in_doubt": found, "sending": sending, **settled}, evidence.sentence(found, sending=sending), as_json=as_json)


def _check_choice(logs: tuple[str, ...], missing: str | None, *, message: int | None, everything: bool, decision: str | None) -> None:
    if missing and not logs:
        raise click.UsageError("--missing needs the relay's log: --log FILE.")
    if logs and (message is not None or everything or decision):
        raise click.UsageError("Say either --log, or --message or --all with --as.")
    if decision and (message is not None) == everything:
        raise click.UsageError("Say which: either --message NUMBER or --all.")
    if not decision and (message is not None or everything):
        raise click.UsageError("Say what it became: --as sent or --as queued.")


def _by_logs(home: Home, period: str | None, logs: tuple[str, ...], missing: Literal["queued"] | None, *, as_json: bool) -> dict[str, Any]:
    from digest.files import maillog
    from digest.pipeline import evidence

    found = evidence.from_logs(home.engine, period, (maillog.lines(log) for log in logs), missing=missing, who=getpass.getuser(), now=home.now())
    if not as_json:
        click.echo(found.sentence())
    return {"log": found.as_data()}


@command.command()
@edition_option
@click.option("--to", "address", metavar="ADDRESS", help="Only the message of this employee.")
@click.option("--reason", type=click.Choice([reason.value for reason in FailReason]), help="Only what failed for this reason.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@as_json_option
@pass_home
def resend(home: Home, *, period: str | None, address: str | None, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Send again, only to those whose message failed. Never to anybody who may have it."""
    from digest.pipeline import resending

    done = resending.resend(home.engine, period, address=address, reason=reason, dry_run=dry_run, who=getpass.getuser(), now=home.now())
    say(done.as_data(), done.sentence(), as_json=as_json)
