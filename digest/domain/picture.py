"""A picture as a letter draws it, and how large it is kept and drawn: sharp on dense screens, never enlarged, never cropped."""

from __future__ import annotations

from dataclasses import dataclass

COLUMN = 536  # px: the letter's column
INSIDE = 490  # px: the column within the wall
TALLEST = 536  # px: a picture upright takes no more than a square
FACE = 40  # px
FACE_KEPT = 96  # px: for screens of more than twice the density
DENSE = 2  # pixels kept for each px drawn
SMALLEST = 60  # pixels of the shorter side, below which nobody sees anything
PATH = "/p/"  # where pictures are served


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that we serve, frozen into an edition."""

    name: str  # the last part of its address
    width: int  # px as drawn
    height: int
    octets: int = 0  # what a reader's mail program fetches


def kept(width: int, height: int) -> tuple[int, int]:
    """The pixels that are kept of a post's picture of this size."""
    return _within(width, height, DENSE * COLUMN, DENSE * TALLEST)


def drawn(width: int, height: int, *, inside: bool = False) -> tuple[int, int]:
    """How large a picture of so many kept pixels is drawn, in px; `inside`: within the wall."""
    return _within(width, height, INSIDE if inside else COLUMN, TALLEST)


def _within(width: int, height: int, widest: int, tallest: int) -> tuple[int, int]:
    scale = min(1.0, widest / width, tallest / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
