"""`digest contributions`: what employees give, looked at and decided; each author is told, and has the last word."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.domain.contribution import Contribution
    from digest.pipeline.contribution_moderation import Moderator, Shown

STATES = ("draft", "unconfirmed", "proposed", "edited", "accepted", "declined", "withdrawn", "published")
as_option = click.option("--as", "who", metavar="ADDRESS", help="Who you are (default: DIGEST_USER, else your login); [moderation] says who may.")
version_option = click.option("--version", type=int, metavar="N", help="Act only if it is still at the version you read.")
number_argument = click.argument("number", type=int)


@click.group("contributions")
def command() -> None:
    """Look at what employees give, and decide: accept, change for a reason, decline with a reason, trust."""


def _moderator(home: Home, who: str | None, version: int | None = None) -> Moderator:
    from digest.pipeline import contribution
    from digest.pipeline.contribution_moderation import Moderator

    name = who or os.environ.get("DIGEST_USER") or getpass.getuser()
    return Moderator(who=name, roles=contribution.roles(home.config), rules=contribution.rules(home.config), version=version)


@command.command()
@click.option("--by", required=True, metavar="ADDRESS", help="The author's address; it must be on the roster.")
@click.option("--url", default="", metavar="URL", help="Where it leads; without it the post stays inside.")
@click.option("--why", required=True, metavar="TEXT", help="The author's own words; - reads them from standard input.")
@click.option("--title", default="", metavar="TEXT", help="Its title (default: the first sentence).")
@click.option("--internal", is_flag=True, help="Keep it inside the wall, although it has a link.")
@click.option("--network", "networks", multiple=True, metavar="NAME", help="Where colleagues may start from these words; may be repeated.")
@as_option
@as_json_option
@pass_home
def give(  # noqa: PLR0913 - one argument for each option
    home: Home, *, by: str, url: str, why: str, title: str, internal: bool, networks: tuple[str, ...], who: str | None, as_json: bool
) -> None:
    """Give a post for an employee, at their word: it is proposed at once, and they are told."""
    from digest.pipeline import contribution_giving

    text = sys.stdin.read() if why == "-" else why
    typed = contribution_giving.Typed(by=by, url=url, why=text, title=title, internal=internal, networks=networks)
    one = contribution_giving.give(home.engine, home.config, typed, who=_moderator(home, who).who, now=home.now())
    say(_brief(one), f"Contribution {one.id} is {one.state}.{_promise(one)}", as_json=as_json)


def _promise(one: Contribution) -> str:
    return f" Its author is promised a decision by {one.decide_by:%Y-%m-%d %H:%M} UTC." if one.decide_by and one.state == "proposed" else ""


@command.command("list")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only those in this state; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Those that are decided or not confirmed yet as well.")
@as_json_option
@pass_home
def list_(home: Home, *, states: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """List what waits for you and what was accepted, the most urgent first."""
    from digest.cli.contribution_tables import contribution_table
    from digest.domain.contribution import ContributionState
    from digest.pipeline import contribution
    from digest.pipeline.contribution_moderation import OPEN, listed

    wanted = [ContributionState(state) for state in states] or (list(ContributionState) if everything else OPEN)
    now = home.now()
    found = listed(home.engine, wanted, contribution.rules(home.config), now)
    text = contribution_table(found, now) if found else "Nothing waits for you. `digest contributions list --all` shows the rest."
    say({"contributions": [_data(shown) for shown in found]}, text, as_json=as_json)


@command.command()
@number_argument
@as_json_option
@pass_home
def show(home: Home, *, number: int, as_json: bool) -> None:
    """Show one: its words, what asks for review, every change, and what its author said."""
    from digest.cli.contribution_tables import contribution_page
    from digest.pipeline import contribution
    from digest.pipeline.contribution_moderation import show as found

    shown = found(home.engine, number, contribution.rules(home.config), home.now())
    say(_data(shown) | {"history": [dict(row) for row in shown.history]}, contribution_page(shown), as_json=as_json)


@command.command()
@number_argument
@version_option
@as_option
@as_json_option
@pass_home
def accept(home: Home, *, number: int, version: int | None, who: str | None, as_json: bool) -> None:
    """Let a post go into the coming editions, if its author has agreed to its words; they are told."""
    from digest.pipeline import contribution_wall
    from digest.pipeline.contribution_moderation import accept as act

    one = act(home.engine, number, _moderator(home, who, version), home.now())
    stops = contribution_wall.would_stop(home.engine, home.config, one, home.now())
    waits = one.state != "accepted"
    text = f"Contribution {number} is accepted{', as soon as its author agrees to the last change' if waits else ''}."
    if stops and not as_json:
        click.echo("\n".join([*stops, "No edition is planned with it until that is mended."]), err=True)
    say(_brief(one) | {"stops": stops}, text, as_json=as_json)


@command.command()
@number_argument
@click.option("--title", metavar="TEXT", help="Another title.")
@click.option("--url", metavar="URL", help="Another address; an empty one takes it away.")
@click.option("--why", metavar="TEXT", help="Other words; - reads them from standard input.")
@click.option("--visibility", type=click.Choice(["public", "internal"]), help="The other side of the wall.")
@click.option("--kind", type=click.Choice(["article", "story", "event", "job"]), help="Another kind.")
@click.option("--topics", metavar="A,B", help="Its topics.")
@click.option("--starts", metavar="DAY", help="Not before this day, such as 2026-12-01.")
@click.option("--ends", metavar="DAY", help="Not after this day.")
@click.option("--public-from", metavar="DAY", help="Inside only until this day.")
@click.option("--starts-at", metavar="MOMENT", help="Of an event: when it begins, such as 2026-12-03T17:00:00+01:00.")
@click.option("--place", metavar="TEXT", help="Of an event: where it is.")
@click.option("--closes", metavar="DAY", help="Of a job: its last day.")
@click.option("--refer", metavar="WHERE", help="Of a job: where a referral goes.")
@click.option("--reason", required=True, metavar="REASON", help="facts, timing or legal; nothing else is a reason.")
@click.option("--note", default="", metavar="TEXT", help="What its author should know about it.")
@version_option
@as_option
@as_json_option
@pass_home
def edit(home: Home, /, *, number: int, reason: str, note: str, version: int | None, who: str | None, as_json: bool, **fields: str | None) -> None:
    """Change a post for a reason. Its author sees the difference, and without their yes it goes nowhere."""
    from digest.pipeline.contribution_moderation import Change
    from digest.pipeline.contribution_moderation import edit as act

    new: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if new.get("why") == "-":
        new["why"] = sys.stdin.read()
    change = Change(new=new, reason=reason, note=note)
    one = act(home.engine, number, _moderator(home, who, version), change, site_url=home.config.site.url, now=home.now())
    say(
        _brief(one),
        f"Contribution {number} is changed, for {reason}. Its author is asked; until they agree it goes into no edition.",
        as_json=as_json,
    )


@command.command()
@number_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why; its author is told these words.")
@version_option
@as_option
@as_json_option
@pass_home
def decline(home: Home, *, number: int, reason: str, version: int | None, who: str | None, as_json: bool) -> None:
    """Do not print a post, for a reason that its author is told."""
    from digest.pipeline.contribution_moderation import decline as act

    one = act(home.engine, number, _moderator(home, who, version), reason, home.now())
    text = f"Contribution {number} is declined; its author is told why. If an edition is planned with it, run `digest edition plan` again."
    say(_brief(one), text, as_json=as_json)


@command.command()
@click.argument("address")
@as_option
@as_json_option
@pass_home
def trust(home: Home, *, address: str, who: str | None, as_json: bool) -> None:
    """Let an author's posts go without review, but for what [moderation] always has looked at; they are told."""
    from digest.pipeline.contribution_moderation import trust as act

    person = act(home.engine, address, _moderator(home, who), home.now())
    say({"address": person.address, "trusted": True}, f"{person.address} is a trusted author from now on, and is told so.", as_json=as_json)


