"""Group commit: requests wait in a queue, one thread serves all that have gathered with one commit, then all are answered."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from digest.errors import StorageError

Q = TypeVar("Q")
A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)
_MOST = 500  # requests in one commit; more only makes the first of them wait


class Waiting(Protocol[A_contra]):
    """Who waits for an answer: a future, or what does as one. All but `get_loop` is called in its loop."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop it lives in."""

    def done(self) -> bool:
        """True when it waits no more."""

    def set_result(self, result: A_contra, /) -> None:
        """The answer."""

    def set_exception(self, exception: Exception, /) -> None:
        """Why there is none."""


class Committer(Generic[Q, A]):
    """Hands batches to `work` (which returns an answer or an error for each, or raises) in a thread of its own."""

    def __init__(self, work: Callable[[Sequence[Q]], Sequence[A | Exception]]) -> None:
        self.served = 0  # batches that came to an end
        self._work = work
        self._queue: queue.SimpleQueue[tuple[Q, Waiting[A]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait to be taken up."""
        return self._queue.qsize()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    async def ask(self, request: Q) -> A:
        """The answer to `request`, once it is committed. Raises what the work raised."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._queue.put((request, future))
        return await future

    def hand(self, request: Q, waiting: Waiting[A]) -> None:
        """Like `ask`, for whoever has no task to wait in."""
        self._queue.put((request, waiting))

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._gather()
            if batch:
                _deliver([future for _, future in batch], self._serve([request for request, _ in batch]))
                self.served += 1

    def _gather(self) -> tuple[list[tuple[Q, Waiting[A]]], bool]:
        batch: list[tuple[Q, Waiting[A]]] = []
        entry = self._queue.get()
        while True:
            if entry is None:
                return batch, False
            batch.append(entry)
            if len(batch) >= _MOST:
                return batch, True
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return batch, True

    def _serve(self, requests: list[Q]) -> list[A | Exception]:
        try:
            return list(self._work(requests))
        except StorageError as error:
            if len(requests) == 1 or isinstance(error.__cause__, (OperationalError, InterfaceError)):
                return [error] * len(requests)  # the database is gone or busy: asking again for each would only wait again
        except Exception as error:  # noqa: BLE001 - one bad request must not end the thread; it is handed to whoever asked
            if len(requests) == 1:
                return [error]
        return [answer for request in requests for answer in self._serve([request])]  # one bad request spoils nobody else's


def _deliver(futures: Sequence[Waiting[A]], answers: Sequence[A | Exception]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiting[A], A | Exception]]] = defaultdict(list)
    for future, answer in zip(futures, answers, strict=True):
        loops[future.get_loop()].append((future, answer))
    for loop, pairs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: Sequence[tuple[Waiting[A], A | Exception]]) -> None:
    for future, answer in pairs:
        if future.done():  # the client went away
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
