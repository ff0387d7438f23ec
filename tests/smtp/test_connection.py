"""The client against a real server on loopback, phase by phase."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from digest.domain.phase import Kind, Outcome, Phase, decide
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay, Timeouts
from digest.smtp.stream import Stream, connect
from tests import certificates
from tests.sink import Fault, Sink

WIRE = b"To: ana@example.org\r\nMessage-ID: <1@example.com>\r\nSubject: Hello\r\n\r\n..dots at the start\r\nBye\r\n"
QUICK = Timeouts(connect=2, greeting=0.4, command=0.4, mail=0.4, rcpt=0.4, data=0.4, block=2, dot=0.4)

Serve = Callable[..., Sink]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


@pytest.fixture(scope="session", name="certificate")
def a_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.certificate(tmp_path_factory.mktemp("tls"))


def relay(sink: Sink, **options: Any) -> Relay:
    return Relay(**{"host": "127.0.0.1", "port": sink.port, "timeouts": QUICK, **options})


Dial = Callable[..., Connection]
Offer = Callable[..., tuple[Outcome, Connection]]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Makes connections, not yet open, and closes them at the end."""
    with ExitStack() as stack:

        def make(where: Sink | Relay, **options: Any) -> Connection:
            connection = Connection(where if isinstance(where, Relay) else relay(where, **options))
            stack.callback(connection.close)
            return connection

        yield make


@pytest.fixture
def offer(dial: Dial) -> Offer:
    """Opens a connection and sends one message."""

    def send(sink: Sink, to: str = "ana@example.org", wire: bytes = WIRE, **options: Any) -> tuple[Outcome, Connection]:
        connection = dial(sink, **options)
        assert connection.open().accepted
        return connection.send("digest@example.com", to, wire), connection

    return send


def test_a_message_arrives_as_it_was_made(serve: Serve, offer: Offer) -> None:
    sink = serve()
    outcome, connection = offer(sink)
    connection.close()
    assert (outcome.phase, outcome.kind, outcome.code) == (Phase.DOT, Kind.ACCEPTED, 250)
    assert [(mail["to"], mail["from"], mail["bytes"]) for mail in sink.mails()] == [("ana@example.org", "digest@example.com", len(WIRE) - 1)]
    assert sink.seen[-1] == "QUIT"


def test_one_connection_carries_many_messages_and_is_recycled(serve: Serve, dial: Dial) -> None:
    sink = serve()
    connection = dial(sink, messages_per_connection=3)
    assert connection.open().accepted
    outcomes = []
    while connection.usable:
        outcomes.append(connection.send("digest@example.com", "ana@example.org", WIRE))
    connection.close()
    assert [outcome.reused for outcome in outcomes] == [False, True, True]
    assert len(sink.mails()) == 3


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
def test_a_refusal_is_told_with_its_phase_and_the_connection_goes_on(serve: Serve, phase: str, pipelining: bool, offer: Offer) -> None:
    sink = serve(pipelining=pipelining, faults=[Fault(at=phase, do="550 5.1.1 nobody here", times=1)])
    outcome, connection = offer(sink)
    assert (outcome.phase, outcome.kind, outcome.code, outcome.enhanced) == (phase, Kind.PERMANENT, 550, "5.1.1")
    assert outcome.text == "550 5.1.1 nobody here"
    if not connection.usable:
        assert connection.open().accepted
    assert connection.send("digest@example.com", "ben@example.org", WIRE).accepted
    assert [mail["to"] for mail in sink.mails()] == ["ben@example.org"]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "body", "dot"])
@pytest.mark.parametrize("fault", ["close", "hang", "garble", "half", "421 4.3.2 going down"])
def test_every_break_is_told_with_its_phase(serve: Serve, phase: str, fault: str, pipelining: bool, offer: Offer) -> None:
    sink = serve(pipelining=pipelining, faults=[Fault(at=phase, do=fault, times=1)])
    big = WIRE + b"x" * 70 + b"\r\n"
    outcome, connection = offer(sink, wire=big)
    kinds = {"garble": Kind.UNREADABLE, "421 4.3.2 going down": Kind.TEMPORARY}
    if phase == "body":  # a small body is in the server's hands before it can object: then the dot was written too
        assert outcome.phase in {Phase.BODY, Phase.DOT}
        assert not outcome.accepted
    else:
        assert outcome.phase == phase
        assert outcome.kind == kinds.get(fault, Kind.BROKEN)
    assert not connection.usable
    assert connection.open().accepted


