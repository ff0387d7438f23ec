"""The author's last word: yes or no to what was changed, by a link that was mailed to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.db import contributions, privacy
from digest.domain.contribution import Contribution, ContributionState, after_no
from digest.domain.moderation import Rules
from digest.pipeline import contribution_notices
from digest.pipeline.contribution import promised


def agree(connection: Connection, one: Contribution, rules: Rules, now: datetime, *, word: str = "", how: str = "") -> bool:
    """The author says yes to the words of this version; False when they have changed since, or nothing waits for a yes."""
    if one.state is not ContributionState.EDITED:
        return False
    decided = one.decided_at is not None
    state = ContributionState.ACCEPTED if decided else ContributionState.PROPOSED
    if not contributions.change(connection, one, {"state": state, "agreed_version": one.version + 1}):
        return False
    _note(connection, one, "agreed", word, how, now)
    after = contributions.get(connection, one.id)
    if after is not None and decided:
        contribution_notices.taken(connection, after, now)
    elif after is not None:
        contribution_notices.to_decide(connection, after, rules, now)
    return True


def disagree(connection: Connection, one: Contribution, rules: Rules, now: datetime, *, word: str = "", how: str = "") -> bool:
    """The author keeps their own words: it goes back to what they last said yes to, and is decided anew."""
    if one.state is not ContributionState.EDITED:
        return False
    words = one.words.with_changes(after_no(contributions.edits(connection, [one.id])[one.id], one.agreed_version))
    values = {"state": ContributionState.PROPOSED, "words": words, "agreed_version": one.version + 1}
    values |= {"decided_at": None, "decided_by": "", "decide_by": promised(rules, now)}
    if not contributions.change(connection, one, values):
        return False
    _note(connection, one, "disagreed", word, how, now)
    after = contributions.get(connection, one.id)
    if after is not None:
        contribution_notices.to_decide(connection, after, rules, now)
    return True


def _note(connection: Connection, one: Contribution, what: str, word: str, how: str, now: datetime) -> None:
    said = "; ".join(filter(None, [word.strip(), how]))
    privacy.note(connection, f"contribution.{what}", f"contribution:{one.id}", said, who="author", now=now)
