"""`digest demo`: the whole week on sample data."""

from __future__ import annotations

import queue
import signal
from pathlib import Path

import click

from digest.cli.home import Home, pass_home


@click.command("demo")
@click.option("--once", is_flag=True, help="Play the whole week without waiting, check it, and exit 0 only if every check held.")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this folder (default: thrown away).")
@pass_home
def command(home: Home, *, once: bool, folder: Path | None) -> None:
    """Play a week at an invented company: real mail on this machine, real pages, nothing leaves it."""
    from digest.cli.progress import counting, measuring
    from digest.demo import play

    with play.open_demo(folder, home.now) as stage:
        with measuring("Planning") as planning, counting("Sending") as sending:
            click.echo(play.send_week(stage, planning, sending))
        if once:
            _walk(stage)
        else:
            _stay(stage)


def _walk(stage: object) -> None:
    from digest.cli.tables import report_table
    from digest.demo.play import Stage
    from digest.demo.walk import Walk
    from digest.pipeline.report import report

    assert isinstance(stage, Stage)  # noqa: S101 - typed loosely to keep `--help` quick
    failed = 0
    for check in Walk(stage.company, stage.mailbox, stage.clock).steps():
        detail = f" ({check.detail})" if check.detail and not check.held else ""
        click.echo(f"  {'held' if check.held else 'BROKEN':<6}  {check.sentence}{detail}")
        failed += not check.held
    click.echo()
    click.echo(report_table(report(stage.company.engine, stage.company.config)))
    if failed:
        click.echo(f"{failed} checks did not hold.", err=True)
        raise click.exceptions.Exit(1)
    click.echo("Every check held.")


def _stay(stage: object) -> None:
    from digest.demo.play import Stage

    assert isinstance(stage, Stage)  # noqa: S101 - the same
    click.echo(f"\nThe inbox:   {stage.inbox_url}\nThe folder:  {stage.company.folder}\n")
    click.echo("Open the inbox, read a letter, press its links. Ctrl-C ends the demo.")
    click.echo(f"In another terminal:  digest --config {stage.config_path} report")
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda heard, _frame: asked.put(heard))
    asked.get()
