"""The signer of a configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from digest.config import Config
from digest.demo.mailbox import Mailbox
from digest.errors import ConfigError
from digest.mail.dkim import SigningError
from digest.pipeline import edition, signing, week
from tests.factories import company, crowd
from tests.signing import pem, verified

EVENING = datetime(2026, 11, 16, 18, 0, tzinfo=UTC)  # dkimpy refuses signatures from the future
WIRE = b"From: Mara <letter@osterglen.example>\r\nTo: ana@example.org\r\n\r\nHello\r\n"


def config(home: Path, selectors: dict[str, str], **dkim: object) -> Config:
    return Config.model_validate({"sender": {"from": "Mara <letter@Osterglen.example>"}, "dkim": {"selectors": selectors, **dkim}, "home": home})


def test_without_selectors_nothing_is_signed(tmp_path: Path) -> None:
    assert signing.load(config(tmp_path, {})) is None


def test_keys_are_read_beside_the_configuration_and_sign_for_the_senders_domain(tmp_path: Path) -> None:
    (tmp_path / "s.pem").write_bytes(pem("RSA"))
    (tmp_path / "e.pem").write_bytes(pem("ED25519"))
    signer = signing.load(config(tmp_path, {"s2026": "s.pem", "e2026": str(tmp_path / "e.pem")}))
    assert signer is not None
    assert signer.domain == "osterglen.example"
    assert verified(signer.sign(WIRE, datetime(2026, 11, 20, tzinfo=UTC)), signer.records) == [True, True]


def test_a_domain_beyond_ascii_is_spelled_as_the_dns_knows_it(tmp_path: Path) -> None:
    assert signing.domain(config(tmp_path, {}, domain="Bücher.example")) == "xn--bcher-kva.example"


def test_every_file_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        signing.load(config(tmp_path, {"s2026": "gone.pem", "e2026": "."}))
    assert [problem.partition(" cannot")[0].partition(": ")[0] for problem in refused.value.problems] == [
        "dkim.selectors.s2026",
        "dkim.selectors.e2026",
    ]
    assert "gone.pem: cannot be read: No such file" in str(refused.value)


def test_a_key_too_short_is_named_by_its_selector(tmp_path: Path) -> None:
    (tmp_path / "s.pem").write_bytes(pem("RSA", 1024))
    with pytest.raises(SigningError, match=r"dkim\.selectors\.s2026: .*found an RSA key of 1024 bits"):
        signing.load(config(tmp_path, {"s2026": "s.pem"}))


def test_every_letter_of_a_week_arrives_signed_and_verifies(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "s.pem").write_bytes(pem("RSA"))
    (tmp_path / "e.pem").write_bytes(pem("ED25519"))
    sender = {"from": "Žofie <letter@osterglen.example>"}
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    try:
        tables: dict[str, Any] = {"sender": sender, "dkim": {"selectors": {"s2026": "s.pem", "e2026": "e.pem"}}, "smtp": {"port": mailbox.port}}
        settings = company(engine, tmp_path, crowd(20), **tables)
        edition.plan(engine, settings, now=EVENING)
        edition.approve(engine, now=EVENING, who="mara")
        assert week.tick(engine, settings, clock=lambda: EVENING, at_once=True).delivery.sent == 20
    finally:
        mailbox.stop()
    signer = signing.load(settings)
    assert signer is not None
    assert [verified(letter.raw, signer.records) for letter in mailbox.letters()] == [[True, True]] * 20
    assert all(f"t={int(EVENING.timestamp())}".encode() in letter.raw for letter in mailbox.letters())


class Hesitant(Mailbox):
    """Says "later" to every message the first time it is offered, and keeps what was offered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.offered: dict[str, list[bytes]] = {}

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        raw = envelope.original_content or b""
        tries = self.offered.setdefault(envelope.rcpt_tos[0], [])
        tries.append(raw)
        return "451 4.3.0 later" if len(tries) == 1 else await super().handle_DATA(_server, _session, envelope)


def test_a_letter_that_is_tried_again_is_signed_the_same(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "s.pem").write_bytes(pem("RSA"))
    mailbox = Hesitant(tmp_path / "mailbox")
    mailbox.start()
    try:
        tables: dict[str, Any] = {"sender": {"from": "Mara <letter@osterglen.example>"}, "dkim": {"selectors": {"s2026": "s.pem"}}}
        settings = company(engine, tmp_path, crowd(3), smtp={"port": mailbox.port}, **tables)
        edition.plan(engine, settings, now=EVENING)
        edition.approve(engine, now=EVENING, who="mara")
        for hours in (0, 12):
            week.tick(engine, settings, clock=lambda hours=hours: EVENING + timedelta(hours=hours), at_once=True)  # type: ignore[misc]  # mypy sees a lambda's default as an argument
    finally:
        mailbox.stop()
    assert [len(set(tries)) for tries in mailbox.offered.values()] == [1, 1, 1]
    assert [len(tries) for tries in mailbox.offered.values()] == [2, 2, 2]
