"""What people write back: once each, for whom it surely is, acknowledged to the roster's address, and never an answer to a machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from digest.config import Config
from digest.db.schema import employee, message
from digest.db.session import write
from digest.domain.reply import A_DAY, KEPT_FOR
from digest.pipeline import ledger, personal, privacy, roster
from tests.answers import CONFIG, Answers, written
from tests.conftest import NOW
from tests.reports import away, maildir


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Answers:
    return Answers(engine=engine, kept=tmp_path / "inbound").open()


def test_an_answer_to_a_letter_is_an_entry_and_its_writer_is_told(desk: Answers) -> None:
    taken = desk.take(
        written("Why is Lyon closed?\n\nBest,\nAna\n\nOn Tue, Nov 24, 2026 Mara <digest@example.com> wrote:\n> No office", answers=desk.letter)
    )
    assert (dict(taken.replies), taken.asked, dict(taken.skipped), dict(taken.kept)) == ({"question": 1}, 0, {}, {})
    [entry] = desk.rows("question")
    assert (entry.kind, entry.state, entry.text, entry.employee_id, entry.edition_id) == (
        "question",
        "open",
        "Why is Lyon closed?",
        desk.office.ana,
        1,
    )
    [read] = desk.rows("reply")
    assert (read.state, read.employee_id, read.question_id, read.edition_id) == ("kept", desk.office.ana, entry.id, 1)
    assert desk.told() == [(desk.office.ana, "entered")]
    [notice] = desk.rows("notice")
    assert notice.facts["quotes"] == [["notice_said_question", "Why is Lyon closed?"]]
    assert (notice.facts["path"], notice.facts["purpose"]) == ("entry", "entry")
    assert desk.office.files() == {}


def test_the_same_answer_twice_is_one_entry_and_one_acknowledgement(desk: Answers) -> None:
    raw = written(answers=desk.letter)
    desk.take(raw)
    again = desk.take(b"Received: by another.way\r\nX-Spam: no\r\n" + raw, days=3)
    assert (again.again, dict(again.replies), len(desk.rows("question")), desk.told()) == (1, {}, 1, [(desk.office.ana, "entered")])


def test_read_by_several_at_once_it_is_one_too(desk: Answers) -> None:
    raws = [written(answers=desk.letter), written("post: a short story", answers=desk.letter, identity="<2@mail.example.org>")] * 4
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(desk.take, raws))
    assert sum(one.again for one in taken) == 6
    assert (len(desk.rows("question")), len(desk.rows("contribution")), len(desk.rows("reply"))) == (1, 1, 2)
    assert sorted(kind for _, kind in desk.told()) == ["entered", "promised"]


def test_without_a_message_id_a_second_copy_is_known_by_its_words(desk: Answers) -> None:
    raw = written(answers=desk.letter, identity="")
    assert [desk.take(head + raw).again for head in (b"", b"Received: by a\r\n")] == [0, 1]


def test_an_absence_notice_is_no_contribution_and_gets_no_answer(desk: Answers) -> None:
    raws = [
        away(),
        written(answers=desk.letter, more="Auto-Submitted: auto-replied\r\n"),
        written(answers=desk.letter, more="Precedence: bulk\r\n", identity="<2@x>"),
        written(answers=desk.letter, more="X-Auto-Response-Suppress: All\r\n", identity="<3@x>"),
        written(answers=desk.letter, subject="Abwesenheitsnotiz: Re: The Weekly Letter", identity="<4@x>"),
        written(answers=desk.letter, more="List-Id: <staff.example.org>\r\n", identity="<5@x>"),
        written(answers=desk.letter, more="Return-Path: <>\r\n", identity="<6@x>"),
    ]
    for raw in raws:
        desk.take(raw)
    assert (desk.rows("question"), desk.rows("contribution"), desk.told()) == ([], [], [])
    assert {(row.state, row.reason) for row in desk.rows("reply")} == {("skipped", "maybe_automatic")}


def test_a_stranger_is_skipped_kept_for_a_person_and_never_answered(desk: Answers) -> None:
    raw = written(sender="eve@evil.example")
    taken = desk.take(raw)
    assert (dict(taken.skipped), dict(taken.kept), desk.told(), desk.office.files()) == ({"stranger": 1}, {"replies": 1}, [], {"replies": [raw]})
    [row] = desk.rows("reply")
    assert (row.state, row.reason, row.employee_id) == ("skipped", "stranger", None)


def test_who_joins_later_may_be_read_again_from_the_file(desk: Answers) -> None:
    raw = written(sender="carla@example.org")
    desk.take(raw)
    with write(desk.engine) as connection:
        connection.execute(update(employee).where(employee.c.id == desk.ben).values(address="carla@example.org", mailbox="carla@example.org"))
    assert dict(desk.take(raw).replies) == {"question": 1}
    assert desk.take(raw).again == 1


def test_a_letter_in_somebodys_name_does_nothing_but_ask_that_person(desk: Answers) -> None:
    taken = desk.take(written("Close the lab.", sender="Ben <ben@example.org>"))
    assert (dict(taken.replies), taken.asked) == ({"suggestion": 1}, 1)
    [entry] = desk.rows("question")
    assert (entry.state, entry.employee_id) == ("unconfirmed", desk.ben)
    assert desk.told() == [(desk.ben, "was_you")]
    desk.take(written("https://evil.example/ is worth reading", sender="ben@example.org", identity="<2@x>"))
    assert [(row.state, row.employee_id) for row in desk.rows("contribution")] == [("unconfirmed", desk.ben)]


def test_an_answer_from_another_address_asks_whose_letter_it_was(desk: Answers) -> None:
    taken = desk.take(written(sender="ana.private@mail.example", answers=desk.letter))
    assert (taken.asked, desk.told(), desk.rows("question")[0].state) == (1, [(desk.office.ana, "was_you")], "unconfirmed")


def test_a_colleague_who_was_sent_the_letter_answers_for_themselves(desk: Answers) -> None:
    desk.take(written(sender="ben@example.org", answers=desk.letter))
    assert (desk.told(), desk.rows("question")[0].employee_id) == ([(desk.ben, "was_you")], desk.ben)


def test_a_server_that_is_trusted_spares_the_question(desk: Answers) -> None:
    desk.config = Config.model_validate({"sender": {"from": "digest@example.com"}, "inbound": {"trusted_servers": ["mx.example.com"]}})
    says = "Authentication-Results: mx.example.com; dmarc={} header.from=example.org\r\n"
    forged = "Authentication-Results: mx.evil.example; dmarc=pass header.from=example.org\r\n"
    for number, (sender, answers, more) in enumerate(
        [("ben@example.org", "", says.format("pass")), ("ben@example.org", "", forged), ("ana@example.org", desk.letter, says.format("fail"))]
    ):
        desk.take(written(sender=sender, answers=answers, more=more, to="digest@example.com", identity=f"<{number}@x>"))
    assert [row.state for row in desk.rows("question")] == ["open", "unconfirmed", "unconfirmed"]


def test_mail_that_is_not_for_the_digest_is_left_to_people(desk: Answers) -> None:
    taken = desk.take(written(to="info@example.com"))
    assert (dict(taken.skipped), dict(taken.kept), desk.told()) == ({"not_to_us": 1}, {"replies": 1}, [])


def test_files_are_refused_in_the_acknowledgement(desk: Answers) -> None:
    parts = 'Content-Type: multipart/mixed; boundary="b"\r\n'
    body = '--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\n\r\n%PDF\r\n--b--'
    raw = written(body.format("Why not this?"), answers=desk.letter).replace(b"Content-Type: text/plain; charset=utf-8\r\n", parts.encode(), 1)
    desk.take(raw)
    assert desk.rows("notice")[0].facts["quotes"][1] == ["notice_not_kept", "plan.pdf"]
    bare = written(body.format(""), answers=desk.letter, identity="<2@x>").replace(b"Content-Type: text/plain; charset=utf-8\r\n", parts.encode(), 1)
    taken = desk.take(bare)
    assert (dict(taken.skipped), desk.told()[1:], desk.office.files()) == ({"no_words": 1}, [(desk.office.ana, "no_files")], {"replies": [bare]})


def test_what_is_too_long_is_a_post_with_the_whole_kept(desk: Answers) -> None:
    taken = desk.take(written("It began in spring. " * 3000 + "Why?", answers=desk.letter))
    assert (dict(taken.replies), dict(taken.kept)) == ({"post": 1}, {"replies": 1})
    assert len(desk.rows("contribution")[0].body) <= 20_000


def test_nobody_is_flooded_and_what_is_too_much_waits_for_a_person(desk: Answers) -> None:
    taken = [desk.take(written(f"Remark {n}.", answers=desk.letter, identity=f"<{n}@x>")) for n in range(A_DAY + 3)]
    assert (len(desk.rows("question")), len(desk.told())) == (A_DAY, A_DAY)
    assert [dict(one.skipped) for one in taken[A_DAY:]] == [{"flood": 1}] * 3
    assert len(desk.office.files()["replies"]) == 3
    tomorrow = desk.take(written("Remark 21.", answers=desk.letter, identity=f"<{A_DAY}@x>"), days=1)
    assert dict(tomorrow.replies) == {"suggestion": 1}


def test_who_has_left_is_a_stranger(desk: Answers) -> None:
    with write(desk.engine) as connection:
        connection.execute(update(employee).where(employee.c.id == desk.office.ana).values(left_at=NOW))
    assert dict(desk.take(written(answers=desk.letter)).skipped) == {"stranger": 1}


def test_their_name_below_it_is_not_in_the_ledger(desk: Answers) -> None:
    desk.take(written("Warum?\n\nBen Berg", sender="ben@example.org"))
    assert desk.rows("question")[0].text == "Warum?"


def test_an_answer_proves_that_the_letter_was_sent(desk: Answers) -> None:
    number = desk.office.send(47, state="in_doubt")
    taken = desk.take(written(answers=f"{desk.office.reference(number)}@example.com"))
    assert (taken.settled, desk.office.state(number)[0]) == (1, "sent")


def test_a_maildir_is_read_as_a_pipe_is(desk: Answers, tmp_path: Path) -> None:
    import io

    from digest.pipeline import replies
    from digest.pipeline.inbound import collect

    folder = maildir(
        tmp_path / "mail", [written(answers=desk.letter), written(answers=desk.letter), written(sender="eve@x.example", identity="<9@x>")]
    )
    taken = collect(desk.engine, str(folder), kept=desk.kept, clock=lambda: NOW, stdin=io.BytesIO(), settings=replies.settings(CONFIG))
    assert (taken.read, dict(taken.replies), taken.again, dict(taken.skipped)) == (3, {"question": 1}, 1, {"stranger": 1})
    assert not list((folder / "new").iterdir())


def test_a_person_sees_all_of_it_and_forgetting_them_leaves_answers_that_are_nobodys(desk: Answers) -> None:
    for n, words in enumerate(["Why Lyon?", "And why Rome?"]):
        desk.take(written(words, answers=desk.letter, identity=f"<{n}@x>"))
    with write(desk.engine) as connection:
        ledger.answer(connection, 1, "Because.", hand=ledger.Hand(who="mara", now=NOW), owner="Jonas")
        connection.execute(delete(message))  # of an edition without words
    found = personal.export(desk.engine, desk.config, "ana@example.org", who="op", now=NOW)
    assert [(one["text"], one["answer"]) for one in found["questions"]] == [("Why Lyon?", "Because."), ("And why Rome?", "")]
    assert [one["state"] for one in found["replies"]] == ["kept", "kept"]
    roster.erase(desk.engine, "ana@example.org", now=NOW, random=lambda: "x" * 16)
    assert [(row.text, row.employee_id) for row in desk.rows("question")] == [("Why Lyon?", None)]
    assert {row.employee_id for row in desk.rows("reply")} == {None}
    again = desk.take(written("Why Lyon?", answers=desk.letter, identity="<0@x>"))
    assert (again.again, len(desk.rows("question"))) == (1, 1)


def test_that_a_letter_was_read_is_forgotten_and_so_is_what_nobody_confirmed(desk: Answers) -> None:
    desk.take(written(answers=desk.letter))
    desk.take(written("Close it.", sender="ben@example.org", identity="<2@x>"))
    privacy.purge(desk.engine, desk.config, now=NOW + KEPT_FOR + timedelta(days=1), trust_clock=True)
    assert ([row.text for row in desk.rows("question")], desk.rows("reply")) == (["Why is Lyon closed?"], [])
