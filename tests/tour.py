"""Every kind of page that the demo's letters lead to, found as a person would: by following links."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser

from digest.demo.play import Stage

_MOST = 120  # kinds of links that are tried


def tour(stage: Stage, browser: Browser, language: str = "en") -> dict[str, str]:
    """Kind -> address of pages for readers of `language`, the demo's inbox and a page that is not there among them."""
    letters = [letter for letter in stage.mailbox.letters() if f'<html lang="{language}"' in letter.part("html")]
    site = stage.company.config.site.url
    waiting = [str(letters[0].parsed["List-Unsubscribe"]).strip("<>"), f"{site}/", f"{site}/r/00000000000000000/01"]
    for letter in letters:
        waiting += re.findall(r'href="([^"]+)"', letter.part("html"))
    found, tried = {"inbox": stage.inbox_url, "inbox-text": f"{stage.inbox_url}1?as=text"}, set[str]()
    page = browser.new_page()
    while waiting and len(tried) < _MOST:
        url = waiting.pop(0).replace("&amp;", "&")
        if not url.startswith(f"{site}/") or kind(url) in tried:
            continue
        tried.add(kind(url))
        answer = page.request.get(url, max_redirects=0)
        if "text/html" in answer.headers.get("content-type", ""):
            found[kind(url)] = url
            waiting += [urljoin(url, link) for link in re.findall(r'(?:href|action)="([^"#]+)"', answer.text())]
    page.close()
    return found


def kind(url: str) -> str:
    """What an address is, without whose it is: `/s/<token>/010?x=1` is "s-0-x"."""
    parts = urlsplit(url)
    words = [part for part in parts.path.split("/") if part and not re.fullmatch(r"[0-9a-z]{16,}", part)]
    words[1:] = [re.sub(r"\A[0-9a-z]{2}(?=[0-9a-z]?\Z)", "", word) for word in words[1:]]  # one post is like another
    return "-".join([word for word in words if word] + re.findall(r"(?:^|&)(\w+)=", parts.query)) or "home"
