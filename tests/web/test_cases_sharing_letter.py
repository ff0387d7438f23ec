"""Links on their way: minted, mailed over real SMTP, read, mangled by gateways and mail programs, and still the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db.keys import signing_keys
from digest.db.schema import edition, employee, message
from digest.db.session import read
from digest.domain.link import number, read_unsubscribe
from digest.pipeline import week
from digest.web.serving import application
from tests.conftest import NOW
from tests.factories import QUEUE, company, crowd
from tests.linked import ANA, PERSON, SITE, Linked, read_link, share_link
from tests.sink import Sink

LONG_SITE = "https://letters.of-a-subsidiary-with-a-long-name.holding.example.com"  # makes most lines longer than 76
_URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass(kw_only=True)
class Post(Sink):
    """A relay that keeps whole letters."""

    letters: list[tuple[str, bytes]] = field(default_factory=list)

    def store(self, recipient: str, sender: str, body: bytes, began: float = 0) -> None:
        super().store(recipient, sender, body, began)
        self.letters.append((recipient, body))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a week sent, and from which configuration."""

    engine: Engine
    config: Config
    letters: dict[str, EmailMessage]  # by address


@pytest.fixture
def sent(engine: Engine, tmp_path: Path) -> Iterator[Sent]:
    with Post(file=tmp_path / "mail.jsonl") as relay:
        config = company(engine, tmp_path, crowd(6), queue=QUEUE, site={"company": "Exämple", "url": LONG_SITE}, smtp={"port": relay.port})
        week.tick(engine, config, clock=lambda: NOW)
        letters = {recipient: message_from_bytes(body, policy=policy.default) for recipient, body in relay.letters}
        yield Sent(engine=engine, config=config, letters=letters)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [str(value) for name, value in attrs if tag == "a" and name == "href"]


def links_in(letter: EmailMessage) -> tuple[set[str], set[str]]:
    """The addresses of the text part and of the HTML part."""
    text, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    reader = _Links()
    reader.feed(html.get_content())
    return set(_URL.findall(text.get_content())), set(reader.found)


def minted(sent: Sent, address: str) -> tuple[set[str], Any]:
    """The read and share links that must stand in somebody's letter, and its row."""
    columns = (message, edition.c.browser_token, edition.c.content)
    joined = message.join(edition, edition.c.id == message.c.edition_id).join(employee, employee.c.id == message.c.employee_id)
    with read(sent.engine) as connection:
        row = connection.execute(select(*columns).select_from(joined).where(employee.c.address == address)).one()
    posts = {post["n"]: post for post in row.content["posts"]}
    found = set()
    for n, _ in row.picks:
        found |= {f"{LONG_SITE}/r/{row.share_token}/{number(n)}"} if posts[n]["url"] else set()
        found |= set() if posts[n]["internal"] else {f"{LONG_SITE}/s/{row.share_token}/{number(n)}{k}" for k in (*row.networks[:2], "0")}
    return found, row


def test_every_address_arrives_byte_for_byte_as_it_was_minted(sent: Sent) -> None:
    """G1: generated, sent over SMTP, parsed and extracted, each address of both parts equals the minted one; the same after a relay's recoding."""
    assert len(sent.letters) == 6
    with read(sent.engine) as connection:
        secrets = signing_keys(connection, "unsubscribe")
    for address, letter in sent.letters.items():
        expected, row = minted(sent, address)
        assert [part["Content-Transfer-Encoding"] for part in letter.walk() if not part.is_multipart()] == ["quoted-printable"] * 2
        for found in links_in(letter):
            ours = {url for url in found if url.startswith(LONG_SITE)}
            assert expected <= ours
            for url in ours - expected:
                kind, _, rest = url.removeprefix(f"{LONG_SITE}/").partition("/")
                assert kind in {"u", "w", "me", "give", "a", "v", "pass"}, url
                assert kind != "w" or rest == row.browser_token
                assert kind != "u" or read_unsubscribe(rest, secrets) == row.employee_id
        assert str(letter["List-Unsubscribe"]).strip("<>") in links_in(letter)[1]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_a_relay_that_encodes_anew_changes_no_address(sent: Sent, encoding: str) -> None:
    """G1: base64 and quoted-printable in 76 columns, and 8bit, as relays make them of each other."""
    for letter in sent.letters.values():
        again = EmailMessage(policy=policy.SMTP)
        for kind in ("plain", "html"):
            part = letter.get_body((kind,))
            assert part is not None
            add = again.set_content if kind == "plain" else again.add_alternative
            add(part.get_content(), subtype=kind, charset="utf-8", cte=encoding)
        assert links_in(message_from_bytes(again.as_bytes(), policy=policy.default)) == links_in(letter)


