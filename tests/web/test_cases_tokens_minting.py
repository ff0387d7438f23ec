"""What is minted: never twice, never a word or a path, nothing to read off it; and what was signed, whatever happened to the keys."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import random
import secrets
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.db import short_links
from digest.db.keys import add_key, signing_keys
from digest.db.schema import message, token
from digest.db.session import read, write
from digest.domain import link
from digest.domain import slug as slugs
from digest.errors import DigestError, StorageError
from digest.pipeline import edition
from digest.web.app import make_app
from tests.conftest import NOW
from tests.factories import company, crowd
from tests.linked import ANA, Linked, share_link

SLUGS = st.binary(min_size=8, max_size=8).map(slugs.slug)
WORDS = ("ass", "shit", "fuck", "nazi", "tits", "cunt", "whore", "penis", "slut", "arsch", "fotze", "bitch", "porn", "dick")
READ_AS = {"a": "a4", "b": "b8", "e": "e3", "i": "1", "l": "1", "o": "0", "s": "s5", "t": "t7", "u": "v", "z": "z2"}
NAMES = ("admin", "robots.txt", "favicon.ico", ".well-known", "apple-touch-icon.png", "sitemap.xml", "wp-login.php", "index.html", "security.txt")


def tokens_of(engine: Engine, period: str) -> dict[int, str]:
    """Employee -> share token in that edition."""
    with read(engine) as connection:
        from digest.db.schema import edition as editions

        rows = connection.execute(
            select(message.c.employee_id, message.c.share_token)
            .join(editions, editions.c.id == message.c.edition_id)
            .where(editions.c.period == period)
        )
        return {row.employee_id: row.share_token for row in rows if row.share_token}


def test_tokens_of_two_editions_and_of_colleagues_have_nothing_in_common(engine: Engine, tmp_path: Path) -> None:
    """A16: other tokens each week; no order of time or person, and no beginning shared more often than chance shares it."""
    config = company(engine, tmp_path, crowd(120))
    edition.plan(engine, config, now=NOW, period="2026-W48")
    edition.plan(engine, config, now=NOW, period="2026-W49")
    this, following = tokens_of(engine, "2026-W48"), tokens_of(engine, "2026-W49")
    both = this.keys() & following.keys()
    assert len(both) >= 100
    assert len({*this.values(), *following.values()}) == len(this) + len(following)
    assert sum(this[one][:2] == following[one][:2] for one in both) <= 3, "1 of 1,024 by chance"
    ordered = [this[one] for one in sorted(this)]
    rising = sum(first < second for first, second in pairwise(ordered)) / (len(ordered) - 1)
    assert 0.3 < rising < 0.7, "neither rising nor falling with the employee or the moment"
    assert len({text[0] for text in ordered}) >= 20, "all first characters are in use"


def test_every_character_of_a_token_is_used_evenly() -> None:
    """A16: no position carries a version, a time or a counter."""
    drawn = random.Random(48)
    made = [found for _ in range(20_000) if (found := link.token(drawn.randbytes(10)))]
    for place in range(link.TOKEN_LENGTH):
        counts = [sum(text[place] == c for text in made) for c in link.ALPHABET]
        assert min(counts) > 0.8 * len(made) / 32, place
        assert max(counts) < 1.2 * len(made) / 32, place


class Dice:
    """A random source that gives what it was told to, then real octets."""

    def __init__(self, *drawn: bytes) -> None:
        self.left = list(drawn)
        self.asked = 0

    def __call__(self, size: int) -> bytes:
        self.asked += 1
        return self.left.pop(0) if self.left else secrets.token_bytes(size)


def want(linked: Linked, name: str) -> short_links.Want:
    return short_links.Want(owner=f"employee:{linked.people[name]}", edition=linked.edition, post="cold-room", network="x")


def test_a_slug_that_is_taken_is_drawn_again_and_the_first_keeps_its_owner(linked: Linked) -> None:
    """A17: three draws in a row find the row of somebody else; the fourth is stored, nothing is written over."""
    with write(linked.engine) as connection:
        short_links.mint(connection, [want(linked, "ana")], Dice(b"\x11" * 8), linked.now)
    first = linked.short_links()
    dice = Dice(*[b"\x11" * 8] * 3, b"\x12" * 8)
    with write(linked.engine) as connection:
        short_links.mint(connection, [want(linked, "ben")], dice, linked.now)
    assert dice.asked == 4
    assert [row for row in linked.short_links() if row["owner"] == first[0]["owner"]] == first
    assert {row["slug"] for row in linked.short_links()} == {slugs.slug(b"\x11" * 8), slugs.slug(b"\x12" * 8)}


def test_a_random_source_that_repeats_itself_for_ever_is_an_error_and_no_overwrite(linked: Linked) -> None:
    """A17: twenty draws, then a sentence that says what to look at."""
    with write(linked.engine) as connection:
        short_links.mint(connection, [want(linked, "ana")], lambda _: b"\x11" * 8, linked.now)
    first = linked.short_links()
    with pytest.raises(StorageError, match="no free slug in 20 draws"), write(linked.engine) as connection:
        short_links.mint(connection, [want(linked, "ben")], lambda _: b"\x11" * 8, linked.now)
    assert linked.short_links() == first


def test_a_random_source_that_fails_costs_a_page_and_the_next_press_works(
    linked: Linked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A17: the person is asked to try again; nothing half-made stays."""

    def broken(_size: int) -> bytes:
        raise OSError("no entropy")

    monkeypatch.setattr("digest.pipeline.presses.Tracker.__init__.__defaults__", (broken,))
    app = make_app(linked.engine, linked.settings(), lambda: linked.now)
    monkeypatch.undo()
    with TestClient(app, base_url="https://letter.example.com", follow_redirects=False) as web:
        assert web.get(share_link(ANA, 1, "2")).status_code == 503
    assert linked.clicks() == linked.short_links() == []
    assert "no entropy" in caplog.text
    with linked.client() as web:
        assert web.get(share_link(ANA, 1, "2")).status_code == 302


