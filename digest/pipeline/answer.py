"""What a press is answered with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.press import Standing
from digest.domain.share import Network
from digest.pipeline.batch import Batch

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a share page or a share intent is made of."""

    content: EditionContent
    post: EditionPost
    network: Network | None  # None: the share page
    link: str  # goes into the shared text; "" on the share page
    language: str
    networks: str  # letters of the person's own networks
    edition: int = 0  # its number in the database
    person: int | None = None  # whose link it is, where that may be known
    mastodon: str = ""  # the server that person named
    counted: bool = True  # presses of this link leave something behind


class Answer(NamedTuple):
    """Where a press leads. Classes never change it."""

    standing: Standing
    target: str = ""  # the article, for GO and UNATTRIBUTED
    share: Share | None = None
    detail: str = ""  # why it is paused
    title: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What reading the database could say: an answer for each press, and rows of events that are not stored yet."""

    answers: list[Answer]
    batch: Batch
    clicks: list[Row]
    visits: list[Row]
    made: list[Row] = field(default_factory=list)  # short links


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What memory alone could say: an answer for each press, None where it knows nothing, and rows of events."""

    answers: list[Answer | None]
    clicks: list[Row]
    visits: list[Row]


NOWHERE = Answer(standing=Standing.UNKNOWN)  # for a link that is none of ours