def test_a_server_that_speaks_in_mid_stream_never_gets_the_dot(serve: Serve, dial: Dial) -> None:
    sink = serve(faults=[Fault(at="body", do="421 4.3.2 going down", times=1)])
    connection = dial(sink)
    assert connection.open().accepted

    def wait(point: str) -> None:
        if point == "mid_body":
            time.sleep(0.1)

    outcome = connection.send("digest@example.com", "ana@example.org", WIRE * 10, wait)
    assert outcome.phase is Phase.BODY
    assert sink.mails() == []


def test_a_slow_reply_is_waited_for(serve: Serve, offer: Offer) -> None:
    sink = serve(faults=[Fault(at="dot", do="slow")])
    outcome, _ = offer(sink)
    assert outcome.accepted


def test_a_reply_that_drips_for_ever_is_cut_at_the_deadline(dial: Dial) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        peer, _ = server.accept()
        with peer:
            while not stop.wait(0.05):
                peer.sendall(b"2")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    outcome = dial(Relay(host="127.0.0.1", port=server.getsockname()[1], timeouts=QUICK)).open()
    stop.set()
    thread.join()
    server.close()
    assert (outcome.phase, outcome.kind) == (Phase.GREETING, Kind.BROKEN)


def test_a_port_nobody_listens_on_is_told_plainly(dial: Dial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = dial(Relay(host="127.0.0.1", port=port, timeouts=QUICK)).open()
    assert (outcome.phase, outcome.kind, outcome.text) == (Phase.CONNECT, Kind.BROKEN, "refused the connection")


@pytest.mark.parametrize("phase", ["greeting", "ehlo"])
@pytest.mark.parametrize("fault", ["close", "hang", "garble", "half", "421 4.3.2 not now", "554 5.3.2 no"])
def test_an_opening_that_fails_is_told_with_its_phase(serve: Serve, phase: str, fault: str, dial: Dial) -> None:
    sink = serve(faults=[Fault(at=phase, do=fault)])
    outcome = dial(sink).open()
    assert outcome.phase == phase
    assert not outcome.accepted


def test_an_old_server_gets_helo_and_no_pipelining(serve: Serve, offer: Offer) -> None:
    sink = serve(helo_only=True)
    outcome, _ = offer(sink)
    assert outcome.accepted
    assert sink.seen[1].startswith("HELO [127.0.0.1]") or sink.seen[1].startswith("HELO ")


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN"])
def test_login_works_with_plain_and_login(serve: Serve, mechanisms: str, offer: Offer) -> None:
    sink = serve(login="digest:pä ss", login_ways=mechanisms)
    outcome, _ = offer(sink, username="digest", password="pä ss")
    assert outcome.accepted
    assert any(line.startswith(f"AUTH {mechanisms.split(maxsplit=1)[0]}") for line in sink.seen)


def test_a_wrong_password_is_an_auth_refusal(serve: Serve, dial: Dial) -> None:
    outcome = dial(serve(login="digest:secret"), username="digest", password="wrong").open()
    assert (outcome.phase, outcome.kind, outcome.code) == (Phase.AUTH, Kind.PERMANENT, 535)
    assert "wrong name" in outcome.text


def test_a_relay_without_login_says_so(serve: Serve, dial: Dial) -> None:
    outcome = dial(serve(), username="digest", password="x").open()
    assert (outcome.phase, outcome.kind) == (Phase.EHLO, Kind.PERMANENT)
    assert "offers no AUTH" in outcome.text


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encryption_with_a_trusted_certificate(serve: Serve, certificate: Path, security: str, offer: Offer) -> None:
    sink = serve(tls=certificates.server_side(certificate), immediate_tls=security == "tls", login="digest:secret")
    trust = ssl.create_default_context(cafile=str(certificate))
    outcome, connection = offer(sink, security=security, tls=trust, username="digest", password="secret")
    assert outcome.accepted
    assert connection.send("digest@example.com", "ben@example.org", WIRE).accepted
    assert len(sink.mails()) == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_untrusted_certificate_is_named(serve: Serve, certificate: Path, security: str, dial: Dial) -> None:
    sink = serve(tls=certificates.server_side(certificate), immediate_tls=security == "tls")
    outcome = dial(sink, security=security).open()
    assert outcome.phase is Phase.STARTTLS
    assert outcome.text.startswith("the certificate is not valid for 127.0.0.1: self")


def test_starttls_that_is_not_offered_stops_before_anything_is_said(serve: Serve, dial: Dial) -> None:
    sink = serve(login="digest:secret")
    outcome = dial(sink, security="starttls", username="digest", password="secret").open()
    assert (outcome.phase, outcome.text) == (Phase.STARTTLS, "the relay does not offer STARTTLS")
    assert not any(line.startswith("AUTH") for line in sink.seen)


def test_words_smuggled_in_before_encryption_are_refused(dial: Dial) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def smuggle() -> None:
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"220 hello\r\n")
            peer.recv(1000)
            peer.sendall(b"250-x\r\n250 STARTTLS\r\n")
            peer.recv(1000)
            peer.sendall(b"220 go\r\n250 injected\r\n")
            peer.recv(1000)

    thread = threading.Thread(target=smuggle, daemon=True)
    thread.start()
    outcome = dial(Relay(host="127.0.0.1", port=server.getsockname()[1], security="starttls", timeouts=QUICK)).open()
    thread.join()
    server.close()
    assert (outcome.phase, outcome.kind) == (Phase.STARTTLS, Kind.UNREADABLE)


