"""You asked, we answered: an owner, an answer in words, no two editors over each other, and what an edition prints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from digest.config import Config
from digest.db import consents, editions, questions
from digest.db.schema import audit, notice
from digest.db.schema import edition as edition_table
from digest.db.session import read, write
from digest.domain.question import Question, QuestionKind, QuestionState
from digest.errors import DigestError, NotFoundError
from digest.pipeline import edition, entries, ledger
from digest.pipeline.entries import LedgerError
from digest.pipeline.ledger import Hand
from tests.conftest import NOW
from tests.factories import QUEUE, company, person

HAND = Hand(who="mara", now=NOW)
EARLY = NOW - timedelta(days=3)


@pytest.fixture
def config(engine: Engine, tmp_path: Path) -> Config:
    people = [person("ana@example.org", named=True), person("ben@example.org")]
    made = company(engine, tmp_path, people, schedule={"approval": "required"})
    with write(engine) as connection:
        consents.record(connection, 2, "quote", value=True, wording="1", now=EARLY)
    return made


def ask(engine: Engine, text: str = "Why is Lyon closed?", *, days: int = 2, employee: int | None = 2, confirmed: bool = True) -> int:
    moment = NOW - timedelta(days=days)
    with write(engine) as connection:
        return questions.put(
            connection, key=text, employee=employee, kind=QuestionKind.QUESTION, text=text, language="en", now=moment, confirmed=confirmed
        )


def do(engine: Engine, deed: Callable[..., Question], *words: object, **more: object) -> Question:
    with write(engine) as connection:
        return deed(connection, *words, **{"hand": HAND, **more})


def told(engine: Engine) -> list[tuple[int, str]]:
    with read(engine) as connection:
        return [(row.employee_id, row.kind) for row in connection.execute(select(notice).order_by(notice.c.id))]


def test_the_asker_is_told_of_the_owner_and_of_the_answer_and_is_named_nowhere(engine: Engine, config: Config) -> None:
    number = ask(engine)
    do(engine, ledger.assign, number, "Jonas Weber, quality")
    one = do(engine, ledger.answer, number, "Because nobody went there.")
    assert (one.state, one.owner, one.answer, one.answered_at) == ("answered", "Jonas Weber, quality", "Because nobody went there.", NOW)
    assert told(engine) == [(2, "owned"), (2, "answered")]
    with read(engine) as connection:
        rows = connection.execute(select(audit).where(audit.c.subject == f"question:{number}")).all()
        assert [(row.who, row.what) for row in rows] == [("mara", "ledger.assign"), ("mara", "ledger.answer")]
        assert "ben" not in str(rows).lower()
        facts = str([row.facts for row in connection.execute(select(notice))])
    assert "ben" not in facts.lower()
    del config


def test_nothing_is_closed_without_words(engine: Engine, config: Config) -> None:
    number = ask(engine)
    do(engine, ledger.assign, number, "Jonas")
    for text, alone in (("", False), (" \n", False), ("", True), ("\u202e", True)):
        with pytest.raises(LedgerError, match=rf"ledger entry {number}: .*nothing is closed without words"):
            do(engine, ledger.answer, number, text, alone=alone)
    with read(engine) as connection:
        found = questions.get(connection, number)
    assert found is not None
    assert (found.state, found.answer) == ("open", "")
    del config


def test_nothing_is_answered_without_an_owner(engine: Engine, config: Config) -> None:
    number = ask(engine)
    with pytest.raises(LedgerError, match="nobody is named who answers"):
        do(engine, ledger.answer, number, "Because.")
    assert do(engine, ledger.answer, number, "Because.", owner="Jonas").owner == "Jonas"
    del config


def test_an_owner_on_the_roster_is_printed_only_with_their_leave(engine: Engine, config: Config) -> None:
    number = ask(engine)
    assert do(engine, ledger.assign, number, "ana@example.org").owner == "Ana"
    with pytest.raises(LedgerError, match=r"ben@example\.org has not agreed to be named"):
        do(engine, ledger.assign, number, "ben@example.org")
    with pytest.raises(NotFoundError):
        do(engine, ledger.assign, number, "nobody@example.org")
    with pytest.raises(LedgerError, match="allowed 1 to"):
        do(engine, ledger.assign, number, "  ")
    del config


def test_of_two_editors_the_second_is_told_and_nothing_is_overwritten(engine: Engine, config: Config) -> None:
    number = ask(engine)
    one = do(engine, ledger.assign, number, "Jonas")
    do(engine, ledger.answer, number, "Because.", hand=Hand(who="mara", now=NOW, version=one.version))
    with pytest.raises(LedgerError, match="somebody changed it meanwhile"):
        do(engine, ledger.answer, number, "No idea.", hand=Hand(who="otto", now=NOW, version=one.version))
    with pytest.raises(LedgerError, match="it has an answer already"):
        do(engine, ledger.answer, number, "No idea.")
    assert do(engine, ledger.answer, number, "Because of the rent.", hand=Hand(who="otto", now=NOW, version=one.version + 1)).answer.endswith("rent.")
    with read(engine) as connection:
        stale = questions.get(connection, number)
    assert stale is not None
    do(engine, ledger.hard, number)
    with write(engine) as connection, pytest.raises(LedgerError):
        entries.change(connection, stale, {"answer": "x"}, "ledger.answer", "", who="mara", now=NOW)
    del config


def test_what_is_answered_alone_is_printed_nowhere(engine: Engine, config: Config) -> None:
    number = ask(engine)
    one = do(engine, ledger.answer, number, "For you only.", owner="Jonas", alone=True)
    assert (one.state, told(engine)[-1]) == ("closed", (2, "answered_you"))
    assert [entry for entry in planned(engine, config) if entry[0] == one.text] == []


def planned(engine: Engine, config: Config, period: str = "2026-W49", *, now: object = NOW) -> list[tuple[str, str, str, int]]:
    made = edition.plan(engine, config, now=now, period=period)  # type: ignore[arg-type]  # a moment
    with read(engine) as connection:
        return [(one.question, one.owner, one.answer, one.days) for one in editions.content(connection, made.edition.id).answers]


def test_whoever_does_not_allow_to_be_quoted_is_printed_in_the_editors_words_or_in_none(engine: Engine, config: Config) -> None:
    """The switch starts off; an answer may be printed without the words it answers."""
    number = ask(engine, employee=1)
    do(engine, ledger.answer, number, "Because nobody went there.", owner="Jonas")
    with read(engine) as connection:
        said = f"ledger entry {number}: its asker does not allow to be quoted, so the answer stands beside no question"
        assert ledger.unquoted(connection) == [said]
    assert planned(engine, config) == [("", "Jonas", "Because nobody went there.", 2)]
    do(engine, ledger.reword, number, "Was wurde aus Lyon?", language="de")
    assert [question for question, *_ in planned(engine, config)] == ["Was wurde aus Lyon?"]
    with read(engine) as connection:
        assert ledger.unquoted(connection) == []
        assert (entries.find(connection, number).text, entries.find(connection, number).language) == ("Why is Lyon closed?", "de")
    edition.approve(engine, config, now=NOW, who="mara", period="2026-W49")
    with pytest.raises(LedgerError, match="prints it"):
        do(engine, ledger.reword, number, "Something else.")


def test_an_answer_that_waits_is_named_without_the_words_of_who_is_not_quoted(engine: Engine, config: Config) -> None:
    number = ask(engine, days=40, employee=1)
    do(engine, ledger.assign, number, "Jonas")
    assert [said[:3] for said in planned(engine, config)] == [("", "Jonas", "")]


def test_what_an_editor_entered_is_in_the_editors_words(engine: Engine, config: Config) -> None:
    one = do(engine, ledger.add, "Who pays for lunch?", QuestionKind.QUESTION, "en", key="command:1", asker="ana@example.org")
    do(engine, ledger.answer, one.id, "We do.", owner="Jonas")
    assert [question for question, *_ in planned(engine, config)] == ["Who pays for lunch?"]


def test_an_edition_shows_new_answers_once_however_often_it_is_planned(engine: Engine, config: Config) -> None:
    number = ask(engine)
    do(engine, ledger.answer, number, "Because.", owner="Jonas")
    shown = [("Why is Lyon closed?", "Jonas", "Because.", 2)]
    assert planned(engine, config) == planned(engine, config) == shown
    with read(engine) as connection:
        assert questions.get(connection, number).printed_in is None  # type: ignore[union-attr]  # it is there
    edition.approve(engine, config, now=NOW, who="mara")
    with read(engine) as connection:
        assert questions.get(connection, number).printed_in == 1  # type: ignore[union-attr]  # it is there
    assert planned(engine, config) == shown  # planned again it is still this edition's
    edition.approve(engine, config, now=NOW, who="mara")
    assert planned(engine, config, "2026-W50") == []
    with pytest.raises(LedgerError, match="2026-W49 prints its answer"):
        do(engine, ledger.answer, number, "Another.", hand=Hand(who="mara", now=NOW, version=3))


def test_an_edition_that_never_happened_has_printed_nothing(engine: Engine, config: Config) -> None:
    do(engine, ledger.answer, ask(engine), "Because.", owner="Jonas")
    planned(engine, config)
    edition.approve(engine, config, now=NOW, who="mara")
    with write(engine) as connection:
        connection.execute(update(edition_table).values(state="cancelled"))
    assert [entry[0] for entry in planned(engine, config, "2026-W50")] == ["Why is Lyon closed?"]


def test_it_names_what_waits_with_its_owner_and_the_queue_comes_first(engine: Engine, config: Config) -> None:
    config.queue_path.write_text(
        QUEUE + '[[answer]]\nquestion = "From the queue?"\nasked = 2026-11-20\nowner = "Mara"\nanswer = "Yes."\nanswered = 2026-11-30\n',
        encoding="utf-8",
    )
    day = 7  # the edition's, a week from now
    late, young = ask(engine, "Late?", days=29 - day), ask(engine, "Young?", days=28 - day)
    unowned = ask(engine, "Nobody's?", days=60)
    for number in (late, young):
        do(engine, ledger.assign, number, "Jonas")
    assert planned(engine, config) == [("From the queue?", "Mara", "Yes.", 10), ("Late?", "Jonas", "", 29)]
    with read(engine) as connection:
        assert ledger.unowned(connection, NOW) == [f"ledger entry {unowned}: open for 60 days, and nobody answers for it"]


def test_one_hard_question_is_answered_by_somebody_who_is_named(engine: Engine, config: Config) -> None:
    first, second = ask(engine, "First?"), ask(engine, "Second?")
    with pytest.raises(LedgerError, match="a hard question is answered by a named leader"):
        do(engine, ledger.hard, first)
    for number in (first, second):
        do(engine, ledger.hard, number, owner="Irene Holt, CEO")
        do(engine, ledger.answer, number, "A hard answer.")
    with read(engine) as connection:
        assert [(one.id, one.hard) for one in questions.unprinted(connection, 0)] == [(first, False), (second, True)]
    planned(engine, config)
    with read(engine) as connection:
        assert [(one.question, one.hard) for one in editions.content(connection, 1).answers] == [("Second?", True), ("First?", False)]


def test_what_nobody_confirmed_is_answered_by_nobody(engine: Engine, config: Config) -> None:
    number = ask(engine, confirmed=False)
    for deed, words in ((ledger.assign, ["Jonas"]), (ledger.answer, ["Because."])):
        with pytest.raises(LedgerError):
            do(engine, deed, number, *words)
    with write(engine) as connection:
        one = entries.find(connection, number)
        assert entries.confirm(connection, one, NOW, how="form").state is QuestionState.OPEN
        with pytest.raises(DigestError):
            entries.confirm(connection, one, NOW, how="form")  # that version is over
    assert do(engine, ledger.answer, number, "Because.", owner="Jonas").state is QuestionState.ANSWERED
    del config


def test_a_question_from_the_corridor_is_entered_by_hand(engine: Engine, config: Config) -> None:
    with write(engine) as connection:
        one = ledger.add(connection, "Why?", QuestionKind.OBJECTION, "en", hand=HAND, key="command:1", asker="Ben@example.org", asked=EARLY)
        assert (one.employee, one.asked_at, one.kind) == (2, EARLY, "objection")
        with pytest.raises(NotFoundError):
            ledger.add(connection, "Why?", QuestionKind.QUESTION, "en", hand=HAND, key="command:2", asker="eve@x.example")
        assert ledger.add(connection, "Who?", QuestionKind.QUESTION, "en", hand=HAND, key="command:3").employee is None
    assert told(engine) == [(2, "entered")]
    del config
