"""What was taken back after the plan goes out in no letter that is still to come; the plan stays approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from digest.config import Config
from digest.db import consents, editions, questions, redactions
from digest.db.schema import edition as edition_table
from digest.db.schema import message, post
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.domain.frozen import fingerprint
from digest.domain.message import Pick
from digest.domain.question import QuestionKind
from digest.pipeline import edition, entries, ledger, recalling, redacting, roster, week, why
from digest.pipeline.ledger import Hand
from tests.conftest import NOW
from tests.factories import company, person

MONDAY = NOW - timedelta(days=1, hours=-9)
SOON = NOW + timedelta(minutes=1)
POSTS = "".join(
    f'[[post]]\nid = "{name}"\ntitle = "{name.title()} were counted"\nwhy = "They rot."\nurl = "https://example.com/{name}"\nby = "ana@example.org"\n'
    for name in ("apples", "berries", "cherries")
)
PEOPLE = [
    person("ana@example.org", name="Ana Silva", named=True),
    person("ben@example.org", language="de"),
    person("cleo@example.org", zone="America/New_York"),
]


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    found = Mailbox(tmp_path / "mail")
    found.start()
    yield found
    found.stop()


def drafted(engine: Engine, home: Path, mailbox: Mailbox, queue: str = POSTS) -> Config:
    config = company(engine, home, PEOPLE, queue=queue, smtp={"port": mailbox.port}, mix={"posts": 2, "at_least": 1})
    edition.plan(engine, config, now=MONDAY)
    return config


def planned(engine: Engine, home: Path, mailbox: Mailbox, queue: str = POSTS) -> Config:
    config = drafted(engine, home, mailbox, queue)
    edition.approve(engine, now=MONDAY, who="test")
    return config


def send(engine: Engine, config: Config, mailbox: Mailbox, now: datetime = SOON) -> dict[str, str]:
    """Address -> the text of the letter, of those that came now."""
    before = len(mailbox.letters())
    week.send_due(engine, config, clock=lambda: now)
    return {letter.recipient: letter.part("plain") for letter in mailbox.letters()[before:]}


def picks(engine: Engine) -> dict[int, list[int]]:
    with read(engine) as connection:
        return {row.employee_id: [n for n, _ in row.picks] for row in connection.execute(select(message).order_by(message.c.id))}


def number_of(engine: Engine, name: str) -> int:
    with read(engine) as connection:
        return next(one.n for one in editions.content(connection, 1).posts if one.id == name)


def test_a_fresh_plan_needs_nothing(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    assert redacting.follow(engine, config) == []
    with read(engine) as connection:
        made_of = redactions.compiled_of(connection, 1)
        assert made_of == dict.fromkeys(("de", "en"), fingerprint(editions.content(connection, 1)))


def test_a_name_that_is_withdrawn_after_approval_stands_in_no_letter_to_come(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    with write(engine) as connection:
        editions.hide_author(connection, 1)
    letters = send(engine, config, mailbox)
    assert sorted(letters) == ["ana@example.org", "ben@example.org"]
    assert not any("Silva" in text for text in letters.values())
    assert "a colleague" in letters["ana@example.org"].lower()
    with read(engine) as connection:
        assert connection.execute(select(edition_table.c.approved_by)).scalar_one() == "test"
    assert redacting.follow(engine, config) == []


def test_a_wave_that_went_out_keeps_the_name_and_the_next_has_it_no_more(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    assert all("Silva" in text for text in send(engine, config, mailbox).values())
    roster.erase(engine, "ana@example.org", now=SOON, random=lambda: "draw")
    [(recipient, text)] = send(engine, config, mailbox, NOW + timedelta(hours=6)).items()
    assert recipient == "cleo@example.org"
    assert "Silva" not in text


def test_a_post_that_is_taken_back_gives_way_to_a_spare(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    before = picks(engine)
    shown = next(name for name in ("apples", "berries", "cherries") if all(number_of(engine, name) in chosen for chosen in before.values()))
    recalling.recall(engine, shown, why="The author took it back.", who="mara", now=MONDAY)
    letters = send(engine, config, mailbox)
    assert len(letters) == 2
    for text in letters.values():
        assert f"https://example.com/{shown}" not in text
        assert f"{shown.title()} were counted" not in text
        assert text.count("were counted") == 2
    told = why.why(engine, "ben@example.org", now=SOON, config=config)
    assert [one["because"] for one in told["left_out"] if one["post"] == shown] == ["was taken back, or its links are paused"]
    assert all(one["post"] != shown for one in (*told["picks"], *told["spares"]))
    recalling.restore(engine, shown, who="mara", now=SOON)
    later = send(engine, config, mailbox, NOW + timedelta(hours=6))
    assert shown not in later["cleo@example.org"], "what gave way stays away, so that nobody gets it twice"


def test_who_would_get_an_empty_letter_gets_none(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox, POSTS.split("[[post]]\n")[1].join(["[[post]]\n", ""]))
    recalling.recall(engine, "apples", why="It was wrong.", who="mara", now=MONDAY)
    assert redacting.follow(engine, config) == ["2026-W48: 3 letters go without what was taken back."]
    assert send(engine, config, mailbox) == {}
    with read(engine) as connection:
        assert {(row.state, row.reason) for row in connection.execute(select(message))} == {("skipped", "nothing_for_you")}


def test_what_a_server_was_offered_once_stays_as_it_was(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    """A second try may only be the same letter again, else somebody has two."""
    config = planned(engine, tmp_path, mailbox)
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.employee_id == 2).values(attempts=1))
    before = picks(engine)
    with write(engine) as connection:
        connection.execute(update(post).values(recalled="Stopped."))
    assert redacting.follow(engine, config) == ["2026-W48: 2 letters go without what was taken back."]
    assert picks(engine) == {1: [], 2: before[2], 3: []}
    assert redacting.follow(engine, config) == []


def test_an_answer_that_its_asker_took_back_is_not_printed_and_not_noted_as_printed(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    with write(engine) as connection:
        for text in ("Why is Lyon closed?", "Who pays for lunch?"):
            put: dict[str, Any] = {
                "key": f"command:{text}",
                "employee": None,
                "kind": QuestionKind.QUESTION,
                "text": text,
                "language": "en",
                "now": MONDAY,
            }
            number = questions.put(connection, **put, confirmed=True)
            ledger.answer(connection, number, "Because.", owner="Jonas", hand=Hand(who="mara", now=MONDAY))
    config = drafted(engine, tmp_path, mailbox)
    with write(engine) as connection:
        entries.recall(connection, entries.find(connection, 1), MONDAY, how="form")
    edition.approve(engine, now=MONDAY, who="test")
    with read(engine) as connection:
        assert [entries.find(connection, number).printed_in for number in (1, 2)] == [None, 1]
    letters = send(engine, config, mailbox)
    assert len(letters) == 2
    assert all("Lyon" not in text and "lunch" in text for text in letters.values())


def test_who_withdraws_being_quoted_is_quoted_in_no_letter_to_come(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = drafted(engine, tmp_path, mailbox)
    with write(engine) as connection:
        consents.record(connection, 3, "quote", value=True, wording="1", now=MONDAY)
        put: dict[str, Any] = {
            "key": "k",
            "employee": 3,
            "kind": QuestionKind.QUESTION,
            "text": "Why is Lyon closed?",
            "language": "en",
            "now": MONDAY,
        }
        ledger.answer(connection, questions.put(connection, **put), "Nobody went.", owner="Jonas", hand=Hand(who="mara", now=MONDAY))
    edition.plan(engine, config, now=MONDAY)
    edition.approve(engine, now=MONDAY, who="test")
    with read(engine) as connection:
        assert [one.question for one in editions.content(connection, 1).answers] == ["Why is Lyon closed?"]
    with write(engine) as connection:
        consents.record(connection, 3, "quote", value=False, wording="1", now=MONDAY)
    letters = send(engine, config, mailbox)
    assert "Nobody went." in letters.pop("cleo@example.org"), "who asked is told by a letter of their own"
    assert sorted(letters) == ["ana@example.org", "ben@example.org"]
    assert not [text for text in letters.values() if "Lyon" in text or "Nobody went." not in text]
    assert "own words, which we do not quote." in letters["ana@example.org"]
    assert "Eigene Worte aus dem Kollegium, die wir nicht zitieren." in letters["ben@example.org"]


def test_letters_of_an_older_version_are_compiled_again_once(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    with write(engine) as connection:
        old = {language: b"digest-body 1\n" + body.partition(b"\n")[2] for language, body in editions.bodies(connection, 1).items()}
        editions.put_bodies(connection, 1, old)
    assert redacting.follow(engine, config) == ["2026-W48: its letters are compiled again, without what was taken back."]
    assert redacting.follow(engine, config) == []


def test_an_edition_that_is_over_is_left_alone(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    config = planned(engine, tmp_path, mailbox)
    with write(engine) as connection:
        connection.execute(update(edition_table).values(state="closed"))
        connection.execute(update(post).values(recalled="Stopped."))
        editions.hide_author(connection, 1)
    before = picks(engine)
    assert redacting.follow(engine, config) == []
    assert picks(engine) == before


def test_numbers_that_begin_alike_are_not_taken_for_each_other(engine: Engine, tmp_path: Path, mailbox: Mailbox) -> None:
    planned(engine, tmp_path, mailbox)
    with write(engine) as connection:
        connection.execute(update(message).values(picks=[[1, ""], [12, ""]], spares=[[21, ""]]))
        assert redactions.carrying(connection, 1, {2}, after=0, most=9) == []
        assert [one.picks for one in redactions.carrying(connection, 1, {21, 2}, after=0, most=1)] == [
            (Pick(n=1, because=""), Pick(n=12, because=""))
        ]
