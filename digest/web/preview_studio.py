"""The studio: looks at the editor's files, rehearses the edition anew when one changes, and tells who waits for it.

First the letter in the language that somebody looks at, then, if nothing newer was saved, every language and every reader.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from digest.config import Config, load_config
from digest.db import migrate
from digest.db.session import for_reading
from digest.domain.trouble import Trouble
from digest.errors import DigestError
from digest.files.watch import Signature, changed, signature
from digest.mail import catalogue
from digest.mail.environment import environment, templates_folder
from digest.pipeline import casting, rehearsing
from digest.pipeline.casting import Cast
from digest.pipeline.gathering import Album
from digest.pipeline.networks import own_file
from digest.pipeline.pictures import files_of
from digest.pipeline.rehearsing import Take, Whole

log = logging.getLogger(__name__)
_FRESH = 3.0  # seconds that a letter may be shown without asking the database again
_LOOK = 0.1  # seconds between two looks at the files
_SETTLE = 0.03  # an editor that writes a file in pieces gets this long between them
_BREATH = 0.4  # before the rest is measured: the browser fetches the letter meanwhile


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What can be shown now. With `troubles`, `take` is the last good one."""

    version: int = 0
    take: Take | None = None
    whole: Whole | None = None
    troubles: tuple[Trouble, ...] = ()
    made_at: datetime | None = None
    took: float = 0  # seconds from seeing the change to having the letter
    config: Config | None = None
    engine: Engine | None = None


class _SupersededError(Exception):
    """Something newer was saved."""


