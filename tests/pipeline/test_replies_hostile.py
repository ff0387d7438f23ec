"""A thousand hostile letters: none ends the run, none is lost, and no stranger gets a word."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from digest.db import keys
from digest.db.schema import contribution, employee, notice, question, reply
from digest.db.session import open_database, read, write
from digest.domain.reply import Skip
from digest.pipeline import replies
from digest.pipeline.inbound import collect
from tests.answers import CONFIG
from tests.conftest import NOW
from tests.factories import person

EXAMPLES = 1000
TEXT = st.text(max_size=300) | st.sampled_from(
    [
        "Why?",
        "\x00\x00",
        "\ud800",
        "> > >",
        "-- \n",
        "?" * 300,
        "<b>" * 100,
        "=?utf-8?q?=41?=",
        "a" * 3000,
        "\r\n.\r\n",
        "\u202eevil",
        "{name}%s{0}",
        "",
    ]
)
RAW = st.binary(max_size=400)
SENDERS = st.sampled_from(
    [
        "ana@example.org",
        "ANA@EXAMPLE.ORG",
        '"x" <ana@example.org>',
        "eve@evil.example",
        "",
        "ana@example.org, eve@evil.example",
        "<>",
        "ana@exämple.org",
        "\x00",
    ]
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Precedence", "Content-Type", "Authentication-Results", "To"]
    ),
    TEXT
    | st.sampled_from(
        ["<1@x>", "bulk", "auto-replied", "text/html", 'multipart/mixed; boundary="b"', "text/plain; charset=hex", "letter@example.com"]
    ),
    max_size=6,
)


def by_hand(sender: str, fields: dict[str, str], body: bytes) -> bytes:
    """A message put together without any rule."""
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"From: {sender}\r\nTo: letter@example.com\r\n{head}\r\n".encode("utf-8", "surrogatepass") + body


def by_library(words: str, *, html: bool, file: bytes | None) -> bytes:
    """A message as programs make it."""
    message = EmailMessage()
    message["From"], message["To"] = "ana@example.org", "letter@example.com"
    message.set_content(words)
    if html:
        message.add_alternative(f"<p>{words}</p>", subtype="html")
    if file is not None:
        message.add_attachment(file, maintype="application", subtype="pdf", filename=" ".join(words.split())[:20] or "x")
    return message.as_bytes()


BODIES = TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")) | RAW
LETTERS: st.SearchStrategy[Callable[[], bytes]] = st.one_of(
    st.builds(partial, st.just(by_hand), SENDERS, FIELDS, BODIES),
    st.builds(
        lambda words, html, file: partial(by_library, words, html=html, file=file),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
        st.booleans(),
        st.none() | RAW,
    ),
    st.builds(partial, st.just(by_hand), SENDERS, st.just({}), st.binary(max_size=2000)),
)


@pytest.fixture
def engine_of_many(sqlite_url: str) -> Iterator[Engine]:
    """One database for all examples; more of them meet in it, and that is the point."""
    engine = open_database(sqlite_url)
    with write(engine) as connection:
        keys.ensure_keys(connection, lambda size: b"k" * size, NOW)
        connection.execute(insert(employee), [person("ana@example.org")])
    yield engine
    engine.dispose()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(letter=LETTERS)
def test_none_crashes_it_and_none_is_lost(
    engine_of_many: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, letter: Callable[[], bytes]
) -> None:
    engine, kept = engine_of_many, tmp_path / "kept"
    with write(engine) as connection:
        connection.exec_driver_sql("DELETE FROM quota")  # each of these has its own day
    before = _entered(engine)
    taken = collect(engine, "-", kept=kept, clock=lambda: NOW, stdin=io.BytesIO(letter()), settings=replies.settings(CONFIG))
    assert (taken.read, taken.problems) == (1, [])
    assert "This is a bug" not in caplog.text
    named = (
        sum(taken.replies.values()) + sum(taken.skipped.values()) + sum(taken.kinds.values()) + sum(taken.kept.values()) + taken.again + taken.empty
    )
    assert named >= 1, "nothing says what became of it"
    assert _entered(engine) - before == sum(taken.replies.values())
    loud = {reason for reason in taken.skipped if reason not in {Skip.AUTOMATIC, Skip.OWN}}
    assert not loud or sum(taken.kept.values()) == 1, "a letter that a person should look at is not there"
    with read(engine) as connection:
        assert set(connection.execute(select(notice.c.employee_id)).scalars()) <= {1}
        assert connection.execute(select(reply.c.id).where(reply.c.reason == "", reply.c.state == "skipped")).first() is None


def _entered(engine: Engine) -> int:
    with read(engine) as connection:
        return len(connection.execute(select(question.c.id)).all()) + len(connection.execute(select(contribution.c.id)).all())
