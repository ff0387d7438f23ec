"""A picture out of anybody's hands: checked, decoded, turned upright, shrunk, and written anew with nothing but its pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageOps

from digest.domain.picture import FACE_KEPT, SMALLEST, kept
from digest.errors import DigestError

LARGEST = 20_000_000  # octets as they come; a photograph straight from a camera is about ten million
_MOST_PIXELS = {"JPEG": 50_000_000, "PNG": 25_000_000, "GIF": 25_000_000, "WEBP": 25_000_000}  # a JPEG is shrunk while it is decoded
_LONGEST_SIDE = 20_000  # pixels
_BUDGET, _FACE_BUDGET = 120_000, 8_000  # octets of what is served
_QUALITIES = (82, 75, 68, 60)
_SCALES = (1.0, 0.75, 0.5)
_FEW_COLOURS = 256  # a drawing, a chart, a screen: a JPEG would smear its lines
_ABOVE_THE_MIDDLE = (0.5, 0.35)  # where faces are in a portrait
_WHITE = (255, 255, 255)


class PictureError(DigestError):
    """A picture that cannot be used; the letter goes without it."""

    summary = "the picture cannot be used"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A picture as it is served."""

    type: str  # image/jpeg | image/png
    width: int  # pixels
    height: int
    data: bytes

    @property
    def ending(self) -> str:
        """For its name."""
        return "png" if self.type == "image/png" else "jpg"


def make(data: bytes, *, face: bool) -> Made:
    """The picture in `data`, whatever it holds. Raises PictureError with a sentence of what was found and what is allowed."""
    _measure(data)
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_MOST_PIXELS)) as opened:
            few = opened.format != "JPEG"
            opened.draft("RGB", (FACE_KEPT, FACE_KEPT) if face else kept(*opened.size))
            opened.seek(0)  # of moving pictures the first
            upright = ImageOps.exif_transpose(opened)
            plain = _flat(upright)
    except Exception as error:  # noqa: BLE001 - decoders fed with anything fail in any way
        raise PictureError(detail=f"found a picture that is cut or broken ({type(error).__name__}), allowed a whole JPEG, PNG, GIF or WebP") from None
    return _face(plain) if face else _post(plain, few=few and plain.getcolors(_FEW_COLOURS) is not None)


def _measure(data: bytes) -> None:
    """Look at the size that a file claims before any decoder does."""
    if len(data) > LARGEST:
        raise PictureError(detail=f"found more than {LARGEST // 1_000_000} MB, allowed less")
    found = _claimed(data)
    if found is None:
        svg = data.lstrip()[:1] == b"<"
        what = "an SVG or a page" if svg else "no picture that can be decoded" if data else "an empty file"
        raise PictureError(detail=f"found {what}, allowed JPEG, PNG, GIF or WebP")
    kind, width, height = found
    if not 0 < width * height <= _MOST_PIXELS[kind] or max(width, height) > _LONGEST_SIDE:
        raise PictureError(detail=f"found {width:,} x {height:,} pixels, allowed {_MOST_PIXELS[kind] // 1_000_000} million in a {kind}")
    if min(width, height) < SMALLEST:
        raise PictureError(detail=f"found {width} x {height} pixels, allowed {SMALLEST} and more on each side")


def _claimed(data: bytes) -> tuple[str, int, int] | None:
    """Format, width and height out of the first octets."""
    head = data[:32].ljust(32, b"\0")
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return ("PNG", *struct.unpack(">II", head[16:24]))
    if head[:6] in {b"GIF87a", b"GIF89a"}:
        return ("GIF", *struct.unpack("<HH", head[6:10]))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    return None


def _webp(head: bytes) -> tuple[str, int, int] | None:
    """The three kinds of RFC 9649: extended, lossless, lossy."""
    if head[12:16] == b"VP8X":
        return "WEBP", 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return "WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return "WEBP", width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(data: bytes) -> tuple[str, int, int] | None:
    """Out of the first frame's header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every mark begins with it
        mark = data[at + 1]
        if mark == 0xFF:  # noqa: PLR2004 - filling
            at += 1
        elif 0xC0 <= mark <= 0xCF and mark not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - start of frame
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return "JPEG", width, height
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _flat(found: Image.Image) -> Image.Image:
    """On white, in three colours, without a word of what the file said about itself."""
    if found.mode.startswith("I"):  # sixteen bits of grey
        found = found.point(lambda level: level / 256).convert("L")
    made = Image.new("RGB", found.size, _WHITE)
    if found.has_transparency_data:
        clear = found.convert("RGBA")
        made.paste(clear, mask=clear)
    else:
        made.paste(found.convert("RGB"))
    return made


def _face(plain: Image.Image) -> Made:
    square = ImageOps.fit(plain, (min(FACE_KEPT, *plain.size),) * 2, Image.Resampling.LANCZOS, centering=_ABOVE_THE_MIDDLE)
    return next(made for made in _tries(square, _FACE_BUDGET))


def _post(plain: Image.Image, *, few: bool) -> Made:
    small = plain.resize(kept(*plain.size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if few:
        drawn = _written(small.quantize(_FEW_COLOURS, dither=Image.Dither.NONE), "PNG", optimize=True)
        if len(drawn.data) <= _BUDGET:
            return drawn
    return next(made for made in _tries(small, _BUDGET))


def _tries(plain: Image.Image, budget: int) -> Iterator[Made]:
    """JPEGs that fit the budget, the best first; at the end the smallest, fitting or not."""
    last: Made | None = None
    for scale in _SCALES:
        smaller = plain if scale == 1 else plain.resize(tuple(max(1, round(side * scale)) for side in plain.size), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            last = _written(smaller, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=2)
            if len(last.data) <= budget:
                yield last
    if last is not None:
        yield last


def _written(picture: Image.Image, kind: str, **options: object) -> Made:
    out = io.BytesIO()
    picture.info = {}  # a palette's picture would bring its old words along
    picture.save(out, kind, **options)
    return Made(type=f"image/{kind.lower()}", width=picture.width, height=picture.height, data=out.getvalue())
