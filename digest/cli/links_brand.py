"""`digest links brand`: short links for the company's own accounts."""

from __future__ import annotations

import csv
import io
import secrets
from typing import TYPE_CHECKING

import click

from digest.cli.edition import edition_option
from digest.cli.home import Home, as_json_option, pass_home, say
from digest.domain.spreadsheet import harmless

if TYPE_CHECKING:
    from digest.pipeline.brand import BrandLinks

_COLUMNS = ("edition", "post", "title", "network", "link")


@click.command("brand")
@edition_option
@click.option("--csv", "as_csv", is_flag=True, help="Print a table for a spreadsheet.")
@as_json_option
@pass_home
def brand(home: Home, *, period: str | None, as_csv: bool, as_json: bool) -> None:
    """Print a short link for each public post and network, for the company's own accounts. Again prints the same."""
    from digest.pipeline.brand import brand_links

    found = brand_links(home.engine, home.config, period, now=home.now(), random=secrets.token_bytes)
    for post, why in found.without.items():
        click.echo(f"No link for {post}: {why}.", err=True)
    if as_csv and not as_json:
        click.echo(_csv(found), nl=False)
        return
    each = [{"post": one.post, "title": one.title, "network": one.network, "link": one.link} for one in found.links]
    say({"period": found.period, "channel": "brand", "links": each, "without": found.without}, _text(found), as_json=as_json)


def _text(found: BrandLinks) -> str:
    blocks: dict[str, list[str]] = {}
    for one in found.links:
        blocks.setdefault(one.post, [one.title]).append(f"  {one.label:<12} {one.link}")
    return (
        "\n\n".join("\n".join(lines) for lines in blocks.values())
        or f"{found.period} has no public post, so there is nothing for the brand's accounts."
    )


def _csv(found: BrandLinks) -> str:
    out = io.StringIO()
    rows = [[found.period, one.post, one.title, one.network, one.link] for one in found.links]
    csv.writer(out, lineterminator="\r\n").writerows([_COLUMNS, *([harmless(cell) for cell in row] for row in rows)])
    return out.getvalue()
