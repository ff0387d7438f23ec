"""Pages that ask for a decision: nobody else's frame, nobody else's server, no script needed, every control has a name."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from tests.linked import ANA, BROWSER_TOKEN, OURS, Linked, share_link

FETCHING = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "srcset",
    "video": "src",
    "audio": "src",
    "object": "data",
    "embed": "src",
}
NAMED = {"input", "textarea", "select"}


class Reader(HTMLParser):
    """What a page holds, as its source says it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.labels: set[str] = set()
        self.buttons: list[str] = []
        self._in: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, {**values, "inside": " ".join(self._in)}))
        if tag not in {"input", "meta", "link", "br", "hr", "img"}:
            self._in.append(tag)
        if tag == "label":
            self.labels.add(values.get("for", ""))
        if tag == "button":
            self.buttons.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag."""
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep the words on a button."""
        if "button" in self._in:
            self.buttons[-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every `tag`."""
        return [values for name, values in self.tags if name == tag]


@pytest.fixture(params=["ask", "left", "share", "copy", "mail", "edition", "unknown"])
def page(request: pytest.FixtureRequest, linked: Linked, web: TestClient) -> tuple[Reader, TestClient, str]:
    """One of the pages: what it holds, and its headers as text."""
    answer = {
        "ask": lambda: web.get(linked.leave_link()),
        "left": lambda: web.post(linked.leave_link(), data={"List-Unsubscribe": "One-Click"}),
        "share": lambda: web.get(share_link(ANA, 1)),
        "copy": lambda: web.post(share_link(ANA, 1), data={"network": "1", "words": "Mine.", "copy": "1"}, headers=OURS),
        "mail": lambda: web.get(share_link(ANA, 1, "8")),
        "edition": lambda: web.get(f"/w/{BROWSER_TOKEN}"),
        "unknown": lambda: web.get("/r/nothing"),
    }[request.param]()
    reader = Reader()
    reader.feed(answer.text)
    return reader, web, "\n".join(f"{name.lower()}: {value}" for name, value in answer.headers.multi_items())


def test_a_page_stands_in_no_frame_and_loads_nothing_from_elsewhere(page: tuple[Reader, TestClient, str]) -> None:
    """D12: by header, for old browsers and new ones; and there is nothing in it that a browser would fetch from another place."""
    reader, _, headers = page
    assert "x-frame-options: DENY" in headers
    assert "frame-ancestors 'none'" in headers
    assert "default-src 'none'" in headers
    for tag, name in FETCHING.items():
        for values in reader.all(tag):
            assert not values.get(name, "").startswith(("http", "//")), (tag, values)
    assert not any("url(" in values.get("style", "") or "@import" in values.get("style", "") for _, values in reader.tags)


def test_a_page_needs_no_script_and_every_control_has_a_name(page: tuple[Reader, TestClient, str]) -> None:
    """D12: a plain form with a plain button, in the order of reading, in a language that is named; nothing acts by itself."""
    reader, _, _ = page
    assert all(values["method"].lower() == "post" for values in reader.all("form"))
    assert all(reader.buttons), "a button says what it does"
    assert not any(name.startswith("on") for _, values in reader.tags for name in values), "no handler stands in the page"
    assert not any("refresh" in values.get("http-equiv", "").lower() for values in reader.all("meta"))
    assert all(values.get("lang") for values in reader.all("html"))
    assert len(reader.all("title")) == len(reader.all("h1")) == 1
    assert all(values.get("tabindex", "0") in {"0", "-1"} for _, values in reader.tags), "the order of the page is the order of the keyboard"
    for tag, values in reader.tags:
        if tag in NAMED and values.get("type") != "hidden":
            assert values.get("id") in reader.labels or "label" in values["inside"] or values.get("aria-label") or values.get("aria-labelledby"), (
                values
            )


def test_the_button_of_the_unsubscribe_page_works_without_scripts(linked: Linked, web: TestClient) -> None:
    """D12: what stands in the form is all that is sent."""
    reader = Reader()
    reader.feed(web.get(linked.leave_link()).text)
    form = {values["name"]: values["value"] for values in reader.all("input") if values.get("type") == "hidden"}
    linked.wait(minutes=1)
    assert web.post(linked.leave_link(), data=form, headers=OURS).status_code == 200
    assert linked.count("suppression") == 1