def test_a_share_token_drawn_twice_stops_the_plan_and_the_next_run_finishes_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A17: the unique key refuses it, the handful is rolled back, and planning goes on where it stood with new tokens."""
    config = company(engine, tmp_path, crowd(6))
    same = next(found for found in map(bytes, product(range(9), repeat=10)) if link.token(found))
    with monkeypatch.context() as stuck:
        stuck.setattr(secrets, "token_bytes", lambda _size: same)
        with pytest.raises(DigestError):
            edition.plan(engine, config, now=NOW, period="2026-W48")
    with read(engine) as connection:
        assert connection.execute(select(token)).all() == []
    made = edition.plan(engine, config, now=NOW, period="2026-W48").edition
    assert len(set(tokens_of(engine, made.period).values())) == 6


def other_mac(secret: bytes, head: bytes) -> bytes:
    return hmac.new(secret, b"control|" + head, hashlib.sha256).digest()[:16]


def forged(secret: bytes, key_id: int, employee: int, mac: Callable[[bytes, bytes], bytes]) -> str:
    """A `/u/` token with a MAC of the forger's choice."""
    head = key_id.to_bytes(1, "big") + employee.to_bytes(5, "big")
    return link.base32(int.from_bytes(head + mac(secret, head), "big"), 36)


def test_links_signed_by_an_older_key_still_let_people_go_and_new_ones_use_the_new_key(linked: Linked, web: TestClient) -> None:
    """A18: rotated twice; unknown key id, cut MAC, and a MAC of another purpose are refused."""
    oldest = linked.leave_link()
    for secret in (b"n" * 32, b"m" * 32):
        with write(linked.engine) as connection:
            newest = add_key(connection, "unsubscribe", Dice(secret), linked.now)
        assert web.get(oldest).status_code == web.get(linked.leave_link()).status_code == 200
    with read(linked.engine) as connection:
        keys = signing_keys(connection, "unsubscribe")
    assert next(iter(keys)) == newest
    ana, signed = linked.people["ana"], linked.leave_link()[3:]
    assert link.sign_unsubscribe(newest, keys[newest], ana) == signed
    bad = [
        link.sign_unsubscribe(200, keys[newest], ana),  # no such key
        link.sign_unsubscribe(min(keys), keys[newest], ana),  # signed by another key than it says
        signed[:-1],
        signed[:20],
        forged(keys[newest], newest, ana, other_mac),
        forged(keys[newest], newest, ana, lambda _secret, _head: bytes(16)),
        forged(b"", newest, ana, lambda secret, head: hmac.new(secret, b"unsubscribe|" + head, hashlib.sha256).digest()[:16]),
    ]
    for text in bad:
        assert web.get(f"/u/{text}").status_code == 404
        assert web.post(f"/u/{text}", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert linked.count("suppression") == 0


def test_a_mac_is_compared_in_constant_time() -> None:
    """A18: by `hmac.compare_digest` and by nothing else."""
    assert "hmac.compare_digest(mac, _mac(secret, head))" in inspect.getsource(link.read_unsubscribe)


@given(SLUGS)
def test_no_slug_is_ever_the_name_of_a_page(made: str) -> None:
    """A19: twelve characters of an alphabet without i, l, o, u, dot and hyphen; no name of a page or file is that."""
    assert len(made) == slugs.SLUG_LENGTH
    assert set(made) <= set(link.ALPHABET)
    assert made not in NAMES


def test_no_route_of_ours_could_be_minted(linked: Linked) -> None:
    """A19: every part of every path that the application knows, old or new."""
    app = make_app(linked.engine, linked.settings(), lambda: linked.now)
    routes = [route.path for route in app._inner.app.routes]  # type: ignore[attr-defined]  # ExceptionMiddleware(Router)
    parts = {part for path in routes for part in path.split("/") if part and "{" not in part}
    assert parts >= {"healthz", "robots.txt"}
    for name in {*parts, *NAMES}:
        assert not slugs.valid_slug(name)
        assert not link.valid_token(name)


def spellings(word: str) -> Iterator[str]:
    """How `word` can be spelled in the alphabet of slugs."""
    return map("".join, product(*(READ_AS.get(c, c) for c in word)))


@given(word=st.sampled_from(WORDS), made=SLUGS, place=st.integers(0, slugs.SLUG_LENGTH), pick=st.integers(0, 10_000))
def test_a_slug_with_a_rude_word_in_it_is_never_public(word: str, made: str, place: int, pick: int) -> None:
    """A20: anywhere in it, in any spelling with digits for letters."""
    every = list(spellings(word))
    rude = every[pick % len(every)]
    at = min(place, slugs.SLUG_LENGTH - len(rude))
    assert not slugs.may_be_public(made[:at] + rude + made[at + len(rude) :])


def test_a_rude_slug_is_drawn_again_before_it_is_stored(linked: Linked) -> None:
    """A20: the blocklist stands in the way of minting; few draws are lost to it."""
    rude = link.read_base32("k7q2sh1tc8v3")
    assert rude is not None
    dice = Dice((rude << 4).to_bytes(8, "big"), bytes(8))
    with write(linked.engine) as connection:
        made = short_links.mint(connection, [want(linked, "ana")], dice, linked.now)
    assert dice.asked == 2
    assert list(made.values()) == [slugs.slug(bytes(8))]
    assert [row["slug"] for row in linked.short_links()] == list(made.values())
    drawn = random.Random(1)
    refused = sum(not slugs.may_be_public(slugs.slug(drawn.randbytes(8))) for _ in range(20_000))
    assert refused < 0.1 * 20_000
