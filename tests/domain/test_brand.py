"""The company's colours can be read wherever they stand, and nobody takes them for something else."""

from __future__ import annotations

import colorsys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.brand import (
    GROUNDS,
    INK,
    OURS,
    OURS_DARK,
    READABLE,
    SANS,
    SERIF,
    Brand,
    accents,
    contrast,
    drawn,
    hexadecimal,
    readable,
    refusal,
    stacks,
    weakest,
)

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}")


def hue(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)[0]


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#1B5E49", "#1B5E49") == 1
    assert contrast(INK[False], "#FFFEFC") == pytest.approx(16.9, abs=0.05)


@given(asked=COLOURS, dark=COLOURS)
def test_every_accent_in_use_can_be_read_on_every_ground_and_on_its_button(asked: str, dark: str) -> None:
    for used in (accents(asked), accents(asked, dark)):
        assert all(contrast(used.light, ground) >= READABLE for ground in GROUNDS[False].values())
        assert all(contrast(used.dark, ground) >= READABLE for ground in GROUNDS[True].values())


@given(asked=COLOURS)
def test_a_colour_that_holds_is_left_alone_and_another_is_changed_no_further_than_needed(asked: str) -> None:
    used = readable(asked)
    if weakest(asked)[0] >= READABLE:
        assert used == asked
    else:
        assert weakest(used)[0] < READABLE + 0.5, "one step less would not have done"
        assert readable(used) == used


@pytest.mark.parametrize("asked", ["#F5C400", "#E30613", "#FF6600", "#0078D4", "#00FF00"])
def test_stepping_keeps_the_hue(asked: str) -> None:
    assert hue(accents(asked).light) == pytest.approx(hue(asked), abs=0.01)
    assert hue(accents(asked).dark) == pytest.approx(hue(asked), abs=0.01)


def test_the_operator_is_told_which_colour_is_used_and_why() -> None:
    assert accents("#F5C400").notes == (
        "brand.accent: #F5C400 has a contrast of 1.4:1 on the inside part, and text needs 4.5:1; darkened to #806600 (4.6:1), which is used.",
    )
    used = accents("#0B1F4B", "#0B1F4B")
    assert used.light == "#0B1F4B"
    assert [note.partition(":")[0] for note in used.notes] == ["brand.accent_dark"]
    assert f"lightened to {used.dark}" in used.notes[0]


def test_the_house_keeps_its_own_pair() -> None:
    assert (accents(OURS).light, accents(OURS).dark, accents(OURS).notes) == (OURS, OURS_DARK, ())
    assert (Brand().accent, Brand().accent_dark) == (OURS, OURS_DARK)
    assert contrast(OURS, "#FFFEFC") == pytest.approx(7.6, abs=0.05)


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ("#F6EAD0", "inside only"),
        ("#E8DCC0", "inside only"),
        ("#FFFFFF", "paper"),
        ("#1E1C19", "for text"),
        ("#000000", "for text"),
        ("#333333", "for text"),
    ],
)
def test_an_accent_near_sand_or_ink_is_refused_in_words(colour: str, word: str) -> None:
    assert word in refusal(colour)


@pytest.mark.parametrize("colour", ["#F6EAD0", "#FFFFFF", "#ECE8E0", "#2B2519"])
def test_in_the_dark_pale_greys_and_the_dark_sand_are_refused(colour: str) -> None:
    assert refusal(colour, dark=True)


@pytest.mark.parametrize("colour", [OURS, "#F5C400", "#0B1F4B", "#0A1A3C", "#E30613", "#D4AF37", "#4A5560", "#001133"])
def test_brands_that_companies_have_are_taken(colour: str) -> None:
    assert refusal(colour) == ""


def test_colours_are_written_in_one_way() -> None:
    assert hexadecimal("#fc0") == "#FFCC00"
    assert hexadecimal("#1b5e49") == "#1B5E49"
    assert [hexadecimal(text) for text in ("1B5E49", "#1B5E4", "green", "#1B5E49;", "")] == [None] * 5


def test_a_stack_is_for_what_its_end_says() -> None:
    assert stacks("serif") == (SERIF, SANS)
    assert stacks("sans") == (SANS, SANS)
    assert stacks("Charter, Bitstream Charter, serif") == ("Charter,'Bitstream Charter',serif", SANS)
    assert stacks("'Open Sans', sans-serif") == ("'Open Sans',sans-serif", "'Open Sans',sans-serif")


@pytest.mark.parametrize(
    "fonts", ["", "Charter", "Charter, cursive", "a}body{x:1, serif", "url(x), serif", "</style>, serif", "a;b, serif", "serif, , serif"]
)
def test_what_is_no_stack_is_none(fonts: str) -> None:
    assert stacks(fonts) is None


@given(width=st.integers(1, 5000), height=st.integers(1, 5000), beside=st.booleans())
def test_a_logo_is_never_drawn_too_large_and_never_enlarged(width: int, height: int, beside: bool) -> None:
    wide, high = drawn(width, height, beside=beside)
    assert 1 <= wide <= (120 if beside else 280)
    assert 1 <= high <= 40
    assert wide <= width
    assert high <= height
