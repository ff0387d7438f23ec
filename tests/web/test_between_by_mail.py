"""Played through by real email: a letter goes out, its links are pressed, and what follows comes by mail to the right people alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db.schema import audit, metadata, vote
from digest.db.session import read
from digest.demo.mailbox import Letter, Mailbox
from digest.pipeline import edition, personal, week
from digest.web.app import make_app
from digest.web.serving import web_settings
from tests.conftest import NOW
from tests.controlled import forms
from tests.factories import QUEUE, company, person
from tests.linked import OURS, PERSON

SITE = "https://letter.example.com"
MONDAY = NOW - timedelta(days=1, hours=-9)
PEOPLE = ("ana@example.org", "ben@example.org", "cleo@example.org")


class Town:
    """Three people, their mail, and the pages; time passes as people read."""

    def __init__(self, engine: Engine, config: Config, mailbox: Mailbox) -> None:
        self.engine, self.config, self.mailbox = engine, config, mailbox
        self.now = NOW + timedelta(minutes=1)
        self.web = TestClient(make_app(engine, web_settings(config, NOW), lambda: self.now), base_url=SITE, follow_redirects=False)
        self.web.headers = PERSON

    def send(self) -> None:
        week.send_due(self.engine, self.config, clock=lambda: self.now)

    def mail(self, to: str) -> list[Letter]:
        return [letter for letter in self.mailbox.letters() if letter.recipient == to]

    def link(self, to: str, room: str) -> str:
        """The newest link of that kind in somebody's mail."""
        found = re.findall(rf"{SITE}(/{room}/[\w/]+)", self.mail(to)[-1].part("plain"))
        assert found, self.mail(to)[-1].part("plain")
        return str(found[0])

    def press(self, where: str, action: str, **fields: str) -> str:
        """Open a page, read it, and send its form; then mail goes out."""
        form = forms(self.web.get(where).text)[action]
        self.now += timedelta(seconds=8)
        done = self.web.post(where, data=form | fields, headers=OURS)
        assert done.status_code == 200, done.text
        self.send()
        return done.text


@pytest.fixture
def town(engine: Engine, tmp_path: Path) -> Iterator[Town]:
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.start()
    people = [person(address, named=address.startswith("ana")) for address in PEOPLE]
    site = {"url": SITE, "company": "Example", "address": "Example, 1 Road"}
    config = company(engine, tmp_path, people, queue=QUEUE, site=site, smtp={"port": mailbox.port})
    edition.plan(engine, config, now=MONDAY)
    edition.approve(engine, now=MONDAY, who="test")
    made = Town(engine, config, mailbox)
    made.send()
    with made.web:
        yield made
    mailbox.stop()


def test_a_letter_to_the_author_goes_and_comes_back_by_mail(town: Town) -> None:
    town.press(town.link("ben@example.org", "a"), "write", words="Was the door warm?\n.And the wall?")
    [letter] = town.mail("ana@example.org")[1:]
    assert "Was the door warm?" in letter.part("plain")
    assert "Was the door warm?" in letter.part("html")
    assert "ben" not in letter.raw.decode("utf-8", "replace").lower(), "nobody is named and no address is shown"
    [receipt] = town.mail("ben@example.org")[1:]
    assert "Was the door warm?" in receipt.part("plain")
    town.press(town.link("ana@example.org", "answer"), "answer", words="It was, Ben or whoever you are.", named="1")
    answer = town.mail("ben@example.org")[-1]
    assert "It was, Ben or whoever you are." in answer.part("plain")
    assert "Ana" in answer.part("plain").split("whoever you are.")[1]
    assert "ana@" not in answer.raw.decode("utf-8", "replace").lower()
    town.press(town.link("ben@example.org", "answer"), "answer", words="Thank you.")
    assert "Thank you." in town.mail("ana@example.org")[-1].part("plain")


def test_whoever_has_a_forwarded_letter_is_found_out(town: Town) -> None:
    town.press(town.link("ben@example.org", "a"), "write", words="Rude words in somebody's name.")
    town.press(town.link("ben@example.org", "disown"), "disown")
    said = town.mail("ana@example.org")[-1]
    assert "taken back" in said.parsed["Subject"]
    with read(town.engine) as connection:
        assert "letter.disowned" in connection.execute(select(audit.c.what)).scalars().all()


def test_an_internal_post_is_passed_on_with_no_word_in_the_subject(town: Town) -> None:
    town.press(town.link("ben@example.org", "pass"), "pass", to="Cleo@Example.org")
    [passed] = town.mail("cleo@example.org")[1:]
    assert "No office in Lyon" in passed.part("plain")
    assert "Lyon" not in passed.parsed["Subject"]
    assert "ben" not in passed.raw.decode("utf-8", "replace").lower()
    town.press(town.link("ben@example.org", "pass"), "pass", to="nobody@example.org")
    assert len(town.mailbox.letters()) == len(PEOPLE) + 1


def test_not_for_me_is_one_answer_and_stands_in_the_person_s_own_copy_alone(town: Town) -> None:
    town.press(town.link("ben@example.org", "v"), "vote", reason="not_comfortable")
    with read(town.engine) as connection:
        assert connection.execute(select(vote.c.reason)).scalars().all() == ["not_comfortable"]
    found = personal.export(town.engine, town.config, "ben@example.org", who="test", now=town.now)
    assert [one["reason"] for one in found["votes"]] == ["not_comfortable"]
    other = personal.export(town.engine, town.config, "ana@example.org", who="test", now=town.now)
    assert other["votes"] == other["letters"] == []


LOGS = {"click", "day_salt", "short_link"}  # what a press leaves to be judged later


def tables(town: Town) -> dict[str, list[tuple[object, ...]]]:
    """Every table with every row."""
    with read(town.engine) as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr) for table in metadata.sorted_tables}


def test_a_scanner_that_opens_every_link_changes_nothing(town: Town) -> None:
    """It looks like a browser and submits no form; what it pressed is noted to be judged, and nothing else is touched."""
    before, letters = tables(town), len(town.mailbox.letters())
    for address in PEOPLE:
        for where in set(re.findall(rf"{SITE}(/[\w/-]+)", town.mail(address)[0].part("html"))):
            town.web.get(where)
            town.web.head(where)
            town.web.get(where, headers={"user-agent": "scanner"})
    after = tables(town)
    town.send()
    assert len(town.mailbox.letters()) == letters
    assert [name for name in before if before[name] != after[name] and name not in LOGS] == []
