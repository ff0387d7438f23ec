"""The wall as planning and `digest queue check` look at it: nothing internal may stand in what goes outside."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

from digest.config import Config
from digest.domain.leak import Leak, leaks
from digest.domain.post import Queue
from digest.errors import FileProblemsError
from digest.pipeline import networks

Wall = Callable[[Queue], list[Leak]]

_HINT = 'Take it out of the public words, or allow it with its reason: [[allow]] words = "..." reason = "..."'


def guard(config: Config | None, day: date, people: Collection[str] = ()) -> Wall:
    """What finds the leaks of a queue on `day`; `people`: full names on the roster. Without a configuration no name is known to be everybody's."""
    ours = () if config is None else (config.site.company, config.site.name, *(network.label for network in networks.known(config)))

    def found(queue: Queue) -> list[Leak]:
        return leaks(queue, day, people=people, ours=ours)

    return found


def keep(queue: Queue, wall: Wall) -> None:
    """Stop an edition in whose public words something internal stands. Raises FileProblemsError with the place of each."""
    found = leaking(queue, wall)
    if found:
        raise FileProblemsError(found, hint=_HINT)


def leaking(queue: Queue, wall: Wall) -> list[str]:
    """A sentence for each leak, with its place in words."""
    return [f"{_place(queue, leak)}: {leak}" for leak in wall(queue)]


def _place(queue: Queue, leak: Leak) -> str:
    """A place in words, for posts that stand in no file."""
    noun, number, *rest = leak.where
    name = f"the post “{queue.posts[int(number)].title}”" if noun == "post" else f"[{noun}]"
    return ", ".join([name, ".".join(str(part) for part in rest)])
