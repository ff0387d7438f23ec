"""Share links and the share page under attack and fault: servers, templates, referrers, country databases."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db.schema import employee
from digest.db.session import read
from digest.domain.frozen import freeze
from digest.errors import FileProblemsError
from digest.files.networks import load_networks
from digest.pipeline import networks
from digest.web.serving import application
from tests.conftest import NOW
from tests.linked import ANA, CONTENT, GROUP, OURS, PERSON, PHONE, SITE, Linked, share_link
from tests.mmdb import write_mmdb

PAGE, MASTODON = share_link(ANA, 1), share_link(ANA, 1, "6")
REFUSED = [
    "evil.com/share?x=", "a@b", "a@mastodon.social", "127.0.0.1", "[::1]", "::1", "localhost", "xn--", "xn--mstodon-1za.example", "a" * 300,
    "http://", "https://mastodon.social", "//mastodon.social", "mastodon.social:8443", "mastodon.social.", ".mastodon.social", "mastodon..social",
    "mastodon", "2130706433", "0x7f.1", "1.0x1", "127.1", "mästodon.social", "mastodon。social", "-a.example", "a-.example", "a_b.example",
    "mastodon.social#", "mastodon.social?x", "mastodon.social\\evil", "mastodon.social%2f", "a.localhost", "printer.local", "db.internal",
    "mastodon.social evil.example", "mastodon.social\r\nX: y", "a.b" * 90,
]  # fmt: skip


def kept(linked: Linked, name: str = "Ana") -> str:
    """The server that is kept for somebody."""
    with read(linked.engine) as connection:
        return str(connection.execute(select(employee.c.mastodon).where(employee.c.name == name)).scalar_one())


def host(location: str) -> str:
    return str(urlsplit(location).hostname)


@pytest.mark.parametrize("server", REFUSED)
def test_what_is_no_plain_name_of_a_server_is_refused_in_words(linked: Linked, web: TestClient, server: str) -> None:
    """B7: paths, users, addresses, local names, look-alikes and ports are told; nothing is kept, nothing redirects, words stay."""
    for button in ({}, {"copy": "1"}, {"remember": "1"}):
        answer = web.post(PAGE, data={"network": "6", "words": "Mine.", "server": server, **button}, headers=OURS)
        assert answer.status_code == 422
        assert "That is not the name of a server." in answer.text
        assert ">Mine.</textarea>" in answer.text
    assert kept(linked) == ""
    assert linked.clicks() == []


def test_a_remembered_server_opens_with_one_press_and_can_be_changed_and_forgotten(linked: Linked, web: TestClient) -> None:
    """B7: a plain name is kept for the person, used by the one-click link, and gone when the field is emptied."""
    assert host(web.get(MASTODON).headers["location"]) == "share.joinmastodon.org"
    answer = web.post(PAGE, data={"network": "6", "words": "Mine.", "server": " Fosstodon.ORG "}, headers=OURS)
    assert answer.headers["location"].startswith("https://fosstodon.org/share?text=Mine.%0AI%20work")
    assert kept(linked) == "fosstodon.org"
    assert web.get(MASTODON).headers["location"].startswith("https://fosstodon.org/share?text=")
    assert 'name="server" value="fosstodon.org"' in web.get(PAGE).text
    assert "Saved." in web.post(PAGE, data={"server": "mastodon.example", "remember": "1"}, headers=OURS).text
    assert host(web.get(MASTODON).headers["location"]) == "mastodon.example"
    assert "Forgotten." in web.post(PAGE, data={"server": "", "remember": "1", "words": "Mine."}, headers=OURS).text
    assert kept(linked) == ""
    assert host(web.get(MASTODON).headers["location"]) == "share.joinmastodon.org"


def test_no_get_keeps_a_server(linked: Linked, web: TestClient) -> None:
    """B7: an address with everything in it that a form would send changes nothing."""
    for path in (PAGE, MASTODON):
        web.get(f"{path}?network=6&server=evil.example&remember=1")
        web.head(f"{path}?server=evil.example")
    assert kept(linked) == ""


@pytest.mark.parametrize("case", ["group", "not measured", "aggregate", "opt-in", "off"])
def test_a_server_is_used_and_not_kept_where_nobody_is_known(linked: Linked, case: str) -> None:
    """B7: in a group's link, and for people who are not measured, it serves this once."""
    cases: dict[str, dict[str, Any]] = {"aggregate": {"tracking": "aggregate"}, "opt-in": {"opt_in": True}, "off": {"tracking": "off"}}
    linked.change("employee", {"name": "Ana"}, mastodon="before.example", measured=False if case == "not measured" else None)
    page = share_link(GROUP, 1) if case == "group" else PAGE
    with linked.client(**cases.get(case, {})) as web:
        shown = web.get(page).text
        answer = web.post(page, data={"network": "6", "words": "", "server": "mastodon.example"}, headers=OURS)
        web.post(page, data={"server": "mastodon.example", "remember": "1"}, headers=OURS)
        once = web.get(page[:-1] + "6").headers["location"]
    assert "before.example" not in shown
    assert "We do not keep it." in shown
    assert 'name="remember"' not in shown
    assert host(answer.headers["location"]) == "mastodon.example"
    assert host(once) == "share.joinmastodon.org"
    assert kept(linked) == "before.example"


