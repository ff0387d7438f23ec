"""What a server says, and how an address is spelled, whatever the octets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from digest.db.schema import attempt
from digest.db.session import read
from digest.domain.phase import Kind
from digest.smtp.connection import Connection
from digest.smtp.relay import Relay, Timeouts
from digest.smtp.stream import CutError, Stream, drive
from digest.smtp.told import shown
from digest.smtp.words import ascii_form
from tests.letters import put_edition, send, states
from tests.sink import Fault, Sink

Serve = Callable[..., Sink]
QUICK = Timeouts(connect=2, greeting=0.4, command=0.4, mail=0.4, rcpt=0.4, data=0.4, block=2, dot=0.4)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sink(file=tmp_path / "mail.jsonl", **options))


def said(octets: bytes) -> str:
    """What is told of a server that says `octets` and hangs up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(octets)
        theirs.shutdown(socket.SHUT_WR)
        stream = Stream(ours)
        try:
            return drive(stream.reply(1.0), stream.fileno).text
        except CutError as cut:
            return cut.text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"450 4.2.0 full\x00box\r\n", "450 4.2.0 full\ufffdbox"),
        (b"550-5.1.1 \x1b[31mred\x07\r\n550 5.1.1\there\xff\r\n", "550 5.1.1 \ufffd[31mred\ufffd 5.1.1 here\ufffd"),
        ("550 5.1.1 böses \u202eWort\u00a0hier\r\n".encode(), "550 5.1.1 böses \ufffdWort hier"),
        ("\x00ÿ?what\r\n".encode(), 'no SMTP reply: "\ufffdÿ?what"'),
        (b"999 never\r\n", 'no SMTP reply: "999 never"'),
        (b"25\x000", 'the server closed the connection after "25\ufffd0"'),
    ],
)
def test_people_see_the_servers_words_with_a_mark_for_what_cannot_be_shown(octets: bytes, text: str) -> None:
    assert said(octets) == text


@given(st.binary(max_size=80))
def test_no_octets_of_a_server_become_a_control_character(octets: bytes) -> None:
    assert said(octets + b"\r\n").isprintable()


@given(st.text())
def test_what_is_shown_is_printable_and_printable_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) == len(text)
    assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize("at", ["rcpt", "dot"])
def test_a_nul_in_the_servers_words_stops_no_run(engine: Engine, serve: Serve, at: str) -> None:
    put_edition(engine, 3)
    sink = serve(faults=[Fault(at=at, do="450 4.2.0 full\x00box", times=1, keep=False)])
    assert send(engine, sink).sent == 2
    assert states(engine) == {"sent": 2, "deferred": 1}
    with read(engine) as connection:
        assert "450 4.2.0 full\ufffdbox" in connection.execute(select(attempt.c.text)).scalars().all()


def test_a_nul_in_an_acceptance_stops_no_run(engine: Engine, serve: Serve) -> None:
    put_edition(engine, 3)
    sink = serve(faults=[Fault(at="greeting", do="220 hello\x00"), Fault(at="mail", do="250 2.1.0 \x00")])
    relay = Relay(host="127.0.0.1", port=sink.port, timeouts=QUICK)
    connection = Connection(relay)
    outcome = connection.open()
    connection.drop()
    assert (outcome.kind, "\x00" in outcome.text) == (Kind.ACCEPTED, False)


# Addresses


@pytest.mark.parametrize(
    ("address", "spelled"),
    [
        ("anne@exämple.org", "anne@xn--exmple-cua.org"),
        ("anne@EXÄMPLE.org", "anne@xn--exmple-cua.org"),
        ("anne@exa\u0308mple.org", "anne@xn--exmple-cua.org"),
        ("x@βόλος.com", "x@xn--nxasmm1c.com"),  # the final sigma stays one, too
        ("x@日本.jp", "x@xn--wgv71a.jp"),
        ("Ana.B@Example.org", "Ana.B@Example.org"),
        ("änne@example.org", ""),
        ("x@ä..de", ""),
        ("x@" + "ä" * 70 + ".de", ""),
        ("x@\uff45xample.org", ""),  # another spelling is another address until somebody writes it so
        ("x@日本。jp", ""),
        ("x@a\u200däb.de", ""),
    ],
)
def test_a_domain_is_spelled_in_ascii_or_not_at_all(address: str, spelled: str) -> None:
    assert ascii_form(address) == spelled


def test_a_sharp_s_never_becomes_somebody_elses_domain(serve: Serve) -> None:
    assert ascii_form("anne@straße.de") == "anne@xn--strae-oqa.de"
    sink = serve(utf8=False)
    connection = Connection(Relay(host="127.0.0.1", port=sink.port))
    assert connection.open().accepted
    assert connection.send("digest@example.com", "anne@straße.de", b"To: anne\r\n\r\nHello\r\n").accepted
    connection.close()
    assert [mail["to"] for mail in sink.mails()] == ["anne@xn--strae-oqa.de"]
