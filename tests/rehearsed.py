"""The live preview as an editor has it: a folder with a queue, and the pages behind a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from digest.demo.mailbox import free_port
from digest.web.preview import make_preview
from digest.web.preview_studio import Studio
from tests.conftest import NOW


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The editor's folder, and where the preview answers."""

    home: Path
    url: str
    port: int
    studio: Studio

    @property
    def queue(self) -> Path:
        """The file that is edited."""
        return self.home / "queue.toml"

    def wait(self, *, whole: bool = False, broken: bool = False) -> None:
        """Until a letter is made (and everything measured), or something is wrong."""
        end = time.monotonic() + 30
        while True:
            scene = self.studio.scene
            if bool(scene.troubles) if broken else not scene.troubles and scene.take is not None and (scene.whole is not None or not whole):
                return
            assert time.monotonic() < end, scene
            time.sleep(0.02)


def configured(home: Path, database_url: str, more: str = "") -> Path:
    """A config.toml beside the queue."""
    path = home / "config.toml"
    text = '[site]\nname = "The Fernwood Letter"\ncompany = "Fernwood"\naddress = "1 Road"\nurl = "https://letter.example.com"\n'
    path.write_text(f'{text}{more}\n[database]\nurl = "{database_url}"\n', encoding="utf-8")
    return path


@contextmanager
def previewed(home: Path) -> Iterator[Desk]:
    """The preview of `home`, which has a config.toml, as `digest preview` serves it."""
    studio, port = Studio(home / "config.toml", lambda: NOW), free_port()
    options = uvicorn.Config(make_preview(studio, port), port=port, log_config=None, access_log=False, proxy_headers=False)
    options.timeout_graceful_shutdown = 2
    server = uvicorn.Server(options)
    thread = threading.Thread(target=server.run)
    studio.start()
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Desk(home=home, url=f"http://127.0.0.1:{port}", port=port, studio=studio)
    finally:
        server.should_exit = True
        studio.stop()
        thread.join()