def test_nobody_else_s_server_is_touched(linked: Linked, web: TestClient) -> None:
    """B7: Ana's link keeps Ana's server alone."""
    web.post(PAGE, data={"server": "mastodon.example", "remember": "1"}, headers=OURS)
    assert (kept(linked), kept(linked, "Ben")) == ("mastodon.example", "")


def own(folder: Path, text: str) -> Config:
    """A configuration with a networks file of one's own."""
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return Config.model_validate({"sharing": {"networks_file": "own.toml"}}).model_copy(update={"home": folder})


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://evil.example/?u={link}", "starts with https://x.com/"),
        ("https://x.com/intent/tweet?text=hello", "{link}, {text} or {body}"),
        ("https://x.com/intent/tweet?u={link}&k={DIGEST_SMTP_PASSWORD}", "no other braces"),
        ("https://x.com/intent/tweet?u={link}&k={config.smtp.password}", "no other braces"),
        ("https://x.com/intent/tweet?u={link}&k={{ secret }}", "no other braces"),
        ("javascript:alert({link})", "starts with https://x.com/"),
    ],
)
def test_an_edited_template_that_leads_elsewhere_or_asks_for_secrets_is_an_error(tmp_path: Path, address: str, allowed: str) -> None:
    """B9: another host, no link, a reference to anything else: named with file, row, what was found and what is allowed."""
    config = own(tmp_path, f'[[network]]\nname = "x"\ndesktop = "{address}"\n')
    with pytest.raises(FileProblemsError) as caught:
        networks.known(config)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'own.toml'}: [[network]] 1 (x): desktop: found ")
    assert address in problem
    assert allowed in problem


