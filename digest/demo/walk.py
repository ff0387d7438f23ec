"""What readers, gateways and strangers do with the week's letters, over real HTTP; each step checks what must follow."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import cached_property
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from digest.db import editions, figures, people
from digest.db.session import read
from digest.demo.browser import GATEWAY, PREVIEWER, STRANGER, Answer, request
from digest.demo.company import Company
from digest.demo.mailbox import Letter, Mailbox
from digest.domain.link import number
from digest.pipeline import status, week
from digest.pipeline.report import report

OK, FOUND, FORBIDDEN, NOT_FOUND = HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND
_A_MOMENT, _LOOK = 5.0, 0.05  # seconds
_LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise, and whether it held."""

    sentence: str
    held: bool
    detail: str = ""


class DemoClock:
    """The real clock, moved forward when the story says that hours have passed."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Now, in the story."""
        return self._real() + self._ahead

    def pass_time(self, span: timedelta) -> None:
        """Let `span` go by."""
        self._ahead += span


class Walk:
    """The company, its caught mail, and the steps of one week."""

    def __init__(self, company: Company, mailbox: Mailbox, clock: DemoClock) -> None:
        self._company = company
        self._engine = company.engine
        self._mailbox = mailbox
        self._clock = clock
        with read(self._engine) as connection:
            self._edition = editions.newest(connection)
            assert self._edition is not None  # noqa: S101 - planned just before
            self._content = editions.content(connection, self._edition.id)
            self._unmeasured = {p.address for p in people.stream(connection) if p.measured is False}

    def steps(self) -> Iterator[Check]:
        """Every check, in the order of the week."""
        yield from self._the_mail()
        self._clock.pass_time(timedelta(hours=2))
        yield from self._readers()
        yield from self._strangers()
        yield from self._machines()
        yield from self._leaving()
        yield from self._again()

    def _the_mail(self) -> Iterator[Check]:
        letters = self._mailbox.letters()
        found = status.status(self._engine)
        yield Check(sentence=f"{found['sent']} letters were accepted, one each", held=_one_each(letters) and len(letters) == found["sent"] > 0)
        yield Check(sentence="the counts add up to the audience", held=sum(found[state] for state in status.COUNTS) == found["audience"])
        yield Check(sentence="every letter parses without a defect and keeps its headers", held=all(_sound(letter) for letter in letters))
        yield Check(sentence="every link stands unbroken in both parts", held=all(self._links_hold(letter) for letter in letters))
        yield Check(sentence="no letter offers to share an inside post", held=not any(self._shares_inside(letter) for letter in letters))

    def _links_hold(self, letter: Letter) -> bool:
        """Each of our links answers, asked as HEAD, which counts nothing."""
        ours = {link for part in ("plain", "html") for link in self._ours(letter, part)}
        text, html = (set(self._ours(letter, part)) for part in ("plain", "html"))
        reads = {link for link in html if "/r/" in link}
        return reads <= text and bool(reads) and all(request(link, method="HEAD").status in {OK, FOUND} for link in ours)

    def _ours(self, letter: Letter, part: str) -> list[str]:
        site = self._company.config.site.url
        return [link for link in _LINK.findall(letter.part(part)) if link.startswith(site)]

    def _shares_inside(self, letter: Letter) -> bool:
        inside = {number(post.n) for post in self._content.posts if post.internal}
        return any("/s/" in link and link.rsplit("/", 1)[1][:2] in inside for link in self._ours(letter, "html"))

    def _pick(self, letter: Letter, kind: str, *, share_page: bool = False) -> str:
        """The letter's link to the post that most letters carry, or to its first one."""
        links = [link for link in self._ours(letter, "html") if f"/{kind}/" in link]
        if kind == "s":
            links = [link for link in links if link.endswith("0") == share_page]
        return next((link for link in links if link.rsplit("/", 1)[1][:2] == self._favourite), links[0])

    @cached_property
    def _favourite(self) -> str:
        numbers = Counter(link.rsplit("/", 1)[1] for letter in self._mailbox.letters() for link in self._ours(letter, "html") if "/r/" in link)
        return numbers.most_common(1)[0][0]

    def _readers(self) -> Iterator[Check]:
        readers = [letter for letter in self._mailbox.letters() if letter.recipient not in self._unmeasured][:7]
        answers = [request(self._pick(letter, "r")) for letter in readers]
        articles = all(answer.status == FOUND and answer.location.startswith("https://fernwood.example/") for answer in answers)
        yield Check(sentence=f"{len(readers)} people press Read and land on the article", held=articles)
        yield Check(
            sentence=f"{len(readers)} human reads are on record", held=_soon(lambda: self._reads() == len(readers)), detail=f"found {self._reads()}"
        )
        self._intents = [request(self._pick(letter, "s")) for letter in readers[:6]]
        opened = all(answer.status in {OK, FOUND} and self._short_link(answer) for answer in self._intents)
        yield Check(sentence="six press a network and its composer opens with a short link in it", held=opened)
        page = request(self._pick(readers[0], "s", share_page=True))
        words_first = page.status == OK and page.text.find("<textarea") < (page.text.find("<details") if "<details" in page.text else len(page.text))
        yield Check(sentence="the share page asks for own words first", held=words_first and "<script src" not in page.text)
        repeat = request(self._pick(readers[0], "r"))
        yield Check(sentence="the same press twice still counts once", held=repeat.status == FOUND and self._reads() == len(readers))

    def _reads(self) -> int:
        with read(self._engine) as connection:
            clicks = figures.clicks(connection, self._edition_id)
        return sum(low for (_, kind, _), (low, _) in clicks.items() if kind == "read")

    @property
    def _edition_id(self) -> int:
        assert self._edition is not None  # noqa: S101 - checked at the start
        return self._edition.id

    def _short_link(self, answer: Answer) -> str:
        """The short link inside a share intent, however its parameters name it."""
        place = urlsplit(answer.location)
        values = [value for many in parse_qs(place.query).values() for value in many] + [answer.text]
        site = re.escape(self._company.config.site.url)
        for value in values:
            found = re.search(site + r"/l/[0-9a-z]{12}", value)
            if found:
                return found.group()
        return ""

    def _strangers(self) -> Iterator[Check]:
        link = self._short_link(self._intents[0])
        preview = request(link, who=PREVIEWER)
        visitor = request(link, who=STRANGER)
        target = parse_qs(urlsplit(visitor.location).query)
        lands = visitor.status == FOUND and visitor.location.startswith("https://fernwood.example/")
        yield Check(sentence="a stranger follows the short link to the article", held=lands)
        campaign = target.get("utm_campaign", [""])[0]
        yield Check(sentence="the article's address says which week and post it came from", held=campaign == self._content.period.lower())
        held = preview.status == FOUND and _soon(lambda: self._visits() == 1)
        yield Check(sentence="the visit counts once and the network's preview robot does not", held=held, detail=f"found {self._visits()}")

    def _visits(self) -> int:
        with read(self._engine) as connection:
            return sum(low for low, _ in figures.visits(connection, self._edition_id).values())

    def _machines(self) -> Iterator[Check]:
        before = self._reads()
        letter = self._mailbox.letters()[-1]
        for link in self._ours(letter, "html"):
            request(link, who=GATEWAY)
        unmoved = _soon(lambda: self._machine_seen() and self._reads() == before)
        yield Check(sentence="a gateway opens every link of a letter, and no human count moves", held=unmoved)
        inside = [post for post in self._content.posts if post.internal]
        forged = self._forge(inside[0].n) if inside else ""
        refused = request(forged) if forged else Answer(status=NOT_FOUND, location="", text="")
        yield Check(sentence="a forged link to an inside post is refused", held=refused.status in {FORBIDDEN, NOT_FOUND} and not refused.location)
        site = self._company.config.site.url
        unknown = request(f"{site}/r/0000000000000000x/01")
        yield Check(sentence="an unknown link ends on a kind page", held=unknown.status == NOT_FOUND and "<h1" in unknown.text)
        browser = request(f"{site}/w/{self._content.browser_token}")
        leaks = [post.title for post in inside if post.why[:60] in browser.text]
        yield Check(sentence="the browser view keeps inside words inside", held=browser.status == OK and not leaks, detail="; ".join(leaks))

    def _machine_seen(self) -> bool:
        report(self._engine, self._company.config)  # judges every click anew, among the others
        with read(self._engine) as connection:
            return figures.classes(connection, self._edition_id).get("machine", 0) > 0

    def _forge(self, n: int) -> str:
        link = self._pick(self._mailbox.letters()[0], "s")
        head, _, tail = link.rpartition("/")
        return f"{head}/{number(n)}{tail[2:]}"

    def _leaving(self) -> Iterator[Check]:
        letter = self._mailbox.letters()[0]
        url = str(letter.parsed["List-Unsubscribe"]).strip("<>")
        pages = [request(url, who=GATEWAY) for _ in range(3)]
        yield Check(sentence="opening the leave page changes nothing", held=all(page.status == OK for page in pages) and not self._left(letter))
        done = request(url, who=GATEWAY, method="POST", body="List-Unsubscribe=One-Click")
        yield Check(sentence="one click in the mail program leaves at once (RFC 8058)", held=done.status == OK and self._left(letter))

    def _left(self, letter: Letter) -> bool:
        from digest.db import suppressions

        with read(self._engine) as connection:
            return letter.recipient in suppressions.reasons(connection, [letter.recipient], self._clock())

    def _again(self) -> Iterator[Check]:
        before = len(self._mailbox.letters())
        for _ in range(2):
            week.tick(self._engine, self._company.config, clock=self._clock, at_once=True)
        more = self._mailbox.letters()[before:]
        receipts = [letter.recipient for letter in more if f"{self._company.config.site.url}/u/" in letter.part("plain")]
        yield Check(sentence="two more ticks send nothing but a receipt to who has left", held=len(more) == len(receipts) == 1)
        found = status.status(self._engine)
        yield Check(sentence="the edition is closed", held=found["state"] == "closed", detail=found["state"])


def _soon(held: Callable[[], bool]) -> bool:
    """Whether it holds within a moment: a press is answered once it is on disk, and the database has it a little later."""
    end = time.monotonic() + _A_MOMENT
    while not held():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    return True


def _one_each(letters: list[Letter]) -> bool:
    recipients = [letter.recipient.casefold() for letter in letters]
    return len(recipients) == len(set(recipients))


_NEEDED = ("From", "To", "Date", "Message-ID", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Auto-Submitted")


def _sound(letter: Letter) -> bool:
    parsed = message_from_bytes(letter.raw, policy=policy.default)
    defects = [*parsed.defects, *[defect for part in parsed.walk() for defect in part.defects]]
    defects += [defect for name in parsed.keys() for defect in getattr(parsed[name], "defects", ())]  # noqa: SIM118 - a message, not a mapping
    return not defects and all(len(parsed.get_all(name, [])) == 1 for name in _NEEDED)
