"""An answer to a notice goes where the notice was from: to a colleague, to those who decide, beside an entry; never into print by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from digest.config import Config
from digest.db import capabilities, correspondences, keys, notices, people, suppressions
from digest.db.schema import audit, correspondence, employee, message, notice
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import Source
from digest.domain.correspondence import Correspondence
from digest.domain.notice import Notice, Told
from digest.domain.reference import reference
from digest.pipeline import contribution as giving
from digest.pipeline import contribution_moderation as moderation
from digest.pipeline import ledger_view, personal, replies, roster
from tests.answers import CONFIG, Answers, written
from tests.conftest import NOW

PRIVATE = "Gladly. My private phone is 0151 2345678."
OFFICE = Config.model_validate({**CONFIG.model_dump(by_alias=True), "moderation": {"approvers": ["ben@example.org"]}})


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Answers:
    """Ben wrote to Ana about a post, and Ana's own post is proposed; Ben decides."""
    return Answers(engine=engine, kept=tmp_path / "inbound", config=OFFICE).open()


def thread(desk: Answers, kind: Notice) -> str:
    """The Message-ID of the newest notice of this kind."""
    with read(desk.engine) as connection:
        number = connection.execute(select(notice.c.id).where(notice.c.kind == kind).order_by(notice.c.id.desc())).scalars().first()
        secret = next(iter(keys.signing_keys(connection, "message-id").values()))
    assert number is not None
    return f"{reference(secret, 'notice', number)}@example.com"


def letter(desk: Answers, *, held: timedelta = timedelta(0)) -> str:
    """Ben's letter to Ana, as the page sends it; the Message-ID of its notice. `held`: how long it waited for Ben's yes."""
    with write(desk.engine) as connection:
        made = Correspondence(id=0, post_id="doors", from_id=desk.ben, to_id=desk.office.ana, answers=None, text="Warm?", at=NOW, verdict="human")
        number = correspondences.put(connection, "form", made)
        capabilities.make(connection, desk.office.ana, Purpose.ANSWER, NOW + held, subject=number)
        told = Told(values={"title": "Doors"}, quotes=(("", "Warm?"),), path="answer", purpose=Purpose.ANSWER, subject=number)
        notices.put(connection, desk.office.ana, Notice.LETTER, NOW, about=f"letter:{number}", told=told)
    return thread(desk, Notice.LETTER)


def declined(desk: Answers) -> str:
    """Ana's post, declined; the Message-ID of the notice that says so."""
    with write(desk.engine) as connection:
        ana = people.by_ids(connection, [desk.office.ana])[desk.office.ana]
        rules = giving.rules(OFFICE)
        made = giving.propose_from_mail(connection, ana, "post", "A story of doors.", rules, now=NOW, proven=True, source=Source.MAIL)
    assert made is not None
    by = moderation.Moderator(who="ben@example.org", roles=giving.roles(OFFICE), rules=rules)
    moderation.decline(desk.engine, made.id, by, "It is about another company.", NOW)
    return thread(desk, Notice.NOT_TAKEN)


def letters(desk: Answers) -> list[tuple[int, int, str]]:
    with read(desk.engine) as connection:
        rows = connection.execute(select(correspondence).order_by(correspondence.c.id)).all()
    return [(row.from_id, row.to_id, row.text) for row in rows]


def said(desk: Answers, kind: str) -> list[tuple[int, str]]:
    """To whom, and what it quotes."""
    return [(row.employee_id, "".join(text for _, text in row.facts["quotes"])) for row in desk.rows("notice") if row.kind == kind]


