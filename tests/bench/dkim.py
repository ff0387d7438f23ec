"""Sign a letter: ours against dkimpy, in one run. Run by `scripts/bench dkim`. Quote the ratios of one run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import dkim  # type: ignore[import-untyped]  # it ships no types

from digest.mail.dkim import COVERED
from digest.pipeline.rendering import Renderer, compile_languages
from tests import factories_mail as mail
from tests.signing import DOMAIN, pem, signer, verified

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
REPEATS = 3
GOAL, FLOOR = 1_400, 1_000  # letters a second on one core, RSA of 2048 bits
COVERS = [name.encode() for name in COVERED]


def per_second(work: Callable[[], object], rounds: int) -> float:
    """Signatures a second: the median of several repetitions, after one to warm up."""
    found = []
    for turn in range(REPEATS + 1):
        start = time.process_time()
        for _ in range(rounds):
            work()
        if turn:
            found.append(rounds / (time.process_time() - start))
    return statistics.median(found)


def sign() -> int:
    """Print the table; 1 when ours is below the floor."""
    content = mail.edition()
    wire = Renderer(content, mail.ENVELOPE, compile_languages(content, ["en"]), mail.KEYS).wire(mail.message())
    rsa, ed25519 = pem("RSA"), pem("ED25519")
    ours = {name: signer(keys) for name, keys in {"RSA-2048": {"s": rsa}, "Ed25519": {"e": ed25519}, "both": {"s": rsa, "e": ed25519}}.items()}
    sound = all(all(verified(one.sign(wire, AT), one.records)) for one in ours.values())
    rows = [(f"ours, {name}", per_second(partial(one.sign, wire, AT), 400)) for name, one in ours.items()]
    rival = {"canonicalize": (b"relaxed", b"relaxed"), "include_headers": COVERS}
    rows.append(("dkimpy, RSA-2048", per_second(lambda: dkim.sign(wire, b"s", DOMAIN.encode(), rsa, **rival), 20)))
    lines = [f"Sign one letter of {len(wire):,} octets, one core; dkimpy verifies ours: {'yes' if sound else 'NO'}\n", f"{'':<24}{'per s':>10}"]
    lines += [f"{name:<24}{rate:>10,.0f}" for name, rate in rows]
    reached = rows[0][1]
    lines.append(f"\nGoal {GOAL:,} per s with RSA-2048, floor {FLOOR:,}: {'reached' if reached >= GOAL else 'below the goal'}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if sound and reached >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(sign())
