"""A logo's kind and size out of its first octets; what is none is named."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from digest.files.logo import LARGEST, read_logo
from tests.pictures import gif, jpeg, png


@pytest.mark.parametrize(
    ("kind", "data"),
    [("png", png(320, 80)), ("gif", gif(320, 80)), ("jpg", jpeg(320, 80)), ("jpg", jpeg(320, 80, before=b"\xff\xe0\x00\x10JFIF" + bytes(10)))],
)
def test_kind_and_size_are_read_from_the_file_not_its_name(tmp_path: Path, kind: str, data: bytes) -> None:
    (tmp_path / "logo.bin").write_bytes(data)
    logo, problem = read_logo(tmp_path / "logo.bin")
    assert problem == ""
    assert logo is not None
    assert (logo.kind, logo.width, logo.height) == (kind, 320, 80)
    assert logo.content_type == {"png": "image/png", "gif": "image/gif", "jpg": "image/jpeg"}[kind]


def test_another_picture_has_another_name(tmp_path: Path) -> None:
    names = set()
    for width in (10, 11):
        (tmp_path / "logo.png").write_bytes(png(width, 10))
        logo, _ = read_logo(tmp_path / "logo.png")
        assert logo is not None
        names.add(logo.name)
    assert len(names) == 2
    assert all(name.startswith("logo-") and name.endswith(".png") for name in names)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n",
        png(0, 5),
        jpeg(0, 0),
        gif(1, 0),
        b"\xff\xd8\xff\xe0\x00\x00",
        b"\xff\xd8" + b"\xff\xe0\xff\xff" * 9,
        png(3, 3)[:20],
    ],
)
def test_what_mail_programs_cannot_draw_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "logo.png").write_bytes(data)
    logo, problem = read_logo(tmp_path / "logo.png")
    assert logo is None
    assert "allowed a PNG, JPEG or GIF file" in problem


def test_a_missing_and_a_huge_file_are_named(tmp_path: Path) -> None:
    assert "cannot be read" in read_logo(tmp_path / "none.png")[1]
    (tmp_path / "huge.png").write_bytes(png(3, 3) + bytes(LARGEST))
    assert "256 KB" in read_logo(tmp_path / "huge.png")[1]


def test_the_pictures_of_these_tests_are_pictures() -> None:
    assert struct.unpack(">II", png(7, 9)[16:24]) == (7, 9)
