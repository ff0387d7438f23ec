"""A mailbox of several people: its letter has no link that only one person could use."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.pipeline import edition
from digest.pipeline.rendering import Renderer, compile_languages
from tests import factories_mail as mail
from tests.conftest import NOW
from tests.factories import company, crowd, person

LANGUAGES = ("en", "de", "ar", "ja")
DEAD_ENDS = ("/a/", "/v/", "/give/")
BODIES = compile_languages(mail.edition(), LANGUAGES)


def parts(**changes: object) -> list[str]:
    """The letter's text and its HTML, decoded."""
    wire = Renderer(mail.edition(), mail.ENVELOPE, BODIES, mail.KEYS).wire(mail.message(**changes))
    return [part.get_content() for part in message_from_bytes(wire, policy=policy.default).walk() if not part.is_multipart()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_letter_has_every_link_but_those_that_lead_it_nowhere(language: str) -> None:
    for own, shared in zip(parts(language=language), parts(language=language, name=""), strict=True):
        assert all(path in own for path in DEAD_ENDS)
        assert not any(path in shared for path in DEAD_ENDS)
        assert all(path in shared for path in ("/r/", "/s/", "/me/", "/u/", "/pass/"))


def test_the_letter_of_a_person_is_whole_whoever_was_written_before() -> None:
    renderer = Renderer(mail.edition(), mail.ENVELOPE, BODIES, mail.KEYS)
    first = renderer.wire(mail.message())
    for _ in range(3):
        renderer.wire(mail.message(name=""))
    assert renderer.wire(mail.message()) == first


def test_a_plan_leaves_the_name_of_a_shared_mailbox_out(engine: Engine, tmp_path: Path) -> None:
    """By this rendering knows it."""
    config = company(engine, tmp_path, [person("desk@example.org", name="Front Desk", shared=True), *crowd(8)])
    edition.plan(engine, config, now=NOW)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT e.shared, m.name FROM message m JOIN employee e ON e.id = m.employee_id ORDER BY e.address").all()
    assert [(bool(shared), bool(name)) for shared, name in rows if shared] == [(True, False)]
    assert all(name for shared, name in rows if not shared)
