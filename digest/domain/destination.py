"""Where a link of a letter would lead its reader, in words: for those who look at a letter whose links are dead."""

from __future__ import annotations

from digest.domain.edition import EditionContent
from digest.domain.link import HONEYPOT, SHARE_PAGE, read_base32

_PLACES = {
    "w": "the edition in a browser, without personal links",
    "u": "the page to leave",
    "me": "the reader's own page: preferences and what is stored",
    "give": "the page to give a post, a question or a name",
}
_OF_A_POST = {"v": "a vote on", "a": "a reply to whoever wrote", "pass": "the page to pass on, inside the wall,"}


def destination(address: str, content: EditionContent) -> str:
    """A sentence's end: "the article “The cold room” at https://example.com/cold-room"."""
    if address.startswith("mailto:"):
        return f"a mail to {address[7:].partition('?')[0]}"
    rest = address.removeprefix(content.site_url)
    parts = rest.split("/")[1:] if rest != address else []
    kind, tail = (parts[0], parts[2] if parts[2:] else "") if parts[1:] else ("", "")
    if kind in {"r", "s", *_OF_A_POST}:
        return _of_a_post(kind, tail, content) or address
    return _PLACES.get(kind, address)


def _of_a_post(kind: str, tail: str, content: EditionContent) -> str:
    n = read_base32(tail[:2])
    if n == HONEYPOT:
        return "nothing: it is the link that no person sees"
    post = None if n is None else content.post(n)
    if post is None:
        return ""
    if kind == "r":
        return f"the article “{post.title}” at {post.url}"
    if kind == "s":
        labels = {letter: label for letter, _, label in content.networks} | {SHARE_PAGE: ""}
        label = labels.get(tail[2:], "")
        return f"{label + ', ready to share' if label else 'the page to share'} “{post.title}”"
    return f"{_OF_A_POST[kind]} “{post.title}”"
