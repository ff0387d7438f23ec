"""The ledger's rows."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select

from digest.db import questions
from digest.db.schema import employee, question
from digest.db.session import read, write
from digest.domain.question import QuestionKind
from tests.conftest import NOW
from tests.factories import person


def test_the_same_form_twice_is_one_entry(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(insert(employee), [person("ana@example.org")])
        asked = [
            questions.put(
                connection, key=key, employee=1, kind=QuestionKind.QUESTION, text=" Why Lyon? ", language="en", now=NOW, edition=3, post="no-lyon"
            )
            for key in ("form:a", "form:a", "form:b")
        ]
    assert asked[0] == asked[1] < asked[2]
    with read(engine) as connection:
        rows = connection.execute(select(question).order_by(question.c.id)).all()
    assert [(row.state, row.text, row.employee_id, row.edition_id, row.post_id, row.version) for row in rows] == [
        ("open", "Why Lyon?", 1, 3, "no-lyon", 1)
    ] * 2


def test_what_anybody_could_have_written_waits_for_the_person(engine: Engine) -> None:
    with write(engine) as connection:
        number = questions.put(
            connection, key="mail:a", employee=None, kind=QuestionKind.OBJECTION, text="No.", language="de", now=NOW, confirmed=False
        )
        assert connection.execute(select(question.c.state).where(question.c.id == number)).scalar_one() == "unconfirmed"
