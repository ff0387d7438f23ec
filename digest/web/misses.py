"""Guessing costs the guesser, and nobody else: a source that asks for links that are none gets no look-up for more of them.

A valid link from the same address still works, because a whole company may stand behind it. The one exception: a link that
another server made in the last seconds (see `digest.web.known`).
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from digest.domain.press import SHARE, UNKNOWN, Press
from digest.errors import StorageError
from digest.pipeline.answer import NOWHERE, Answer
from digest.pipeline.seen import Seen
from digest.web.committer import Committer
from digest.web.known import Known
from digest.web.prompt import Pending, Prompt
from digest.web.spool import Spooled

_A_MINUTE = 12.0
_SOURCES = 10_000  # the most that are remembered: about 2 MB
_LOOK = 0.5  # seconds between looks at who waits too long
_PATIENCE = 3.0  # seconds a press waits for the database before memory answers it

Presses = Committer[Press, Answer]


class Misses:
    """How many links that are none each source has asked for lately; only a keyed hash of its address, only in memory."""

    def __init__(self, a_minute: float = _A_MINUTE, most: int = _SOURCES, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.unknown = 0  # links that nobody knows
        self.damaged = 0  # links that were cut or mistyped on the way
        self.refused = 0  # links of a guesser that were not even looked up
        self._a_minute = a_minute
        self._most = most
        self._monotonic = monotonic
        self._calm_at = float("-inf")  # when the last source that had too many has calmed down: then nothing needs to be hashed
        self._levels: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self._source = _hasher(secrets.token_bytes(16))

    def __len__(self) -> int:
        """How many sources are remembered."""
        return len(self._levels)

    def over(self, address: str) -> bool:
        """True when the source has asked for too many."""
        return self._monotonic() < self._calm_at and self._level(self._source(address)) > self._a_minute - 1

    def note(self, address: str) -> None:
        """The source asked for one that is none."""
        source = self._source(address)
        level = min(self._level(source) + 1, self._a_minute + 1)
        self._levels[source] = (level, self._monotonic())
        if level > self._a_minute - 1:
            self._calm_at = self._monotonic() + 60
        self._levels.move_to_end(source)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)

    def _level(self, source: bytes) -> float:
        level, at = self._levels.get(source, (0.0, 0.0))
        return max(0.0, level - max(0.0, self._monotonic() - at) * self._a_minute / 60)


def _hasher(key: bytes) -> Callable[[str], bytes]:
    def hashed(address: str) -> bytes:
        return hashlib.blake2b(_home(address).encode("utf-8", "replace"), key=key, digest_size=12).digest()

    return hashed


def _home(address: str) -> str:
    """An address as one source has it: of IPv6 the first 64 bits, of which a home has all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


@dataclass(frozen=True, kw_only=True)
class Answerers:
    """Who answers presses."""

    committer: Presses
    minter: Presses  # of presses whose short link must be in the database first, lest the others wait for that
    prompt: Prompt | None = None  # of what comes without a task to wait in; None: the committer


class Gate:
    """What every press goes through: a guesser is refused, and a database that hangs is not waited for."""

    def __init__(self, answering: Answerers, misses: Misses, known: Known, seen: Seen, spooled: Spooled | None) -> None:
        self._committer = answering.committer
        self._minter = answering.minter
        self._prompt = answering.prompt
        self._misses = misses
        self._known = known
        self._seen = seen
        self.spooled = spooled  # where what cannot be stored waits; None: nowhere
        self._pending: deque[Pending] = deque()
        self._tasks: set[asyncio.Future[None]] = set()
        self._stuck_at = -1  # batches that had come to an end when patience did; until one more does, nobody else waits

    async def ask(self, press: Press) -> Answer:
        """Where the press leads. Raises StorageError."""
        if self._misses.over(press.address) and not self._seen.heard_of(press.key) and not self._known.may_be(press.key):
            self._misses.refused += 1
            return NOWHERE
        answer = await self._patiently(press)
        if answer.standing is UNKNOWN:
            self._misses.unknown += 1
            self._misses.note(press.address)
        return answer

    def hand(self, pending: Pending) -> bool:
        """Like `ask`, without a task to wait in: it is told later. False where only `ask` can judge: a guesser, or a database that hangs."""
        if self._misses.over(pending.press.address) or self._stuck():
            return False
        (self._prompt.hand if self._prompt else self.pass_on)(pending)
        return True

    def pass_on(self, pending: Pending) -> None:
        """The committer answers it."""
        self._for(pending.press).hand(pending.press, pending)
        self.mind(pending)

    def heard(self, pending: Pending, answer: Answer | Exception) -> None:
        """A press has its answer."""
        if not isinstance(answer, Exception) and answer.standing is UNKNOWN:
            self._misses.unknown += 1
            self._misses.note(pending.press.address)
        pending.tell(answer)

    def mind(self, pending: Pending) -> None:
        """See to it that nobody waits for long, where there is another way. One look at many costs less than a timer for each."""
        if self.spooled is None:
            return
        self._pending.append(pending)
        if len(self._pending) == 1:
            pending.get_loop().call_later(_LOOK, self._look)

    def _look(self) -> None:
        now = time.monotonic()
        while self._pending and (self._pending[0].done() or self._pending[0].since < now - _PATIENCE):
            late = self._pending.popleft()
            if not late.done():
                self._stuck_at = self._served()
                self._tasks.add(task := asyncio.ensure_future(self._from_memory(late)))
                task.add_done_callback(self._tasks.discard)
        if self._pending:
            asyncio.get_running_loop().call_later(_LOOK, self._look)

    async def _from_memory(self, late: Pending) -> None:
        try:
            answer: Answer | Exception = await self._aside(late.press)
        except StorageError as error:
            answer = error
        if not late.done():
            late.set_result(answer)

    def damaged(self) -> Answer:
        """For a link that was cut or mistyped: nothing is looked up, and nobody is blamed."""
        self._misses.damaged += 1
        return NOWHERE

    async def _patiently(self, press: Press) -> Answer:
        if self.spooled is None:
            return await self._for(press).ask(press)
        if self._stuck() and self._seen.knows(press):
            return await self._aside(press)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._for(press).ask(press)
        except TimeoutError:
            self._stuck_at = self._served()
            return await self._aside(press)

    def _for(self, press: Press) -> Presses:
        """Who answers it: a short link that is not there yet must be written first, and that others need not wait for."""
        return self._minter if press.kind is SHARE and not self._seen.shared(press) else self._committer

    def _stuck(self) -> bool:
        return self._stuck_at >= 0 and self._stuck_at == self._served()

    def _served(self) -> int:
        return self._committer.served + (self._prompt.served if self._prompt else 0)

    async def _aside(self, press: Press) -> Answer:
        """What memory answers; the event has one id, wherever it ends up. Raises StorageError."""
        trouble = StorageError("database", f"no answer within {_PATIENCE:g} seconds")
        if self.spooled is None:
            raise trouble
        [answer] = await run_in_threadpool(self.spooled.aside, [press], trouble)
        if isinstance(answer, Exception):
            raise answer
        return answer
