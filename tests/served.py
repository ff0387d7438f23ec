"""The application behind a real socket, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from digest.web.app import App
from digest.web.bounded import BoundedProtocol


@contextmanager
def served(app: App, port: int) -> Iterator[str]:
    """Serve `app` on that port of loopback, with the protocol that `digest serve` uses; its address."""
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False)
    config.http, config.ws = BoundedProtocol, "none"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
