"""Visits to short links: what networks, scanners, colleagues and the owner do there is no reach, and nothing hostile gets through."""

from __future__ import annotations

import csv
import io
from ipaddress import ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from digest.cli.main import main
from digest.db.reach import Reach, reach
from digest.db.session import read
from digest.domain.frozen import freeze
from digest.domain.visitor import Audience
from tests.counting import SCANNER, judge, running, visited, widen
from tests.linked import ANA, CONTENT, PERSON, PHONE, Linked, read_link, share_link
from tests.traces.browsers import UNFURLERS

STRANGER = {**PERSON, "user-agent": PHONE}
OFFICE = "203.0.113.44"


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


def counted(linked: Linked) -> Reach:
    judge(linked)
    with read(linked.engine) as connection:
        return reach(connection, linked.edition)


def people(found: Reach) -> int:
    """Visitors from outside, probable ones included."""
    return sum(pair.high for pair in found.visits.values())


def test_what_x_does_with_a_posted_link_is_one_preview_and_no_reach(linked: Linked) -> None:
    """C2: one GET by Twitterbot and three HEAD under browsers' names, one of them empty."""
    with running(linked) as web:
        path = web.slug()
        linked.wait(minutes=1)
        assert web.get(path, {"user-agent": "Twitterbot/1.0"}, address="203.0.113.5").status_code == 302
        for agent in (PHONE, SCANNER["user-agent"], ""):
            assert web.get(path, {"user-agent": agent}, address="203.0.113.6", method="HEAD").status_code == 302
    assert visited(linked) == [("preview", ["unfurler"])]
    found = counted(linked)
    assert people(found) == 0
    assert [link.previewed for link in found.links.values()] == [True]


@pytest.mark.parametrize("agent", [*UNFURLERS, "http.rb/5.2.0 (Mastodon/4.3.0; +https://mastodon.example/)", "Twitterbot/1.0"])
def test_a_network_s_own_robot_gets_the_article_and_is_evidence_not_reach(linked: Linked, agent: str) -> None:
    """C10: the card needs the article; it proves that the link was pasted, not that it was posted."""
    with running(linked) as web:
        answer = web.get(web.slug(), {"user-agent": agent}, address="203.0.113.5")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://example.com/blog/cold-room?a=1&a=2&utm_source=x")
    assert visited(linked) == [("preview", ["unfurler"])]
    assert people(counted(linked)) == 0


@pytest.mark.parametrize("agent", [b"", b"x" * 65536, b"a\x00b", b"Mozilla/5.0 \xb7\xff\xfe", "🎉 Browser".encode(), b"\xed\xa0\x80"])
def test_any_browser_name_is_answered_and_stored_cut_and_clean(linked: Linked, agent: bytes) -> None:
    """C12: empty, huge, with NUL, not UTF-8, with emoji; on PostgreSQL one such byte used to break others' tables."""
    with linked.client() as client:
        client.get(share_link(ANA, 1, "2"))
        slug = linked.short_links()[0]["slug"]
        for path in (read_link(ANA, 1), f"/l/{slug}"):
            assert client.get(path, headers=[(b"user-agent", agent)]).status_code == 302
    for row in (linked.clicks()[-1], linked.visits()[-1]):
        assert len(row["signals"]["ua"]) <= 512
        assert row["signals"]["ua"].isprintable()


@pytest.mark.parametrize(
    "referrer", ['"><script>alert(1)</script>', "javascript:alert(1)", "https://" + "a" * 100_000, "https://evil.example/\x01<b>"]
)
def test_a_hostile_referrer_is_kept_nowhere_and_shown_nowhere(linked: Linked, tmp_path: Path, referrer: str) -> None:
    """C13: neither stored, nor on a page, nor in a table."""
    with running(linked) as web:
        path = web.slug()
        pages = [web.get(one, {**STRANGER, "referer": referrer}).text for one in (path, share_link(ANA, 1), read_link(ANA, 99))]
    assert linked.visits()[0]["referrer_host"] in {"", "evil.example"}
    told = [*pages, repr(linked.visits()), *(table(linked, tmp_path, kind) for kind in ("posts", "evidence"))]
    assert [text for text in told if "<script>alert" in text or "javascript:" in text or "aaaaaaaa" in text or "<b>" in text] == []


