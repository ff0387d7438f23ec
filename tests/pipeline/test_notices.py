"""Notices: once or not at all, never against anybody's word, and whole on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import html5lib
import pytest
from sqlalchemy import Engine, select, update

from digest.config import Config
from digest.db import notices, suppressions
from digest.db.schema import employee, notice
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.domain.notice import Notice, Told
from digest.domain.suppression import SuppressionReason
from digest.pipeline import notices as stage
from tests.conftest import NOW
from tests.factories import company, person
from tests.sink import Fault, Sink

HOUR = timedelta(hours=1)
Started = Callable[..., tuple[Config, Sink]]


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Iterator[Started]:
    """A company with a mail server that fails as told; Ana has left."""
    opened: list[Sink] = []

    def begin(*faults: Fault, people: list[dict[str, Any]] | None = None, **tables: Any) -> tuple[Config, Sink]:
        sink = Sink(file=tmp_path / "mail.jsonl", faults=list(faults))
        opened.append(sink.__enter__())
        smtp = {"port": sink.port, **tables.pop("smtp", {})}
        config = company(engine, tmp_path, people or [person("ana@example.org")], smtp=smtp, **tables)
        with write(engine) as connection:
            suppressions.leave(connection, 1, NOW, how="form; human")
        return config, sink

    yield begin
    for sink in opened:
        sink.stop()


def send(engine: Engine, config: Config, after: timedelta = timedelta(0)) -> int:
    return stage.send_due(engine, config, clock=lambda: NOW + after)


def states(engine: Engine) -> list[tuple[str, int]]:
    with read(engine) as connection:
        return [(row.state, row.attempts) for row in connection.execute(select(notice).order_by(notice.c.id))]


def test_it_goes_out_once_however_many_ticks_there_are(engine: Engine, start: Started) -> None:
    config, sink = start()
    ticks = [Thread(target=send, args=(engine, config)) for _ in range(4)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert send(engine, config) == 0
    assert [mail["to"] for mail in sink.mails()] == ["ana@example.org"]
    assert states(engine) == [("sent", 1)]


def test_what_nobody_can_know_is_in_doubt_and_not_sent_again(engine: Engine, start: Started) -> None:
    config, sink = start(Fault(at="dot", do="close", times=1))
    send(engine, config)
    assert states(engine) == [("in_doubt", 1)]
    assert send(engine, config, HOUR) == 0
    assert len(sink.mails()) == 1


def test_a_run_that_died_with_it_leaves_it_in_doubt(engine: Engine, start: Started) -> None:
    config, sink = start()
    with write(engine) as connection:
        assert notices.claim(connection, 1, NOW)
    assert send(engine, config, HOUR / 2) == 0
    assert states(engine) == [("sending", 1)]
    assert send(engine, config, 2 * HOUR) == 0
    assert (states(engine), sink.mails()) == ([("in_doubt", 1)], [])


def test_a_server_that_says_later_is_asked_again_with_the_same_message_id(engine: Engine, start: Started) -> None:
    config, sink = start(Fault(at="rcpt", do="451 4.3.0 later", times=1), Fault(at="dot", do="450 4.2.0 later", times=1, keep=True))
    for hours in range(4):
        send(engine, config, hours * HOUR)
    assert states(engine) == [("sent", 3)]
    assert len({mail["h:message-id"] for mail in sink.mails()}) == 1


def test_a_relay_that_is_away_costs_nothing_and_after_two_days_nobody_needs_the_news(engine: Engine, start: Started) -> None:
    config, sink = start()
    sink.stop()
    send(engine, config)
    assert states(engine) == [("queued", 0)]
    send(engine, config, 49 * HOUR)
    assert states(engine) == [("cancelled", 0)]


def test_a_refusal_is_the_end_of_it(engine: Engine, start: Started) -> None:
    config, _ = start(Fault(at="rcpt", do="550 5.1.1 nobody here"))
    send(engine, config)
    send(engine, config, HOUR)
    assert states(engine) == [("failed", 1)]
    with read(engine) as connection:
        assert "nobody here" in connection.execute(select(notice.c.text)).scalar_one()


@pytest.mark.parametrize("why", ["back", "complaint", "left", "trial", "gone"])
def test_it_is_never_sent_against_anybody_s_word(engine: Engine, start: Started, why: str) -> None:
    config, sink = start(**({"delivery": {"only": ("example.net",)}} if why == "trial" else {}))
    with write(engine) as connection:
        if why == "back":
            suppressions.come_back(connection, 1, NOW, how="form; human")
        elif why == "complaint":
            suppressions.suppress(connection, "ana@example.org", SuppressionReason.COMPLAINT, NOW)
        elif why == "left":
            connection.execute(update(employee).values(left_at=NOW))
        elif why == "gone":
            connection.execute(employee.delete())
    assert send(engine, config) == len(sink.mails()) == (why == "back"), "who came back is told that, and not that they left"
    assert states(engine) == {"gone": [], "back": [("cancelled", 0), ("sent", 1)]}.get(why, [("cancelled", 0)])


def test_pressing_back_and_forth_makes_no_flood(engine: Engine, start: Started) -> None:
    config, sink = start()
    with write(engine) as connection:
        for minutes in range(1, 20):
            switch = suppressions.come_back if minutes % 2 else suppressions.leave
            switch(connection, 1, NOW + timedelta(minutes=minutes), how="form; human")
        suppressions.leave(connection, 1, NOW + HOUR, how="form; human")
    send(engine, config, 2 * HOUR)
    assert len(sink.mails()) == 1
    assert states(engine) == [("sent", 1), ("cancelled", 0)]


def test_the_relay_s_limits_hold_for_notices_too(engine: Engine, start: Started) -> None:
    people = [person(f"p{n}@example.org") for n in range(5)]
    config, sink = start(people=people, smtp={"per_day": 2})
    with write(engine) as connection:
        for number in range(1, 6):
            notices.put(connection, number, Notice.LEFT, NOW)
            suppressions.suppress(connection, f"p{number - 1}@example.org", SuppressionReason.UNSUBSCRIBED, NOW)
    send(engine, config)
    assert len(sink.mails()) <= 2
    assert sorted(state for state, _ in states(engine))[:3] == ["queued"] * 3


EVERY_PLACE = ("title", "number", "reason", "until", "question", "owner", "who", "what")  # of the words of any kind


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt-br", "ja", "ar", "xx"])
@pytest.mark.parametrize("kind", list(Notice))
def test_it_is_whole_on_the_wire_in_every_language(engine: Engine, tmp_path: Path, kind: Notice, language: str) -> None:
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    name = 'Ana "Quality" Müller, 山田\r\nBcc: x@example.org'
    site = {"name": ".The <Weekly> & Letter", "company": "Example", "url": "https://letter.example.com", "address": ".1 Road"}
    config = company(engine, tmp_path, [person("bo@example.org", name=name, language=language)], smtp={"port": mailbox.port}, site=site)
    with write(engine) as connection:
        notices.put(connection, 1, kind, NOW, told=Told(values=dict.fromkeys(EVERY_PLACE, "<Weekly>"), quotes=(("", "<Weekly>\n.said"),)))
        if kind is Notice.LEFT:
            suppressions.suppress(connection, "bo@example.org", SuppressionReason.UNSUBSCRIBED, NOW)
    assert send(engine, config) == 1
    mailbox.stop()
    [letter] = mailbox.letters()
    parsed = letter.parsed
    assert not [defect for part in parsed.walk() for defect in part.defects]
    assert parsed["To"].addresses[0].addr_spec == "bo@example.org"
    assert parsed["Bcc"] is None
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998
    assert b"\n" not in letter.raw.replace(b"\r\n", b"")
    html, text = letter.part("html"), letter.part("plain")
    html5lib.HTMLParser(strict=True).parse(html)
    assert ("https://letter.example.com/u/" in text) == ("https://letter.example.com/u/" in html) == (kind in {Notice.LEFT, Notice.STOP_HOW})
    assert f'lang="{"en" if language == "xx" else language}"' in html
    assert "<Weekly>" not in html
    assert ".1 Road" in text
