"""Links that work once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, insert, select

from digest.db import capabilities, keys, quotas
from digest.db.schema import capability, employee
from digest.db.session import read, write
from digest.domain.capability import LIFE, Purpose
from tests.conftest import NOW
from tests.factories import person


def made(engine: Engine, purpose: Purpose = Purpose.AGREE) -> str:
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        connection.execute(insert(employee), [person("ana@example.org")])
        return capabilities.make(connection, 1, purpose, NOW, subject=7)


def test_it_works_once(engine: Engine) -> None:
    text = made(engine)
    with write(engine) as connection:
        found = capabilities.find(connection, text.upper(), Purpose.AGREE)
        assert found is not None
        assert (found.employee, found.subject, found.open(NOW)) == (1, 7, True)
        assert [capabilities.use(connection, text, Purpose.AGREE, NOW) for _ in range(2)] == [True, False]
        again = capabilities.find(connection, text, Purpose.AGREE)
        assert again is not None
        assert not again.open(NOW)


def test_it_ends_and_serves_no_other_purpose(engine: Engine) -> None:
    text = made(engine)
    with write(engine) as connection:
        assert not capabilities.use(connection, text, Purpose.ERASE, NOW)
        assert not capabilities.use(connection, text, Purpose.AGREE, NOW + LIFE[Purpose.AGREE])
        assert capabilities.use(connection, text, Purpose.AGREE, NOW + LIFE[Purpose.AGREE] - timedelta(seconds=1))


def test_the_table_holds_nothing_that_opens_a_link_and_a_letter_can_be_written_again(engine: Engine) -> None:
    text = made(engine)
    with read(engine) as connection:
        [row] = connection.execute(select(capability))
        assert text not in map(str, row)
        keys.signing_keys(connection, "control")
        assert capabilities.token_of(connection, 1, Purpose.AGREE, row.made_at, subject=7) == text


def test_a_day_has_so_many_turns_for_each_and_the_next_day_begins_again(engine: Engine) -> None:
    with write(engine) as connection:
        assert [quotas.take(connection, "write", 1, NOW, 2) for _ in range(3)] == [True, True, False]
        assert quotas.take(connection, "write", 2, NOW, 2)
        assert quotas.take(connection, "pass", 1, NOW, 2)
        assert quotas.left(connection, "write", 1, NOW, 3) == 1
        assert quotas.take(connection, "write", 1, NOW + timedelta(days=1), 2)
        assert quotas.forget(connection, NOW + timedelta(days=1)) == 3
