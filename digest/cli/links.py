"""`digest links`: links that are out, stopped and let go on."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from digest.cli.home import Home, as_json_option, pass_home, say
from digest.cli.links_brand import brand

if TYPE_CHECKING:
    from digest.pipeline.recalling import Listing


def _words(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why in a few words.")
    return " ".join(value.split())


@click.group("links")
def command() -> None:
    """Stop links that are out, let them go on, and see which are stopped."""


@command.command()
@click.argument("post")
@click.option("--why", required=True, callback=_words, help="What whoever follows a link reads.")
@pass_home
def recall(home: Home, *, post: str, why: str) -> None:
    """Pause every link of POST at once: in letters, on share pages, in what people posted. Each leads to a page that says why."""
    from digest.pipeline import recalling

    click.echo(recalling.recall(home.engine, post, why=why, who=getpass.getuser(), now=home.now()))


@command.command()
@click.argument("post")
@pass_home
def restore(home: Home, *, post: str) -> None:
    """Let every link of POST lead to its article again."""
    from digest.pipeline import recalling

    click.echo(recalling.restore(home.engine, post, who=getpass.getuser(), now=home.now()))


@command.command()
@click.argument("slug")
@click.option("--why", required=True, callback=_words, help="For the record.")
@pass_home
def disable(home: Home, *, slug: str, why: str) -> None:
    """Stop one short link, given as its SLUG or whole."""
    from digest.pipeline import recalling

    click.echo(recalling.disable(home.engine, slug, why=why, who=getpass.getuser(), now=home.now()))


@command.command()
@click.argument("slug")
@pass_home
def enable(home: Home, *, slug: str) -> None:
    """Let one short link lead on again."""
    from digest.pipeline import recalling

    click.echo(recalling.enable(home.engine, slug, who=getpass.getuser(), now=home.now()))


@command.command("list")
@as_json_option
@pass_home
def list_(home: Home, *, as_json: bool) -> None:
    """List the posts that letters link to, and what is stopped. Never who pressed what."""
    from digest.pipeline import recalling

    found = recalling.listed(home.engine)
    say(found.as_data(), _listed(found), as_json=as_json)


def _listed(found: Listing) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    if not found.posts:
        return "No letter carries a post yet."
    posts = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Post", "Leads to", "Short links", "Recalled"):
        posts.add_column(name, overflow="fold", justify="right" if name == "Short links" else "left")
    for one in found.posts:
        posts.add_row(one.id, one.url or "-", f"{one.short_links:,}", one.recalled or "")
    stopped = [f"{one.slug} ({one.post}, {one.network}): disabled {one.at:%Y-%m-%d}: {one.why}" for one in found.disabled]
    return "\n".join([drawn(posts).rstrip("\n"), *stopped])


command.add_command(brand)