@command.command()
@click.argument("address")
@click.option("--reason", required=True, metavar="TEXT", help="Why; the author is told these words.")
@as_option
@as_json_option
@pass_home
def untrust(home: Home, *, address: str, reason: str, who: str | None, as_json: bool) -> None:
    """Have an author's posts reviewed again, for a reason that they are told."""
    from digest.pipeline.contribution_moderation import trust as act

    person = act(home.engine, address, _moderator(home, who), home.now(), reason=reason, given=False)
    say({"address": person.address, "trusted": False}, f"The posts of {person.address} are reviewed again; they are told why.", as_json=as_json)


def _brief(one: Contribution) -> dict[str, Any]:
    names = ("id", "state", "version", "decide_by", "decided_at", "decided_by", "reason", "post_id")
    return {name: getattr(one, name) for name in names} | {"title": one.words.title}


def _data(shown: Shown) -> dict[str, Any]:
    one = shown.one
    words = {name: getattr(one.words, name) for name in ("url", "why", "visibility", "kind", "facts")}
    author = {"by": shown.author.address if shown.author else None, "trusted_at": shown.trusted_at}
    edits = [{name: getattr(edit, name) for name in ("version", "at", "who", "reason", "note", "before", "after")} for edit in shown.edits]
    plain = {name: getattr(one, name) for name in ("source", "language", "networks", "made_at", "proposed_at", "agreed_version")}
    risks = [{"trigger": trigger, "found": what} for trigger, what in shown.risks]
    return {**_brief(one), **author, **words, **plain, "edits": edits, "risks": risks, "kept_out": shown.kept_out}
