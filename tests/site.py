"""A web server on loopback that answers octet by octet as a test tells it, and a way that reaches it by any name."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from digest.domain.reachable import Reach
from digest.net.fetch import Way
from tests.certificates import server_side

Play = Callable[[socket.socket], None]  # says what it likes, for as long as it likes
LOOPBACK = Reach(ports=frozenset(), also=("127.0.0.0/8", "::1/128"))


def answer(body: bytes = b"", *, status: str = "200 OK", kind: str = "text/html; charset=utf-8", length: int | None = None, **more: str) -> bytes:
    """A whole answer; `more`: fields, `content_encoding="gzip"`."""
    fields = {"content-type": kind, "content-length": str(len(body) if length is None else length)}
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def moved(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return answer(status=status, location=location)


class Site:
    """Answers by path, `asked` holds every request's head. Names: `way()` resolves each of them to this server."""

    def __init__(self, pages: Mapping[str, bytes | Play], both: Path | None = None) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []
        self.resolved: list[str] = []
        self.inside: dict[str, list[str]] = {}  # name -> addresses, for names that lead elsewhere
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = server_side(both) if both else None
        self._both = both
        self.port: int = self._listener.getsockname()[1]
        self.scheme = "https" if both else "http"
        self._stop = threading.Event()

    def url(self, path: str = "/", name: str = "news.example") -> str:
        return f"{self.scheme}://{name}:{self.port}{path}"

    def way(self, reach: Reach = LOOPBACK) -> Way:
        return Way(reach=reach, resolve=self._resolve, context=self._context)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._both)) if self._both else ssl.create_default_context()

    def _resolve(self, name: str, port: int) -> list[str]:
        del port
        self.resolved.append(name)
        return self.inside.get(name, ["127.0.0.1"])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                wire, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError), wire:
            talk = self._tls.wrap_socket(wire, server_side=True) if self._tls else wire
            with talk:
                head = b""
                while b"\r\n\r\n" not in head:
                    got = talk.recv(65536)
                    if not got:
                        return
                    head += got
                self.asked.append(head.decode("latin-1"))
                page = self.pages.get(head.split(b" ")[1].decode("latin-1"), answer(b"nothing", status="404 Not Found"))
                if callable(page):
                    page(talk)
                else:
                    talk.sendall(page)
                with contextlib.suppress(OSError):
                    talk.shutdown(socket.SHUT_WR)
