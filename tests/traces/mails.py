"""What is pressed: mails with a few or many links, and one press with the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.traces.browsers import Browser, Headers

READ, PAGE, TRAP = "read", "page", "trap"
NETWORKS = ("linkedin", "x")  # the two that stand beside every post of a mail


@dataclass(frozen=True, kw_only=True, order=True)
class Link:
    """One link of a mail: a post's number and what of it."""

    post: int
    what: str  # read | page | the name of a network | trap


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One person's mail."""

    number: int
    at: float  # seconds after the first mail was accepted by the server
    posts: tuple[int, ...]
    inside: tuple[int, ...]  # posts without a share link
    trap: bool

    @property
    def links(self) -> list[Link]:
        """Every link, in the order of the page."""
        outside = [Link(post=post, what=what) for post in self.posts for what in (READ, PAGE, *NETWORKS)]
        inside = [Link(post=post, what=READ) for post in self.inside]
        return [*outside, *inside, *([Link(post=0, what=TRAP)] if self.trap else [])]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One request, and who it truly was."""

    at: float
    mail: int
    link: Link
    kind: str  # of trace
    human: bool
    address: str
    headers: Headers
    method: str = "GET"
    junk: str = ""  # what a scanner wrote behind the link
    visit: bool = False  # of the short link that was shared by this link, instead of the link itself
    audience: str = ""  # of a human visit: own | colleague | outside


def press(mail: Mail, at: float, link: Link, browser: Browser, kind: str, *, human: bool, **more: object) -> Event:
    """A request for a link of `mail`."""
    headers = more.pop("headers", None) or browser.sent()
    return Event(at=at, mail=mail.number, link=link, kind=kind, human=human, address=browser.address, headers=headers, **more)  # type: ignore[arg-type]  # names of Event's own fields


def mails(dice: Random, count: int, *, public: int, internal: int, trap: bool) -> list[Mail]:
    """`count` mails of 4 to 70 links, handed over within twenty minutes. Posts 1..public are public, the next `internal` are inside."""
    made = []
    for number in range(count):
        size = dice.choices((1, 2, 3, 4, 5, 6, 8, 12, 16, 17), (4, 8, 12, 18, 20, 14, 10, 6, 4, 4))[0]
        inside = dice.randint(0, 2)
        made.append(
            Mail(
                number=number,
                at=dice.uniform(0, 1200),
                posts=tuple(sorted(dice.sample(range(1, public + 1), size))),
                inside=tuple(sorted(dice.sample(range(public + 1, public + internal + 1), inside))),
                trap=trap,
            ),
        )
    return made
