"""Moments are aware and UTC; a naive one is refused where it enters."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.errors import NaiveTimeError


def utc(moment: datetime, name: str = "moment") -> datetime:
    """The same moment in UTC. Raises NaiveTimeError for one without a zone."""
    if moment.tzinfo is None:
        raise NaiveTimeError(name, str(moment))
    return moment.astimezone(UTC)
