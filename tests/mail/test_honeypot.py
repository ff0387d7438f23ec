"""The link that no person sees: in the HTML part alone, and silent to screen readers and keyboards."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from digest.domain.link import HONEYPOT, MAX_NUMBER, number
from digest.pipeline.rendering import Renderer, compile_languages
from tests import factories_mail as mail


def rendered(*, honeypot: bool, tracking: str = "individual") -> dict[str, str]:
    edition = replace(mail.edition(), honeypot=honeypot, tracking=tracking)
    shown = Renderer(edition, mail.ENVELOPE, compile_languages(edition, ["en"]), mail.KEYS).preview(mail.message())
    return {"html": shown["html"], "text": shown["text"]}


class Trap(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[dict[str, str | None]] = []
        self.found: list[list[dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"tr", "td"}:
            self.open.append(dict(attrs))
        if tag == "a" and f"/{number(HONEYPOT)}" in str(dict(attrs).get("href")):
            self.found.append([*self.open[-2:], dict(attrs)])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"tr", "td"}:
            self.open.pop()


def test_nobody_sees_or_hears_or_reaches_the_link_and_scanners_find_it() -> None:
    """C8: the honeypot is never announced by screen readers, and absent from the plain text."""
    shown = rendered(honeypot=True)
    reader = Trap()
    reader.feed(shown["html"])
    [[row, cell, link]] = reader.found
    assert row["aria-hidden"] == link["aria-hidden"] == "true"
    assert link["tabindex"] == "-1"
    assert "display:none" in str(row["style"])
    assert "display:none" in str(cell["style"])
    assert ">do not follow</a>" in shown["html"]
    assert "do not follow" not in shown["text"]
    assert f"/{number(HONEYPOT)}" not in shown["text"]


@pytest.mark.parametrize(("honeypot", "tracking"), [(False, "individual"), (True, "off")])
def test_it_is_there_only_when_it_is_wanted_and_something_is_counted(*, honeypot: bool, tracking: str) -> None:
    assert "do not follow" not in rendered(honeypot=honeypot, tracking=tracking)["html"]


def test_its_number_is_no_post_s() -> None:
    assert HONEYPOT == MAX_NUMBER > 1000