def test_an_answer_to_a_colleagues_letter_goes_to_that_colleague_alone(desk: Answers) -> None:
    taken = desk.take(written(f"{PRIVATE}\n\nAna", answers=letter(desk)))
    assert (dict(taken.replies), dict(taken.kept)) == ({"letter": 1}, {})
    assert desk.rows("question") == desk.rows("contribution") == []
    assert letters(desk)[1:] == [(desk.office.ana, desk.ben, PRIVATE)]
    assert said(desk, "letter")[1:] == [(desk.ben, PRIVATE)]
    assert said(desk, "answer_sent") == [(desk.office.ana, PRIVATE)]
    assert not any("@" in str(row.facts) for row in desk.rows("notice") if row.employee_id == desk.ben)
    assert [(row.state, row.reason) for row in desk.rows("reply")] == [("kept", "letter")]
    assert desk.office.files() == {}


def test_a_letter_that_was_held_is_answered_by_mail_too(desk: Answers) -> None:
    taken = desk.take(written("Yes, warm.", answers=letter(desk, held=timedelta(minutes=20))))
    assert (dict(taken.replies), len(letters(desk))) == ({"letter": 1}, 2)


def test_a_letter_is_answered_once_by_mail_too_and_what_comes_later_goes_back(desk: Answers) -> None:
    answers = letter(desk)
    desk.take(written("Yes, warm.", answers=answers))
    taken = desk.take(written(PRIVATE, answers=answers, identity="<2@x>"))
    assert (dict(taken.replies), len(letters(desk)), desk.rows("question")) == ({"back": 1}, 2, [])
    assert said(desk, "answer_back") == [(desk.office.ana, PRIVATE)]


@pytest.mark.parametrize("words", ["Ana Berg, Sales", "Write to ANA@example.org instead.", "- Ana, Sales -\nExample Ltd"])
def test_nobody_is_named_to_a_colleague_by_what_a_mail_program_adds(desk: Answers, words: str) -> None:
    desk.take(written(f"Yes, warm.\n\n{words}\nTel. 1", answers=letter(desk)))
    assert (len(letters(desk)), desk.rows("question"), len(said(desk, "answer_back"))) == (1, [], 1)
    assert desk.rows("notice")[-1].facts["quotes"][0][0] == "notice_back_name"


def test_an_answer_in_somebodys_name_reaches_nobody_but_them(desk: Answers) -> None:
    """From another address, by somebody else who has the letter, or by mail whose sender is refuted."""
    answers = letter(desk)
    for number, sender in enumerate(["ana.private@mail.example", "ben@example.org"]):
        desk.take(written(PRIVATE, sender=sender, answers=answers, identity=f"<{number}@x>"))
    assert (len(letters(desk)), desk.rows("question"), desk.office.files()) == (1, [], {})
    assert said(desk, "answer_back") == [(desk.office.ana, PRIVATE), (desk.ben, PRIVATE)]


def test_the_limits_of_letters_hold_by_mail(desk: Answers) -> None:
    desk.config = Config.model_validate({**OFFICE.model_dump(by_alias=True), "colleagues": {"letters": 0}})
    desk.take(written(PRIVATE, answers=letter(desk)))
    assert (len(letters(desk)), desk.rows("question"), said(desk, "answer_back")) == (1, [], [(desk.office.ana, PRIVATE)])


def test_an_answer_about_a_post_is_a_note_for_those_who_decide(desk: Answers) -> None:
    taken = desk.take(written("It is about us: we built that door.", answers=declined(desk)))
    assert (dict(taken.replies), desk.rows("question")) == ({"note": 1}, [])
    assert said(desk, "note") == [(desk.ben, "It is about us: we built that door.")]
    assert said(desk, "noted") == [(desk.office.ana, "It is about us: we built that door.")]
    shown = moderation.show(desk.engine, 1, giving.rules(OFFICE), NOW)
    assert [row["detail"] for row in shown.history][-1] == "It is about us: we built that door."
    assert "example.org" not in str([row.facts for row in desk.rows("notice") if row.kind == "note"])


def test_a_note_is_kept_where_nobody_is_named_who_decides(desk: Answers) -> None:
    answers = declined(desk)
    desk.config = CONFIG
    desk.take(written("We built it.", answers=answers))
    assert moderation.show(desk.engine, 1, giving.rules(OFFICE), NOW).history[-1]["detail"] == "We built it."