def test_an_address_in_the_text_stands_alone_and_is_never_flowed_into_the_next_line(sent: Sent) -> None:
    """G1: format=flowed joins a line that ends in a space with the next one; no line with an address does, nor does any other begin with one."""
    for letter in sent.letters.values():
        text = letter.get_body(("plain",))
        assert text is not None
        lines = text.get_content().splitlines()
        ours = [line for line in lines if LONG_SITE in line]
        assert ours
        for line in ours:
            assert line == line.rstrip()
            assert re.fullmatch(r"\s*(?:[^<>]*<)?https://[^\s<>]+>?", line), line
        assert not [before for before, line in pairwise(lines) if LONG_SITE in line and before.endswith(" ")]


def test_addresses_of_a_mailed_letter_resolve_after_outlook_lower_cased_or_a_server_upper_cased_them(sent: Sent) -> None:
    """G2: no meaning hides in the case of a letter."""
    app = application(sent.engine, sent.config, lambda: NOW)
    expected, _ = minted(sent, "ana@example.org")
    with TestClient(app, base_url=LONG_SITE, follow_redirects=False) as client:
        client.headers = PERSON
        for url in sorted(expected):
            path = url.removeprefix(LONG_SITE)
            plain, lower, upper = (client.get(way) for way in (path, path.lower(), path.upper()))
            assert (plain.status_code, plain.headers.get("location")) == (lower.status_code, lower.headers.get("location"))
            assert plain.status_code == upper.status_code
            assert plain.status_code in {200, 302}


# How mail programs find the end of an address in plain text: they take too much, or leave a bracket out.
LINKIFIERS = {
    "Gmail": lambda url, after: url + (after if after in {")", "'"} else ""),
    "Outlook": lambda url, after: url + after.strip(),
    "Thunderbird": lambda url, after: url + (after if after not in ".,;!?>" else ""),
    "entities": lambda url, after: url + {">": "&gt;", '"': "%22", "'": "%27"}.get(after, after),
}


@pytest.mark.parametrize("program", LINKIFIERS)
@pytest.mark.parametrize("after", [".", ",", ")", ">", ";", "'", '"', "/", "\u200b"])
def test_an_address_that_a_mail_program_found_in_the_text_resolves(web: TestClient, program: str, after: str) -> None:
    """G3: punctuation that a linkifier took along leads to the same place."""
    for path in (read_link(ANA, 1), share_link(ANA, 1, "2"), share_link(ANA, 1)):
        found = LINKIFIERS[program](f"{SITE}{path}", after)
        answer, plain = web.get(found.removeprefix(SITE)), web.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (plain.status_code, plain.headers.get("location"))
        assert plain.status_code in {200, 302}


def test_a_short_link_from_a_printed_code_resolves_in_capitals(linked: Linked, web: TestClient) -> None:
    """G7: the payload of a code, all in capitals, fits version 2-M (38 characters) for a host of 14, and leads to the article."""
    web.get(share_link(ANA, 1, "2"))
    slug = linked.short_links()[0]["slug"]
    payload = f"https://go.example.com/l/{slug}".upper()
    assert len(payload) == 37
    assert set(payload) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")  # what the alphanumeric mode holds
    answer = web.get(f"/L/{slug.upper()}")
    assert answer.status_code == 302
    assert answer.headers["location"] == web.get(f"/l/{slug}").headers["location"]
