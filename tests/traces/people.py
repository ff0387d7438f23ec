"""What people do with a mail: read hours later or at once, by phone or at work, alone or with a whole company at one address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.traces.browsers import Browser, desktop, home, in_app, navigation, phone, spell
from tests.traces.machines import time_of_click, unfurled
from tests.traces.mails import NETWORKS, PAGE, READ, Event, Link, Mail, press

_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Where and how a company's people click."""

    office: str = ""  # the one address of everybody at work; "" when each has an own
    agent: str = ""  # the one browser that IT installs
    checked: float = 0.0  # the share of clicks that Safe Links looks at too


def habits(dice: Random) -> Habit:
    """A company: most have one address for all, many one browser, a third a filter that looks at every click."""
    office = home(dice) if dice.random() < 0.6 else ""
    return Habit(
        office=office,
        agent=spell(dice, desktop(dice).agent) if office and dice.random() < 0.6 else "",
        checked=dice.choice((0.0, 0.0, 0.9)),
    )


def _own(dice: Random, habit: Habit) -> Browser:
    if dice.random() < 0.35:
        return phone(dice)
    return Browser(address=habit.office or home(dice), agent=habit.agent or desktop(dice).agent, headers=navigation())


def _wants(dice: Random, mail: Mail) -> list[Link]:
    """What one person presses: mostly something to read, sometimes then to share it."""
    found: list[Link] = []
    for post in dice.sample([*mail.posts, *mail.inside], min(len(mail.posts), dice.choices((1, 2, 3), (60, 28, 12))[0])):
        if post in mail.inside or dice.random() < 0.8:
            found.append(Link(post=post, what=READ))
        if post in mail.posts and (dice.random() < 0.3 or not found):
            found.append(Link(post=post, what=dice.choice((PAGE, *NETWORKS))))
    return found


def _one(dice: Random, mail: Mail, at: float, link: Link, browser: Browser, kind: str) -> Iterator[Event]:
    """A press, with what browsers do around it: a look ahead, a double click, the back button."""
    luck = dice.random()
    if luck < 0.03:
        yield press(
            mail, at - dice.uniform(0.2, 3), link, browser, "prefetch", human=False, headers=browser.sent(("sec-purpose", "prefetch;prerender"))
        )
    yield press(mail, at, link, browser, kind, human=True)
    if 0.03 < luck < 0.13:
        yield press(mail, at + dice.choice((0.3, dice.uniform(5, 120))), link, browser, kind, human=True)


def _sitting(dice: Random, mail: Mail, start: float, browser: Browser, kind: str) -> Iterator[Event]:
    at = start
    for link in _wants(dice, mail):
        yield from _one(dice, mail, at, link, browser, kind)
        at += dice.lognormvariate(4, 1)  # about a minute each


def reader(dice: Random, mail: Mail, habit: Habit) -> Iterator[Event]:
    """Somebody who reads the mail when there is time, some on a second device."""
    start = mail.at + dice.lognormvariate(9, 1.5)  # two hours in the middle, minutes to days at the ends
    browser = _own(dice, habit)
    kind = "one address for all" if habit.office and browser.address == habit.office else "reader"
    yield from _sitting(dice, mail, start, browser, kind)
    if dice.random() < 0.08:
        yield from _sitting(dice, mail, start + dice.uniform(600, 30000), phone(dice), "second device")


def fast_tap(dice: Random, mail: Mail) -> Iterator[Event]:
    """A tap on the phone right after the push, or a click in Outlook as the mail comes in."""
    browser = phone(dice)
    link = Link(post=mail.posts[0], what=READ)
    yield from _one(dice, mail, mail.at + 4 + dice.lognormvariate(3.2, 0.8), link, browser, "fast tap")


def tab_opener(dice: Random, mail: Mail, habit: Habit) -> Iterator[Event]:
    """Several posts opened within seconds, to be read later."""
    browser = Browser(address=habit.office or home(dice), agent=habit.agent or desktop(dice).agent, headers=navigation())
    at = mail.at + dice.lognormvariate(9, 1.2)
    posts = [*mail.posts, *mail.inside]
    for post in posts[: min(len(posts), dice.choices((2, 3, 4), (55, 38, 7))[0])]:
        yield press(mail, at, Link(post=post, what=READ), browser, "tab opener", human=True)
        at += dice.uniform(0.8, 2.5)


def isolated(dice: Random, mail: Mail) -> Iterator[Event]:
    """Browser isolation: a real person's click that comes from the filter's own network."""
    address = dice.choice((f"67.231.152.{dice.randint(1, 254)}", f"207.211.31.{dice.randint(1, 120)}", f"148.163.131.{dice.randint(1, 254)}"))
    browser = Browser(address=address, agent=desktop(dice).agent, headers=navigation())
    yield from _sitting(dice, mail, mail.at + dice.lognormvariate(9, 1.3), browser, "browser isolation")


def keen(dice: Random, mail: Mail, habit: Habit) -> Iterator[Event]:
    """Somebody who reads and shares nearly everything in a mail, within one coffee."""
    browser = _own(dice, habit)
    at = mail.at + dice.lognormvariate(9, 1.2)
    for post in mail.posts[:2]:
        for what in (READ, PAGE, *dice.sample(NETWORKS, 1)):
            yield press(mail, at, Link(post=post, what=what), browser, "keen reader", human=True)
            at += dice.lognormvariate(4, 0.8)


def person(dice: Random, mail: Mail, habit: Habit) -> Iterator[Event]:
    """One employee's presses, each with what a filter does at the same moment."""
    luck = dice.random()
    events: Iterator[Event]
    if luck < 0.03:
        events = keen(dice, mail, habit)
    elif luck < 0.10:
        events = fast_tap(dice, mail)
    elif luck < 0.20:
        events = tab_opener(dice, mail, habit)
    elif luck < 0.26:
        events = isolated(dice, mail)
    else:
        events = reader(dice, mail, habit)
    for event in events:
        yield event
        if event.human and dice.random() < habit.checked:
            yield from time_of_click(dice, mail, event)
        if event.human and event.link.what in NETWORKS:
            yield from shared(dice, mail, event, habit)


def shared(dice: Random, mail: Mail, event: Event, habit: Habit) -> Iterator[Event]:
    """What follows when somebody opens a composer: its preview, a look at the own post, colleagues, and people outside."""
    if dice.random() < 0.3:
        return  # never posted
    at = event.at + dice.uniform(5, 120)
    yield from unfurled(dice, mail, at, event.link)
    own = Browser(address=event.address, agent=dict(event.headers)["user-agent"], headers=navigation(site="cross-site"))
    if dice.random() < 0.4:
        yield press(mail, at + dice.uniform(5, 240), event.link, own, "own look", human=True, visit=True, audience="own")
    for _ in range(dice.randint(0, 2) if habit.office else 0):
        colleague = desktop(dice, habit.office)
        later = at + dice.uniform(1800, 40000)
        yield press(mail, later, event.link, colleague, "colleague", human=True, visit=True, audience="colleague")
    for _ in range(dice.choice((0, 1, 2, 5, 9))):
        somebody = in_app(dice) if dice.random() < 0.6 else phone(dice)
        yield press(mail, at + dice.lognormvariate(9.5, 1.3), event.link, somebody, "outside visitor", human=True, visit=True, audience="outside")
