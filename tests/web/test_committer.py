"""Group commit: one commit for all that wait, and nobody pays for somebody else's request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError

from digest.errors import StorageError
from digest.web.committer import Committer


def run(committer: Committer[int, int], numbers: Sequence[int]) -> list[int | BaseException]:
    async def ask() -> list[int | BaseException]:
        return await asyncio.gather(*(committer.ask(number) for number in numbers), return_exceptions=True)

    committer.start()
    try:
        return asyncio.run(ask())
    finally:
        committer.stop()


def test_requests_that_wait_share_a_batch() -> None:
    sizes: list[int] = []
    gate = threading.Event()

    def work(numbers: Sequence[int]) -> list[int]:
        if not sizes:
            gate.wait(0.2)  # the first batch takes its time; the others gather meanwhile
        sizes.append(len(numbers))
        return [2 * number for number in numbers]

    assert run(Committer(work), range(100)) == [2 * number for number in range(100)]
    assert len(sizes) <= 3


def test_one_bad_request_fails_alone() -> None:
    def work(numbers: Sequence[int]) -> list[int]:
        if 7 in numbers:
            raise ValueError(7)
        return list(numbers)

    answers = run(Committer(work), range(10))
    assert [number for number in range(10) if answers[number] == number] == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert isinstance(answers[7], ValueError)


def test_a_database_that_is_gone_is_asked_once_for_all() -> None:
    calls: list[int] = []

    def work(numbers: Sequence[int]) -> list[int]:
        calls.append(len(numbers))
        raise StorageError("database") from OperationalError("select", {}, Exception("gone"))

    answers = run(Committer(work), range(50))
    assert all(isinstance(answer, StorageError) for answer in answers)
    assert len(calls) <= 3


def test_stopping_finishes_what_waits() -> None:
    committer: Committer[int, int] = Committer(list)

    async def ask() -> int:
        waiting = asyncio.ensure_future(committer.ask(5))
        await asyncio.sleep(0)
        await asyncio.to_thread(committer.stop)
        return await waiting

    committer.start()
    assert asyncio.run(ask()) == 5


def test_a_client_that_went_away_does_not_stop_the_others() -> None:
    gate = threading.Event()

    def work(numbers: Sequence[int]) -> list[int]:
        gate.wait(5)
        return list(numbers)

    committer: Committer[int, int] = Committer(work)

    async def ask() -> int:
        gone = asyncio.ensure_future(committer.ask(1))
        kept = asyncio.ensure_future(committer.ask(2))
        await asyncio.sleep(0.01)
        gone.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await kept

    committer.start()
    assert asyncio.run(ask()) == 2
    committer.stop()
