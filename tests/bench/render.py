"""Make one message's octets: ours against the usual ways, in one run. Run by `scripts/bench render`.

Figures drift from machine to machine and run to run: quote the ratios of one run.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

import css_inline

from digest.domain.edition import EditionContent
from digest.domain.message import Message, MessageId, Pick
from digest.mail.compile import load_compiled
from digest.mail.inline import Inliner, inline
from digest.pipeline.rendering import Renderer, compile_languages
from tests import factories_mail as mail

POSTS, NETWORKS, COHORTS, PEOPLE, REPEATS = 8, 4, 50, 4_000, 5
GOAL, FLOOR = 10_000, 5_000  # messages a second on one core


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One way to make messages, and for whom."""

    name: str
    rounds: int  # messages per repetition
    make: Callable[[Message], bytes]
    people: list[Message]


def content() -> EditionContent:
    """Eight posts; every reader gets all of them, in an order of their own."""
    posts = tuple(mail.colleague(n, author=f"Colleague {n}") if n <= POSTS // 2 else mail.curated(n) for n in range(1, POSTS + 1))
    return mail.edition(posts=posts)


def people(edition: EditionContent, choices: int) -> list[Message]:
    """Readers who differ in name and address, and in one of `choices` orders, reasons and pairs of networks."""
    random = Random(48)
    chosen = []
    for _ in range(choices):
        reasons = (["", "team", f"topic:{post.topics[0]}"] for post in edition.posts)
        picks = [Pick(n=n, because=random.choice(reason)) for n, reason in enumerate(reasons, start=1)]
        random.shuffle(picks)
        chosen.append((tuple(picks), tuple(random.sample([letter for letter, _, _ in edition.networks], 2))))
    return [
        mail.message(
            id=MessageId(number), employee=number, name=f"Ana{number} Sousa", address=f"ana{number}@x.example", picks=picks, networks=networks
        )
        for number, (picks, networks) in enumerate(islice(cycle(chosen), PEOPLE), start=1)
    ]


def rivals() -> list[Rival]:
    """The slowest first; ours last."""
    edition = content()
    bodies = compile_languages(edition, ["en"])
    compiled = load_compiled(bodies["en"])
    rust = css_inline.CSSInliner().inline

    def slow(inliner: Inliner) -> Callable[[Message], bytes]:
        def make(message: Message) -> bytes:
            fill = mail.person(picks=message.picks, networks=message.networks, name=message.name.split()[0])
            return mail.slow_message(mail.slow_page(edition, compiled, fill, inliner=inliner), compiled.titles[message.picks[0].n])

        return make

    everybody_differs, cohorts = people(edition, PEOPLE), people(edition, COHORTS)
    differing, shared = (Renderer(edition, mail.ENVELOPE, bodies, mail.KEYS) for _ in range(2))
    return [
        Rival(name="naive: Jinja + premailer + EmailMessage", rounds=3, make=slow(inline), people=everybody_differs),
        Rival(name="css-inline (Rust) instead of premailer", rounds=25, make=slow(rust), people=everybody_differs),
        Rival(name="no inlining at all: Jinja + EmailMessage", rounds=25, make=slow(lambda page: page), people=everybody_differs),
        Rival(name=f"ours, {PEOPLE:,} people, {PEOPLE:,} different choices", rounds=PEOPLE, make=differing.wire, people=everybody_differs),
        Rival(name=f"ours, {PEOPLE:,} people in {COHORTS} cohorts", rounds=PEOPLE, make=shared.wire, people=cohorts),
    ]


def seconds(rival: Rival) -> float:
    """Seconds per message: the median of several repetitions, after one to warm up."""
    found = []
    for turn in range(REPEATS + 1):
        start = time.process_time()
        for message in rival.people[: rival.rounds]:
            rival.make(message)
        if turn:
            found.append((time.process_time() - start) / rival.rounds)
    return statistics.median(found)


def render() -> int:
    """Print the table; 1 when ours is below the floor."""
    found = [(rival, seconds(rival)) for rival in rivals()]
    wire = found[-1][0].make(found[-1][0].people[0])
    naive = found[0][1]
    lines = [f"One message, one core: {POSTS} posts, {NETWORKS} networks offered, {len(wire):,} octets on the wire with head and links of its own\n"]
    lines.append(f"{'':<52}{'ms':>10}{'per s':>10}{'naive x':>10}")
    lines += [f"{rival.name:<52}{each * 1000:>10.3f}{1 / each:>10,.0f}{naive / each:>10,.1f}" for rival, each in found]
    slowest = min(1 / each for rival, each in found if rival.name.startswith("ours"))
    lines.append(
        f"\nGoal {GOAL:,} per s, floor {FLOOR:,}: {'reached' if slowest >= GOAL else 'above the floor' if slowest >= FLOOR else 'below the floor'}"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if slowest >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(render())
