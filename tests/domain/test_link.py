"""Tokens and slugs: minted, damaged, forgiven, signed; and the addresses they lead to."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import link
from digest.domain import slug as slugs

TOKENS = st.binary(min_size=10, max_size=10).map(link.token).filter(lambda found: found is not None)


@given(text=TOKENS, n=st.integers(1, link.MAX_NUMBER), letter=st.sampled_from(link.ALPHABET))
def test_what_is_minted_is_read_back(text: str, n: int, letter: str) -> None:
    tail = link.parse_tail(f"{text}/{link.number(n)}{letter}", network=True)
    assert tail == link.Tail(token=text, n=n, network=letter, mutated=False, junk=False)


@given(text=TOKENS, n=st.integers(1, link.MAX_NUMBER), cut=st.integers(1, 20))
def test_a_cut_link_is_refused(text: str, n: int, cut: int) -> None:
    """A9: however much is missing."""
    whole = f"{text}/{link.number(n)}2"
    assert link.parse_tail(whole[:-cut], network=True) is None


@given(text=TOKENS, place=st.integers(0, 16), other=st.sampled_from(link.ALPHABET))
def test_one_wrong_character_is_refused_without_a_database(text: str, place: int, other: str) -> None:
    """A2: for every token and every place in it."""
    changed = text[:place] + other + text[place + 1 :]
    assert link.valid_token(changed) == (changed == text)


@given(st.text(max_size=400))
def test_any_text_behind_a_slash_is_read_without_an_error(text: str) -> None:
    link.parse_tail(text, network=True)
    link.parse_tail(text, network=False)
    slugs.parse_slug(text)
    assert link.read_unsubscribe(text, {1: b"secret"}) is None


@pytest.mark.parametrize("other", ["\u212a", "\u0130", "\u017f", "\uff4b", "\u0661"])
def test_no_letter_of_another_script_passes_for_one_of_ours(other: str) -> None:
    text = next(found for i in range(99) if "k" in (found := link.token(bytes([i] * 10)) or ""))
    assert link.parse_tail(text.replace("k", "K") + "/01", network=False) is not None
    assert link.parse_tail(text.replace("k", other) + "/01", network=False) is None


def test_a_hostile_length_costs_nothing() -> None:
    assert link.parse_tail("%27" * 100_000, network=False) is None
    assert link.clean("x" * 121) == ("", True)


@pytest.mark.parametrize("n", ["00", "0", "001", "0i0", "zz9", "\u0661\u0661", "-1"])
def test_a_number_is_exactly_two_characters_and_not_zero(n: str) -> None:
    text = next(found for i in range(9) if (found := link.token(bytes([i] * 10))))
    assert link.parse_tail(f"{text}/{n}", network=False) is None


def test_a_number_too_large_for_two_characters_is_refused_when_minted() -> None:
    assert link.number(link.MAX_NUMBER) == "zz"
    with pytest.raises(OverflowError):
        link.number(link.MAX_NUMBER + 1)


def test_slugs_are_twelve_characters_of_the_alphabet_and_fit_a_small_qr_code() -> None:
    made = slugs.slug(bytes(range(8)))
    assert slugs.valid_slug(made)
    assert len(f"HTTPS://GO.EXAMPLE.COM/L/{made.upper()}") == 37
    assert slugs.parse_slug(made.upper() + ".") == slugs.SlugTail(slug=made, mutated=True, junk=False)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(secret=st.binary(min_size=32, max_size=32), one=st.tuples(NAMES, NAMES, NAMES), other=st.tuples(NAMES, NAMES, NAMES))
def test_what_a_short_link_is_for_alone_decides_its_slug(secret: bytes, one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    first, second = (list(islice(slugs.slugs_of(secret, *what), 3)) for what in (one, other))
    assert first == list(islice(slugs.slugs_of(secret, *one), 3))
    assert len(set(first)) == 3
    assert all(slugs.valid_slug(made) and slugs.may_be_public(made) for made in first)
    assert (set(first) & set(second) == set()) is (one != other)
    assert not set(first) & set(islice(slugs.slugs_of(b"another", *one), 3))


@pytest.mark.parametrize("name", ["admin", "robots.txt", "favicon.ico", ".well-known", "desk", "healthz", "metrics"])
def test_no_slug_is_ever_a_route(name: str) -> None:
    """A19: by length and alphabet."""
    assert not slugs.valid_slug(name)


@pytest.mark.parametrize("made", ["000ass000000", "sex000000000", "00000000fvck", "000088000000"])
def test_a_slug_that_could_be_an_insult_is_drawn_again(made: str) -> None:
    """A20: the list's own examples."""
    assert not slugs.may_be_public(made)
    assert slugs.may_be_public("k7q2m9x4c8v3")


