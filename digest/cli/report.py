"""`digest report`: what an edition led to."""

from __future__ import annotations

import csv
import io

import click

from digest.cli.edition import edition_option
from digest.cli.home import Home, pass_home, say
from digest.domain.spreadsheet import harmless


@click.command("report")
@edition_option
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", help="How to print it (default: text).")
@click.option(
    "--table", type=click.Choice(["posts", "evidence", "outcomes", "countries", "hours"]), default="posts", help="For csv: which (default: posts)."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@pass_home
def command(home: Home, *, period: str | None, form: str, table: str, as_json: bool) -> None:
    """Print what an edition led to: outcomes by grade, reads, the evidence of sharing and visits; fewer than five people are never shown."""
    from digest.cli.tables import report_table
    from digest.pipeline import report_forms
    from digest.pipeline.report import report

    found = report(home.engine, home.config, period, now=home.now())
    if form == "csv" and not as_json:
        click.echo(_csv(report_forms.rows(found, table)), nl=False)
        return
    say(report_forms.as_data(found), report_table(found), as_json=as_json or form == "json")


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[harmless(cell) for cell in row] for row in rows])
    return out.getvalue()
