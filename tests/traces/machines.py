"""What mail filters and networks do with a mail, as it was observed: each a function that makes a mail's events.

Half of all clicks and more are theirs. A scanner mostly lies about its name; some are real browsers without a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.traces.browsers import OLD_MASKS, TWITTER, UNFURLERS, Browser, mask
from tests.traces.mails import NETWORKS, PAGE, READ, Event, Link, Mail, press

_MINUTE, _HOUR = 60.0, 3600.0


def _microsoft(dice: Random) -> str:
    """Some of Microsoft's addresses were seen at delivery; most of its range also serves people."""
    return dice.choice(
        (f"40.107.218.{dice.randint(1, 254)}", f"40.94.29.{dice.randint(1, 254)}", f"20.{dice.randint(33, 150)}.{dice.randint(0, 255)}.9")
    )


def _cloud(dice: Random) -> str:
    return f"{dice.choice((3, 18, 34, 52, 54))}.{dice.randint(1, 250)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


def _headless(dice: Random) -> bool:
    return dice.random() < 0.2


def _some(dice: Random, mail: Mail, least: float) -> list[Link]:
    """All of the links or a share of them, in the order of the page or not."""
    links = mail.links
    share = 1.0 if dice.random() < 0.6 else dice.uniform(least, 1.0)
    chosen = links if share == 1.0 else [links[i] for i in sorted(dice.sample(range(len(links)), max(1, round(share * len(links)))))]
    if dice.random() < 0.3:
        chosen = dice.sample(chosen, len(chosen))
    return chosen


def _along(dice: Random, mail: Mail, links: list[Link], start: float, span: float, browsers: list[Browser], kind: str) -> Iterator[Event]:
    """Press `links` one after the other within `span` seconds, now and then asking for the head first."""
    heads = dice.random() < 0.4
    at = start
    for link in links:
        at += dice.expovariate(len(links) / span)
        browser = dice.choice(browsers)
        if heads:
            yield press(mail, at, link, browser, kind, human=False, method="HEAD")
        yield press(mail, at + 0.05, link, browser, kind, human=False)


def delivery_probe(dice: Random, mail: Mail) -> Iterator[Event]:
    """Microsoft: a damaged form of a link first, then the exact one, a few links of a mail, moments after delivery."""
    known = dice.random() < 0.6
    agent = dice.choice(OLD_MASKS) if known else mask(dice, "", headless=False).agent
    browser = Browser(address=f"40.107.218.{dice.randint(1, 254)}" if known else _microsoft(dice), agent=agent)
    at = mail.at + dice.uniform(1, 90)
    for link in dice.sample(mail.links, min(len(mail.links), dice.randint(1, 3))):
        yield press(mail, at, link, browser, "delivery probe", human=False, junk="%27/")
        at += dice.uniform(0.1, 3)
        yield press(mail, at, link, browser, "delivery probe", human=False)
        at += dice.uniform(0.2, 5)


def single_probe(dice: Random, mail: Mail) -> Iterator[Event]:
    """One address, one link, two names that look like people, soon after delivery."""
    address, link, headless = _microsoft(dice), dice.choice(mail.links), _headless(dice)
    at = mail.at + dice.uniform(2, 240)
    for _ in range(2):
        yield press(mail, at, link, mask(dice, address, headless=headless), "single probe", human=False)
        at += dice.uniform(0.5, 20)


def fast_burst(dice: Random, mail: Mail) -> Iterator[Event]:
    """Every link within seconds, from one to three addresses, minutes after delivery at most."""
    headless = _headless(dice)
    browsers = [mask(dice, _cloud(dice), headless=headless) for _ in range(dice.choice((1, 1, 2, 3)))]
    links = _some(dice, mail, 0.5)
    yield from _along(dice, mail, links, mail.at + dice.uniform(0, 240), dice.uniform(1, 40) * max(1.0, len(links) / 30), browsers, "fast burst")


def slow_burst(dice: Random, mail: Mail) -> Iterator[Event]:
    """Every link over half an hour and longer, from a handful of addresses under a few names."""
    headless = _headless(dice)
    browsers = [mask(dice, _cloud(dice), headless=headless) for _ in range(dice.randint(1, 4))]
    span = dice.uniform(20 * _MINUTE, 75 * _MINUTE)
    yield from _along(dice, mail, _some(dice, mail, 0.7), mail.at + dice.uniform(0, 1800), span, browsers, "slow burst")


def rotating(dice: Random, mail: Mail) -> Iterator[Event]:
    """Every request from another address of one vendor."""
    headless = _headless(dice)
    links = _some(dice, mail, 0.6)
    browsers = [mask(dice, _microsoft(dice), headless=headless) for _ in range(21)]
    yield from _along(dice, mail, links, mail.at + dice.uniform(1, 600), dice.uniform(5, 300), browsers, "rotating")


