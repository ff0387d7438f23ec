"""The routes of the two-way half: every page behind a control link."""

from __future__ import annotations

from starlette.routing import BaseRoute

from digest.web import author, entry, give, me, occasion, passing, vote
from digest.web.rooms import Rooms


def routes(rooms: Rooms) -> list[BaseRoute]:
    """All of them."""
    return [
        *give.routes(rooms),
        *vote.routes(rooms),
        *author.routes(rooms),
        *passing.routes(rooms),
        *occasion.routes(rooms),
        *me.routes(rooms),
        *entry.routes(rooms),
    ]
