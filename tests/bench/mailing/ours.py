"""Our side of `scripts/bench delivery`, each measurement in a process of its own: plan an edition, deliver it, print figures as JSON.

`python -m tests.bench.mailing.ours plan URL PEOPLE` and `python -m tests.bench.mailing.ours deliver URL PORT CONNECTIONS [KEY.pem]`.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.db.session import open_database
from digest.domain.message import Message
from digest.mail.dkim import Signer
from digest.pipeline import renderers
from digest.pipeline.delivery import deliver
from digest.pipeline.letters import Renderer
from digest.pipeline.policy import Policy
from digest.smtp.relay import Relay

POSTS = 60
EVENING = datetime(2026, 11, 23, 18, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # by then it is due everywhere
MIX = {"posts": 8, "curated": 4, "inside": 1, "spares": 3}  # eight posts with their links for sharing: 46 to 50 KB
SCHEDULE = {"quiet": "", "holidays": "ignore"}
WHY = "Three bakers sent the same oven back within a week. I flew there to argue, and came home with a list of what we had never tried."


def queue(topics: Sequence[str]) -> str:
    """Sixty posts, half of them by a colleague, with words of the usual length."""
    posts = []
    for n in range(POSTS):
        by = 'by = "ana@example.org"\nnamed = true\n' if n % 2 else ""
        words = f'title = "What a kilowatt hour of bread costs, part {n}"\nurl = "https://example.com/stories/{n}"\nwhy = "{WHY}"\n'
        posts.append(f'[[post]]\nid = "post-{n}"\n{words}topics = ["{topics[n % len(topics)]}"]\n{by}')
    return "".join(posts)


def plan(url: str, people: int) -> None:
    """Make the tables, a roster and an approved edition, all of it by the real planner."""
    from digest.db import migrate
    from digest.pipeline import edition
    from tests.bench.plan import TOPICS, fill  # what delivers does not load what plans, so that its memory is its own
    from tests.factories import company, person

    engine = open_database(url)
    migrate.upgrade(engine)
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        networks = ["linkedin", "x", "bluesky", "mastodon"]
        config = company(
            engine, Path(folder), [person("ana@example.org")], queue=queue(TOPICS), mix=MIX, schedule=SCHEDULE, sharing={"networks": networks}
        )
        fill(engine, people)
        edition.plan(engine, config, now=EVENING)
    edition.approve(engine, now=EVENING, who="bench")
    engine.dispose()


class Measured:
    """The real renderer, and how long its messages are."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.octets = 0

    def wire(self, message: Message) -> bytes:
        """The octets of one message."""
        made = self._renderer.wire(message)
        self.octets += len(made)
        return made


def clock() -> Callable[[], datetime]:
    """Noon, and then it runs."""
    began = time.monotonic()
    return lambda: NOON + timedelta(seconds=time.monotonic() - began)


def send(url: str, port: int, connections: int, key: str) -> dict[str, float]:
    """Deliver everything; what it took."""
    engine = open_database(url)
    signer = Signer("example.com", {"bench": Path(key).read_bytes()}) if key else None
    made: list[Measured] = []

    def load(edition_id: int) -> Measured:
        made.append(Measured(renderers.load(engine, edition_id)))
        return made[-1]

    relay = Relay(host="127.0.0.1", port=port, connections=connections)
    start, cpu = time.perf_counter(), time.process_time()
    done = deliver(engine, renderers=load, relays=(relay,), clock=clock(), policy=Policy(sign=signer.sign if signer else None))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    engine.dispose()
    if done.transport_error or not done.sent:
        raise SystemExit(f"nothing to measure: {done}")
    return {"sent": done.sent, "seconds": seconds, "cpu": cpu, "octets": made[0].octets / done.sent, "peak": peak()}


def peak() -> float:
    """The most memory this process had, in MB; by the kernel's own mark, because ru_maxrss remembers the parent's."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


if __name__ == "__main__":
    if sys.argv[1] == "plan":
        plan(sys.argv[2], int(sys.argv[3]))
    else:
        sys.stdout.write(json.dumps(send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), "".join(sys.argv[5:]))))
