"""What an article's address must not be: a name that looks like another, one of our own links, or somebody's shortener."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

import ada_url
import regex

# Scripts that may stand in one name (UTS 39, highly restrictive); digits and hyphens are common to all.
_MAY_MEET = ("Latn Hani Hira Kana", "Latn Hani Bopo", "Latn Hani Hang")
_ALONE = "Grek Cyrl Armn Hebr Arab Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Thai Laoo Tibt Mymr Geor Ethi Khmr Mong"
_ONE_SCRIPT = regex.compile(
    "|".join("[" + "".join(rf"\p{{Script={name}}}" for name in f"Zyyy Zinh {together}".split()) + "]+" for together in (*_MAY_MEET, *_ALONE.split()))
)
# Letters that are drawn as Latin ones are, and where a word of them alone is at home.
_BORROWED = (
    (frozenset("асԁеһіјӏорԛѕԝхуьпгѵмткв"), frozenset({"bg", "by", "eu", "kg", "kz", "mk", "mn", "rs", "ru", "su", "ua", "uz"})),
    (frozenset("αικνρυωητογχε"), frozenset({"cy", "eu", "gr"})),
)
_SHORTENERS = (
    "1url.com adf.ly amzn.to b.link bit.do bit.ly bitly.com bl.ink buff.ly cutt.ly db.tt dlvr.it dub.co dub.sh fb.me geni.us goo.gl goo.su "
    "ht.ly ift.tt is.gd kutt.it lnk.to lnkd.in mcaf.ee ow.ly owl.ly qr.ae qrco.de rb.gy rebrand.ly s.id short.gy short.io shorturl.at "
    "smarturl.it snip.ly spoo.me su.pr surl.li t.co t.ly t2m.io tiny.cc tiny.one tinyurl.com tr.im trib.al u.to urlz.fr v.gd wp.me x.co x.gd "
    "yourls.org"
)
_OURS = ("/r/", "/s/", "/l/", "/u/", "/me/", "/give/", "/v/", "/a/", "/pass/")


def looks_like_another(host: str) -> bool:
    """True for an international name that mixes scripts in a label, or borrows all its letters from another script.

    `host`: as browsers write it, in ASCII. Source: UTS 39, 5.2; what Chromium shows as `xn--`.
    """
    labels = host.lower().rstrip(".").split(".")
    read = [_read(label) for label in labels]
    return any(label is None or (not label.isascii() and _deceives(label, labels[-1])) for label in read)


def _read(label: str) -> str | None:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return None


def _deceives(label: str, top: str) -> bool:
    letters = {c for c in label if c.isalpha()}
    borrowed = any(letters <= drawn_alike and top not in homes and not top.startswith("xn--") for drawn_alike, homes in _BORROWED)
    return borrowed or _ONE_SCRIPT.fullmatch(label) is None


def is_shortener(host: str) -> bool:
    """True for a public shortener: where it leads may change, and it hides the article from link previews."""
    return host.lower().removeprefix("www.").rstrip(".") in _SHORTENERS.split()


@lru_cache(maxsize=4096)
def is_own_link(url: str, site_url: str) -> bool:
    """True when `url` is a link of ours: it would lead in a circle, or give somebody's link away. `/w/`, an edition, may be linked."""
    try:
        asked, own = ada_url.URL(url), ada_url.URL(site_url)
    except ValueError:
        return False
    base = own.pathname.rstrip("/").lower()
    path = unquote(asked.pathname).lower()
    return bool(asked.host == own.host and path.startswith(base) and path[len(base) :].startswith(_OURS))
