"""Share intents, byte for byte; counting; cutting words without touching link or disclosure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.counting import Rule, count, fits, graphemes, weigh_x
from digest.domain.share import (
    ELLIPSIS,
    Network,
    caption_problem,
    compose,
    composed,
    intent,
    plain_host,
    room,
    room_octets,
    template_problem,
    too_long,
    with_link,
)
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


@given(
    words=st.text(max_size=900) | st.just("zzzzzzzzzzzz"),
    name=st.sampled_from(sorted(NETWORKS)),
    disclosure=st.sampled_from(["", "#Acme", "I work at Osterglen Instruments."]),
    link=st.sampled_from(
        [
            "",
            LINK,
            "https://go.example.com/l/0000000000ss",
            "https://example.com/a?utm_content=batteries",
            "https://zzzzzzzzzzzz.example/l/k7q2m9x4c8v3",
        ]
    ),
    phone=st.booleans(),
    title=st.text(max_size=400),
)
def test_what_is_composed_once_for_many_links_is_what_each_would_be(
    words: str, name: str, disclosure: str, link: str, phone: bool, title: str
) -> None:
    network = NETWORKS[name]
    caption = compose(network, words=words, disclosure=disclosure, link=link, phone=phone, title=title)
    target = intent(network, caption=caption, link=link, title=title, phone=phone)
    assert composed(network, words=words, disclosure=disclosure, link=link, phone=phone, title=title, server="") == (caption, target)


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
    limits = {network.name: network.limit for network in load_networks()}
    assert caption_problem("x", "a" * 256, limits=limits) is None
    assert caption_problem("x", "a" * 257, limits=limits) == "found 257 characters as x counts them, allowed 256 beside the link"
    assert caption_problem("linkedin", "a" * 2900, limits=limits) is None
    assert "allowed bluesky" in str(caption_problem("myspace", "hello", limits=limits))
    assert caption_problem("x", " ", limits=limits) == "found an empty caption, allowed some words"


@pytest.mark.parametrize(("text", "octets"), [("abc", 3), ("Größe", 5), ("漢字", 2), ("🎉", 4), ("👍🏽", 8), ("🇩🇪", 8), ("👨‍👩‍👧‍👦", 25)])
def test_threads_counts_an_emoji_by_its_octets_and_a_letter_as_one(text: str, octets: int) -> None:
    assert count(NETWORKS["threads"].limit, text) == octets


def test_mastodon_counts_what_a_person_sees_and_any_link_as_23() -> None:
    assert count(NETWORKS["mastodon"].limit, "👨‍👩‍👧‍👦 " + "https://example.com/" + "a" * 200) == 2 + 23


def test_an_address_in_the_words_is_never_cut_in_two() -> None:
    address = "https://example.com/a/very/long/address/of/an/article"
    for before in range(150, 300):
        caption = compose(NETWORKS["bluesky"], words="w" * before + f" {address} and more words " + "z" * 300, disclosure="#Fernwood", link=LINK)
        words = caption.removesuffix("\n#Fernwood")
        assert "https://" not in words or f"{address} " in words
        assert words.count(ELLIPSIS) == 1


def test_an_ellipsis_never_becomes_part_of_an_address() -> None:
    words = "see https://example.com/article " + "x" * 10
    network = NETWORKS["bluesky"]
    for more in range(300):
        caption = compose(network, words=words + "x" * more, disclosure="", link=LINK)
        assert f"article{ELLIPSIS}" not in caption


def test_words_that_end_in_an_ellipsis_get_no_second_one() -> None:
    caption = compose(NETWORKS["x"], words="and so on" + ELLIPSIS * 400, disclosure="", link=LINK)
    assert caption == "and so on" + ELLIPSIS


def test_what_turns_the_direction_of_a_text_stays_out_and_marks_for_one_letter_stay_in() -> None:
    turned = "\u202egnol\u202d \u2066a\u2069 שלום\u200f ok\u200e"
    caption = compose(NETWORKS["whatsapp"], words=turned, disclosure="I work at Fernwood.", link=LINK)
    assert caption == "gnol a שלום\u200f ok\u200e\nI work at Fernwood."


def test_room_is_what_the_network_leaves_beside_disclosure_and_link() -> None:
    limit = NETWORKS["bluesky"].limit
    left = room(limit, "#Fernwood", LINK)
    for words, whole in (("a" * left, True), ("a" * (left + 1), False)):
        assert (compose(NETWORKS["bluesky"], words=words, disclosure="#Fernwood", link=LINK) == f"{words}\n#Fernwood") is whole
    assert room_octets(limit, "#Fernwood", LINK) == 3000 - len(f"\n#Fernwood {LINK}")
    assert room_octets(NETWORKS["x"].limit, "", LINK) is None


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("title", ["T" * 5000, "漢" * 5000, "🎉" * 900, "a%&=+ " * 900])
def test_a_title_is_cut_to_its_share_of_the_address(name: str, title: str) -> None:
    network = NETWORKS[name]
    caption = compose(network, words="words " * 3000, disclosure="#Fernwood", link=LINK, title=title)
    made = intent(network, caption=caption, link=LINK, title=title, phone=False)
    assert len(made) <= network.limit.encoded
    assert "#Fernwood" in caption
    assert not too_long(made)


def test_hacker_news_takes_eighty_characters_of_a_title() -> None:
    made = intent(NETWORKS["hackernews"], caption="", link=LINK, title="t" * 81, phone=False)
    assert made == f"https://news.ycombinator.com/submitlink?u={_LINK}&t={'t' * 79}%E2%80%A6"
    assert intent(NETWORKS["hackernews"], caption="", link=LINK, title="t" * 80, phone=False).endswith("&t=" + "t" * 80)


def test_on_a_server_of_their_own_people_get_its_address() -> None:
    made = intent(NETWORKS["mastodon"], caption=CAPTION, link=LINK, title="", phone=True, server="social.example")
    assert made == f"https://social.example/share?text={_TEXT}&url={_LINK}"
    assert intent(NETWORKS["x"], caption="", link=LINK, title="", phone=True, server="social.example").startswith("https://x.com/")


@pytest.mark.parametrize("host", ["mastodon.social", " Fosstodon.ORG ", "a-b.c-d.example", "m" * 63 + ".example"])
def test_a_server_is_known_by_its_plain_name(host: str) -> None:
    assert plain_host(host) == host.strip().lower()


@given(st.text(max_size=80) | st.from_regex(r"\A[a-z0-9.:@/\[\]%-]{1,60}\Z"))
def test_what_counts_as_a_server_is_a_name_with_dots_and_nothing_else(text: str) -> None:
    host = plain_host(text)
    if host is not None:
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert "." in host
        assert host.rpartition(".")[2].isalpha()


@pytest.mark.parametrize(
    ("template", "allowed"),
    [
        ("https://evil.example/?u={link}", "starts with https://x.com/"),
        ("https://x.com@evil.example/?u={link}", "starts with https://x.com/"),
        ("https://x.com.evil.example/?u={link}", "starts with https://x.com/"),
        ("http://x.com/?u={link}", "starts with https://x.com/"),
        ("https://x.com/?u={caption}", "{link}, {text} or {body}"),
        ("https://x.com/?u=[&u={link}]", "{link}, {text} or {body}"),
        ("https://x.com/?u={link}&k={secret}", "no other braces"),
        ("https://x.com/?u={link}&k={{link}}", "no other braces"),
        ("https://x.com/?u={link}&k={link!r}", "no other braces"),
        ("https://x.com/?u={link}&k={link.__class__}", "no other braces"),
        ("https://x.com/?u={link}&s={server}", "no other braces"),
        ("https://x.com/?u={link}[&t={title}", "in pairs"),
        ("https://x.com/?u={link} ", "plain letters"),
        ("https://x.com/\\evil?u={link}", "plain letters"),
        ("https://x.com/?u={link}&ü", "plain letters"),
        ("https://x.com/?u={link}\r\nSet-Cookie: a", "plain letters"),
        ("https://x.com/?u={link}&a=" + "a" * 1000, "plain letters"),
    ],
)
def test_a_compose_address_with_anything_else_in_it_is_refused(template: str, allowed: str) -> None:
    assert allowed in str(template_problem(template, "x.com"))


def test_every_way_of_counting_is_used_by_a_network() -> None:
    assert {network.limit.rule for network in load_networks()} == set(Rule)


def test_a_composer_that_is_asked_twice_gives_the_same_words() -> None:
    network: Network = NETWORKS["x"]
    once = compose(network, words="漢字 " * 400, disclosure="#Fernwood", link=LINK)
    assert compose(network, words=once, disclosure="#Fernwood", link=LINK) == once
    assert graphemes(once)[-1] == "d"
