"""What an edition says, frozen: the queue as it is now, the site's own words, and what earlier editions carried."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from digest.config import Config
from digest.db import editions, history, people
from digest.domain import calendar
from digest.domain.edition import EditionContent
from digest.domain.employee import Employee
from digest.domain.planning import Words, figures_withheld, freeze_edition
from digest.domain.post import Origin, Queue
from digest.domain.schedule import window
from digest.errors import EditionError
from digest.pipeline import branding, contribution_posts, ledger, networks, queue, votes
from digest.pipeline.planning import fresh_token
from digest.pipeline.queue import Checked
from digest.pipeline.schedule import timetable
from digest.pipeline.wall import Wall, guard, keep


def freeze(connection: Connection, config: Config, period: str) -> tuple[EditionContent, tuple[str, ...]]:
    """The words of `period`, and what the editor should know. Raises FileProblemsError for the queue, EditionError when it has nothing to say."""
    found = checked(connection, config, period)
    content, notes = frozen(connection, config, period, queue.good(found))
    return content, (*map(str, found.warnings), *notes)


def checked(connection: Connection, config: Config, period: str) -> Checked:
    """The queue as it is now, with every problem for `period`; while nobody is on the roster, `by` may be anybody. Raises UnreadableFileError."""
    return queue.check(
        config.queue_path,
        people=people.addresses(connection) or None,
        erased=people.erased_hashes(connection),
        disclosure=words(config).disclosure,
        networks=networks.known(config),
        site_url=config.site.url,
        wall=_wall(connection, config, period),
    )


def _wall(connection: Connection, config: Config, period: str) -> Wall:
    return guard(config, calendar.day_in(period, config.schedule.day), people.names(connection))


def frozen(connection: Connection, config: Config, period: str, said: Queue) -> tuple[EditionContent, tuple[str, ...]]:
    """The words of `period` out of a queue without problems.

    Raises EditionError when it has nothing to say, FileProblemsError when something internal stands in what employees gave.
    """
    found = editions.by_period(connection, period)
    look, notes = branding.brand(config)
    day = calendar.day_in(period, config.schedule.day)
    given = contribution_posts.offered(connection, config, day)
    said = contribution_posts.merged(said, given)
    keep(said, _wall(connection, config, period))  # once more: what employees gave stands in no file
    content = freeze_edition(
        said,
        _authors(connection, {post.by for post in said.posts if post.by}),
        replace(words(config), brand=look, zone=config.site_zone, first=window(period, timetable(connection, config, day)).first),
        period=period,
        day=day,
        seen=history.carried(connection, before_edition=found.id if found else 0),
        browser_token=fresh_token(),
    )
    if not content.posts:
        where = config.queue_path
        raise EditionError(where, f"it has no post for {period}", hint="Add a [[post]] to it, then run `digest queue check`.")
    content = ledger.merged(connection, content, found.id if found else 0, config.ledger.printed)
    content, _ = votes.heard(connection, content, minimum=config.privacy.minimum_group, places=config.mix.curated)
    content = replace(content, decided_days=contribution_posts.days_to_decide(connection, day))
    quiet = figures_withheld(said.figures, day)
    withheld = (f"“How we are doing” is withheld: {quiet}.",) if quiet else ()
    return content, (*_mix_warnings(content, config), *withheld, *given.notes, *notes)


def _authors(connection: Connection, addresses: set[str]) -> dict[str, Employee]:
    found = {address: people.by_address(connection, address) for address in sorted(addresses)}
    return {address: author for address, author in found.items() if author is not None}


def _mix_warnings(content: EditionContent, config: Config) -> tuple[str, ...]:
    if any(post.origin is Origin.COLLEAGUE and not post.internal for post in content.posts):
        return ()
    text = f"{content.period} carries no public post by a colleague."
    if config.mix.when_missing == "stop":
        raise EditionError(content.period, "it carries no public post by a colleague, and mix.when_missing is stop", hint="Ask a colleague for one.")
    return (f"{text} Posts by colleagues are what people read; ask somebody for one.",)


def words(config: Config) -> Words:
    """What the configuration says in every edition."""
    company = config.site.company
    return Words(
        site_name=config.site.name,
        site_url=config.site.url,
        company=company,
        address=config.site.address,
        policy_url=config.site.policy_url,
        reply_to=config.sender.reply_to,
        disclosure=config.sharing.disclosure or f"I work at {company}.",
        keep_days=config.tracking.keep_days,
        tracking=config.tracking.mode,
        honeypot=config.tracking.honeypot,
        networks=tuple((n.letter, n.name, n.label) for n in networks.offered(config)),
    )
