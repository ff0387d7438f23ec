"""Where a link of a letter would lead, in words."""

from __future__ import annotations

import pytest

from digest.domain.destination import destination
from digest.domain.trouble import Trouble, placed
from tests.linked import CONTENT

DEAD = "00000000000000001"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"/r/{DEAD}/01", f"the article “{CONTENT.posts[0].title}” at {CONTENT.posts[0].url}"),
        (f"/s/{DEAD}/010", f"the page to share “{CONTENT.posts[0].title}”"),
        (f"/s/{DEAD}/01{CONTENT.networks[0][0]}", f"{CONTENT.networks[0][2]}, ready to share “{CONTENT.posts[0].title}”"),
        (f"/v/{DEAD}/01", f"a vote on “{CONTENT.posts[0].title}”"),
        (f"/r/{DEAD}/zz", "nothing: it is the link that no person sees"),
        (f"/w/{DEAD}", "the edition in a browser, without personal links"),
        ("/u/z", "the page to leave"),
    ],
)
def test_our_own_links_are_told_by_what_they_do(path: str, said: str) -> None:
    assert destination(CONTENT.site_url + path, CONTENT) == said


@pytest.mark.parametrize("address", ["https://example.com/r/x/01", f"{CONTENT.site_url}/r/{DEAD}/uu", f"{CONTENT.site_url}/", "x", ""])
def test_anything_else_is_told_by_its_address(address: str) -> None:
    assert destination(address, CONTENT) == address


def test_mail_is_told_by_whom_it_reaches() -> None:
    assert destination("mailto:mara@example.org?subject=Yes", CONTENT) == "a mail to mara@example.org"


def test_a_line_is_taken_apart_into_place_and_words() -> None:
    assert placed("/a/b/queue.toml:3:9: found x: y", "/a/b") == Trouble(place="queue.toml:3:9", said="found x: y")
    assert placed("/a/b/config.toml: smtp.prot: no such key", "/a/b/", "Mend it.") == Trouble(
        place="config.toml", said="smtp.prot: no such key", cure="Mend it."
    )
    assert placed("no place at all", "/a/b") == Trouble(place="", said="no place at all")
