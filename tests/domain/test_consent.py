"""The switches: the last word counts, and before any word the installation's own rule."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.consent import WORDING, Said, Switch, before_any_word, standing
from tests.conftest import NOW

WORDS = st.lists(st.tuples(st.sampled_from(Switch), st.booleans()), max_size=30)


def said(words: list[tuple[Switch, bool]]) -> list[Said]:
    return [Said(switch=switch, value=value, wording="1", at=NOW + timedelta(minutes=at)) for at, (switch, value) in enumerate(words)]


@given(words=WORDS, opt_in=st.booleans())
def test_the_last_word_of_each_switch_counts(words: list[tuple[Switch, bool]], opt_in: bool) -> None:
    now = standing(said(words), opt_in=opt_in)
    for switch in Switch:
        mine = [value for which, value in words if which is switch]
        assert now[switch] is (mine[-1] if mine else before_any_word(opt_in=opt_in)[switch])


def test_name_nominate_and_quote_start_off_and_measure_follows_the_installation() -> None:
    for opt_in in (False, True):
        start = before_any_word(opt_in=opt_in)
        assert start == {"receive": True, "measure": not opt_in, "name": False, "nominate": False, "quote": False}


def test_every_switch_has_a_version_of_its_words() -> None:
    assert set(WORDING) == set(Switch)