class Bell:
    """Wakes whoever waits in an event loop; rung from any thread."""

    def __init__(self) -> None:
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._turn = threading.Lock()

    async def heard(self, seconds: float, already: Callable[[], bool]) -> None:
        """Return when it rings, when that time is over, or when `already` is true: it may have rung just before."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._turn:
            self._waiting.add(mine)
        try:
            if not already():
                with suppress(TimeoutError):
                    await asyncio.wait_for(mine[1].wait(), seconds)
        finally:
            with self._turn:
                self._waiting.discard(mine)

    def ring(self) -> None:
        """Wake everybody."""
        with self._turn:
            waiting = list(self._waiting)
        for loop, event in waiting:
            with suppress(RuntimeError):  # its loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(event.set)


class Studio:
    """Two threads, one that looks and rehearses and one that measures everything behind it; everybody else reads `scene`."""

    def __init__(self, config_path: Path, clock: Callable[[], datetime]) -> None:
        self._config_path = config_path
        self._clock = clock
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work, name=f"preview-{work.__name__}", daemon=True) for work in (self._follow, self._measure)]
        self._seen: Signature = {}
        self._day = clock().date()
        self._tried = 0.0
        self._turn = threading.Lock()
        self._to_measure: queue.SimpleQueue[tuple[Engine, Take] | None] = queue.SimpleQueue()
        self._newest: Take | None = None  # None as soon as something newer was saved
        self._asked = ("", "")  # reader and language that were looked at last; their letter is made first
        self._kept: tuple[Take, tuple[str, str], float, Cast] | None = None  # the newest letter: a page and its frame ask one after the other
        self.album = Album()
        self.scene = Scene()
        self.bell = Bell()

    def start(self) -> None:
        """Begin to look and to rehearse."""
        for thread in self._threads:
            thread.start()

    def hush(self) -> None:
        """Tell everybody who waits that nothing more will come."""
        self._stop.set()
        self._newest = None
        self._to_measure.put(None)
        self.bell.ring()

    def stop(self) -> None:
        """End; the database is closed."""
        self.hush()
        for thread in self._threads:
            thread.join()
        if self.scene.engine is not None:
            self.scene.engine.dispose()

    @property
    def stopped(self) -> bool:
        """True when nothing new will come."""
        return self._stop.is_set()

    def cast(self, engine: Engine, take: Take, *, reader: str, language: str) -> Cast:
        """A reader and their letter. Raises DigestError."""
        self._asked = asked = (reader, language)
        kept = self._kept
        if kept is None or kept[0] is not take or kept[1] != asked or time.monotonic() - kept[2] > _FRESH:
            made = casting.cast(engine, take, reader=reader, language=language, now=self._clock())
            self._kept = kept = (take, asked, time.monotonic(), made)
        return kept[3]

    def _follow(self) -> None:
        while not self._stop.is_set():
            found = self._look()
            if found != self._seen or self._clock().date() != self._day or self._is_to_try_again():
                self._newest = None
                found = self._settled(found)
                _forget(changed(self._seen, found))
                self._seen, self._day = found, self._clock().date()
                self._rehearse()
            self._stop.wait(_LOOK)

    def _is_to_try_again(self) -> bool:
        """True at first, and now and then while there is no database: it is none of the files that are looked at."""
        return not self.scene.version or (self.scene.engine is None and time.monotonic() - self._tried > _FRESH)

    def _look(self) -> Signature:
        """Everything that a letter is made of, as far as it is files."""
        paths = [self._config_path, templates_folder(), catalogue.FOLDER]
        config = self.scene.config
        if config is None:
            return signature(paths)
        logo = config.home / config.brand.logo if config.brand.logo and "://" not in config.brand.logo else None
        faces = config.home / config.content.faces if config.content.faces else None
        shown = files_of(config, self.scene.take.content) if self.scene.take else []
        more = (config.queue_path, config.templates_path, own_file(config), logo, faces, *shown)
        return signature([*paths, *(path for path in more if path is not None)])

    def _settled(self, found: Signature) -> Signature:
        """The files once nobody is in the middle of writing them."""
        while not self._stop.wait(_SETTLE):
            again = self._look()
            if again == found:
                break
            found = again
        return found

    def _rehearse(self) -> None:
        self._tried = started = time.monotonic()
        made: Take | None = None
        try:
            config, engine = self._opened()
            made, troubles = rehearsing.rehearse(engine, config, now=self._clock(), album=self.album)
            if made is not None:
                self.cast(engine, made, reader=self._asked[0], language=self._asked[1])
        except DigestError as error:
            made, troubles = None, rehearsing.troubles(error, str(self._config_path.absolute().parent))
        except Exception as error:
            log.exception("This is a bug in digest.")
            made, troubles = None, (_bug(error),)
        if made is None:
            self._show(troubles=troubles)
            return
        self._newest = made
        self._show(take=made, whole=None, troubles=(), made_at=self._clock(), took=time.monotonic() - started)
        self._to_measure.put((engine, made))

    def _opened(self) -> tuple[Config, Engine]:
        """The configuration as it is now, and its database, which cannot be written to. Raises DigestError."""
        before = self.scene
        config = load_config(self._config_path)
        self._set(config=config)  # so that its files are watched, whatever the database says
        if before.engine is not None and before.config is not None and before.config.database == config.database:
            return config, before.engine
        engine = for_reading(config.database.url, base=config.home)
        try:
            migrate.check(engine)
        except DigestError:
            engine.dispose()
            raise
        self._set(engine=engine)
        if before.engine is not None:
            before.engine.dispose()
        return config, engine

    def _measure(self) -> None:
        """Everybody's letters, as long as nothing newer comes."""
        while (asked := self._to_measure.get()) is not None:
            engine, made = asked
            self._stop.wait(_BREATH)
            home = str(made.rehearsal.config.home)
            try:
                done, measured = rehearsing.whole(engine, made, partial(self._still, made))
                self._show(made, take=done, whole=measured)
            except _SupersededError:
                continue
            except DigestError as error:
                self._show(made, troubles=rehearsing.troubles(error, home))
            except Exception as error:
                log.exception("This is a bug in digest.")
                self._show(made, troubles=(_bug(error),))

    def _still(self, made: Take) -> None:
        if self._newest is not made:
            raise _SupersededError

    def _show(self, made: Take | None = None, **changes: Any) -> None:  # noqa: ANN401 - fields of Scene
        """Change the scene and tell; with `made` only while nothing newer was saved."""
        with self._turn:
            if made is None or self._newest is made:
                self.scene = replace(self.scene, version=self.scene.version + 1, **changes)
        self.bell.ring()

    def _set(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Scene
        with self._turn:
            self.scene = replace(self.scene, **changes)


def _forget(files: set[str]) -> None:
    """Templates and catalogues are kept once they are read; those that changed must be read anew."""
    if any(file.endswith((".html", ".txt", ".css")) for file in files):
        environment.cache_clear()
    if any(file.endswith((".po", "en.toml")) for file in files):
        catalogue.forget()


def _bug(error: Exception) -> Trouble:
    return Trouble(
        place="", said=f"{type(error).__name__}: {error}", cure="This is a bug in digest; its trace stands in the terminal. Please report it."
    )
