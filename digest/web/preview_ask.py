"""What the editor asks the preview for, as it stands in the address: every switch is a link, and works without a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from digest.mail import catalogue
from digest.mail.shown import Look

WIDTHS = {"320": "320", "375": "375", "640": "640"}
LOOKS = {Look.LIGHT: "Light", Look.DARK: "Dark", Look.INVERTED: "Inverted"}
PICTURES = {"on": "On", "off": "Off"}
PARTS = {"html": "Letter", "text": "Text"}


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One state of all switches; the defaults stay out of the address."""

    reader: str = ""  # an address, `made-up`, or the first on the roster
    language: str = ""  # of the letter; "" is the reader's own
    width: str = "640"
    look: str = Look.LIGHT
    pictures: str = "on"
    part: str = "html"
    q: str = ""  # what is searched for among the readers

    def href(self, path: str = "/", **changes: str) -> str:
        """The address of this state with some switches changed."""
        plain = asdict(replace(self, **changes))
        said = {name: value for name, value in plain.items() if value != getattr(_DEFAULT, name)}
        return f"{path}?{urlencode(said)}" if said else path

    def carried(self) -> dict[str, str]:
        """What a search form must not lose."""
        plain = asdict(self)
        return {name: value for name, value in plain.items() if name != "q" and value != getattr(_DEFAULT, name)}


_DEFAULT = Ask()


def asked(query: Mapping[str, str]) -> Ask:
    """The switches of an address; what is none of theirs counts as not said."""

    def one(name: str, allowed: Mapping[str, str]) -> str:
        return query[name] if query.get(name) in allowed else str(getattr(_DEFAULT, name))

    language = query.get("language", "")
    return Ask(
        reader=query.get("reader", "")[:320],
        language=language if language in catalogue.languages() else "",
        width=one("width", WIDTHS),
        look=one("look", {look.value: name for look, name in LOOKS.items()}),
        pictures=one("pictures", PICTURES),
        part=one("part", PARTS),
        q=query.get("q", "")[:100],
    )
