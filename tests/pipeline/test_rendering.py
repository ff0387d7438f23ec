"""Rendering: bodies are stored once, and a message's octets come from them and its row alone."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from sqlalchemy import Engine, insert

from digest.db import editions
from digest.db.schema import edition
from digest.db.session import read, write
from digest.domain.edition import EditionState
from digest.domain.link import control_token, read_unsubscribe, valid_token
from digest.domain.message import Message, MessageId, Pick
from digest.errors import NotFoundError
from digest.mail.compile import compile_edition
from digest.mail.mime import HeadError
from digest.pipeline.rendering import DEAD_TOKEN, DEAD_UNSUBSCRIBE, Renderer, compile_languages, share_intents
from tests import factories_mail as mail
from tests.conftest import NOW

BODIES = compile_languages(mail.edition(), ["en", "de-at", "pl"])


@pytest.fixture
def renderer() -> Renderer:
    return Renderer(mail.edition(), mail.ENVELOPE, BODIES, mail.KEYS)


def test_the_edition_is_compiled_once_per_language_of_the_letter() -> None:
    assert sorted(BODIES) == ["de", "en"]


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_compiled_body_survives_the_database(engine: Engine, language: str) -> None:
    values = {"period": "2026-W48", "state": EditionState.PLANNING, "paused": False, "reason": "", "hash": "", "planned_through": 0, "audience": 0}
    with write(engine) as connection:
        number = int(connection.execute(insert(edition).values(**values, created_at=NOW).returning(edition.c.id)).scalar_one())
        editions.put_bodies(connection, number, BODIES)
    with read(engine) as connection:
        stored = editions.bodies(connection, number)
    renderer = Renderer(mail.edition(), mail.ENVELOPE, stored, mail.KEYS)
    fresh = Renderer(mail.edition(), mail.ENVELOPE, BODIES, mail.KEYS)
    assert renderer.wire(mail.message(language=language)) == fresh.wire(mail.message(language=language))


def test_an_audience_of_nobody_still_has_a_body_to_preview() -> None:
    assert list(compile_languages(mail.edition(), [])) == ["en"]


def test_the_same_row_gives_the_same_octets_on_every_attempt(renderer: Renderer) -> None:
    again = Renderer(mail.edition(), mail.ENVELOPE, dict(BODIES), mail.KEYS)
    assert renderer.wire(mail.message()) == again.wire(replace(mail.message(), attempts=3))


def test_a_message_is_read_without_defects(renderer: Renderer) -> None:
    wire = renderer.wire(mail.message(name="Zoë Açaí-O'Neil", address="zoe@bäckerei.example"))
    parsed = message_from_bytes(wire, policy=policy.default)
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not [defect for part in parsed.walk() for defect in part.defects]
    assert parsed["To"].addresses[0].display_name == "Zoë Açaí-O'Neil"
    assert parsed["To"].addresses[0].domain == "xn--bckerei-5wa.example"
    assert wire.isascii()
    assert wire.endswith(b"\r\n")
    assert all(len(line) <= 998 and not line.startswith(b".") for line in wire.split(b"\r\n"))
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_the_link_to_leave_verifies_and_stands_in_head_and_body(renderer: Renderer) -> None:
    preview = renderer.preview(mail.message())
    header = dict(preview["headers"])["List-Unsubscribe"]
    assert header.strip("<>") in preview["links"]
    token = header.strip("<>").rpartition("/")[2]
    assert read_unsubscribe(token, {mail.KEYS.unsubscribe_id: mail.KEYS.unsubscribe}) == mail.message().employee


def test_a_preview_shows_html_text_headers_size_and_links(renderer: Renderer) -> None:
    preview = renderer.preview(mail.message())
    assert preview["size"] == len(renderer.wire(mail.message()))
    assert preview["html_size"] < 90_000
    assert preview["html"].startswith("<!DOCTYPE html>")
    assert "Hello Ana,\n" in preview["text"]
    assert [name for name, _ in preview["headers"]].count("To") == 1
    assert f"https://letter.osterglen.example/s/{mail.SHARE}/011" in preview["links"]


def test_a_preview_with_dead_tokens_leads_nowhere() -> None:
    dead = Renderer(mail.edition(), mail.ENVELOPE, BODIES, mail.KEYS, live=False).preview(mail.message())
    assert mail.SHARE not in dead["html"] + dead["text"]
    assert f"/r/{DEAD_TOKEN}/01" in dead["html"]
    assert not valid_token(DEAD_TOKEN)
    assert all(read_unsubscribe(DEAD_UNSUBSCRIBE, {key: b"x" * 32}) is None for key in range(256))
    assert dict(dead["headers"])["List-Unsubscribe"].endswith(f"/u/{DEAD_UNSUBSCRIBE}>")


def test_a_reader_gets_the_letter_in_a_language_it_speaks(renderer: Renderer) -> None:
    assert "Hallo Ana," in renderer.preview(mail.message(language="de-ch"))["text"]
    assert "Hello Ana," in renderer.preview(mail.message(language="sw"))["text"]
    assert renderer.languages == ("de", "en")


def test_at_most_two_networks_get_links(renderer: Renderer) -> None:
    links = renderer.preview(mail.message(networks=("1", "2", "5")))["links"]
    assert [link[-1] for link in links if "/s/" in link and "/01" in link] == ["0", "1", "2"]


def test_the_reference_is_the_same_for_a_resend_and_differs_between_messages(renderer: Renderer) -> None:
    one, other = mail.message(), mail.message(id=MessageId(18))
    assert renderer.reference(one) == renderer.reference(replace(one, attempts=9))
    assert renderer.reference(one) != renderer.reference(other)
    assert renderer.reference(one).startswith("2026-W48.17.")


def test_an_address_outside_ascii_is_flagged(renderer: Renderer) -> None:
    assert renderer.smtputf8(mail.message(address="zoë@osterglen.example"))
    assert not renderer.smtputf8(mail.message())
    assert "zoë@osterglen.example" in renderer.wire(mail.message(address="zoë@osterglen.example")).decode()


def test_an_address_that_is_none_is_refused(renderer: Renderer) -> None:
    with pytest.raises(HeadError):
        renderer.wire(mail.message(address="ana@osterglen.example\r\nBcc: x@y.example"))


def test_an_edition_without_a_body_says_what_to_type() -> None:
    with pytest.raises(NotFoundError, match="digest edition plan"):
        Renderer(mail.edition(), mail.ENVELOPE, {}, mail.KEYS)


def test_with_tracking_off_the_letter_holds_share_intents_and_no_token() -> None:
    content = mail.edition(tracking="off")
    off = Renderer(content, mail.ENVELOPE, compile_languages(content, ["en"]), mail.KEYS)
    links = off.preview(mail.message(share_token="", networks=("1", "2")))["links"]
    assert not [link for link in links if "/r/" in link or "/s/" in link]
    assert [link for link in links if link.startswith("https://x.com/intent/")]
    assert (7, "1") not in share_intents(content)  # an internal post is not shared


def test_what_is_the_same_for_everybody_holds_no_ready_caption() -> None:
    post = mail.colleague(1, captions={"x": ("One of twenty.",)})
    found = share_intents(mail.edition(tracking="off", posts=(post,)))
    assert "One%20of%20twenty" not in found[1, "2"]
    assert found[1, "2"].startswith("https://x.com/intent/tweet?text=I%20")


def test_control_tokens_are_the_messages_own() -> None:
    message = mail.message()
    content = mail.edition()
    letters = Renderer(content, mail.ENVELOPE, {"en": compile_edition(content, "en")}, mail.KEYS)
    wanted = control_token(mail.KEYS.control, message.period, message.employee)
    assert f"https://letter.osterglen.example/a/{wanted}/01" in letters.preview(message)["links"]


@pytest.mark.parametrize("picks", [(Pick(n=1),), (Pick(n=4),), (Pick(n=7),), (Pick(n=5), Pick(n=6))])
def test_a_letter_with_few_posts_is_whole(renderer: Renderer, picks: tuple[Pick, ...]) -> None:
    message: Message = mail.message(picks=picks)
    text = renderer.preview(message)["text"]
    assert ("From colleagues" in text) is (picks[0].n == 1)
    assert ("Worth sharing" in text) is (picks[0].n in {4, 5})
