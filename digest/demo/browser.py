"""Someone in front of a browser, or a machine behind a gateway: one HTTP request, no redirect followed."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

NAVIGATION = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
STRANGER = {**NAVIGATION, "User-Agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0"}
GATEWAY = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"}
PREVIEWER = {"User-Agent": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    location: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


def request(url: str, *, who: Mapping[str, str] = NAVIGATION, method: str = "GET", body: str | None = None) -> Answer:
    """Ask for `url` (http on loopback) as `who`; a body is sent as a form."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    headers = dict(who)
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        return Answer(status=response.status, location=response.headers.get("Location", ""), text=text, headers=dict(response.headers))
    finally:
        connection.close()
