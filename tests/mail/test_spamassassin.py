"""SpamAssassin with its local rules on the demo's letters: in every language 1.0 or less, where 5.0 is spam."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from digest.config import Config
from digest.domain.message import Pick
from digest.domain.post import Origin
from digest.mail import catalogue
from digest.pipeline.rendering import Renderer, compile_languages
from digest.pipeline.templates import sample
from tests.factories_mail import ENVELOPE, KEYS, message
from tests.needs import missing
from tests.signing import pem, signer

SIGNER = signer({"s2026": pem("RSA")})
MOST = 1.0
_FROM_US = b"Received: from digest.osterglen.example (digest.osterglen.example [11.22.33.44])\r\n"
_RECEIVED = _FROM_US + b"\tby mx.osterglen.example with ESMTPS id 4XyZ12;\r\n\t%s\r\n"


def spamassassin() -> str:
    return shutil.which("spamassassin") or missing("SpamAssassin")


def letter(language: str) -> bytes:
    """One of the demo's letters as a mail server of the company gets it."""
    content = replace(sample(Config(home=Path())), site_url="https://digest.osterglen.example", reply_to="mara@osterglen.example")
    inward = [post for post in content.posts if post.internal]
    outward = [post for post in content.posts if not post.internal]
    colleagues = [post for post in outward if post.origin is Origin.COLLEAGUE]
    chosen = [*colleagues[:3], *[post for post in outward if post.origin is Origin.CURATED][:2], *inward[:1]]
    now = datetime.now(UTC).replace(microsecond=0)
    mine = message(language=language, picks=tuple(Pick(n=post.n) for post in chosen), dated_at=now, due_at=now)
    wire = Renderer(content, ENVELOPE, compile_languages(content, [language]), KEYS).wire(mine)
    stamp = now.strftime("%a, %d %b %Y %H:%M:%S +0000").encode()
    return _RECEIVED % stamp + re.sub(rb"(?m)^\.", b"", SIGNER.sign(wire, now))


@cache
def judged(folder: Path) -> dict[str, tuple[float, str]]:
    """Language, or "spam" -> score and the rules behind it."""
    subject = b"Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X "
    letters = {language: letter(language) for language in catalogue.languages()}
    letters["spam"] = letters["en"].replace(b"Subject: ", subject, 1)
    box = b"".join(b"From a@osterglen.example Tue Nov 24 08:00:00 2026\nX-Test: %s\n%s\n" % (name.encode(), one) for name, one in letters.items())
    command = [spamassassin(), "-L", "--mbox", "--nocreate-prefs", "--cf=use_bayes 0", "--cf=required_score 5", f"--prefspath={folder / 'none'}"]
    settings = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(command, input=box.replace(b"\r\n", b"\n"), check=True, capture_output=True, env=settings, timeout=300)
    found = {}
    for one in re.split(r"^From a@osterglen", done.stdout.decode("utf-8", "replace"), flags=re.MULTILINE)[1:]:  # they come in any order
        said = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+) required=5.0\s+tests=(.*?)\s+autolearn", one, re.MULTILINE | re.DOTALL)
        name = re.search(r"^X-Test: ([\w-]+)", one, re.MULTILINE)
        assert said is not None, one[:800]
        assert name is not None, one[:800]
        found[name[1]] = float(said[1]), "".join(said[2].split())
    return found


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, str]]:
    spamassassin()
    return judged(tmp_path_factory.mktemp("spamassassin"))


@pytest.mark.parametrize("language", catalogue.languages())
def test_the_demos_letter_is_far_from_spam_in_every_language(language: str, scores: dict[str, tuple[float, str]]) -> None:
    score, rules = scores[language]
    assert score <= MOST, rules
    assert "HTML_MESSAGE" in rules  # it was read as what it is


def test_what_is_spam_is_seen_as_spam(scores: dict[str, tuple[float, str]]) -> None:
    assert scores["spam"][0] > 5
