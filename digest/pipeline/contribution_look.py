"""What the page behind a link says about itself, for a post that somebody is writing. A page that cannot be had costs nothing but its help."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from digest.files.pictures import PictureError, make
from digest.net.fetch import PUBLIC, Way, fetch
from digest.net.kinds import Kind
from digest.net.preview import preview
from digest.net.refusals import FetchError

_PAGE, _PICTURE = 2_000_000, 5_000_000  # octets that are read
_PATIENCE = 4.0  # seconds for each; a person waits


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A stranger's words about a page, as plain text, and its picture made small."""

    title: str = ""
    image: str = ""  # its address; "" for none that can be drawn
    image_alt: str = ""
    picture: str = ""  # a data: address of what `image` shows
    size: tuple[int, int] = (0, 0)


Look = Callable[[str], Seen | None]


def look(url: str, way: Way = PUBLIC) -> Seen | None:
    """Look at `url`, which anybody may have typed; None when it cannot be had. Blocks for seconds: call it in a thread of its own."""
    try:
        said = preview(fetch(url, kinds=(Kind.PAGE,), most=_PAGE, patience=_PATIENCE, way=way))
    except FetchError:
        return None
    plain = Seen(title=said.title, image_alt=said.image_alt)
    try:
        made = make(fetch(said.image, kinds=(Kind.PICTURE,), most=_PICTURE, patience=_PATIENCE, way=way).data, face=False) if said.image else None
    except (FetchError, PictureError):
        made = None
    if made is None:
        return plain
    octets = base64.b64encode(made.data).decode()
    size = (made.width, made.height)
    return Seen(title=said.title, image=said.image, image_alt=said.image_alt, picture=f"data:{made.type};base64,{octets}", size=size)
