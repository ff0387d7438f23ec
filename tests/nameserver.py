"""A real DNS server on loopback, over UDP and TCP, that knows what a test tells it and fails as told."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]  # ("example.com", "TXT") -> values as a zone file writes them


class Nameserver:
    """Answers from `zone`. `silent`: names it never answers for; `failing`: names it answers SERVFAIL for."""

    def __init__(self, zone: Zone, *, silent: Sequence[str] = (), failing: Sequence[str] = ()) -> None:
        self.zone = {(name.lower().rstrip("."), kind): list(values) for (name, kind), values in zone.items()}
        self.silent, self.failing = set(silent), set(failing)
        self.asked: list[tuple[str, str, str]] = []  # ("udp", "example.com", "TXT")
        owner = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                answer = owner.answer(data, "udp")
                if answer is not None:
                    sock.sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                (length,) = struct.unpack("!H", self.rfile.read(2))
                answer = owner.answer(self.rfile.read(length), "tcp")
                if answer is not None:
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)

        self._udp, self._tcp = _pair(Udp, Tcp)
        self.place = f"127.0.0.1:{self._udp.server_address[1]}"

    def answer(self, data: bytes, way: str) -> bytes | None:
        """The reply to one question, or None for silence. What does not fit UDP says so, as real servers do."""
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((way, name, kind))
        if name in self.silent or "*" in self.silent:
            return None
        reply = dns.message.make_response(question)
        values = self.zone.get((name, kind), [])
        if name in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *values))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wire = reply.to_wire()
        if way == "udp" and len(wire) > 512:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        return wire

    def __enter__(self) -> Self:
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()


def _pair(udp: type[socketserver.BaseRequestHandler], tcp: type[socketserver.BaseRequestHandler]) -> tuple[Any, Any]:
    """A UDP and a TCP server on one port."""
    while True:
        first = socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp)
        with contextlib.suppress(OSError):
            return first, socketserver.ThreadingTCPServer(first.server_address, tcp)
        first.server_close()


def text(value: str) -> str:
    """A TXT value as a zone file writes it, in strings of 255 octets."""
    return " ".join(f'"{value[start : start + 255]}"' for start in range(0, len(value), 255))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
