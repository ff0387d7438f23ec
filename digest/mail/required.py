"""What no letter may lack, whatever its templates look like: a way out, every post with its links, the wall, the postal address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import escape

from digest.domain.edition import EditionPost
from digest.mail.environment import cut
from digest.mail.plain import clean
from digest.mail.templates import PARTS, Job, Links, Page, place_of
from digest.mail.view import split_marks

_TOKENS = {  # path -> the slot behind it, and what of `links` makes such addresses
    "r": ("share", "read"),
    "s": ("share", "share"),
    "a": ("control", "answer"),
    "v": ("control", "vote"),
    "pass": ("control", "pass_on"),
    "c": ("control", "calendar"),
    "refer": ("control", "refer"),
    "me": ("control", "preferences"),
    "give": ("control", "give"),
    "u": ("unsubscribe", "stop"),
}


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something missing in a rendered template."""

    template: str  # the page it was rendered from
    needle: str  # what our own template says to print it
    said: str


def lacks(page: Page, work: Job, slots: Mapping[str, str]) -> list[Lack]:
    """Everything that is missing or broken in a letter rendered with marks and slots for everybody."""
    found = [] if page.subject else [Lack(template="digest/subject.txt", needle="edition.subject", said="found no subject")]
    for name, text, html in (("digest/body.txt", page.text, False), ("digest/body.html", page.html, True)):
        found += [Lack(template=name, needle=needle, said=said) for needle, said in _of_part(text, work, slots, html=html)]
    return found


def _of_part(text: str, work: Job, slots: Mapping[str, str], *, html: bool) -> Iterator[tuple[str, str]]:
    links, content = Links(work, slots), work.content
    if links.stop not in text:
        yield "links.stop", "found no whole link to leave, and every letter needs {{ links.stop }} as it is"
        return
    if said := cut(text, work.salt):
        yield "slot.", said
    opened = {(name.partition(".")[0], key) for kind, name, key in split_marks(text, work.salt, html=html) if kind == "open"}
    for part in PARTS:
        posts = [post for post in content.posts if place_of(post) == part]
        if any((part, str(post.n)) not in opened for post in posts):
            yield f'view.pick("{part}"', f'found no place for some posts of the part {part}, needed view.open("{part}", n) around each'
        else:
            yield from _links_of(posts, links, text, html=html)
    yield from _words_of(text, work, html=html)
    yield from _broken(text, work, slots)


def _links_of(posts: list[EditionPost], links: Links, text: str, *, html: bool) -> Iterator[tuple[str, str]]:
    for needle, addresses in (("links.read", [links.read(post) for post in posts]), ("links.share", [links.share(post) for post in posts])):
        if any(address and (str(escape(address)) if html else address) not in text for address in addresses):
            yield needle, f"found a post without its link {{{{ {needle}(post) }}}}, and every post with an address needs it as it is"


def _words_of(text: str, work: Job, *, html: bool) -> Iterator[tuple[str, str]]:
    content = work.content
    needed = {"edition.address": content.address}
    if content.figures or any(post.internal for post in content.posts):
        needed['words("inside")'] = work.words("inside")
    shown = _squeezed(text)
    for needle, words in needed.items():
        wanted = _squeezed(str(escape(clean(words))) if html else clean(words))
        if wanted and wanted not in shown:
            yield needle, f"found the letter without {{{{ {needle} }}}}, which every letter shows"


def _broken(text: str, work: Job, slots: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Links of ours whose token is gone: nobody would get anywhere by them."""
    site = work.content.site_url
    if site + "/" in repr(work.content.posts):
        return  # a post of our own pages, whose addresses are its own
    for found in re.finditer(rf"{re.escape(site)}/({'|'.join(_TOKENS)})/", text):
        slot, maker = _TOKENS[found[1]]
        if not text.startswith(slots[slot], found.end()):
            yield f"links.{maker}", f"found a link {found[0]} that was cut or changed, allowed {{{{ links.{maker} }}}} as it is"
            return


def _squeezed(text: str) -> str:
    return "".join(text.split())
