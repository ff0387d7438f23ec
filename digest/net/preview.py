"""What a page says about itself in its head: title, description, picture, language, its own address. Everything here is a stranger's word."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ada_url
from lxml import etree, html

from digest.domain.link import MAX_ADDRESS, web_address
from digest.net.fetch import Fetched

LONGEST_TITLE, LONGEST_DESCRIPTION = 300, 600  # characters
_READ = 524_288  # octets that are parsed; a head is a few thousand
_MOST_META = 400  # tags that are looked at
_META = frozenset(
    {"og:title", "twitter:title", "og:description", "description", "twitter:description", "og:image:secure_url", "og:image", "twitter:image"}
    | {"og:image:alt", "twitter:image:alt", "og:site_name", "og:locale", "content-language", "og:url"}
)
_CHARSETS = re.compile(  # what pages are written in; Python knows more that are no character sets of text
    r"utf-?8|utf-?16(?:le|be)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|windows-\d{3,4}|cp125\d|koi8-[ru]|macintosh|tis-620"
    r"|gb2312|gbk|gb18030|big5(?:-hkscs)?|shift[_-]?jis|euc-(?:jp|kr)|iso-2022-jp"
)
_LATIN = frozenset(
    {"us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1"}
)  # on the web all of them mean windows-1252 (WHATWG Encoding)
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What no title needs: control characters, direction marks that turn what stands behind them, and characters without any width.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Plain text, cut to length; "" for what a page does not say. Addresses are http or https; fetch them as any a person typed."""

    title: str = ""
    description: str = ""
    image: str = ""
    image_alt: str = ""
    language: str = ""  # "en", "pt-BR"
    canonical: str = ""  # the address that the page calls its own, which may be on another site
    site: str = ""


def preview(page: Fetched) -> Preview:
    """Read a page's metadata; whatever cannot be read is "". Never raises."""
    tree = _tree(text(page))
    if tree is None:
        return Preview()
    said = _said(tree)
    base = _base(tree, page.url)
    heading = next((found for node in tree.iter("title") if (found := _plain("".join(node.itertext()), LONGEST_TITLE))), "")
    canonical = next((node.get("href", "") for node in _first(tree, "link") if "canonical" in node.get("rel", "").lower().split()), "")
    return Preview(
        title=_plain(_of(said, "og:title", "twitter:title"), LONGEST_TITLE) or heading,
        description=_plain(_of(said, "og:description", "description", "twitter:description"), LONGEST_DESCRIPTION),
        image=_address(_of(said, "og:image:secure_url", "og:image", "twitter:image"), base),
        image_alt=_plain(_of(said, "og:image:alt", "twitter:image:alt"), LONGEST_TITLE),
        language=_language(tree.get("lang") or _of(said, "content-language", "og:locale")),
        canonical=_address(canonical or said.get("og:url", ""), base),
        site=_plain(said.get("og:site_name", ""), LONGEST_TITLE),
    )


def text(page: Fetched) -> str:
    """The page's characters: by its byte order mark, its header, its own declaration, else UTF-8. What fits nowhere becomes U+FFFD."""
    data = page.data[:_READ]
    declared = _DECLARED.search(data[:2048])
    named = [
        next((name for mark, name in _MARKS if data.startswith(mark)), ""),
        page.charset,
        declared[1].decode("ascii").lower() if declared else "",
    ]
    charset = next((name for name in named if _usable(name)), "utf-8")
    return data.decode("windows-1252" if charset in _LATIN else charset, "replace")


def _usable(charset: str) -> bool:
    if not _CHARSETS.fullmatch(charset):
        return False
    try:
        return bool(codecs.lookup(charset).name)
    except LookupError:
        return False


def _tree(words: str) -> html.HtmlElement | None:
    clean = re.sub(r"[\x00\ud800-\udfff]", "", words).lstrip("\ufeff")
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        found = html.document_fromstring(clean.encode("utf-8"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None
    return found if isinstance(found, html.HtmlElement) else None


def _first(tree: html.HtmlElement, tag: str) -> Iterator[html.HtmlElement]:
    return (node for _, node in zip(range(_MOST_META), tree.iter(tag), strict=False))


def _said(tree: html.HtmlElement) -> Mapping[str, str]:
    """Name -> content of the meta tags we know; the first of a name counts."""
    found: dict[str, str] = {}
    for node in _first(tree, "meta"):
        name = (node.get("property") or node.get("name") or node.get("http-equiv") or "").strip().lower()
        if name in _META and name not in found and node.get("content", "").strip():
            found[name] = node.get("content", "")
    return found


def _of(said: Mapping[str, str], *names: str) -> str:
    return next((said[name] for name in names if name in said), "")


def _base(tree: html.HtmlElement, url: str) -> str:
    told = next((node.get("href", "") for node in _first(tree, "base") if node.get("href")), "")
    return _address(told, url) or url


def _address(told: str, base: str) -> str:
    if not told.strip() or len(told) > MAX_ADDRESS:
        return ""
    try:
        return web_address(str(ada_url.URL(told.strip(), base).href)) or ""
    except (ValueError, UnicodeError):
        return ""


def _plain(words: str, longest: int) -> str:
    clean = " ".join(_UNSEEN.sub(lambda found: " " if found[0] in "\t\n\r\x0b\x0c\x85\u2028\u2029" else "", words[: 8 * longest]).split())
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"


def _language(told: str) -> str:
    first = told.partition(",")[0].strip()
    return first.replace("_", "-") if _LANGUAGE.fullmatch(first) else ""