def table(linked: Linked, home: Path, kind: str) -> str:
    """What `digest report` prints for a spreadsheet."""
    url = linked.engine.url.render_as_string(hide_password=False)
    (home / "config.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
    result = CliRunner().invoke(main, ["--config", str(home / "config.toml"), "report", "--format", "csv", "--table", kind])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0"])
def test_no_cell_of_a_table_is_a_formula(linked: Linked, tmp_path: Path, title: str) -> None:
    """C14: a title that begins as a formula does is text in the export."""
    with running(linked) as web:
        web.get(read_link(ANA, 1), {**PERSON, "user-agent": title})
    content: dict[str, list[dict[str, str]]] = freeze(CONTENT)
    content["posts"][0]["title"] = title
    linked.change("edition", {"id": linked.edition}, content=content)
    rows = list(csv.reader(io.StringIO(table(linked, tmp_path, "posts"))))
    assert any(title.strip() in cell for row in rows for cell in row)
    assert [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@", "\t"} and cell != "-"] == []


def test_the_owner_who_looks_at_the_own_link_is_no_reach_and_stands_apart(linked: Linked) -> None:
    """C15: the same browser as a click of minutes ago; an hour later nobody can tell."""
    with running(linked) as web:
        path = web.slug()
        linked.wait(minutes=3)
        web.get(path)
        linked.wait(hours=1)
        web.get(path, STRANGER, address="203.0.113.99")
    assert visited(linked) == [("probable", ["own"]), ("human", [])]
    found = counted(linked)
    assert (people(found), found.insiders[Audience.OWN], found.insiders[Audience.COLLEAGUE]) == (1, 1, 0)


def test_a_colleague_in_the_company_s_network_is_no_reach_and_stands_apart(linked: Linked) -> None:
    """C15: an employee's own look from there stays the own one; no address is stored."""
    networks = (ip_network("203.0.113.0/24"), ip_network("2001:db8:77::/48"))
    with running(linked, company_networks=networks) as web:
        path = web.slug(address=OFFICE)
        linked.wait(minutes=3)
        for address, headers in (
            (OFFICE, PERSON),
            (OFFICE, STRANGER),
            ("2001:db8:77::9", STRANGER),
            ("198.51.100.77", STRANGER),
            (OFFICE, SCANNER | {"user-agent": ""}),
        ):
            web.get(path, headers, address=address)
    assert visited(linked) == [
        ("probable", ["own"]),
        ("probable", ["colleague"]),
        ("probable", ["colleague"]),
        ("human", []),
        ("machine", ["empty_ua"]),
    ]
    found = counted(linked)
    assert (people(found), found.insiders[Audience.OWN], found.insiders[Audience.COLLEAGUE]) == (1, 1, 2)
    assert "203.0.113" not in repr(linked.visits())


@pytest.mark.parametrize("address", ["203.0.113.9", "20.50.60.70"])
def test_a_scanner_that_follows_a_redirect_to_the_short_link_in_it_is_no_reach(linked: Linked, address: str) -> None:
    """C17: by its own browser or through another address; a person's visits count from the moment a person had the link."""
    paths = widen(linked)
    with running(linked) as web:
        for path in paths:
            web.get(path, SCANNER, address="203.0.113.9")
            linked.wait(seconds=0.5)
        for row in linked.short_links():
            web.get(f"/l/{row['slug']}", SCANNER, address=address)
    assert {verdict for verdict, _ in visited(linked)} == {"machine"}
    assert people(counted(linked)) == 0
    before = len(linked.visits())
    with running(linked) as web:
        linked.wait(hours=2)
        path = web.slug()
        linked.wait(hours=2)
        web.get(path, STRANGER, address="198.51.100.77")
    assert visited(linked)[before:] == [("human", [])]


def test_a_person_s_own_look_amid_a_scan_of_the_message_is_the_scanner_s_only_if_the_browser_is(linked: Linked) -> None:
    """C17: the window of a scan takes the visits of the browsers that pressed the message, and of nobody else."""
    with running(linked) as web:
        path = web.slug()
        linked.wait(minutes=5)
        for n in (1, 2, 3):
            web.get(read_link(ANA, n), SCANNER, address="203.0.113.9")
        for letter in "01":
            web.get(share_link(ANA, 2, letter), SCANNER, address="203.0.113.9")
        web.get(path, SCANNER, address="203.0.113.9")
        web.get(path, STRANGER, address="198.51.100.77")
    assert visited(linked) == [("machine", ["burst"]), ("human", [])]