def test_an_answer_about_an_entry_stands_beside_it_and_is_no_entry(desk: Answers) -> None:
    desk.take(written("Why is Lyon closed?", answers=desk.letter))
    taken = desk.take(written("I mean the old office.", answers=thread(desk, Notice.ENTERED), identity="<2@x>"))
    assert (dict(taken.replies), [row.text for row in desk.rows("question")]) == ({"note": 1}, ["Why is Lyon closed?"])
    shown = ledger_view.shown(desk.engine, 1, now=NOW)
    assert "I mean the old office." in shown.sentence()
    assert shown.as_data()["notes"] == [{"at": NOW + timedelta(hours=1), "text": "I mean the old office."}]
    assert "1 note" in shown.line()
    assert said(desk, "noted") == [(desk.office.ana, "I mean the old office.")]


@pytest.mark.parametrize("kind", [Notice.WROTE, Notice.WITHDRAWN, Notice.PASSED, Notice.ANSWER_SENT, Notice.ANSWER_BACK, Notice.KEPT_DRAFT])
def test_what_is_for_nobody_here_goes_back_whole(desk: Answers, kind: Notice) -> None:
    with write(desk.engine) as connection:
        notices.put(connection, desk.office.ana, kind, NOW, about="letter:1")
    desk.take(written(PRIVATE, answers=thread(desk, kind)))
    assert (desk.rows("question"), desk.rows("contribution")) == ([], [])
    assert said(desk, "answer_back")[-1] == (desk.office.ana, PRIVATE)


def test_an_answer_to_any_other_notice_is_mail_to_the_digest(desk: Answers) -> None:
    with write(desk.engine) as connection:
        notices.put(connection, desk.office.ana, Notice.CHOSE, NOW, about="measure:off")
    desk.take(written("Why?", answers=thread(desk, Notice.CHOSE)))
    assert [row.kind for row in desk.rows("question")] == ["question"]


@pytest.mark.parametrize("sender", ["ana@example.org", "ana.private@mail.example"])
@pytest.mark.parametrize("words", ["Unsubscribe me please", "Bitte abmelden!", "Je ne veux plus recevoir ces lettres.", "配信を停止してください。"])
def test_who_wants_no_more_letters_is_mailed_how_and_nothing_else_happens(desk: Answers, words: str, sender: str) -> None:
    taken = desk.take(written(words, answers=desk.letter, sender=sender))
    assert (dict(taken.replies), desk.rows("question"), desk.rows("contribution")) == ({"stop": 1}, [], [])
    assert desk.told() == [(desk.office.ana, "stop_how")]
    with read(desk.engine) as connection:
        assert suppressions.held(connection, "ana@example.org", NOW) == []
        assert connection.execute(select(employee.c.left_at).where(employee.c.id == desk.office.ana)).scalar_one() is None


def test_a_person_sees_their_notes_and_takes_them_along(desk: Answers) -> None:
    desk.take(written("Why is Lyon closed?", answers=desk.letter))
    desk.take(written("Ask 0151 2345678.", answers=thread(desk, Notice.ENTERED), identity="<2@x>"))
    desk.take(written("Or call 0151 2345679.", answers=declined(desk), identity="<3@x>"))
    with write(desk.engine) as connection:
        connection.execute(delete(message))  # of an edition without words
    with read(desk.engine) as connection:
        found = personal.of_person(connection, "https://x.example", desk.office.ana)["notes"]
        assert [one["text"] for one in found] == ["Or call 0151 2345679.", "Ask 0151 2345678."]
        assert replies.settings(OFFICE).limits.letters == 5
    roster.erase(desk.engine, "ana@example.org", now=NOW, random=lambda: "x" * 16)
    with read(desk.engine) as connection:
        assert not [row for row in connection.execute(select(audit.c.detail)).scalars() if "0151" in row]
    assert not [row for row in desk.rows("notice") if "0151" in str(row.facts)]