def test_a_message_over_the_relays_size_is_not_even_offered(serve: Serve, offer: Offer) -> None:
    sink = serve(size=50)
    outcome, connection = offer(sink)
    assert (outcome.phase, outcome.code, outcome.enhanced) == (Phase.MAIL, 552, "5.3.4")
    assert connection.usable
    assert not any(line.startswith("MAIL") for line in sink.seen)


def test_an_address_beyond_ascii_needs_smtputf8_or_a_domain_that_can_be_spelled(serve: Serve, offer: Offer) -> None:
    sink = serve(utf8=False)
    assert offer(sink, to="änne@example.org")[0].enhanced == "5.6.7"
    assert offer(sink, to="anne@exämple.org")[0].accepted
    assert sink.mails()[0]["to"] == "anne@xn--exmple-cua.org"
    willing = serve()
    assert offer(willing, to="änne@exämple.org")[0].accepted
    assert willing.mails()[-1]["to"] == "änne@exämple.org"


def test_what_the_relay_cannot_do_is_nobodys_refusal(serve: Serve, offer: Offer) -> None:
    outcome, _ = offer(serve(utf8=False), to="josé@example.org")
    assert (decide(outcome).state, decide(outcome).reason, decide(outcome).effect) == ("failed", "relay_cannot", "none")


@pytest.mark.parametrize("sender", ["dïgest@example.com", "di gest@example.com"])
def test_a_sender_that_the_relay_cannot_be_told_stops_everybody_and_blames_nobody(serve: Serve, dial: Dial, sender: str) -> None:
    sink = serve(utf8=False)
    connection = dial(sink)
    assert connection.open().accepted
    outcome = connection.send(sender, "ana@example.org", WIRE)
    assert (outcome.phase, decide(outcome).state, decide(outcome).effect) == (Phase.MAIL, "queued", "breaker")
    assert not any(line.startswith("MAIL") for line in sink.seen)


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.org", "a@example.org>\r\nRCPT TO:<b@example.org", "a@example.org\x00"])
def test_an_address_that_would_break_the_command_never_reaches_it(serve: Serve, address: str, offer: Offer) -> None:
    sink = serve()
    outcome, _ = offer(sink, to=address)
    assert (outcome.phase, outcome.enhanced) == (Phase.RCPT, "5.1.3")
    assert not any(line.startswith("MAIL") for line in sink.seen)


def test_the_servers_words_are_cropped(serve: Serve, offer: Offer) -> None:
    outcome, _ = offer(serve(faults=[Fault(at="rcpt", do="550 5.1.1 " + "x" * 900)]))
    assert len(outcome.text) == 250


def test_a_wait_can_be_broken_off_from_outside(serve: Serve, dial: Dial) -> None:
    sink = serve(faults=[Fault(at="dot", do="hang")])
    connection = dial(sink, timeouts=Timeouts())
    assert connection.open().accepted
    threading.Timer(0.2, connection.abort).start()
    outcome = connection.send("digest@example.com", "ana@example.org", WIRE)
    assert (outcome.phase, outcome.kind) == (Phase.DOT, Kind.BROKEN)


def test_a_connection_given_up_while_it_is_opened_leaves_no_socket_behind(serve: Serve, dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = serve()
    made: list[Stream] = []
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(host: str, port: int, patience: float) -> Stream:
        on_its_way.set()
        go_on.wait(5)
        made.append(connect(host, port, patience))
        return made[-1]

    monkeypatch.setattr("digest.smtp.connection.connect", slow)
    connection = dial(sink)
    opening = threading.Thread(target=connection.open)
    opening.start()
    assert on_its_way.wait(5)
    connection.abort()
    connection.drop()
    go_on.set()
    opening.join()
    assert [stream.fileno() for stream in made] == [-1]


def test_a_connection_that_died_between_messages_is_told_as_reused(serve: Serve, offer: Offer) -> None:
    sink = serve()
    outcome, connection = offer(sink)
    assert outcome.accepted
    sink.hang_up()
    time.sleep(0.05)
    outcome = connection.send("digest@example.com", "ben@example.org", WIRE)
    assert (outcome.phase, outcome.kind, outcome.reused) == (Phase.MAIL, Kind.BROKEN, True)
