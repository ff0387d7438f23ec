"""A week of presses in one company, by people and machines, each labelled with the truth; the same seed gives the same week.

Written from the observations of scanners, previews and people alone; it shares nothing with the code that judges clicks.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.traces.machines import SCANNERS, hourly, trapped
from tests.traces.mails import Event, Mail, mails
from tests.traces.people import Habit, habits, person

PUBLIC, INTERNAL = 18, 4  # posts of the edition
_ACTIVE = 0.45  # of the people press anything


@dataclass(frozen=True, kw_only=True)
class Week:
    """Everything that was asked for, oldest first."""

    mails: tuple[Mail, ...]
    events: tuple[Event, ...]
    habit: Habit


def week(seed: int, people: int, *, trap: bool = False) -> Week:
    """The week of a company of `people`. `trap`: the mails hold a hidden link that no person sees."""
    dice = Random(seed)
    habit = habits(dice)
    sent = mails(dice, people, public=PUBLIC, internal=INTERNAL, trap=trap)
    waves = dice.random() < 0.5  # whether this company's inbox provider scans by the hour
    pool = [f"{dice.choice((66, 74))}.{dice.randint(1, 250)}.{dice.randint(0, 255)}.{i}" for i in range(1, 7)]
    events: list[Event] = []
    for mail in sent:
        if dice.random() < _ACTIVE:
            events += person(dice, mail, habit)
        scanner = dice.choices([one for one, _ in SCANNERS], [share for _, share in SCANNERS])[0]
        events += scanner(dice, mail) if scanner else ()
        if waves and dice.random() < 0.2:
            events += hourly(dice, mail, pool)
        if trap and dice.random() < 0.1:
            events += trapped(dice, mail)
    return Week(mails=tuple(sent), events=tuple(sorted(events, key=lambda event: (event.at, event.mail, event.link))), habit=habit)
