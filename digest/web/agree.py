"""`/agree/<link>`: what became of a post, every change with its reason, and its author's yes, no or withdrawal."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digest.db import capabilities, contributions
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.contribution import ContributionState, Edit, may_follow, since_yes
from digest.domain.difference import difference
from digest.mail import catalogue
from digest.pipeline import contribution, contribution_author, contribution_notices
from digest.pipeline.contribution_notices import said
from digest.web.given import shown
from digest.web.pages import Reply
from digest.web.rooms import Rooms, Sent
from digest.web.yes import Opened, opened

_DEEDS = ("yes", "no", "withdraw", "anew")
_LONGEST_WORD = 1000


class AgreePage:
    """GET shows, POST says yes or no to exactly the version that was shown."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        found = await run_in_threadpool(opened, self._rooms, request.path_params["link"], Purpose.AGREE)
        if found is None:
            return self._rooms.unknown(request)
        if request.method != "POST":
            return (await self._shown(found)).response()
        sent = await self._rooms.sent(request, _bound(found))
        if sent is None or sent.text("action") not in _DEEDS:
            return (await self._shown(found, problem="changed", status=409)).response()
        if sent.text("action") == "anew":
            await run_in_threadpool(self._tell_again, found)
            return self._rooms.pages.page("given", found.author.language, what="anew", control="").response()
        done = await run_in_threadpool(self._act, found, sent)
        again = await run_in_threadpool(opened, self._rooms, found.link, Purpose.AGREE)
        return (await self._shown(again or found, done=done)).response()

    def _act(self, found: Opened, sent: Sent) -> str:
        """Do it; "" when the link was used up in the meantime."""
        now, action = self._rooms.clock(), sent.text("action")
        word = contribution.tidy(sent.text("word"))[:_LONGEST_WORD]
        with write(self._rooms.engine) as connection:
            if not capabilities.use(connection, found.link, Purpose.AGREE, now):
                return ""
            if action == "withdraw":
                contribution.withdraw(connection, found.one.id, now, how="; ".join(filter(None, [word, sent.told()])))
            elif action == "yes":
                contribution_author.agree(connection, found.one, self._rooms.settings.moderation, now, word=word, how=sent.told())
            else:
                contribution_author.disagree(connection, found.one, self._rooms.settings.moderation, now, word=word, how=sent.told())
        return action

    def _tell_again(self, found: Opened) -> None:
        """Mail the last change once more, with a link that works: this one has ended."""
        with write(self._rooms.engine) as connection:
            edits = contributions.edits(connection, [found.one.id])[found.one.id]
            if edits and found.one.state is ContributionState.EDITED:
                contribution_notices.changed(connection, found.one, edits[-1], self._rooms.clock())

    async def _shown(self, found: Opened, *, done: str = "", problem: str = "", status: int = 200) -> Reply:
        one, language = found.one, found.author.language
        edits = await run_in_threadpool(self._edits, found)
        usable = found.capability.open(self._rooms.clock())
        deeds = [
            *((["yes", "no"] if usable else ["anew"]) if one.state is ContributionState.EDITED else []),
            *(["withdraw"] if usable and may_follow(one.state, ContributionState.WITHDRAWN) else []),
        ]
        until = None if one.decide_by is None else one.decide_by.astimezone(self._rooms.settings.moderation.zone).date()
        values: dict[str, Any] = {
            "post": shown(one.words, found.author.byline()),
            "tongue": one.language,
            "standing": one.state.value,
            "until": until,
            "why": one.reason,
        }
        values |= {"edits": [_as_values(edit, language) for edit in edits], "deeds": deeds, "done": done, "problem": problem}
        return await self._rooms.page("agree", language, _bound(found), *_DEEDS, status=status, **values)

    def _edits(self, found: Opened) -> list[Edit]:
        with read(self._rooms.engine) as connection:
            edits = contributions.edits(connection, [found.one.id])[found.one.id]
        return since_yes(edits, found.one.agreed_version)


def _as_values(edit: Edit, language: str) -> dict[str, Any]:
    """An edit for the page: each field by its name in the reader's language, as a difference."""
    say = catalogue.words(language)
    fields = [(say(f"field_{name}"), difference(said(say, name, edit.before.get(name)), said(say, name, edit.after[name]))) for name in edit.after]
    return {"reason": say(f"reason_{edit.reason}"), "note": edit.note, "fields": fields, "day": edit.at.date()}


def _bound(found: Opened) -> str:
    """What its forms are bound to: a form of an older version agrees to nothing."""
    return f"agree|{found.link}|{found.one.version}"
