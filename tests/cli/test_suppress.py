"""`digest suppress`: who gets no mail, and who may change that."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from digest.db import suppressions
from digest.db.people import by_address
from digest.db.schema import audit, consent_event
from digest.db.session import open_database, read, write
from digest.domain.suppression import SuppressionReason
from digest.pipeline import roster
from tests.conftest import NOW
from tests.door import Door, door

__all__ = ["door"]

ROSTER = "address,name\nAna@example.com,Ana Reis\nben@example.com,Ben Roth\n"


@pytest.fixture
def at_home(door: Door, database_url: str) -> Door:
    """A door into a folder whose database, of either kind, knows Ana and Ben."""
    door.write("config.toml", f'[database]\nurl = "{database_url}"\n')
    door.write("roster.csv", ROSTER)
    assert door("roster", "import", "roster.csv").code == 0
    return door


def suppress(url: str, address: str, *reasons: SuppressionReason) -> None:
    engine = open_database(url)
    with write(engine) as connection:
        for reason in reasons:
            suppressions.suppress(connection, address, reason, NOW)
    engine.dispose()


def rows(url: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, bool, str]]]:
    engine = open_database(url)
    with read(engine) as connection:
        audits = [(one.what, one.subject, one.detail) for one in connection.execute(select(audit).order_by(audit.c.id))]
        consents = [(one.switch, one.value, one.wording) for one in connection.execute(select(consent_event))]
    engine.dispose()
    return audits, consents


def test_somebody_is_stopped_shown_and_let_go_again(at_home: Door, database_url: str) -> None:
    assert at_home("suppress", "list").out == "Nobody is suppressed.\n"
    assert at_home("suppress", "add", "ANA@example.com").out == "ANA@example.com gets no mail any more (manual).\n"
    assert at_home("suppress", "add", "ana@example.com").out == "ana@example.com was stopped already (manual); nothing changed.\n"
    lines = at_home("suppress", "list").out.splitlines()
    assert lines[1].split()[:4] == ["Ana@example.com", "Ana", "Reis", "manual"]
    assert at_home("suppress", "lift", "ana@example.com").out == "ana@example.com may get mail again; lifted: manual.\n"
    said = at_home("suppress", "lift", "ana@example.com")
    assert (said.code, said.err.splitlines()[0]) == (1, "ana@example.com: nothing was lifted: it is not suppressed")
    assert rows(database_url)[0] == [("suppression.add", "employee:1", "manual"), ("suppression.lift", "employee:1", "manual")]


def test_a_reason_and_a_time_can_be_given(at_home: Door) -> None:
    assert at_home("suppress", "add", "ben@example.com", "--reason", "complaint", "--days", "30").out.endswith("for 30 days (complaint).\n")
    (one,) = json.loads(at_home("suppress", "list", "--json").out)["people"]
    assert (one["address"], one["name"], one["reason"], one["left"], one["until"] is not None) == (
        "ben@example.com",
        "Ben Roth",
        "complaint",
        False,
        True,
    )
    assert at_home("suppress", "add", "ben@example.com", "--reason", "erased").code == 2
    assert at_home("suppress", "add", "nobody").code == 2


def test_people_who_left_keep_their_name_and_strangers_are_counted(at_home: Door, database_url: str) -> None:
    suppress(database_url, "ben@example.com", SuppressionReason.HARD_BOUNCE)
    said = at_home("suppress", "add", "stranger@example.net")
    assert (said.code, "Nobody on the roster" in said.err) == (0, True)
    at_home.write("roster.csv", ROSTER.replace("ben@example.com,Ben Roth\n", ""))
    at_home("roster", "import", "roster.csv")
    lines = at_home("suppress", "list").out.splitlines()
    assert ("Ben Roth (left)" in lines[1], lines[-1]) == (True, "1 not on the roster: manual")
    assert json.loads(at_home("suppress", "list", "--json").out)["others"] == {"manual": 1}
    assert "stranger" not in at_home("suppress", "list", "--json").out


@pytest.mark.parametrize("reason", ["unsubscribed", "complaint"])
def test_what_the_person_said_is_lifted_at_their_word_only(at_home: Door, database_url: str, reason: str) -> None:
    suppress(database_url, "ana@example.com", SuppressionReason(reason), SuppressionReason.HARD_BOUNCE)
    said = at_home("suppress", "lift", "ana@example.com")
    assert (said.code, "--at-their-word" in said.err, f"{reason} is for the person" in said.err) == (1, True, True)
    assert len(json.loads(at_home("suppress", "list", "--json").out)["people"]) == 2
    assert (
        at_home("suppress", "lift", "ana@example.com", "--reason", "hard_bounce").out
        == f"ana@example.com still gets no mail: {reason}; lifted: hard_bounce.\n"
    )
    assert at_home("suppress", "lift", "ana@example.com", "--at-their-word").code == 0
    audits, consents = rows(database_url)
    assert audits == [("suppression.lift", "employee:1", "hard_bounce"), ("suppression.lift", "employee:1", f"{reason}: at their word")]
    assert consents == [("receive", True, "at their word")]


def test_nobody_brings_back_who_asked_to_be_forgotten(at_home: Door, database_url: str) -> None:
    at_home("roster", "erase", "ana@example.com", "--yes")
    for words in ((), ("--at-their-word",)):
        said = at_home("suppress", "lift", "ana@example.com", *words)
        assert (said.code, "asked to be forgotten" in said.err) == (1, True)
    assert at_home("suppress", "lift", "ana@example.com", "--reason", "erased").code == 2
    engine = open_database(database_url)
    with read(engine) as connection:
        assert by_address(connection, "ana@example.com") is None
        assert suppressions.held(connection, "ana@example.com", NOW) == [SuppressionReason.ERASED]
    assert len(roster.listed(engine)) == 1
    engine.dispose()


def test_lifting_one_reason_says_whether_mail_goes_there_now(at_home: Door, database_url: str) -> None:
    suppress(database_url, "ana@example.com", SuppressionReason.MANUAL, SuppressionReason.SOFT_BOUNCE)
    said = at_home("suppress", "lift", "ana@example.com", "--reason", "hard_bounce")
    assert said.err.splitlines()[0] == "ana@example.com: nothing was lifted: it is suppressed, but as manual and soft_bounce"
    assert (
        at_home("suppress", "lift", "ana@example.com", "--reason", "manual").out
        == "ana@example.com still gets no mail: soft_bounce; lifted: manual.\n"
    )
    assert (
        at_home("suppress", "lift", "ana@example.com", "--reason", "soft_bounce").out == "ana@example.com may get mail again; lifted: soft_bounce.\n"
    )


@pytest.mark.parametrize("days", ["x", "0", "-1", "1.5", "36501", "٣", ""])
def test_a_number_of_days_is_one(at_home: Door, days: str) -> None:
    said = at_home("suppress", "add", "ana@example.com", "--days", days)
    assert (said.code, f"found {days!r}, allowed a whole number of days, 1 to 36,500" in said.err) == (2, True)


@pytest.mark.parametrize("words", [("suppress", "add"), ("suppress", "lift"), ("mail", "test")])
@pytest.mark.parametrize("address", ["nobody", "", "@x", "a@", "a b@c.example", "Ana <a@b.example>", "a@b,c@d"])
def test_what_is_no_address_is_refused(door: Door, words: tuple[str, ...], address: str) -> None:
    said = door(*words, address)
    assert (said.code, f"found {address!r}, allowed an address such as ana@example.com" in said.err) == (2, True)
    assert said.err.startswith(f"Usage: digest {' '.join(words)} [OPTIONS] ADDRESS")
