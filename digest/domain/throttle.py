"""How fast a transport may be used: token buckets, one for each period that has a limit (delivery-rules, section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.domain.clock import utc

_BURST = 20  # the part of a limit that may go at once is a twentieth
_SPARE = 0.99  # of a limit too small for that; one by one they keep it exactly, and the rest is for clocks and networks
_SKEW = timedelta(minutes=1)  # clocks of one company differ by less


class Per(StrEnum):
    """The span a limit speaks of."""

    SECOND = "second"  # any second
    MINUTE = "minute"  # any sixty seconds
    DAY = "day"  # any twenty-four hours


SPANS: Mapping[Per, timedelta] = {Per.SECOND: timedelta(seconds=1), Per.MINUTE: timedelta(minutes=1), Per.DAY: timedelta(days=1)}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `most` messages in any span of `per`."""

    per: Per
    most: int

    @property
    def burst(self) -> int:
        """How many may go at once after a rest: the size of the bucket."""
        return max(1, self.most // _BURST)

    @property
    def rate(self) -> float:
        """Tokens a second. Burst and refill together stay within `most` in every span, wherever it begins.

        A bucket of one token spaces its messages, and `most` equal spaces fill a span that holds `most` messages.
        """
        each_span = self.most - self.burst if self.most >= _BURST else self.most * _SPARE
        return each_span / SPANS[self.per].total_seconds()


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A limit's tokens at the moment `filled_at`."""

    limit: Limit
    tokens: float
    filled_at: datetime

    def at(self, now: datetime) -> Bucket:
        """The bucket as it stands at `now`.

        A clock that is a little behind the one that filled it finds it as it is, or two of them would fill it twice. One that
        is far behind was set right: the bucket goes on from there with what it holds.
        """
        if timedelta(0) < self.filled_at - utc(now) <= _SKEW:
            return self
        passed = max(0.0, (utc(now) - self.filled_at).total_seconds())
        return Bucket(limit=self.limit, tokens=min(self.limit.burst, self.tokens + passed * self.limit.rate), filled_at=now)


def full(limit: Limit, now: datetime) -> Bucket:
    """A bucket that was never used."""
    return Bucket(limit=limit, tokens=limit.burst, filled_at=utc(now))


def room(buckets: Sequence[Bucket], wanted: int) -> int:
    """How many of `wanted` messages every bucket allows now."""
    return max(0, min([wanted, *(int(bucket.tokens + 1e-9) for bucket in buckets)]))


def spend(bucket: Bucket, count: int) -> Bucket:
    """The bucket after `count` messages were claimed."""
    return Bucket(limit=bucket.limit, tokens=bucket.tokens - count, filled_at=bucket.filled_at)


def wait(buckets: Sequence[Bucket]) -> float:
    """Seconds until every bucket holds a whole token."""
    return max([0.0, *((1 - bucket.tokens) / bucket.limit.rate for bucket in buckets)])
