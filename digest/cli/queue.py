"""`digest queue`: what comms wrote, checked and listed."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from digest.cli import queue_known
from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.config import Config
    from digest.domain.post import Post, Queue
    from digest.domain.share import Network
    from digest.files.problems import Problem
    from digest.pipeline.contribution_posts import Offered
    from digest.pipeline.drafts import Drafted
    from digest.pipeline.queue import Checked

file_argument = click.argument("file", type=click.Path(path_type=Path), required=False)
_WIDEST_ID = 32  # columns of a list; a longer id goes on below


@click.group("queue")
def command() -> None:
    """Check and list the content queue: posts, figures, answers, lessons and the week's words."""


@command.command()
@file_argument
@click.option("--roster", type=click.Path(path_type=Path), help="Check authors against this CSV file, not the database.")
@as_json_option
@pass_home
def check(home: Home, *, file: Path | None, roster: Path | None, as_json: bool) -> int:
    """Find every problem in FILE (a file or a folder; default: the configured queue) and say where it is.

    Needs no database, and with FILE no configuration: what cannot be checked without them is said.
    """
    from digest.pipeline import contribution_wall, pictures, queue, wall
    from digest.pipeline.contribution_posts import Offered

    path = home.config.queue_path if file is None else file
    authors, missing = queue_known.authors(home, roster)
    config = queue_known.config_of(home)
    disclosure, site_url = (config.sharing.disclosure, config.site.url) if config else ("", "")
    guard = wall.guard(config, home.now().date(), queue_known.names(home))
    checked = queue.check(
        path,
        people=authors,
        erased=queue_known.erased(home),
        disclosure=disclosure,
        networks=_networks(config),
        site_url=site_url,
        wall=guard,
    )
    if missing and not as_json:
        click.echo(f"Not checked: whether each `by` is somebody on the roster ({missing}). Name a roster with --roster FILE.csv.", err=True)
    given = queue_known.given(home) if file is None else Offered()
    stopped = [] if checked.problems else contribution_wall.stopped(checked.queue, given, guard)
    wrong = [*map(str, checked.problems), *stopped]
    if not as_json:
        click.echo("".join(f"{one}\n" for one in checked.warnings), err=True, nl=False)
    if wrong and not as_json:
        click.echo("\n".join(wrong), err=True)
        count = len(wrong)
        click.echo(f"{count:,} problem{'s' if count > 1 else ''}. Nothing is planned from a queue with problems.", err=True)
        return 1
    seen, elsewhere = pictures.look(path, checked.queue.posts)
    unanswered = queue_known.unowned(home)
    if not as_json:
        click.echo("".join(f"{line}\n" for line in (*seen, *_not_fetched(elsewhere), *unanswered, *given.notes)), err=True, nl=False)
    data = {**_summary(checked, path), "pictures": {"said": seen, "elsewhere": elsewhere}, "ledger": unanswered}
    data |= {"given": {"posts": len(given.posts), "kept_out": list(given.notes), "problems": stopped}}
    say(data, _sentence(checked, path) + _also(given), as_json=as_json)
    return 1 if wrong else 0


def _not_fetched(elsewhere: int) -> list[str]:
    count = _count(elsewhere, "picture")
    return [f"Not checked: {count} at a web address; `digest edition plan` fetches {'it' if elsewhere == 1 else 'them'}."] if elsewhere else []


def _also(given: Offered) -> str:
    count = len(given.posts)
    return f" {_count(count, 'post')} that employees gave {'goes' if count == 1 else 'go'} with them." if count else ""


def _networks(config: Config | None) -> tuple[Network, ...] | None:
    """The networks that captions may be for; None: ours, as long as there is no configuration that could name others."""
    from digest.pipeline import networks

    return None if config is None else networks.known(config)


def _summary(checked: Checked, path: Path) -> dict[str, Any]:
    queue = checked.queue
    return {
        "file": str(path),
        "posts": len(queue.posts),
        "by_colleagues": checked.colleagues,
        "internal": checked.internal,
        "figures": len(queue.figures),
        "answers": len(queue.answers),
        "lessons": len(queue.lessons),
        "drafts": len(queue.drafts),
        "authors_checked": checked.authors_checked,
        "problems": _places(checked.problems),
        "warnings": _places(checked.warnings),
    }


