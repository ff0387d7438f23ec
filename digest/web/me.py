"""`/me/<control>`: a person's own letter. One form for each matter; looking changes nothing; what was changed can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.db.control import Holder
from digest.domain.capability import Purpose
from digest.domain.clock import utc
from digest.domain.consent import Switch
from digest.domain.frequency import PAUSE, Frequency, hours_on_offer
from digest.domain.link import clean
from digest.domain.quiet import parse_quiet
from digest.domain.share import plain_host
from digest.domain.wish import MOST_TOPICS, read_networks, read_topics
from digest.domain.words import Words
from digest.errors import NaiveTimeError
from digest.mail import catalogue
from digest.pipeline import preferences
from digest.pipeline.preferences import By, Done, Standing
from digest.web.me_once import OncePage
from digest.web.me_view import PERSONAL, Note, Undo, actions, linked, shown, values
from digest.web.pages import words
from digest.web.rooms import Rooms, Sent

_LABELS = {"pause": "me_pause"}


class MePage:
    """Shows how everything of a person's own stands, and takes their forms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._settings = rooms.settings
        self._hours = hours_on_offer(parse_quiet(rooms.settings.quiet))

    async def __call__(self, request: Request) -> Response:
        """Show the page, or do what a form of ours says and show it again."""
        holder = await self._rooms.holder(request)
        if holder is None:
            return self._rooms.unknown(request)
        link, _ = clean(request.path_params["control"])
        if request.method != "POST":
            return await self._page(request, holder, link)
        sent = await self._rooms.sent(request, link)
        if sent is None:
            say = words(self._rooms.language(request, holder))
            return await self._page(request, holder, link, note=Note(text=say("me_problem_old"), problem=True), status=400)
        return await self._sent(request, holder, link, sent)

    async def _page(self, request: Request, holder: Holder, link: str, *, note: Note | None = None, status: int = 200, **again: Any) -> Response:  # noqa: ANN401 - what was typed
        standing = await run_in_threadpool(self._standing, holder)
        if standing is None:
            return self._rooms.unknown(request)
        language = standing.wishes.language or self._rooms.language(request)
        paused = standing.wishes.paused_until is not None and standing.wishes.paused_until > self._rooms.clock()
        found = {**values(standing, self._settings, words(language), paused=paused), "note": note, **again}
        page = await self._rooms.page("me", language, link, *actions(standing, note), status=status, **found)
        return page.response()

    def _standing(self, holder: Holder) -> Standing | None:
        return preferences.standing(self._rooms.engine, holder, opt_in=self._settings.opt_in, now=self._rooms.clock())

    async def _sent(self, request: Request, holder: Holder, link: str, sent: Sent) -> Response:
        before = await run_in_threadpool(self._standing, holder)
        if before is None:
            return self._rooms.unknown(request)
        say = words(before.wishes.language)
        by = By(how=sent.told(), machine=sent.machine, now=self._rooms.clock())
        action = sent.text("action")
        if action in PERSONAL and not holder.shared:
            note = await run_in_threadpool(self._ask, holder, Purpose(action.removeprefix("link-")), by, sent, say)
            return await self._page(request, holder, link, note=note)
        if action[:3] in {"on-", "off"}:
            matter = action.partition("-")[2]
            turn = preferences.turn
            done = await run_in_threadpool(
                turn, self._rooms.engine, holder, Switch(matter), by, value=action.startswith("on-"), opt_in=self._settings.opt_in
            )
        else:
            matter = {"resume": "pause"}.get(action, action)
            fields = self._fields(action, sent, before, say)
            if isinstance(fields, Note):
                return await self._page(request, holder, link, note=fields, status=422, **_again(action, sent))
            done = await run_in_threadpool(preferences.wish, self._rooms.engine, holder, matter, fields, by)
        after = await run_in_threadpool(self._standing, holder)
        return await self._page(request, holder, link, note=self._note(done, matter, before, after or before))

    def _ask(self, holder: Holder, purpose: Purpose, by: By, sent: Sent, say: Words) -> Note:
        until = preferences.ask(self._rooms.engine, holder, purpose, by, form=sent.text("check"))
        return Note(text=say("me_asked_enough"), problem=True) if until is None else Note(text=say("me_asked", time=f"{until:%H:%M}"))

    def _fields(self, action: str, sent: Sent, before: Standing, say: Words) -> dict[str, Any] | Note:
        """What the form says, by names of `Wishes`; a note when it cannot be taken."""
        readers: dict[str, Callable[[], dict[str, Any] | None]] = {
            "frequency": lambda: {"frequency": Frequency(sent.text("frequency")).value} if sent.text("frequency") in set(Frequency) else None,
            "hour": lambda: {"hour": sent.text("hour")} if sent.text("hour") in {"", *self._hours} else None,
            "language": lambda: {"language": sent.text("language")} if sent.text("language") in _languages(before) else None,
            "topics": lambda: None if (found := _topics(sent)) is None else {"topics": found},
            "networks": lambda: _networks(sent, before),
            "pause": lambda: {"paused_until": _until(sent.text("until"), self._rooms.clock())},
            "resume": lambda: {"paused_until": None},
        }
        found = readers[action]() if action in readers else None  # what a shared mailbox has none of
        problems = {"hour": "me_problem_hour", "topics": "me_problem_topics", "networks": "problem_server"}
        return Note(text=say(problems.get(action, "me_problem_old"), n=MOST_TOPICS), problem=True) if found is None else found

    def _note(self, done: Done, matter: str, before: Standing, after: Standing) -> Note:
        say = words(after.wishes.language)
        if done is Done.ENOUGH:
            return Note(text=say("me_enough"), problem=True)
        what = say("me_label", what=say(_LABELS.get(matter, f"me_{matter}")), value=shown(after, matter, self._settings, say))
        if done is Done.ASKED:
            return Note(text=say("me_allow_asked"), problem=True)
        if done is Done.SAME:
            return Note(text=say("me_same", what=what))
        return Note(text=say("me_saved", what=what), undo=_undo(matter, before, after))


