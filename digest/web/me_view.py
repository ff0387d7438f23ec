"""What a person's page shows: how everything of theirs stands, and what they may choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digest.domain.consent import Said, Switch
from digest.domain.frequency import Frequency, hours_on_offer
from digest.domain.quiet import parse_quiet
from digest.domain.words import Words, language_name, nearest
from digest.mail import catalogue
from digest.pipeline.preferences import OF_ALL, Standing
from digest.web.settings import WebSettings

_TOPICS = 10  # boxes; further topics stand in the field below them
_HISTORY = 10
PERSONAL = ("link-history", "link-export", "link-erase")  # of a person; a shared mailbox has none of it


@dataclass(frozen=True, kw_only=True)
class Undo:
    """A form that brings back what was."""

    action: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Note:
    """What stands at the top of the page after a form."""

    text: str
    undo: Undo | None = None
    problem: bool = False


def actions(standing: Standing, note: Note | None) -> tuple[str, ...]:
    """The forms that the page has now."""
    wishes = standing.wishes
    switches = [f"{turn}-{switch}" for switch in standing.switches if not wishes.shared or switch in OF_ALL for turn in _turns(standing, switch)]
    found = ["frequency", "hour", "language", "topics", "networks", "resume" if wishes.paused_until else "pause", *switches]
    found += [] if wishes.shared else PERSONAL
    found += [note.undo.action] if note and note.undo else []
    return tuple(dict.fromkeys(found))


def values(standing: Standing, settings: WebSettings, say: Words, *, paused: bool) -> dict[str, Any]:
    """For the template. `paused`: the pause is not over."""
    wishes = standing.wishes
    boxes, more = _topics(standing)
    first, second = linked(standing)
    return {
        "shared": wishes.shared,
        "frequencies": [str(frequency) for frequency in Frequency],
        "frequency": wishes.frequency,
        "paused": say.day(wishes.paused_until.date()) if paused and wishes.paused_until else "",
        "hours": [(clock, clock) for clock in hours_on_offer(parse_quiet(settings.quiet))],
        "hour": wishes.hour,
        "usual": settings.hour,
        "languages": [(code, language_name(code)) for code in catalogue.languages()],
        "spoken": nearest(wishes.language, catalogue.languages()),
        "topics": boxes,
        "more_topics": ", ".join(more),
        "networks": standing.networks,
        "first": first,
        "second": second,
        "server": wishes.mastodon,
        "wrong_server": False,
        "has_server": "mastodon" in dict(standing.networks) and not wishes.shared,
        "switches": [_switch(standing, switch, settings, say) for switch in Switch if not wishes.shared or switch in OF_ALL],
        "measuring": _measuring(standing, settings),
    }


def linked(standing: Standing) -> tuple[str, str]:
    """The networks with links of their own in the letter now; without a choice the first one that is offered."""
    offered = [name for name, _ in standing.networks]
    mine = [name for name in standing.wishes.networks if name in offered] or offered[:1]
    first, second = (*mine[:2], "", "")[:2]
    return first, second


def _topics(standing: Standing) -> tuple[list[tuple[str, bool]], list[str]]:
    """(topic, whether it is followed) for the boxes, and what has no box."""
    mine = standing.wishes.topics
    boxes = [*mine[:_TOPICS], *sorted(standing.topics - set(mine))][:_TOPICS]
    return [(topic, topic in mine) for topic in sorted(boxes)], [topic for topic in mine if topic not in boxes]


def _turns(standing: Standing, switch: Switch) -> tuple[str, ...]:
    """What may be said about a switch now. While nobody has said anything about their name, a no may be said beside a yes."""
    if switch is Switch.NAME and not standing.switches[switch] and "named" not in standing.wishes.chosen:
        return ("on", "off")
    return ("off" if standing.switches[switch] else "on",)


def sentence(switch: Switch, settings: WebSettings, say: Words) -> str:
    """What a switch means."""
    return say(f"me_measure_{settings.tracking}" if switch is Switch.MEASURE else f"me_{switch}_what", n=settings.keep_days)


def _switch(standing: Standing, switch: Switch, settings: WebSettings, say: Words) -> Mapping[str, Any]:
    said = [word for word in standing.said if word.switch is switch]
    unsaid = switch is Switch.NAME and "named" not in standing.wishes.chosen
    return {
        "key": str(switch),
        "on": standing.switches[switch],
        "what": sentence(switch, settings, say),
        "turns": _turns(standing, switch),
        "unsaid": ("me_name_noted" if standing.switches[switch] else "me_name_unsaid") if unsaid and not standing.wishes.named else "",
        "history": [_line(word, say) for word in reversed(said[-_HISTORY:])],
    }


def _line(word: Said, say: Words) -> str:
    wording = word.wording if word.wording.isdigit() else say("me_spoken")
    return say("me_said", day=say.day(word.at.date(), "date_long"), value=say("me_on" if word.value else "me_off"), wording=wording)


def _measuring(standing: Standing, settings: WebSettings) -> str:
    """Which sentence says what is stored of the presses."""
    if settings.tracking == "off":
        return "off"
    if not standing.switches[Switch.MEASURE]:
        return "yet" if standing.wishes.measured is None else "no"
    return settings.tracking


def shown(standing: Standing, matter: str, settings: WebSettings, say: Words) -> str:
    """How a matter stands now, in words."""
    wishes, labels = standing.wishes, dict(standing.networks)
    named = [*(labels[name] for name in linked(standing) if name), *([wishes.mastodon] if wishes.mastodon else [])]
    until = wishes.paused_until
    found = {
        "frequency": say(f"me_{wishes.frequency}"),
        "hour": wishes.hour or say("me_hour_usual", time=settings.hour),
        "language": language_name(nearest(wishes.language, catalogue.languages())),
        "topics": ", ".join(wishes.topics) or say("me_none"),
        "networks": ", ".join(named) or say("me_none"),
        "pause": say("me_resumed") if until is None else say("me_paused", day=say.day(until.date())),
    }
    return found[matter] if matter in found else say("me_on" if standing.switches[Switch(matter)] else "me_off")
