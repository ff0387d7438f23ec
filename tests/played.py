"""A company that a test plays through, with its mailbox and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.config import Config
from digest.demo.mailbox import Letter, Mailbox
from digest.pipeline import week


@dataclass
class Played:
    """The company."""

    engine: Engine
    config: Config
    mailbox: Mailbox
    now: datetime

    def tick(self, **span: float) -> None:
        """Let time pass, then do what is due."""
        self.now += timedelta(**span)
        week.tick(self.engine, self.config, clock=lambda: self.now)

    def last(self, recipient: str, subject: str = "") -> Letter:
        """The newest letter to somebody."""
        found = [letter for letter in self.mailbox.letters() if letter.recipient == recipient and subject in str(letter.parsed["subject"])]
        return found[-1]
