"""Links that work once: mailed to one person, for one deed, for a short while."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Purpose(StrEnum):
    """What a link that works once lets its holder do."""

    EXPORT = "export"  # read everything that is held about the person
    ERASE = "erase"  # be forgotten
    HISTORY = "history"  # see what was stored, week by week
    CONFIRM = "confirm"  # say that a contribution came from them
    AGREE = "agree"  # say yes or no to an edit of their words
    ANSWER = "answer"  # answer a letter from a colleague
    DISOWN = "disown"  # say that a letter in their name was not theirs
    ALLOW = "allow"  # switch on what a machine seems to have switched on
    SEND = "send"  # send on words to a colleague that a machine seems to have written
    ENTRY = "entry"  # see what became of their words in the ledger, and change it


LIFE = {
    Purpose.EXPORT: timedelta(minutes=15),
    Purpose.ERASE: timedelta(minutes=15),
    Purpose.HISTORY: timedelta(minutes=15),
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.AGREE: timedelta(days=14),
    Purpose.ANSWER: timedelta(days=28),
    Purpose.DISOWN: timedelta(days=28),
    Purpose.ALLOW: timedelta(days=7),
    Purpose.SEND: timedelta(days=7),
    Purpose.ENTRY: timedelta(days=56),
}
