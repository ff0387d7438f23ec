"""The evidence that a post was really shared: intent opened, preview fetched, first visit. None of them proves it.

No network calls back when somebody posts. A press on a share link opens a network's composer; that network's own robot
fetches a link that was put into it; then strangers come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

RUNGS = ("intent opened", "preview fetched", "first visit")  # the names they have everywhere
# A robot's name in its User-Agent -> the networks it fetches for, and the network's name among ours.
_ROBOTS = {
    "linkedinbot": ("linkedin",),
    "twitterbot": ("x",),
    "facebookexternalhit": ("facebook", "threads"),
    "meta-externalagent": ("facebook", "threads"),
    "facebookcatalog": ("facebook",),
    "bluesky cardyb": ("bluesky",),
    "mastodon/": ("mastodon",),
    "pleroma": ("mastodon",),
    "misskey": ("mastodon",),
    "whatsapp/": ("whatsapp",),
    "telegrambot": ("telegram",),
    "skypeuripreview": ("teams",),
    "slackbot": ("slack",),
    "slack-imgproxy": ("slack",),
    "redditbot": ("reddit",),
    "line-poker": ("line",),
    "pinterestbot": ("pinterest",),
    "xing-contenttabreceiver": ("xing",),
}
PREVIEWING = frozenset(name for names in _ROBOTS.values() for name in names)  # networks whose robot can be told; of others nobody knows


def fetched_for(agent: str) -> frozenset[str]:
    """The networks that a preview robot fetches for, by its User-Agent."""
    lower = agent.lower()
    return frozenset(name for robot, names in _ROBOTS.items() if robot in lower for name in names)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one short link. Of an employee's link it is for that person's eyes alone; reports count links."""

    slug: str
    owner: str
    post: str
    network: str
    previewed: bool = False  # by the robot of its own network
    visited_at: datetime | None = None  # the first visit by a person from outside
    perhaps_at: datetime | None = None  # the first that was at least probably one
