"""Test messages over a real relay: marked, dead, for the right addresses, and told step by step."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from digest.config import Config
from digest.db import schema, suppressions
from digest.db.session import read, write
from digest.domain.suppression import SuppressionReason
from digest.errors import EditionError, NotFoundError
from digest.pipeline import edition, probe, signing
from digest.pipeline.probe import NotForTestsError, Probe, Tried
from digest.smtp.relay import Relay, Timeouts
from tests.certificates import certificate, server_side
from tests.factories import QUEUE, company, person
from tests.signing import pem, verified
from tests.sink import Fault, Sink

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # dkimpy refuses signatures from the future
ANA, BEN = person("ana@example.org"), person("ben@example.org", language="de")
SENDER = {"from": "The Letter <digest@osterglen.example>"}
FIGURE = (
    '\n[[figure]]\nname = "Returns"\nvalue = "412 secret returns"\nbefore = "400"\ngood = "down"\nmeaning = "Fewer is better."\nyou_can = "Ask."\n'
)


def planned(engine: Engine, home: Path, **tables: Any) -> Config:
    config = company(engine, home, [ANA, BEN], queue=QUEUE + FIGURE, **{"sender": SENDER, **tables})
    edition.plan(engine, config, now=EVENING)
    return config


def prepare(engine: Engine, config: Config, address: str, period: str | None = None) -> Probe:
    return probe.prepare(engine, config, address, period=period, now=NOW)


def parsed(made: Probe) -> EmailMessage:
    return message_from_bytes(made.wire.replace(b"\r\n..", b"\r\n."), policy=policy.default)


def text(made: Probe) -> str:
    part = parsed(made).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_somebody_on_the_roster_gets_their_own_letter_marked_and_dead(engine: Engine, tmp_path: Path) -> None:
    made = prepare(engine, planned(engine, tmp_path), "Ana@example.org")
    letter = parsed(made)
    assert letter["Subject"].startswith("[Test] ")
    assert letter["X-Digest-Test"] == "1"
    assert letter["To"] == "Ana <ana@example.org>"
    assert "Ana" in text(made)
    assert made.whose == "as the message of Ana"
    assert not letter.defects


def test_no_link_of_it_leads_to_anything_that_counts_or_unsubscribes(engine: Engine, tmp_path: Path) -> None:
    made = prepare(engine, planned(engine, tmp_path), "ana@example.org")
    with read(engine) as connection:
        tokens = connection.execute(select(schema.message.c.share_token)).scalars().all()
    assert not [token for token in tokens if token.encode() in made.wire]
    assert parsed(made)["List-Unsubscribe"].endswith("/u/z00000000000000000000000000000000000>")


def test_its_identity_is_its_own_each_time(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    ids = {parsed(prepare(engine, config, "ana@example.org"))["Message-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"<test\.2026-W48\.[0-9a-f]{16}@osterglen\.example>", found) for found in ids)
    assert {name for name, count in count_names(prepare(engine, config, "ana@example.org")).items() if count > 1} == set()


def count_names(made: Probe) -> dict[str, int]:
    names = [name.lower() for name in parsed(made)]
    return {name: names.count(name) for name in names}


def test_it_leaves_no_row_behind(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    tables = [schema.message, schema.token, schema.attempt, schema.click, schema.edition, schema.employee, schema.audit]

    def rows() -> list[int]:
        with read(engine) as connection:
            return [int(connection.execute(select(func.count()).select_from(table)).scalar_one()) for table in tables]

    before = rows()
    prepare(engine, config, "ana@example.org")
    prepare(engine, config, "new@osterglen.example")
    assert rows() == before


@pytest.mark.parametrize("address", ["it@osterglen.example", "mara.test@gmail.example"])
def test_an_address_off_the_roster_gets_a_sample_without_anything_internal(engine: Engine, tmp_path: Path, address: str) -> None:
    config = planned(engine, tmp_path, delivery={"only": ["gmail.example", "osterglen.example"]})
    made = prepare(engine, config, address)
    assert made.whose.startswith("as a sample without anything internal")
    assert "The cold room that lied to us" in text(made)
    for inside in ("No office in Lyon", "412 secret returns"):
        assert inside not in text(made)
    assert "Ana" not in str(parsed(made)["To"])


def test_a_colleague_who_joined_after_planning_gets_a_sample_too(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    with write(engine) as connection:
        connection.execute(schema.employee.insert(), [person("new@example.org")])
    assert "this person gets none in it" in prepare(engine, config, "new@example.org").whose


def test_a_stranger_gets_nothing_and_the_error_says_what_to_do(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    with pytest.raises(NotForTestsError) as refused:
        prepare(engine, config, "journalist@press.example")
    assert "neither on the roster nor in the sender's own domain" in str(refused.value)
    assert "delivery.only" in refused.value.hint


def test_while_only_some_get_mail_nobody_else_gets_a_test(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path, delivery={"only": ["ben@example.org"]})
    assert prepare(engine, config, "ben@example.org").address == "ben@example.org"
    with pytest.raises(NotForTestsError, match=r"delivery\.only does not name it"):
        prepare(engine, config, "ana@example.org")


def test_who_said_stop_gets_no_test_either(engine: Engine, tmp_path: Path) -> None:
    config = planned(engine, tmp_path)
    with write(engine) as connection:
        suppressions.suppress(connection, "ana@example.org", SuppressionReason.UNSUBSCRIBED, NOW)
    with pytest.raises(NotForTestsError, match="suppressed: unsubscribed"):
        prepare(engine, config, "ana@example.org")


@pytest.mark.parametrize("period", [None, "2026-W48"])
def test_without_an_edition_it_says_what_to_type(engine: Engine, tmp_path: Path, period: str | None) -> None:
    config = company(engine, tmp_path, [ANA])
    with pytest.raises((EditionError, NotFoundError)) as refused:
        prepare(engine, config, "ana@example.org", period)
    assert refused.value.hint == "Run `digest edition plan`."


def test_it_is_signed_as_the_real_ones_are(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "s.pem").write_bytes(pem("RSA"))
    made = prepare(engine, planned(engine, tmp_path, dkim={"selectors": {"s2026": "s.pem"}}), "ana@example.org")
    signer = signing.load(Config.model_validate({"sender": SENDER, "dkim": {"selectors": {"s2026": "s.pem"}}, "home": tmp_path}))
    assert signer is not None
    assert made.signed == ("s2026",)
    assert verified(made.wire, signer.records) == [True]


@pytest.mark.parametrize(
    ("bounces", "sender"),
    [("", "digest@osterglen.example"), ("*@b.osterglen.example", "test@b.osterglen.example"), ("b@osterglen.example", "b@osterglen.example")],
)
def test_the_envelope_uses_the_domain_that_reports_come_back_to(engine: Engine, tmp_path: Path, bounces: str, sender: str) -> None:
    config = planned(engine, tmp_path, sender={**SENDER, "bounces": bounces})
    assert prepare(engine, config, "ana@example.org").sender == sender


PLAIN = Probe(
    period="2026-W48",
    address="ana@example.org",
    whose="as a sample",
    sender="digest@osterglen.example",
    wire=b"To: ana@example.org\r\nX-Digest-ID: test.1\r\n\r\nHello\r\n",
    signed=("s2026",),
)
QUICK = Timeouts(connect=2, greeting=0.4, command=0.4, mail=0.4, rcpt=0.4, data=0.4, block=2, dot=0.4)
Serve = Callable[..., Sink]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


def tried(sink: Sink, **options: Any) -> Tried:
    return probe.send(Relay(**{"host": "127.0.0.1", "port": sink.port, "timeouts": QUICK, **options}), PLAIN)


def told(found: Tried) -> list[str]:
    return [f"{'ok' if step.ok else 'BAD'} {step.said}" for step in found.steps]


def test_each_step_over_a_plain_connection_is_told(serve: Serve) -> None:
    sink = serve()
    found = tried(sink)
    assert told(found) == [
        f"ok connected to 127.0.0.1:{sink.port}",
        "ok it greets as a mail server",
        "ok it offers 8BITMIME, PIPELINING, SMTPUTF8",
        "ok accepted the message: 250 2.0.0 taken",
    ]
    assert found.accepted
    assert [(mail["to"], mail["from"]) for mail in sink.mails()] == [("ana@example.org", "digest@osterglen.example")]
    assert sink.seen[-1] == "QUIT"
    assert found.sentences().startswith("2026-W48 for ana@example.org, as a sample; 51 octets, signed with s2026.")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encryption_is_told_with_its_protocol_and_the_login_with_its_name(serve: Serve, security: str, tmp_path: Path) -> None:
    both = certificate(tmp_path)
    sink = serve(tls=server_side(both), immediate_tls=security == "tls", login="digest:secret")
    found = tried(sink, security=security, tls=ssl.create_default_context(cafile=str(both)), username="digest", password="secret")
    assert found.accepted
    lines = told(found)
    assert "ok encrypted with TLSv1.3, and its certificate is valid" in lines
    assert "ok logged in as digest" in lines
    assert lines.index("ok it greets as a mail server") == (2 if security == "tls" else 1)
    assert "secret" not in found.sentences() + str(found.as_data())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_says_which_keys_to_check(serve: Serve, security: str, tmp_path: Path) -> None:
    sink = serve(tls=server_side(certificate(tmp_path)), immediate_tls=security == "tls")
    found = tried(sink, security=security)
    assert not found.accepted
    last = found.steps[-1]
    assert last.said.startswith("no encryption: the certificate is not valid for 127.0.0.1")
    assert "smtp.ca_file" in last.do
    assert sink.mails() == []


def test_starttls_that_is_not_offered(serve: Serve) -> None:
    last = tried(serve(), security="starttls").steps[-1]
    assert last.said == "no encryption: the relay does not offer STARTTLS"
    assert last.do.startswith('Set smtp.security to "tls" with port 465')


def test_tls_against_a_port_that_speaks_plainly(serve: Serve) -> None:
    last = tried(serve(), security="tls").steps[-1]
    assert "no encryption" in last.said
    assert "465" in last.do


def test_a_wrong_password(serve: Serve) -> None:
    last = tried(serve(login="digest:secret"), username="digest", password="wrong").steps[-1]
    assert last.said == "no login: 535 5.7.8 wrong name or password"
    assert "smtp.username" in last.do


def test_a_relay_without_login(serve: Serve) -> None:
    last = tried(serve(), username="digest", password="wrong").steps[-1]
    assert "offers no AUTH" in last.said
    assert "empty smtp.username" in last.do


def test_nobody_listens(serve: Serve) -> None:
    sink = serve()
    sink.stop()
    found = tried(sink)
    assert told(found) == ["BAD no connection: refused the connection"]
    assert "smtp.host and smtp.port" in found.steps[0].do


FAULTS = [
    ("greeting", "close", "no greeting", "smtp.security"),
    ("greeting", "hang", "no greeting: no reply in time", "smtp.security"),
    ("greeting", "421 4.3.2 full", "no greeting: 421", "try again"),
    ("ehlo", "554 5.5.1 no", "it did not accept our EHLO: 554", "smtp.host"),
    ("mail", "550 5.1.8 not yours", "it refused the sender: 550 5.1.8 not yours", "sender.from"),
    ("rcpt", "550 5.1.1 nobody", "it refused the recipient: 550 5.1.1 nobody", "Check the address"),
    ("rcpt", "550 5.7.1 policy", "it refused the recipient", "digest doctor"),
    ("rcpt", "451 4.7.1 greylisted", "it refused the recipient: 451", "try again"),
    ("data", "554 5.6.0 no", "it did not want the message", "server's words"),
    ("dot", "550 5.7.515 not authenticated", "after the message: 550", "digest doctor"),
    ("dot", "hang", "after the message: no reply in time", "Nobody knows whether it arrived"),
]


@pytest.mark.parametrize(("at", "do", "said", "advice"), FAULTS, ids=[f"{at} {do}" for at, do, _, _ in FAULTS])
def test_what_fails_is_told_with_what_to_check(serve: Serve, at: str, do: str, said: str, advice: str) -> None:
    found = tried(serve(faults=[Fault(at=at, do=do)]))
    assert not found.accepted
    assert said in found.steps[-1].said
    assert advice in found.steps[-1].do
    assert f"BAD  {found.steps[-1].said}\n     {found.steps[-1].do}" in found.sentences()


def test_a_domain_with_a_transport_of_its_own_is_tried_over_that_one() -> None:
    relays = [Relay(host="relay.example", port=25), Relay(name="exchange", host="exchange.example", port=587, domains=frozenset({"example.org"}))]
    assert probe.carrier(relays, PLAIN).name == "exchange"
    assert probe.carrier(relays, replace(PLAIN, address="ben@elsewhere.example")).name == "smtp"
