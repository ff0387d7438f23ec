"""What an operator hears when an edition is paused, resumed or cancelled."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from digest.errors import EditionError
from digest.pipeline import outbox
from tests.conftest import NOW
from tests.letters import editions, put_edition, states


def test_pause_and_resume_say_what_they_did(engine: Engine) -> None:
    put_edition(engine)
    assert outbox.pause(engine, None, reason="wrong picture", who="ana", now=NOW).startswith("2026-W48 is paused.")
    assert (editions(engine)[0].paused, editions(engine)[0].reason) == (True, "wrong picture")
    assert outbox.pause(engine, "2026-W48", who="ana", now=NOW) == "2026-W48 is paused already."
    assert outbox.resume(engine, None, who="ana", now=NOW).startswith("2026-W48 goes on")
    assert outbox.resume(engine, None, who="ana", now=NOW) == "2026-W48 is not paused; nothing to resume."


def test_cancel_counts_what_is_never_sent(engine: Engine) -> None:
    put_edition(engine, 3)
    assert outbox.cancel(engine, None, who="ana", now=NOW) == "2026-W48 is cancelled: 3 messages that waited are never sent."
    assert states(engine) == {"cancelled": 3}


def test_what_is_over_can_be_neither_paused_nor_cancelled(engine: Engine) -> None:
    put_edition(engine, state="closed")
    with pytest.raises(EditionError, match="it is closed, so there is nothing to pause"):
        outbox.pause(engine, None, who="ana", now=NOW)
    with pytest.raises(EditionError, match="it is closed, so there is nothing to cancel"):
        outbox.cancel(engine, None, who="ana", now=NOW)


def test_without_an_edition_the_hint_says_what_to_type(engine: Engine) -> None:
    with pytest.raises(EditionError, match="digest edition plan"):
        outbox.resume(engine, None, who="ana", now=NOW)