def test_a_broken_row_leaves_that_network_as_it_was_and_hides_no_other(engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """B9, I12: links in sent letters go on; the problem is told; the good row of the same file works."""
    rows = '[[network]]\nname = "x"\ndesktop = "https://evil.example/?u={link}"\n'
    rows += '[[network]]\nname = "threads"\nhost = "www.threads.example"\ndesktop = "https://www.threads.example/new?t={text}"\n'
    linked = Linked(engine)
    with caplog.at_level(logging.WARNING):
        found = networks.usable(own(tmp_path, rows))
    with linked.client(networks=found) as web:
        assert web.get(share_link(ANA, 1, "2")).headers["location"].startswith("https://x.com/intent/tweet?text=")
        assert web.get(share_link(ANA, 1, "4")).headers["location"].startswith("https://www.threads.example/new?t=")
    assert "evil.example" in caplog.text
    assert "stays as it was" in caplog.text


def test_a_network_of_ones_own_is_offered_and_opens(engine: Engine, tmp_path: Path) -> None:
    """B9: a good row needs no upgrade."""
    row = '[[network]]\nname = "square"\nlabel = "The Square"\nletter = "z"\nhost = "square.example.com"\n'
    found = networks.known(own(tmp_path, row + 'desktop = "https://square.example.com/new?t={caption}&u={link}"\n'))
    linked = Linked(engine)
    with linked.client(networks=found) as web:
        answer = web.get(share_link(ANA, 1, "z"))
    assert parse_qs(urlsplit(answer.headers["location"]).query)["u"][0].startswith(f"{SITE}/l/")
    assert [click["network"] for click in linked.clicks()] == ["square"]


def test_no_page_and_no_redirect_tells_a_network_where_it_came_from(linked: Linked, web: TestClient) -> None:
    """A14: pages that hold a token say no-referrer in the header and in the page, links to a network say noreferrer, and so does every redirect."""
    pages = [web.get(PAGE), web.get(share_link(ANA, 1, "3")), web.get(share_link(ANA, 1, "8")), web.get(linked.leave_link())]
    pages.append(web.post(PAGE, data={"network": "1", "words": "x", "copy": "1"}, headers=OURS))
    assert all('rel="noreferrer noopener">Open ' in page.text for page in (pages[1], pages[-1]))
    for page in pages:
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        assert '<meta name="referrer" content="no-referrer">' in page.text
    for answer in (web.get(share_link(ANA, 1, "2")), web.post(PAGE, data={"network": "2", "words": "x"}, headers=OURS), web.get(f"/r/{ANA}/01")):
        assert answer.status_code in {302, 303}
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert ANA not in answer.headers["location"]


@pytest.mark.parametrize("network", [network.name for network in load_networks()])
def test_no_network_ever_sees_a_token(linked: Linked, web: TestClient, network: str) -> None:
    """A14: what a network gets is the short link and the words."""
    letter = next(found.letter for found in load_networks() if found.name == network)
    for agent in (PERSON["user-agent"], PHONE):
        answer = web.get(share_link(ANA, 1, letter), headers={"user-agent": agent})
        assert ANA not in answer.headers.get("location", "")
        assert ANA not in answer.text
        answer = web.get(share_link(ANA, 3, letter), headers={"user-agent": agent})
        assert answer.status_code == 403  # an internal post has no share link, not among colleagues either
    assert {click["n"] for click in linked.clicks()} == {1}


def countries(linked: Linked, config: Config) -> list[str]:
    """The countries of two visits, from a browser in Germany and one nobody knows."""
    app = application(linked.engine, config, lambda: linked.now)
    for address in ("192.0.2.7", "203.0.113.9"):
        with TestClient(app, base_url=SITE, follow_redirects=False, client=(address, 50000)) as web:
            web.headers = PERSON
            web.get(share_link(GROUP, 1, "2"))
            app.settle()
            assert web.get(f"/l/{linked.short_links()[0]['slug']}").status_code == 302
    return [visit["country"] for visit in linked.visits()]


@pytest.mark.parametrize(
    ("state", "told", "found"),
    [
        ("good", "", ["DE", ""]),
        ("none", "", ["", ""]),
        ("missing", "there is no such file", ["", ""]),
        ("truncated", "only a part of one", ["", ""]),
        ("two years old", "built on 2024-11-24", ["DE", ""]),
    ],
)
def test_a_country_database_in_any_state_stops_nothing(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, state: str, told: str, found: list[str]
) -> None:
    """I9: missing, truncated, or two years old: a warning at the start, visits without a country at worst, no crash."""
    file = write_mmdb(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}}, NOW - timedelta(days=730 if "old" in state else 9))
    if state == "missing":
        file.unlink()
    elif state == "truncated":
        file.write_bytes(file.read_bytes()[:-40])
    tables = {"site": {"url": SITE}, "tracking": {"country_database": "" if state == "none" else "c.mmdb"}}
    config = Config.model_validate(tables).model_copy(update={"home": tmp_path})
    with caplog.at_level(logging.WARNING):
        assert countries(Linked(engine), config) == found
    warnings = [record.getMessage() for record in caplog.records if "country_database" in record.getMessage()]
    assert len(warnings) == bool(told)
    assert all(told in warning and str(file) in warning for warning in warnings)


def test_networks_for_colleagues_stand_apart_and_stay_outside_the_wall(engine: Engine) -> None:
    """B9: Teams, Slack and Viva Engage are offered among colleagues; an internal post is not shared there either."""
    linked = Linked(engine)
    known = {network.name: network for network in load_networks()}
    content = replace(CONTENT, networks=tuple((known[n].letter, n, known[n].label) for n in ("teams", "x", "slack", "engage")))
    linked.change("edition", {"id": linked.edition}, content=freeze(content))
    with linked.client() as web:
        text = web.get(PAGE).text
        assert text.index("> X<") < text.index("Among colleagues") < text.index("> Teams<") < text.index("> Slack<") < text.index("> Viva Engage<")
        teams = web.get(share_link(ANA, 1, "a")).headers["location"]
        assert teams.startswith("https://teams.microsoft.com/share?href=https%3A%2F%2Fletter.example.com%2Fl%2F")
        assert web.get(share_link(ANA, 1, "j")).headers["location"].startswith("https://www.yammer.com/messages/new?login=true&status=")
        assert "Copy, then open Slack yourself" in web.get(share_link(ANA, 1, "b")).text
        assert web.get(share_link(ANA, 3, "a")).status_code == 403