@given(secret=st.binary(min_size=16, max_size=32), employee=st.integers(0, 2**40 - 1), key_id=st.integers(0, 255))
def test_an_unsubscribe_link_speaks_for_one_employee(secret: bytes, employee: int, key_id: int) -> None:
    signed = link.sign_unsubscribe(key_id, secret, employee)
    assert len(signed) == 36
    assert link.read_unsubscribe(signed.upper(), {key_id: secret}) == employee
    assert link.read_unsubscribe(signed, {key_id: secret + b"x"}) is None
    assert link.read_unsubscribe(signed, {(key_id + 1) % 256: secret}) is None
    assert link.read_unsubscribe(signed[:-1], {key_id: secret}) is None


@given(place=st.integers(0, 35), other=st.sampled_from(link.ALPHABET))
def test_a_forged_unsubscribe_link_is_refused(place: int, other: str) -> None:
    """A18: any one character changed."""
    signed = link.sign_unsubscribe(1, b"secret", 12)
    forged = signed[:place] + other + signed[place + 1 :]
    assert (link.read_unsubscribe(forged, {1: b"secret"}) == 12) == (forged == signed)


def test_an_old_key_still_verifies_after_rotation() -> None:
    """A18: as long as it is in the list."""
    old = link.sign_unsubscribe(1, b"old", 12)
    assert link.read_unsubscribe(old, {2: b"new", 1: b"old"}) == 12


def test_the_same_message_always_gets_the_same_control_token_and_no_other() -> None:
    made = link.control_token(b"secret", "2026-W48", 12)
    assert link.valid_token(made)
    assert made == link.control_token(b"secret", "2026-W48", 12)
    others = {
        link.control_token(b"secret", "2026-W49", 12),
        link.control_token(b"secret", "2026-W48", 13),
        link.control_token(b"other", "2026-W48", 12),
    }
    assert made not in others
    assert len(link.control_hash(made)) == 64


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://example.com/a?b=1#c", "https://example.com/a?b=1#c"),
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("https://bücher.example/ß", "https://xn--bcher-kva.example/%C3%9F"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        (" https://example.com", None),
        ("https:\\\\evil.example", None),
        ("//evil.example", None),
        ("https://good@evil.example", None),
        ("https://example.com:0/", None),
        ("https://", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_web_address_is_ever_a_target(url: str | None, read: str | None) -> None:
    assert link.web_address(url) == read


def utm(url: str) -> str:
    return link.with_utm(url, source="linkedin", campaign="2026-W48", content="cold-room")


VALUES = "utm_source=linkedin&utm_medium=social&utm_campaign=2026-w48&utm_content=cold-room"


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://example.com/a", f"https://example.com/a?{VALUES}"),
        ("https://example.com/a?", f"https://example.com/a?{VALUES}"),
        ("https://example.com/a?b=%5Bx%5D/y&b=2&", f"https://example.com/a?b=%5Bx%5D/y&b=2&{VALUES}"),
        ("https://example.com/?a=1&a=2&b=%5Bx%5D/y#frag;utm_source=old", f"https://example.com/?a=1&a=2&b=%5Bx%5D/y&{VALUES}#frag;utm_source=old"),
        ("https://example.com/?utm_source=old", "https://example.com/?utm_source=old&" + VALUES.partition("&")[2]),
        ("https://example.com/" + "a" * 2000, "https://example.com/" + "a" * 2000),
    ],
)
def test_utm_is_inserted_as_text_and_nothing_else_changes(url: str, made: str) -> None:
    assert utm(url) == made
    assert utm(made) == made
