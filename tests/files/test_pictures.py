"""Pictures as they come and as they are served: whatever comes in, a small clean picture goes out, or a sentence."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, PngImagePlugin

from digest.domain.picture import COLUMN, INSIDE, TALLEST, drawn, kept
from digest.files.pictures import LARGEST, Made, PictureError, make
from tests import pictures

SECRET = b"Taken at 38.7223 N 9.1393 W by Ana"


def octets(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """As hard to pack as nothing a camera sees."""
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(3 * width * height))


def photo(width: int, height: int) -> Image.Image:
    """Soft light with some grain."""
    light = Image.linear_gradient("L").resize((width, height))
    grain = Image.frombytes("L", (width, height), random.Random(2).randbytes(width * height)).point(lambda v: v // 12)
    return Image.merge("RGB", (light, Image.radial_gradient("L").resize((width, height)), grain))


def opened(made: Made) -> Image.Image:
    return Image.open(io.BytesIO(made.data))


def test_a_photograph_becomes_a_small_jpeg_twice_as_wide_as_the_column() -> None:
    made = make(octets(photo(3000, 2000), "JPEG", quality=95), face=False)
    assert (made.type, made.width, made.height, made.ending) == ("image/jpeg", 1072, 715, "jpg")
    assert len(made.data) < 120_000
    assert opened(made).size == (1072, 715)


def test_what_says_where_it_was_taken_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = SECRET.decode(), {1: "N", 2: (38.0, 43.0, 20.0)}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    icc = b"\0" * 128 + SECRET
    for data in (
        octets(photo(400, 300), "JPEG", exif=exif, comment=SECRET, icc_profile=icc),
        octets(photo(400, 300), "PNG", exif=exif, pnginfo=text, icc_profile=icc),
        octets(photo(400, 300).quantize(8), "PNG", pnginfo=text, icc_profile=icc),
        octets(photo(400, 300), "WEBP", exif=exif, icc_profile=icc, xmp=SECRET),
        octets(photo(400, 300).quantize(8), "GIF", comment=SECRET),
    ):
        assert SECRET in data
        for face in (False, True):
            made = make(data, face=face)
            assert SECRET not in made.data
            assert not opened(made).getexif()
            assert set(opened(made).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright_whatever_way_the_camera_was_held(orientation: int) -> None:
    upright = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(upright).rectangle((0, 0, 60, 40), fill="red")  # red in the upper left corner
    back = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}
    lying = upright
    for turn in back.get(orientation, []):
        lying = lying.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = make(octets(lying, "JPEG", quality=95, exif=exif), face=False)
    assert (made.width, made.height) == (200, 100)
    red, green, _ = opened(made).convert("RGB").getpixel((10, 10))  # type: ignore[misc]  # three colours
    assert red > 200
    assert green < 60


@pytest.mark.parametrize(
    ("size", "pixels", "px"),
    [
        ((4000, 3000), (1072, 804), (536, 402)),
        ((3000, 4000), (804, 1072), (402, 536)),
        ((700, 400), (700, 400), (536, 306)),
        ((300, 200), (300, 200), (300, 200)),
        ((20_000, 100), (1072, 5), (536, 2)),
    ],
)
def test_it_is_never_enlarged_or_cropped(size: tuple[int, int], pixels: tuple[int, int], px: tuple[int, int]) -> None:
    assert kept(*size) == pixels
    assert drawn(*pixels) == px


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.booleans())
def test_it_fits_the_column_and_keeps_its_shape(width: int, height: int, inside: bool) -> None:
    wide, tall = drawn(*kept(width, height), inside=inside)
    assert 1 <= wide <= min(INSIDE if inside else COLUMN, width)
    assert 1 <= tall <= min(TALLEST, height)
    assert abs(wide * height - tall * width) <= 2 * max(width, height)


def test_a_face_is_a_small_square() -> None:
    for size in ((500, 700), (600, 90), (60, 60)):
        made = make(octets(photo(*size), "PNG"), face=True)
        assert (made.type, made.width, made.height) == ("image/jpeg", min(96, *size), min(96, *size))
        assert len(made.data) < 8_000


def test_what_is_clear_becomes_white() -> None:
    clear = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    palette = Image.new("P", (200, 100), 3)
    palette.info["transparency"] = 3
    for data in (octets(clear, "PNG"), octets(clear, "WEBP"), octets(palette, "GIF", transparency=3), octets(clear.convert("LA"), "PNG")):
        shown = opened(make(data, face=False)).convert("RGB")
        assert shown.getpixel((100, 50)) == (255, 255, 255)


def test_a_drawing_keeps_its_lines_as_png_and_a_photograph_as_png_becomes_jpeg() -> None:
    chart = Image.new("RGB", (1400, 900), "white")
    for bar in range(8):
        ImageDraw.Draw(chart).rectangle((100 + 150 * bar, 800 - 80 * bar, 200 + 150 * bar, 800), fill="#1B5E49")
    made = make(octets(chart, "PNG"), face=False)
    assert made.type == "image/png"
    assert len(made.data) < 20_000
    assert make(octets(photo(700, 400), "PNG"), face=False).type == "image/jpeg"


def test_sixteen_bits_of_grey_keep_their_light() -> None:
    grey = Image.new("I;16", (100, 100), 0x8000)
    level = opened(make(octets(grey, "PNG"), face=False)).convert("L").getpixel((50, 50))
    assert abs(int(level) - 0x80) <= 2  # type: ignore[arg-type]  # one colour


def test_colours_for_printing_are_shown_on_screens() -> None:
    shown = opened(make(octets(Image.new("CMYK", (100, 100), (0, 255, 255, 0)), "JPEG"), face=False)).getpixel((50, 50))
    assert isinstance(shown, tuple)
    assert shown[0] > 200
    assert shown[1] < 60


def test_of_moving_pictures_the_first_is_shown() -> None:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "PNG", "WEBP"):
        data = octets(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)
        made = make(data, face=False)
        red, _, blue = opened(made).convert("RGB").getpixel((50, 50))  # type: ignore[misc]  # three colours
        assert red > 200
        assert blue < 60
        assert getattr(opened(made), "n_frames", 1) == 1


def test_the_hardest_picture_stays_near_its_budget() -> None:
    made = make(octets(noise(2200, 2200), "JPEG", quality=90), face=False)
    assert len(made.data) < 160_000
    assert made.width >= 536


def test_the_same_octets_give_the_same_picture() -> None:
    data = octets(photo(900, 700), "JPEG")
    assert make(data, face=False) == make(data, face=False)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "an SVG or a page"),
        (b"  <?xml version='1.0'?><svg/>", "an SVG or a page"),
        (b"%PDF-1.7", "no picture that can be decoded"),
        (b"BM" + b"\0" * 60, "no picture that can be decoded"),
        (b"II*\0" + b"\0" * 60, "no picture that can be decoded"),
        (pictures.png(1, 1), "allowed 60 and more"),
        (pictures.gif(16, 16), "allowed 60 and more"),
        (pictures.png(30_000, 30_000)[:100], "allowed 25 million in a PNG"),
        (pictures.jpeg(40_000, 20_000), "allowed 50 million in a JPEG"),
        (pictures.jpeg(30_000, 100), "allowed 50 million in a JPEG"),
        (pictures.gif(65_535, 65_535), "allowed 25 million in a GIF"),
        (pictures.gif(0, 0), "0 x 0 pixels"),
        (pictures.gif(200, 200), "cut or broken"),
        (pictures.jpeg(200, 200), "cut or broken"),
        (pictures.png(200, 200)[:90], "cut or broken"),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2 + b"\0" * 40, "million in a WEBP"),
        (b"\0" * (LARGEST + 1), "more than 20 MB"),
    ],
)
def test_what_is_no_picture_of_ours_is_named(data: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        make(data, face=False)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_bombs_end_soon() -> None:
    """A head that says 100 x 100 with 100 MB of pixels or words behind it."""
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0))
    packed = zlib.compress(b"\0" * 100_000_000)
    began = time.monotonic()
    for bomb in (
        head + chunk(b"IDAT", packed),
        head + chunk(b"zTXt", b"Comment\0\0" + packed) + chunk(b"IDAT", b""),
        head + chunk(b"iCCP", b"x\0\0" + packed),
    ):
        with contextlib.suppress(PictureError):
            assert len(make(bomb, face=False).data) < 120_000
    assert time.monotonic() - began < 10


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), st.data())
def test_no_octets_break_it(noise: bytes, kind: str, data: st.DataObject) -> None:
    whole = octets(Image.new("RGB", (80, 80), "teal"), kind)
    at = data.draw(st.integers(0, len(whole)))
    try:
        made = make(whole[:at] + noise + whole[at + data.draw(st.integers(0, 50)) :], face=False)
    except PictureError:
        return
    assert made.type in {"image/jpeg", "image/png"}