def hourly(dice: Random, mail: Mail, pool: list[str]) -> Iterator[Event]:
    """An inbox provider: at the top of the hour, for several hours, a part of the links each time, from a pool of its own."""
    headless = _headless(dice)
    first = (mail.at // _HOUR + 1) * _HOUR
    for wave in range(dice.randint(2, 6)):
        browsers = [mask(dice, address, headless=headless) for address in dice.sample(pool, min(3, len(pool)))]
        links = mail.links
        chosen = dice.sample(links, max(1, round(dice.uniform(0.3, 1.0) * len(links))))
        yield from _along(dice, mail, chosen, first + wave * _HOUR + dice.uniform(0, 50), dice.uniform(2, 30), browsers, "hourly waves")


def before_delivery(dice: Random, mail: Mail) -> Iterator[Event]:
    """Barracuda: follows the links before the mail is accepted."""
    address = f"209.222.82.{dice.randint(1, 254)}" if dice.random() < 0.5 else _cloud(dice)
    links = _some(dice, mail, 0.5)
    yield from _along(dice, mail, links, mail.at - dice.uniform(5, 60), dice.uniform(2, 30), [mask(dice, address, headless=False)], "before delivery")


def vendor(dice: Random, mail: Mail) -> Iterator[Event]:
    """Proofpoint and the like: from networks of their own, which people use too (browser isolation)."""
    address = dice.choice((f"67.231.152.{dice.randint(1, 254)}", f"148.163.130.{dice.randint(1, 254)}", _cloud(dice)))
    links = _some(dice, mail, 0.4)
    browsers = [mask(dice, address, headless=_headless(dice))]
    yield from _along(dice, mail, links, mail.at + dice.uniform(1, 120), dice.uniform(3, 90), browsers, "vendor network")


def follower(dice: Random, mail: Mail) -> Iterator[Event]:
    """Follows each redirect: finds the short link in the share intent and fetches that as well."""
    browser = mask(dice, _cloud(dice), headless=_headless(dice))
    for event in _along(dice, mail, _some(dice, mail, 0.6), mail.at + dice.uniform(1, 300), dice.uniform(4, 60), [browser], "follows redirects"):
        yield event
        if event.link.what in NETWORKS and event.method == "GET":
            other = browser if dice.random() < 0.7 else mask(dice, _cloud(dice), headless=False)
            yield press(mail, event.at + dice.uniform(0.2, 6), event.link, other, "follows redirects", human=False, visit=True)


def trapped(dice: Random, mail: Mail) -> Iterator[Event]:
    """A scanner that tries a few links only, the hidden one among them."""
    browser = mask(dice, _cloud(dice), headless=_headless(dice))
    links = [link for link in mail.links if link.post]
    chosen = [*dice.sample(links, min(len(links), dice.randint(1, 3))), mail.links[-1]]
    yield from _along(dice, mail, dice.sample(chosen, len(chosen)), mail.at + dice.uniform(1, 7200), dice.uniform(2, 60), [browser], "honeypot")


def time_of_click(dice: Random, mail: Mail, event: Event) -> Iterator[Event]:
    """Safe Links looks at the link when the person does: another network, Windows, about twelve seconds apart."""
    browser = mask(dice, f"{dice.choice((20, 52, 104))}.{dice.randint(33, 150)}.{dice.randint(0, 255)}.7", headless=_headless(dice))
    yield press(mail, event.at + dice.choice((12.0, dice.uniform(1, 20), -dice.uniform(0.3, 2))), event.link, browser, "time of click", human=False)


def unfurled(dice: Random, mail: Mail, at: float, link: Link) -> Iterator[Event]:
    """A network looks at what was pasted: mostly one request; X asks once as itself and three times for the head as a browser."""
    if link.what == "x":
        yield press(mail, at, link, Browser(address=_cloud(dice), agent=TWITTER), "link preview", human=False, visit=True)
        for agent in (mask(dice, "", headless=False).agent, mask(dice, "", headless=False).agent, ""):
            at += dice.uniform(0.1, 2)
            yield press(mail, at, link, Browser(address=_cloud(dice), agent=agent), "X pattern", human=False, visit=True, method="HEAD")
        return
    yield press(mail, at, link, Browser(address=_cloud(dice), agent=dice.choice(UNFURLERS)), "link preview", human=False, visit=True)


def messenger(dice: Random, mail: Mail) -> Iterator[Event]:
    """The mail's own link pasted into a chat: its preview is fetched once."""
    link = Link(post=dice.choice(mail.posts), what=dice.choice((READ, PAGE)))
    browser = Browser(address=_cloud(dice), agent=dice.choice(UNFURLERS))
    yield press(mail, mail.at + dice.uniform(600, 90000), link, browser, "link preview", human=False)


Scanner = Callable[[Random, Mail], Iterator[Event]]
SCANNERS: tuple[tuple[Scanner | None, float], ...] = (  # what happens to a mail at its gateway, and how often
    (None, 27),
    (delivery_probe, 12),
    (single_probe, 2),
    (fast_burst, 20),
    (slow_burst, 9),
    (rotating, 6),
    (before_delivery, 8),
    (vendor, 8),
    (follower, 4),
    (messenger, 4),
)