def _languages(before: Standing) -> set[str]:
    return {*catalogue.languages(), before.wishes.language}


def _topics(sent: Sent) -> tuple[str, ...] | None:
    return read_topics([text for text in sent.fields.getlist("topic") if isinstance(text, str)], sent.text("more"))


def _networks(sent: Sent, before: Standing) -> dict[str, Any] | None:
    offered = dict(before.networks)
    found: dict[str, Any] = {"networks": read_networks([sent.text("first"), sent.text("second")], offered)}
    if "server" in sent.fields and not before.wishes.shared:
        found["mastodon"] = plain_host(sent.text("server")) or ""
        if sent.text("server").strip() and not found["mastodon"]:
            return None
    return found


def _until(text: str, now: datetime) -> datetime:
    """The end of a pause: four weeks from now, or an earlier one that is brought back."""
    try:
        return min(utc(datetime.fromisoformat(text)), now + PAUSE)
    except (ValueError, NaiveTimeError):
        return now + PAUSE


def _undo(matter: str, before: Standing, after: Standing) -> Undo | None:
    """The form that brings back what was; None for a first no, before which nothing had been said."""
    wishes = before.wishes
    match matter:
        case "frequency" | "hour" | "language":
            return Undo(action=matter, fields=((matter, getattr(wishes, matter)),))
        case "topics":
            return Undo(action=matter, fields=(("more", ", ".join(wishes.topics)),))
        case "networks":
            first, second = linked(before)
            server = () if wishes.shared else (("server", wishes.mastodon),)
            return Undo(action=matter, fields=(("first", first), ("second", second), *server))
        case "pause":
            until = wishes.paused_until
            return Undo(action="resume") if until is None else Undo(action="pause", fields=(("until", until.isoformat()),))
        case _ if before.switches[Switch(matter)] is after.switches[Switch(matter)]:
            return None
        case _:
            return Undo(action=f"{'on' if before.switches[Switch(matter)] else 'off'}-{matter}")


def _again(action: str, sent: Sent) -> dict[str, Any]:
    """What was typed, back into the form that could not be taken."""
    match action:
        case "topics":
            return {"more_topics": ", ".join([*map(str, sent.fields.getlist("topic")), sent.text("more")]), "topics": []}
        case "networks":
            return {name: sent.text(name) for name in ("first", "second", "server")} | {"wrong_server": True}
        case _:
            return {}


def routes(rooms: Rooms) -> list[BaseRoute]:
    """The page, and what the links that work once open."""
    me, once = MePage(rooms), OncePage(rooms)

    async def shows(request: Request) -> Response:
        return await me(request)

    async def opens(request: Request) -> Response:
        return await once(request)

    return [
        Route("/me/once/{purpose}/{capability:path}", opens, methods=["GET", "HEAD", "POST"]),
        Route("/me/{control:path}", shows, methods=["GET", "HEAD", "POST"]),
    ]
