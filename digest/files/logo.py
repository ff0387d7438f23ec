"""A logo's file: its kind and size out of its first octets, and the name under which it is served."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

LARGEST = 262_144  # octets; a logo is a few thousand, and phones fetch it on the way
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's start-of-frame marks (ITU-T T.81, table B.1)
_PNG_HEAD, _GIF_HEAD = 24, 10  # octets up to and with the size
_TYPES = {"png": "image/png", "gif": "image/gif", "jpg": "image/jpeg"}


@dataclass(frozen=True, kw_only=True)
class LogoFile:
    """A picture that every mail program can draw."""

    data: bytes
    kind: str  # png | gif | jpg
    width: int  # px
    height: int

    @property
    def name(self) -> str:
        """Its name in addresses: another picture has another one, so that it may be kept for ever."""
        return f"logo-{hashlib.sha256(self.data).hexdigest()[:16]}.{self.kind}"

    @property
    def content_type(self) -> str:
        """For the header of that name."""
        return _TYPES[self.kind]


def read_logo(path: Path) -> tuple[LogoFile | None, str]:
    """The logo at `path`, or None and what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        return None, f"{path}: cannot be read: {error.strerror}"
    if len(data) > LARGEST:
        return None, f"{path}: found more than {LARGEST // 1024} KB, allowed less"
    found = _measured(data)
    if found is None:
        return None, f"{path}: found no picture that mail programs draw, allowed a PNG, JPEG or GIF file"
    kind, width, height = found
    return LogoFile(data=data, kind=kind, width=width, height=height), ""


def _measured(data: bytes) -> tuple[str, int, int] | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= _PNG_HEAD:
        kind, size = "png", struct.unpack(">II", data[16:24])
    elif data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= _GIF_HEAD:
        kind, size = "gif", struct.unpack("<HH", data[6:10])
    elif data.startswith(b"\xff\xd8"):
        kind, size = "jpg", _jpeg(data)
    else:
        return None
    return (kind, size[0], size[1]) if all(size) else None


def _jpeg(data: bytes) -> tuple[int, int]:
    """Width and height out of the frame's header; 0, 0 without one."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every mark begins with it
        if data[at + 1] in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