def _places(found: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [{"file": p.file, "line": p.line, "col": p.col, "text": p.text} for p in found]


def _sentence(checked: Checked, path: Path) -> str:
    queue = checked.queue
    drafts = f" {_count(len(queue.drafts), 'draft')} waiting for a why." if queue.drafts else ""
    if not queue.posts:
        return f"{path}: no problems, and no posts yet.{drafts or ' Write a [[post]] with title, url and why.'}"
    posts = f"{_count(len(queue.posts), 'post')} ({checked.colleagues} by colleagues, {checked.internal} internal)"
    rest = ", ".join([_count(len(queue.figures), "figure"), _count(len(queue.answers), "answer"), _count(len(queue.lessons), "lesson")])
    return f"{path}: no problems. {posts}, {rest}.{drafts}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


@command.command()
@click.argument("url")
@pass_home
@as_json_option
def add(home: Home, *, url: str, as_json: bool) -> None:
    """Draft a post of what the page at URL says about itself, at the end of the configured queue."""
    from digest.pipeline import drafts

    path = home.config.queue_path
    _tell(drafts.from_page(url, path, lambda: _had(home, path), home.now()), as_json=as_json)


@command.command()
@click.argument("url")
@click.option("--most", type=click.IntRange(1, 100), default=5, show_default=True, help="How many drafts at most, newest first.")
@pass_home
@as_json_option
def feed(home: Home, *, url: str, most: int, as_json: bool) -> None:
    """Draft what is new in the RSS or Atom feed at URL, at the end of the configured queue."""
    from digest.pipeline import drafts

    path = home.config.queue_path
    _tell(drafts.from_feed(url, path, lambda: _had(home, path), home.now(), most=most), as_json=as_json)


def _had(home: Home, path: Path) -> frozenset[str]:
    """Articles that need no draft any more."""
    from digest.pipeline import drafts, queue

    url = home.unchecked_engine.url
    made = url.get_backend_name() != "sqlite" or Path(url.database or "").exists()
    found = queue.load(path, people=None, networks=_networks(queue_known.config_of(home)))
    return drafts.addresses(found, home.engine if made else None)


def _tell(done: Drafted, *, as_json: bool) -> None:
    data = {
        "file": str(done.file),
        "drafts": [{"title": draft.title, "url": draft.url, "language": draft.language} for draft in done.written],
        "known": done.known,
        "more": done.more,
    }
    lines = [f"  {draft.title}" for draft in done.written]
    known = f" {_count(done.known, 'article')} stood there already or in an edition." if done.known else ""
    more = f" {done.more:,} more are new: name a larger --most." if done.more else ""
    head = f"{done.file}: {_count(len(done.written), 'draft')} at its end.{known}{more}" if lines else f"{done.file}: nothing new.{known}"
    after = ["Say why each matters, then delete its line `draft`; until then none of them is planned."] if lines else []
    say(data, "\n".join([head, *lines, *after]), as_json=as_json)


@command.command("list")
@file_argument
@as_json_option
@pass_home
def list_(home: Home, *, file: Path | None, as_json: bool) -> None:
    """List the posts in FILE, in its order; of the configured queue also those that employees gave."""
    from digest.pipeline import contribution_posts, queue

    path = home.config.queue_path if file is None else file
    found = queue.load(path, people=None, networks=_networks(queue_known.config_of(home)))
    given = queue_known.given(home) if file is None else contribution_posts.Offered()
    found = contribution_posts.merged(found, given)
    if not as_json:
        click.echo("".join(f"{line}\n" for line in given.notes), err=True, nl=False)
    posts = found.posts
    text = (
        _table(found) if posts or found.drafts else f"{path}: no posts yet. Write a [[post]] with title, url and why, then run `digest queue check`."
    )
    data = [_as_data(post) | {"draft": post in found.drafts, "given": post in given.posts} for post in (*posts, *found.drafts)]
    say({"posts": data}, text, as_json=as_json)


def _as_data(post: Post) -> dict[str, Any]:
    names = ("id", "title", "url", "by", "kind", "visibility", "language", "starts", "ends", "public_from", "topics")
    return {name: getattr(post, name) for name in names} | {"origin": post.origin, "captions": {k: len(v) for k, v in post.captions.items()}}


def _table(queue: Queue) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Id", "Title", "By", "Kind", "Side", "From", "Until"):
        table.add_column(name, overflow="fold", no_wrap=name in {"Id", "From", "Until"})
    for post in (*queue.posts, *queue.drafts):
        window = (str(post.starts or ""), str(post.ends or post.closes or ""))
        by = "draft" if post in queue.drafts else post.by or "comms"
        number = "\n".join(wrap(post.id, _WIDEST_ID))  # one long id leaves the others their room
        table.add_row(number, post.title, by, post.kind, post.visibility, *window)
    return drawn(table)


@command.command("networks")
@as_json_option
@pass_home
def networks_(home: Home, *, as_json: bool) -> None:
    """List the networks that people may share to: which are offered, what each takes, and when its address was last looked at."""
    from digest.files.networks import load_networks
    from digest.pipeline import networks

    config = home.config if home.config_path.exists() else None
    known = load_networks() if config is None else networks.known(config)
    offered = {network.name for network in known if network.default_on} if config is None else set(config.sharing.networks)
    say({"networks": [_network(network) | {"offered": network.name in offered} for network in known]}, _looked_at(known, offered), as_json=as_json)


def _network(network: Network) -> dict[str, Any]:
    names = ("name", "label", "letter", "desktop", "phone", "server", "colleagues", "documentation", "checked_on", "verified_on")
    limit = network.limit
    return {name: getattr(network, name) for name in names} | {"limit": limit.most, "counts": limit.rule, "url_counts": limit.url_counts}


def _looked_at(networks: tuple[Network, ...], offered: set[str]) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Name", "Label", "Offered", "Text", "Limit", "Checked", "Opened"):
        table.add_column(name, no_wrap=True, justify="right" if name == "Limit" else "left")
    for network in networks:
        text = "by copying" if not network.takes_text(phone=False) else "desk only" if not network.takes_text(phone=True) else "filled in"
        checked = str(network.checked_on or ("not yet" if network.documentation else "no page"))
        yes = "yes" if network.name in offered else ""
        table.add_row(network.name, network.label, yes, text, f"{network.limit.most:,}", checked, str(network.verified_on or "by nobody"))
    notes = "Checked: compared with the network's own documentation. Opened: seen to work by somebody who was signed in."
    return f"{drawn(table)}\n{notes}"
