"""Web applications on loopback in threads of their own, started and stopped by the demo."""

from __future__ import annotations

import threading
import time
from typing import Any

import uvicorn

from digest.errors import DigestError


class PortTakenError(DigestError):
    """A port of the demo is in use."""

    summary = "something listens on this port already"


class Server:
    """One ASGI application on 127.0.0.1."""

    def __init__(self, application: Any, port: int) -> None:  # noqa: ANN401 - any ASGI application
        options = uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", access_log=False, proxy_headers=False)
        self._server = uvicorn.Server(options)
        self._thread = threading.Thread(target=self._run, name=f"server-{port}", daemon=True)
        self._port = port
        self._failed = False

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # how uvicorn says that it could not bind
            self._failed = True

    def start(self) -> None:
        """Return when it answers. Raises PortTakenError."""
        self._thread.start()
        while not self._server.started:
            if self._failed or not self._thread.is_alive():
                raise PortTakenError(f"127.0.0.1:{self._port}", hint="Stop it, or run the demo again.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Finish what is being answered, then stop."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
