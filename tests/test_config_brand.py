"""[brand] in config.toml: what is refused, in which words, and what an edition carries of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import load_config
from digest.domain.brand import SANS, Brand, Logo
from digest.errors import ConfigError
from digest.pipeline.branding import brand
from tests.pictures import png


def write(folder: Path, text: str) -> Path:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return folder / "config.toml"


def problem(folder: Path, line: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, f"[brand]\n{line}\n"), {})
    return caught.value.problems[0].removeprefix(f"{folder}/config.toml: ")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('accent = "green"', "brand.accent: found 'green', allowed a colour such as #1B5E49"),
        ('accent = "#F6EAD0"', "which means inside only"),
        ('accent = "#222"', "since links have to be told from it"),
        ('accent_dark = "#FFFFFF"', "since links have to be told from it"),
        ('fonts = "Comic Sans"', 'brand.fonts: found \'Comic Sans\', allowed "serif", "sans", or names'),
        ('logo = "http://example.com/logo.png"', "allowed a PNG, JPEG or GIF file, or an https address"),
        ('logo = "https://example.com/logo.png"', 'brand.logo_size: found "", needed for a logo elsewhere'),
        ('logo_size = "400"', 'allowed WIDTHxHEIGHT in px, at most 40 high, such as "160x40"'),
        ('logo_size = "160x41"', "at most 40 high"),
        ("corner = 23", "brand.corner: found 23, allowed 22 or less"),
        ('tone = "shouting"', "brand.tone: found 'shouting', allowed 'personal' or 'reserved'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, line: str, said: str) -> None:
    assert said in problem(tmp_path, line)


def test_without_the_table_the_letter_looks_as_it_always_did(tmp_path: Path) -> None:
    assert brand(load_config(write(tmp_path, ""), {})) == (Brand(), ())


def test_a_brand_is_carried_with_colours_that_can_be_read(tmp_path: Path) -> None:
    text = '[brand]\nname = "Lemon Weekly"\naccent = "#f5c400"\nfonts = "sans"\ncorner = 0\ntone = "reserved"\n'
    made, notes = brand(load_config(write(tmp_path, text), {}))
    assert made == Brand(name="Lemon Weekly", accent="#806600", accent_dark="#F5C400", serif=SANS, sans=SANS, corner=0, reserved=True)
    assert [note[:20] for note in notes] == ["brand.accent: #F5C40"]


def test_a_logo_beside_the_configuration_is_drawn_in_its_own_shape_from_our_address(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png(320, 80))
    made, notes = brand(load_config(write(tmp_path, '[site]\nurl = "https://letter.example.com"\n[brand]\nlogo = "logo.png"\n'), {}))
    assert notes == ()
    assert made.logo is not None
    assert made.logo.address.startswith("https://letter.example.com/b/logo-")
    assert (made.logo.width, made.logo.height, made.name) == (160, 40, "")


def test_a_logo_that_says_no_name_has_one_set_beside_it(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png(80, 80))
    made, _ = brand(load_config(write(tmp_path, '[site]\nname = "The Letter"\n[brand]\nlogo = "logo.png"\n'), {}))
    assert made.name == "The Letter"
    assert made.logo is not None
    assert (made.logo.width, made.logo.height) == (40, 40)


def test_a_logo_elsewhere_is_drawn_as_large_as_was_said(tmp_path: Path) -> None:
    made, _ = brand(load_config(write(tmp_path, '[brand]\nlogo = "https://example.com/l.png"\nlogo_size = "120x30"\n'), {}))
    assert made.logo == Logo(address="https://example.com/l.png", width=120, height=30)


def test_a_logo_that_cannot_be_used_costs_a_warning_and_no_letter(tmp_path: Path) -> None:
    made, notes = brand(load_config(write(tmp_path, '[brand]\nlogo = "gone.png"\n'), {}))
    assert made == Brand()
    assert "gone.png: cannot be read" in notes[0]
    assert notes[0].endswith("The letter goes without it.")
