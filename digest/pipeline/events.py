"""Events: the rows that presses leave behind, as much in them as the mode allows."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any

from digest.db.short_links import ShortLink
from digest.domain.link import HONEYPOT
from digest.domain.press import GO, SHARE, VISIT, Kind, LinkedPost, LinkToken, Press, disguise, source_hash
from digest.domain.visitor import classify, is_within, network_label
from digest.pipeline.answer import Row
from digest.pipeline.batch import Batch, Find
from digest.pipeline.landing import new_click_id
from digest.pipeline.seen import Seen
from digest.pipeline.tracking import OWN_MINUTES, Mode, TrackingSettings, employee_of, judged

_NAMES = {kind: kind.value for kind in Kind}
_KIND_AND_CLASS = itemgetter("kind", "class")
_MILLISECOND, _HALF = timedelta(milliseconds=1), timedelta(microseconds=500)
_OWN = timedelta(minutes=OWN_MINUTES)


class Events:
    """Makes rows of presses; used by one thread at a time."""

    def __init__(self, settings: TrackingSettings, random: Callable[[int], bytes], seen: Seen) -> None:
        self._settings = settings
        self._random = random
        self._letters = {network.letter: network for network in settings.networks}
        self._label = lru_cache(maxsize=4096)(lambda address: network_label(address, settings.scanners))
        self._inside = lru_cache(maxsize=4096)(lambda address: is_within(address, settings.company_networks))
        self._source = lru_cache(maxsize=4096)(source_hash)
        self._sharers = seen.sharers
        self.judged: Counter[tuple[str, str]] = Counter()  # (kind, class) -> presses since the start

    def counted(self, batch: Batch) -> list[Find]:
        """Those that leave something behind: strangers come by a public link, an employee may have said no."""
        by_link, by_token = self._settings.mode is not Mode.OFF, self._settings.counts
        going = (find for find in batch.finds if find.standing is GO and find.press.counts)
        return [find for find in going if (by_link if find.token is None else by_token(find.token))]

    def rows(self, batch: Batch, counted: Sequence[Find], salt: bytes) -> tuple[list[Row], list[Row]]:
        """Clicks and visits; `salt` is the day's."""
        clicks = [self._click(find.press, find.token, find.post, salt) for find in counted if find.token is not None and find.post is not None]
        visits = [self._visit(find, find.link, batch, salt) for find in counted if find.link is not None]
        self.judged.update(map(_KIND_AND_CLASS, clicks))
        self.judged.update((_NAMES[VISIT], row["class"]) for row in visits)
        return clicks, visits

    def _signals(self, press: Press) -> dict[str, Any]:
        """What a press says about itself, and what is known about its address."""
        signals = dict(press.signals)
        label = self._label(press.address)
        if label:
            signals["net"] = label
        return signals

    def _click(self, press: Press, token: LinkToken, post: LinkedPost, salt: bytes) -> Row:
        signals = self._signals(press)
        measured = self._settings.measures(token)
        if measured and token.sent_at is not None:  # else it would tell the message, and so the person
            signals["age"] = (press.at - token.sent_at + _HALF) // _MILLISECOND / 1000
        if press.n == HONEYPOT:
            signals["honeypot"] = True
        network = self._letters.get(press.letter)
        source = self._source(salt, press.address, signals.get("ua", ""))
        if press.kind is SHARE and measured and token.employee is not None:
            self._sharers.put({(token.employee, source): press.at})
        return {
            "employee_id": token.employee if measured else None,
            "event": press.event or new_event(),
            "at": press.at,
            "token": token.token if measured or token.employee is None else disguise(salt, token.token),
            "edition_id": token.edition,
            "group_key": token.group,
            "n": press.n,
            "post_id": post.id,
            "kind": _NAMES[press.kind],
            "network": network.name if network else "",
            "signals": signals,
            "source": source,
            **judged(classify(signals, press.at, self._settings.thresholds)),
        }

    def owners(self, counted: Sequence[Find], salt: bytes) -> set[tuple[int, str]]:
        """The owners of the short links that were followed, each with the browser that followed."""
        visits = ((find.press, employee_of(find.link.owner)) for find in counted if find.link is not None)
        return {(person, self._source(salt, press.address, press.signals.get("ua", ""))) for press, person in visits if person is not None}

    def _is_own(self, person: int, source: str, press: Press, batch: Batch) -> bool:
        """Whether the browser that follows a short link is its owner's."""
        shared = self._sharers.get((person, source))
        return (person, source) in batch.own or (shared is not None and press.at - shared <= _OWN)

    def _visit(self, find: Find, link: ShortLink, batch: Batch, salt: bytes) -> Row:
        press = find.press
        signals = self._signals(press)
        agent = signals.get("ua", "")
        person = employee_of(link.owner)
        if person is not None and self._is_own(person, self._source(salt, press.address, agent), press, batch):
            signals["own"] = True
        if self._inside(press.address):
            signals["inside"] = True
        find.click_id = new_click_id(link, self._settings.click_hosts, self._random)
        return {
            "event": press.event or new_event(),
            "at": press.at,
            "click_id": find.click_id or None,
            "slug": link.slug,
            "signals": signals,
            "visitor": self._source(salt, press.address, agent, link.slug),
            "referrer_host": press.referrer_host,
            "country": self._settings.country(press.address),
            **judged(classify(signals, press.at, self._settings.thresholds)),
        }


class _Ids:
    """Ids that nobody else draws: when this process began, 40 random bits, and a count, so that a batch lands on one page of its index."""

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)  # a child that counted on would draw its parent's

    def _begin(self) -> None:
        self._start = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(5)}"
        self._count = count().__next__

    def __call__(self) -> str:
        """The next one, 32 letters."""
        return f"{self._start}{self._count():010x}"


new_event = _Ids()
