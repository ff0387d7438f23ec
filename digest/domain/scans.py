"""Scanners at work on one message: which of its clicks were theirs, and which a person's who clicked meanwhile.

Mail filters press most links of a message, at once, over an hour or in hourly waves, from one address or from many; before
that they try a damaged link, and they press what no person can see. A person has one or two browsers, which say that they
navigate, and presses a few links. So a stretch that looks like a scanner's work is the scanner's, without the few calm browsers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from digest.domain.hits import Browser, Hit, Span, browser_of, dense, link_of, merged, post_of
from digest.domain.visitor import Thresholds, Verdict, VisitorClass

Links = Mapping[Browser, set[Hashable]]  # what each browser pressed
_ASIDE = {("unfurler",), ("prefetch",), ("double",)}  # says nothing about who reads the message


class Scans:
    """What scanners did with one person's message. `hits`: oldest first; `verdicts` are changed."""

    def __init__(self, hits: Sequence[Hit], verdicts: dict[int, Verdict], rules: Thresholds) -> None:
        self._verdicts = verdicts
        self._rules = rules
        self._hits = [hit for hit in hits if verdicts[hit.id].reasons not in _ASIDE]
        self._whole = max((hit.links or 0 for hit in hits), default=0)
        self._explained: set[int] = set()  # ids of hits that a scanner is known for
        self.found: dict[Browser, list[Hit]] = defaultdict(list)  # by browsers that were surely scanners

    def judge(self) -> None:
        """Look at bursts and bait first, then at an hour, then at a day."""
        for (first, last), name in self._fast():
            self._convict(self._hits[first : last + 1], name)
        for hours in (self._rules.share_hours_quick, self._rules.share_hours) if self._whole else ():
            self._share(self._hits, hours, silent=False)
            self._share([hit for hit in self._hits if not browser_of(hit)[1]], hours, silent=True)
        for hit in self._hits if self.found else ():
            if browser_of(hit) in self.found:
                self._mark(hit, "same_browser", VisitorClass.PROBABLE if browser_of(hit)[1] else VisitorClass.MACHINE)

    def _fast(self) -> list[tuple[Span, str]]:
        """Stretches too busy for a person, and those around bait; overlapping ones made one."""
        rules, hits = self._rules, self._hits
        found: list[tuple[Span, int, str]] = []
        if len(hits) >= rules.burst:
            many = max(rules.burst, min(rules.many_links, self._whole or rules.many_links))
            found += [(span, 0, "burst") for span in dense(hits, rules.burst_seconds, rules.burst, post_of)]
            found += [(span, 2, "many_links") for span in dense(hits, rules.quick_seconds, rules.burst, link_of)]
            found += [(span, 1, "slow_burst") for span in dense(hits, rules.slow_seconds, rules.slow_burst, post_of)]
            found += [(span, 2, "many_links") for span in dense(hits, rules.many_seconds, many, link_of)]
        found += [(span, 3, "honeypot") for span in self._around("honeypot", rules.slow_seconds)]
        found += [(span, 4, "mutated") for span in self._around("junk", rules.damaged_seconds)]
        return merged(found)

    def _around(self, bait: str, seconds: float) -> Iterator[Span]:
        width = timedelta(seconds=seconds)
        for at in [hit.at for hit in self._hits if hit.signals.get(bait)]:
            yield bisect_left(self._hits, at - width, key=_when), bisect_right(self._hits, at + width, key=_when) - 1

    def _share(self, hits: Sequence[Hit], hours: float, *, silent: bool) -> None:
        """Most links of a message. A person may press them too, if they are few, with one or two browsers that navigate."""
        rules = self._rules
        enough = max(rules.share_at_least_silent, int(self._whole * rules.share_of_links) + 1)
        for first, last in dense(hits, hours * 3600, enough, link_of):
            episode = hits[first : last + 1]
            if silent or _most_browsers(episode) > rules.calm_browsers or len(set(map(link_of, episode))) >= rules.share_at_least:
                self._convict(episode, "share_of_links", enough)

    def _convict(self, episode: Sequence[Hit], name: str, enough: int = 0) -> None:
        """A scanner was at work; spare whoever may have clicked meanwhile. `enough`: how many links make the episode."""
        links: dict[Browser, set[Hashable]] = defaultdict(set)
        for hit in episode:
            links[browser_of(hit)].add(link_of(hit))
        spared = self._calm(links) if not enough else self._unblamed(episode, links, enough)
        for hit in episode:
            browser = browser_of(hit)
            if browser in spared:
                if len(links[browser]) > 1 and not enough:  # a day holds all that a person does; seconds should not
                    self._mark(hit, name, VisitorClass.PROBABLE)
                continue
            self._mark(hit, name, VisitorClass.MACHINE)
            self._explained.add(hit.id)
            if len(links[browser]) >= self._rules.slow_burst or not browser[1]:
                self.found[browser].append(hit)

    def _calm(self, links: Links) -> set[Browser]:
        """Within minutes: browsers that navigate, with few links, and either the only ones that do or beside the others."""
        speaking = {browser: theirs for browser, theirs in links.items() if browser[1]}
        pressed = Counter(link for theirs in links.values() for link in theirs)
        calm = {browser for browser, theirs in speaking.items() if len(speaking) == 1 or _overlaps(theirs, pressed)}
        return self._few({browser for browser in calm if len(links[browser]) <= self._rules.calm_links}, links)

    def _unblamed(self, episode: Sequence[Hit], links: Links, enough: int) -> set[Browser]:
        """Within hours: whoever is left when the scanners that are known already are taken away."""
        rules = self._rules
        left = {browser_of(hit) for hit in episode if hit.id not in self._explained}
        silent = [browser for browser in left if not browser[1]]
        lonely = {browser for browser in silent if len(silent) == 1 and len(links[browser]) <= rules.calm_links}
        speaking = {browser for browser in left if browser[1] and len(links[browser]) < rules.slow_burst}
        theirs = [hit for hit in episode if browser_of(hit)[1] and browser_of(hit) in left]
        if _most_browsers(theirs) <= rules.calm_browsers and len(set(map(link_of, theirs))) < max(enough, rules.share_at_least):
            return speaking | lonely
        pressed = Counter(link for browser, found in links.items() if browser[1] for link in found)
        needless = {browser for browser in speaking if len(links[browser]) <= rules.calm_links or len(_without(links, {browser})) >= enough}
        return self._few({browser for browser in needless if _overlaps(links[browser], pressed)}, links, enough) | lonely

    def _few(self, spared: set[Browser], links: Links, enough: int = 0) -> set[Browser]:
        """`spared`, if they are one or two and the smaller part of what happened."""
        without = _without(links, spared)
        everything = without.union(*(links[browser] for browser in spared))
        minor = 2 * len(everything - without) <= len(everything) or 0 < enough <= len(without)
        return spared if len(spared) <= self._rules.calm_browsers and minor else set()

    def _mark(self, hit: Hit, name: str, visitor: VisitorClass) -> None:
        before = self._verdicts[hit.id]
        if before.visitor is not VisitorClass.MACHINE:
            reasons = (name,) if visitor is VisitorClass.MACHINE else (*before.reasons, name)
            self._verdicts[hit.id] = Verdict(visitor=visitor, reasons=reasons)


def _when(hit: Hit) -> datetime:
    return hit.at


def _without(links: Links, browsers: set[Browser]) -> set[Hashable]:
    """What all the others pressed."""
    return set().union(*(links[browser] for browser in links.keys() - browsers))


def _overlaps(theirs: set[Hashable], pressed: Mapping[Hashable, int]) -> bool:
    """Scanners share the work: what one pressed, the other need not. A person presses what others pressed too."""
    return 2 * sum(pressed[link] == 1 for link in theirs) <= len(theirs)


def _most_browsers(hits: Sequence[Hit]) -> int:
    """The most browsers of one day: the next day's salt makes new ones of them all."""
    days: dict[object, set[Browser]] = defaultdict(set)
    for hit in hits:
        days[hit.at.date()].add(browser_of(hit))
    return max(map(len, days.values()), default=0)
