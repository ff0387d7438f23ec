"""What stands in the form for a post: read from what was sent, kept through every look, and shown again whatever goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from digest.db import quotas
from digest.db.session import write
from digest.domain.contribution import Contribution, Source, Words
from digest.domain.employee import Byline, Employee
from digest.domain.link import web_address
from digest.domain.moderation import Rules, too_much
from digest.domain.post import Visibility
from digest.domain.question import QuestionKind
from digest.pipeline.contribution import Gift, key_of, problem, tidy, written
from digest.pipeline.contribution_look import Look, Seen
from digest.web.forms import field
from digest.web.rooms import Rooms
from digest.web.settings import WebSettings

_AT_ONCE = 4  # pages of strangers that are looked at side by side; whoever comes then does without
_LONGEST_KEY = 200
_LOOKS_A_DAY = 60


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The form."""

    key: str = ""  # of its first showing: all that is sent from it is one contribution
    what: str = ""
    why: str = ""
    title: str = ""
    public: bool = True
    networks: tuple[str, ...] = ()
    seen: str = ""  # the page that was looked at, and what it showed
    image: str = ""
    image_alt: str = ""
    named: bool = False  # on a draft's page alone: nobody else is asked for a name
    kind: str = ""  # of a question
    ask: str = ""

    @classmethod
    def of(cls, form: FormData) -> Filled:
        """Read what was sent."""
        texts = {name: tidy(field(form, name)) for name in ("what", "why", "ask")}
        ticked = tuple(name for name in form.getlist("network") if isinstance(name, str))
        plain = {name: " ".join(tidy(field(form, name)).split()) for name in ("title", "seen", "image", "image_alt")}
        public = field(form, "visibility") != Visibility.INTERNAL
        key, named = field(form, "key")[:_LONGEST_KEY], bool(field(form, "named"))
        return cls(**texts, **plain, public=public, named=named, networks=ticked, kind=field(form, "kind"), key=key)

    @classmethod
    def back(cls, one: Contribution) -> Filled:
        """The form of a draft."""
        what, _, why = one.body.partition("\n\x1f\n")
        return cls(key=one.key, what=what, why=why, title=one.words.title, public=one.words.visibility == Visibility.PUBLIC, networks=one.networks)

    def words(self, title: str = "") -> Words:
        """The post that it makes."""
        return written(self.what, self.why, title=self.title or title, public=self.public)

    @property
    def body(self) -> str:
        """Everything that was written, to be shown again."""
        return f"{self.what}\n\x1f\n{self.why}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The form as a post, and what keeps it from being one ("" for nothing)."""

    filled: Filled
    words: Words
    problem: str
    unkept: str  # why it cannot even be kept for later
    seen: Seen | None = None

    def wrong(self, do: str) -> str:
        """What is in the way of what its author wants done; a draft may be unfinished."""
        return self.unkept if do == "keep" else self.problem

    def view(self, do: str, by: Byline = Byline()) -> dict[str, Any]:  # noqa: B008 - frozen
        """For the form's page: what is wrong with it, how it would look, and what its author should know before it is sent. `by`: see `preview`."""
        wrong = self.wrong(do)
        unseen = do == "look" and bool(self.words.url) and self.problem in {"", "empty"} and self.seen is None
        stays = not self.words.url and not wrong
        return {"problem": wrong, "preview": None if wrong else self.preview(by), "unseen": unseen, "stays": stays}

    def gift(self, employee: int, language: str, edition: int | None, known: frozenset[str]) -> Gift:
        """As a contribution of this employee."""
        return Gift(
            key=key_of("form", employee, self.filled.key),
            employee=employee,
            source=Source.FORM,
            words=self.words,
            body=self.filled.body,
            language=language,
            networks=tuple(name for name in self.filled.networks if name in known),
            edition=edition,
        )

    def preview(self, by: Byline = Byline()) -> dict[str, Any]:  # noqa: B008 - frozen
        """For the page: how it would look in the letter. `by`: nobody, for whoever may have somebody else's letter."""
        picture = self.seen.picture if self.seen else ""
        size = self.seen.size if self.seen else (0, 0)
        return shown(self.words, by) | {"picture": picture, "width": size[0], "height": size[1]}


def shown(words: Words, by: Byline) -> dict[str, Any]:
    """A post for the page, signed as the letter would."""
    return {
        "title": words.title,
        "why": words.why,
        "host": urlsplit(words.url).hostname or "",
        "url": words.url,
        "internal": words.visibility == Visibility.INTERNAL,
        "by": by,
        "picture": "",
    }


def about(settings: WebSettings, more: Mapping[str, Any], *, mine: bool) -> dict[str, Any]:
    """What the form's page needs; `mine`: its author came by a link of their own mail. `more` wins."""
    notes = {"problem": "", "preview": None, "unseen": False, "stays": False, "asking": False}
    plain = {"networks": settings.offered, "longest": settings.moderation.longest, "kinds": list(QuestionKind)}
    return {**plain, **notes, "mine": mine, "named": False, "signature": Byline(), **more}


def signatures(author: Employee, *, named: bool = False) -> dict[str, Any]:
    """For pages that their author alone opens: whether the name stands there already, and how it is signed with it. `named`: they tick it now."""
    with_name = replace(author, named=True).byline()
    return {"named": author.named, "signature": with_name, "by": with_name if named else author.byline()}


async def may_look(rooms: Rooms, employee: int) -> bool:
    """Whether one more page is looked at for this letter's owner today."""

    def take() -> bool:
        with write(rooms.engine) as connection:
            return quotas.take(connection, "look", employee, rooms.clock(), _LOOKS_A_DAY)

    return await run_in_threadpool(take)


class Drafter:
    """Makes drafts of forms, and looks at the pages they lead to."""

    def __init__(self, look: Look, rules: Rules, site_url: str) -> None:
        self._look = look
        self._rules = rules
        self._site_url = site_url
        self._busy = CapacityLimiter(_AT_ONCE)

    async def draft(self, filled: Filled, *, look: bool) -> Draft:
        """The post that the form makes; with `look` titled by its page where nobody typed a title."""
        words = filled.words()
        wrong, words = problem(words, self._rules, self._site_url)
        seen = None
        if look and words.url and wrong in {"", "empty"} and self._busy.available_tokens >= 1:
            seen = await to_thread.run_sync(self._look, words.url, limiter=self._busy)
        if seen is not None and seen.title and not filled.title:
            wrong, words = problem(replace(words, title=seen.title), self._rules, self._site_url)
        if seen is not None:
            filled = replace(filled, seen=words.url, image=seen.image, image_alt=seen.image_alt)
        if filled.image and filled.seen == words.url and web_address(filled.image):
            words = words.with_changes({"image": filled.image, "image_alt": filled.image_alt or None})
        typed = (filled.what, filled.why, filled.title)
        unkept = too_much(typed, 0, self._rules) if any(typed) else "empty"
        public = filled.public and (words.visibility == Visibility.PUBLIC or bool(wrong))  # what is unfinished may yet get its link
        filled = replace(filled, title=words.title if look else filled.title, public=public)
        return Draft(filled=filled, words=words, problem=wrong, unkept=unkept, seen=seen)
