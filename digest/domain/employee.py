"""An employee: who may get a digest, and what they chose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

EmployeeId = NewType("EmployeeId", int)


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """What ranking may look at; people of one cohort share one ranked list."""

    language: str
    country: str
    team: str
    topics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Byline:
    """What stands beside somebody's words; "" for what does not."""

    name: str = ""
    team: str = ""
    place: str = ""  # ISO 3166-1 alpha-2


@dataclass(frozen=True, kw_only=True)
class Employee:
    """One person (or shared mailbox) on the roster, as stored."""

    id: EmployeeId
    address: str  # as it is mailed; unique, compared in lower case
    name: str
    roster_id: str | None = None  # HR's own number; survives a change of name or address
    language: str = "en"  # BCP 47, lower case
    zone: str = "UTC"  # IANA name
    country: str = ""  # ISO 3166-1 alpha-2, upper case
    team: str = ""
    topics: tuple[str, ...] = ()  # sorted, lower case
    networks: tuple[str, ...] = ()  # names from the networks file, the person's favourites first, at most two get links
    shared: bool = False  # a mailbox of several people: one message, no personal rows
    named: bool = False  # agreed that their name stands beside what they write
    measured: bool | None = None  # their own switch; None: never touched, `[tracking] consent` decides
    frequency: str = "weekly"  # a Frequency
    paused_until: datetime | None = None  # no letter is due before
    hour: str = ""  # of their own clock, "07:30"; "": as everybody
    chosen: frozenset[str] = frozenset()  # names of fields they set themselves
    left_at: datetime | None = None

    @property
    def cohort(self) -> Cohort:
        """What this person shares with others for ranking."""
        return Cohort(language=self.language, country=self.country, team=self.team, topics=self.topics)

    @property
    def refuses_name(self) -> bool:
        """Their own word that their name must not stand; it wins over what a queue says they agreed to."""
        return not self.named and "named" in self.chosen

    @property
    def given_name(self) -> str:
        """The first word of the name: how the letter greets."""
        return self.name.split()[0] if self.name.split() else self.name

    def byline(self, *, agreed: bool | None = None) -> Byline:
        """How a letter signs what they wrote. `agreed`: what a queue says about their name; None: it says nothing."""
        may_be_named = not self.refuses_name and (self.named if agreed is None else agreed)
        return Byline(name=self.name if may_be_named else "", team=self.team, place=self.country if may_be_named else "")
