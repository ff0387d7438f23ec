"""Share intents, byte for byte; counting; cutting words without touching link or disclosure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.share import ELLIPSIS, caption_problem, compose, count, fits, intent, weigh_x, with_link
from digest.files.networks import load_networks

CAPTION = "R&D: 50% off + “Größe” 🎉\n#ai?"
LINK = "https://go.example.com/l/k7q2m9x4c8v3"
NETWORKS = {network.name: network for network in load_networks()}
_TEXT = "R%26D%3A%2050%25%20off%20%2B%20%E2%80%9CGr%C3%B6%C3%9Fe%E2%80%9D%20%F0%9F%8E%89%0A%23ai%3F"
_LINK = "https%3A%2F%2Fgo.example.com%2Fl%2Fk7q2m9x4c8v3"

VECTORS = {
    ("x", False): f"https://x.com/intent/tweet?text={_TEXT}&url={_LINK}",
    ("linkedin", False): f"https://www.linkedin.com/feed/?shareActive=true&text={_TEXT}%20{_LINK}",
    ("linkedin", True): f"https://www.linkedin.com/sharing/share-offsite/?url={_LINK}",
    ("facebook", False): f"https://www.facebook.com/sharer/sharer.php?u={_LINK}&hashtag=%23AcmeEmployee",
    ("threads", False): f"https://www.threads.com/intent/post?text={_TEXT}&url={_LINK}",
    ("mastodon", False): f"https://share.joinmastodon.org/#text={_TEXT}%20{_LINK}",
    ("bluesky", False): f"https://bsky.app/intent/compose?text={_TEXT}%20{_LINK}",
    ("whatsapp", True): f"https://api.whatsapp.com/send?text={_TEXT}%20{_LINK}",
    ("telegram", False): f"https://t.me/share/url?url={_LINK}&text={_TEXT}",
    ("email", False): f"mailto:?subject=R%26D&body={_TEXT.replace('%0A', '%0D%0A')}%0D%0A{_LINK}",
}


@pytest.mark.parametrize(("name", "phone"), VECTORS)
def test_a_share_intent_is_exactly_these_bytes(name: str, *, phone: bool) -> None:
    assert intent(NETWORKS[name], caption=CAPTION, link=LINK, title="R&D", phone=phone, hashtag="#AcmeEmployee") == VECTORS[name, phone]


def test_without_a_hashtag_facebook_gets_the_link_alone() -> None:
    assert intent(NETWORKS["facebook"], caption="", link=LINK, title="", phone=False) == f"https://www.facebook.com/sharer/sharer.php?u={_LINK}"


def test_x_weighs_the_known_text_as_fifty_four() -> None:
    assert weigh_x(CAPTION) == 30
    assert weigh_x(with_link(CAPTION, LINK)) == 54


@pytest.mark.parametrize(("text", "weight"), [("", 0), ("abc", 3), ("漢字", 4), ("see https://example.com/a?b=c now", 31), ("at example.com", 26)])
def test_x_counts_wide_characters_twice_and_any_link_as_23(text: str, weight: int) -> None:
    assert weigh_x(text) == weight


def test_bluesky_counts_a_family_as_one() -> None:
    assert count(NETWORKS["bluesky"].limit, "👨‍👩‍👧‍👦e\u0301") == 2


@given(
    words=st.text(max_size=900), name=st.sampled_from(sorted(NETWORKS)), disclosure=st.sampled_from(["", "I work at Fernwood.", "#FernwoodEmployee"])
)
def test_whatever_is_typed_fits_and_keeps_the_disclosure(words: str, name: str, disclosure: str) -> None:
    network = NETWORKS[name]
    caption = compose(network, words=words, disclosure=disclosure, link=LINK)
    assert disclosure in caption
    assert fits(network.limit, with_link(caption, LINK))
    made = intent(network, caption=caption, link=LINK, title="", phone=False)
    assert made.isascii()
    assert len(made) <= network.limit.encoded


def test_words_are_cut_at_a_grapheme_with_one_ellipsis() -> None:
    caption = compose(NETWORKS["bluesky"], words="👨‍👩‍👧‍👦" * 400, disclosure="I work at Fernwood.", link=LINK)
    words = caption.removesuffix("\nI work at Fernwood.")
    assert words.endswith(ELLIPSIS)
    assert set(words.removesuffix(ELLIPSIS).split("👨‍👩‍👧‍👦")) == {""}
    assert count(NETWORKS["bluesky"].limit, with_link(caption, LINK)) <= 300


def test_a_disclosure_already_in_the_words_is_not_said_twice() -> None:
    words = "I work at Fernwood. And I like it."
    assert compose(NETWORKS["x"], words=words, disclosure="I work at Fernwood.", link=LINK) == words


def test_a_cut_that_would_lose_the_typed_disclosure_says_it_again() -> None:
    caption = compose(NETWORKS["x"], words="long " * 80 + "#FernwoodEmployee", disclosure="#FernwoodEmployee", link=LINK)
    assert caption.endswith("\n#FernwoodEmployee")


@pytest.mark.parametrize(
    "evil", ["&url=https://evil.example", "#frag", "%0d%0aSet-Cookie: a=b", "\r\nX: y", "a\x00b", "\u202egnol", "+ ; ' \"", "\ud800"]
)
def test_nothing_in_a_caption_leaves_its_parameter(evil: str) -> None:
    made = intent(NETWORKS["x"], caption=evil, link=LINK, title="", phone=False)
    assert made.isascii()
    assert made.count("&") == 1
    assert made.endswith(f"&url={_LINK}")
    assert not {"\r", "\n", "\x00", "#"} & set(made)


def test_a_ready_caption_that_is_too_long_is_named_with_both_numbers() -> None:
    assert caption_problem("x", "a" * 256) is None
    assert caption_problem("x", "a" * 257) == "found 257 characters as x counts them, allowed 256 beside the link"
    assert caption_problem("linkedin", "a" * 2900) is None
    assert "allowed bluesky" in str(caption_problem("myspace", "hello"))
    assert caption_problem("x", " ") == "found an empty caption, allowed some words"
