"""`digest ledger`: what people asked, who answers, and the answer. Nobody's name stands in it but the owner's."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from digest.cli.home import Home, as_json_option, pass_home, say
from digest.domain.question import QuestionKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from digest.domain.question import Question
    from digest.pipeline.ledger import Hand

_STDIN = "-"
_KINDS = click.Choice([kind.value for kind in QuestionKind])
number_argument = click.argument("number", type=click.IntRange(min=1))
text_argument = click.argument("text", required=False, default="")
version_option = click.option("--version", type=click.IntRange(min=1), help="Only if it is still this version, as `show` named it.")
owner_option = click.option("--owner", default="", metavar="NAME", help="Name who answers as well.")


@click.group("ledger")
def command() -> None:
    """See what people asked, name who answers, and answer: in words, or not at all."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is closed, taken back, or waits for its writer's yes.")
@as_json_option
@pass_home
def list_(home: Home, *, everything: bool, as_json: bool) -> None:
    """List what waits for an owner or an answer, and what the next edition prints; the oldest first."""
    from digest.pipeline import ledger_view

    found = ledger_view.listed(home.engine, everything=everything, now=home.now())
    say({"entries": [one.as_data() for one in found]}, "\n".join(one.line() for one in found) or "Nothing waits.", as_json=as_json)


@command.command()
@number_argument
@as_json_option
@pass_home
def show(home: Home, *, number: int, as_json: bool) -> None:
    """Show entry NUMBER whole, with the version to name when you change it."""
    from digest.pipeline import ledger_view

    found = ledger_view.shown(home.engine, number, now=home.now())
    say(found.as_data(), found.sentence(), as_json=as_json)


@command.command()
@text_argument
@click.option("--kind", type=_KINDS, default=QuestionKind.QUESTION.value, help="What it is (default: question).")
@click.option("--asker", default="", metavar="ADDRESS", help="Who asked; they are told of the answer and named nowhere.")
@click.option("--asked", type=click.DateTime(["%Y-%m-%d"]), help="The day it was asked (default: today).")
@click.option("--language", default="en", help="The language it is written in (default: en).")
@as_json_option
@pass_home
def add(home: Home, *, text: str, kind: str, asker: str, asked: datetime | None, language: str, as_json: bool) -> None:
    """Enter TEXT that somebody asked by word of mouth; - reads it from standard input."""
    from digest.pipeline import ledger

    moment = None if asked is None else asked.replace(hour=12, tzinfo=UTC)
    if moment is not None and moment.date() > home.now().date():
        raise click.UsageError(f"--asked: found {moment.date()}, allowed no day to come")
    words, key = _words(text), f"command:{secrets.token_hex(16)}"
    _done(
        home,
        lambda connection, hand: ledger.add(connection, words, QuestionKind(kind), language, hand=hand, key=key, asker=asker, asked=moment),
        as_json=as_json,
    )


@command.command()
@number_argument
@click.argument("owner")
@version_option
@as_json_option
@pass_home
def assign(home: Home, *, number: int, owner: str, version: int | None, as_json: bool) -> None:
    """Name who answers entry NUMBER: a name or a role as the edition prints it, or the address of somebody who agreed to be named."""
    from digest.pipeline import ledger

    _done(home, lambda connection, hand: ledger.assign(connection, number, owner, hand), version=version, as_json=as_json)


@command.command()
@number_argument
@text_argument
@click.option("--language", default="", metavar="LANGUAGE", help="The language these words are written in (default: the asker's).")
@version_option
@as_json_option
@pass_home
def reword(home: Home, *, number: int, text: str, language: str, version: int | None, as_json: bool) -> None:
    """Say entry NUMBER in words of yours, which editions print in place of the asker's; - reads them from standard input."""
    from digest.pipeline import ledger

    words = _words(text)
    _done(home, lambda connection, hand: ledger.reword(connection, number, words, hand, language), version=version, as_json=as_json)


@command.command()
@number_argument
@text_argument
@owner_option
@version_option
@as_json_option
@pass_home
def answer(home: Home, *, number: int, text: str, owner: str, version: int | None, as_json: bool) -> None:
    """Answer entry NUMBER with TEXT, which the next edition prints; - reads it from standard input."""
    from digest.pipeline import ledger

    words = _words(text)
    _done(home, lambda connection, hand: ledger.answer(connection, number, words, hand=hand, owner=owner), version=version, as_json=as_json)


@command.command()
@number_argument
@owner_option
@click.option("--not", "off", is_flag=True, help="It is none any more.")
@version_option
@as_json_option
@pass_home
def hard(home: Home, *, number: int, owner: str, off: bool, version: int | None, as_json: bool) -> None:
    """Make entry NUMBER the hard question of the week, answered by a named leader; there is one at a time."""
    from digest.pipeline import ledger

    _done(home, lambda connection, hand: ledger.hard(connection, number, hand=hand, owner=owner, on=not off), version=version, as_json=as_json)


@command.command()
@number_argument
@text_argument
@owner_option
@version_option
@as_json_option
@pass_home
def close(home: Home, *, number: int, text: str, owner: str, version: int | None, as_json: bool) -> None:
    """Close entry NUMBER with TEXT (or the answer it has) for its asker alone; no edition prints it. Nothing is closed without words."""
    from digest.pipeline import ledger

    words = _words(text)
    _done(
        home,
        lambda connection, hand: ledger.answer(connection, number, words, hand=hand, owner=owner, alone=True),
        version=version,
        as_json=as_json,
    )


def _words(text: str) -> str:
    return sys.stdin.read() if text == _STDIN else text


def _done(home: Home, deed: Callable[[Connection, Hand], Question], *, version: int | None = None, as_json: bool) -> None:
    """Do it in one transaction and say how the entry stands then."""
    from digest.db.session import write
    from digest.pipeline import ledger, ledger_view

    hand = ledger.Hand(who=getpass.getuser(), now=home.now(), version=version)
    with write(home.engine) as connection:
        number = deed(connection, hand).id
    found = ledger_view.shown(home.engine, number, now=hand.now)
    say(found.as_data(), found.line(), as_json=as_json)
