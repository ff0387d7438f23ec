"""Lines of text: 76 columns on a screen, whole addresses, no dangling marks."""

from __future__ import annotations

import regex
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.lines import WIDTH, fold, width


def test_wide_letters_take_two_columns_and_marks_none() -> None:
    assert [width(text) for text in ("abc", "今日", "é", "👩🏽\u200d🔬", "مرحبا", "ｶﾅ")] == [3, 4, 1, 2, 5, 2]


def test_text_is_folded_between_words_and_keeps_its_own_breaks() -> None:
    lines = fold("word " * 40 + "\n\nnext").split("\n")
    assert lines[-2:] == ["", "next"]
    assert max(map(width, lines)) <= WIDTH
    assert fold("one two", "  ", "• ") == "• one two"
    assert fold("word " * 20, "  ", "• ").split("\n")[1].startswith("  word")


def test_japanese_is_folded_between_letters_but_not_before_a_full_stop() -> None:
    lines = fold("今日は「天気」がいいです。" * 20).split("\n")
    assert len(lines) > 3
    assert max(map(width, lines)) <= WIDTH
    assert not [line for line in lines if line[0] in "。」、" or line[-1] == "「"]


def test_an_address_is_never_cut_and_a_long_word_is() -> None:
    address = "https://example.com/" + "a" * 200
    assert address in fold(f"see {address} now").split("\n")
    assert "somebody-with-a-very-long-name-indeed@a-very-long-name-of-a-department.of.a-company.example" in fold(
        "x " * 30 + "somebody-with-a-very-long-name-indeed@a-very-long-name-of-a-department.of.a-company.example"
    )
    assert max(map(width, fold("x" * 2000).split("\n"))) == WIDTH


@given(st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"])))
def test_folding_loses_no_letter(text: str) -> None:
    folded = fold(text)
    assert regex.sub(r"[ \t\n]", "", folded) == regex.sub(r"[ \t\n]", "", text)
    assert all(width(line) <= WIDTH or "@" in line or "://" in line for line in folded.split("\n"))
