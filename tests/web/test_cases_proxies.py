"""Behind real web servers with the example files: whose address is seen, what may not be kept, what stays inside."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.db.schema import day_salt
from digest.db.session import open_database, read
from digest.domain.press import source_hash
from digest.web.signals import Proxies
from tests import proxies
from tests.faults import pressing
from tests.linked import ANA, BEN, BROWSER, PERSON, PHONE, SITE, Linked, a_token, read_link, share_link
from tests.proxies import Proxy

ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"
CLAIMS = {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.1", "X-Real-IP": "198.51.100.1", "CF-Connecting-IP": "198.51.100.1"}


@dataclass(frozen=True, kw_only=True)
class Behind:
    """The real server with its pages."""

    home: Path
    port: int
    engine: Engine
    linked: Linked

    def came_from(self, address: str, agent: str = BROWSER) -> bool:
        """Whether the last click was recorded for that address."""
        self.linked.settled(self.home)
        with read(self.engine) as connection:
            salts = connection.execute(select(day_salt.c.salt)).scalars().all()  # shortly before midnight the next day's is there too
        return self.linked.clicks()[-1]["source"] in {source_hash(bytes(salt), address, agent) for salt in salts}


@pytest.fixture(scope="module")
def behind(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    home = tmp_path_factory.mktemp("behind")
    (home / "digest.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{home}/digest.db"
    engine, port = open_database(url), pressing.port()
    linked = Linked(engine)
    pressing.configure(home, url, port, 'trusted_proxies = ["127.0.0.1"]\nmetrics = ["127.0.0.0/8"]\n')
    text = (home / "config.toml").read_text(encoding="utf-8").replace(f"http://127.0.0.1:{port}", SITE)
    (home / "config.toml").write_text(text, encoding="utf-8")
    with pressing.serving(home, port):
        yield Behind(home=home, port=port, engine=engine, linked=linked)
    engine.dispose()


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, behind: Behind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxies.running(request.param, tmp_path_factory.mktemp(request.param), pressing.port(), behind.port) as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: str


def get(port: int, path: str, *, source: str = "127.0.0.9", method: str = "GET", body: str | None = None, **headers: str) -> Got:
    """One request from a loopback address of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    try:
        connection.request(method, path, body=body, headers={**PERSON, **{name.replace("_", "-"): value for name, value in headers.items()}})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.headers.items()}
        try:
            said = answer.read()
        except http.client.IncompleteRead as error:  # it hung up on a body that is too big
            said = error.partial
        return Got(status=answer.status, headers=found, body=said.decode("utf-8", "replace"))
    finally:
        connection.close()


def test_through_the_example_the_visitor_s_own_address_is_recorded_whatever_it_claims(behind: Behind, proxy: Proxy) -> None:
    """F1, F2: the web server's word counts, the visitor's does not."""
    for headers in ({}, CLAIMS):
        answer = get(proxy.port, read_link(ANA, 1), **headers)
        assert (answer.status, answer.headers["location"]) == (302, ARTICLE)
        assert behind.came_from("127.0.0.9")


def test_what_a_stranger_claims_is_ignored_without_a_web_server(behind: Behind) -> None:
    """F1: the peer is nobody's proxy, so its own address is taken."""
    get(behind.port, read_link(ANA, 1), source="127.0.0.7", **CLAIMS)
    assert behind.came_from("127.0.0.7")


def test_the_headers_of_an_answer_survive_the_way(proxy: Proxy) -> None:
    """F5, B12: nothing may be kept, indexed or told on."""
    for path, cache in (
        (read_link(ANA, 1), "no-store"),
        (share_link(ANA, 1, "2"), "no-store"),
        ("/r/short", "no-store"),
        (f"/s/{ANA}/010", "no-store"),
    ):
        headers = get(proxy.port, path).headers
        assert (headers["cache-control"], headers["x-robots-tag"], headers["referrer-policy"]) == (cache, "noindex, nofollow", "no-referrer")
    assert "User-Agent" in get(proxy.port, share_link(ANA, 1, "2")).headers["vary"]
    assert "frame-ancestors" in get(proxy.port, share_link(ANA, 1)).headers["content-security-policy"]


def test_links_are_built_from_the_configuration_whatever_the_proxy_says(behind: Behind, proxy: Proxy) -> None:
    """F3: neither Host nor X-Forwarded-Proto or -Host makes an address."""
    for extra in ({}, {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "Forwarded": "proto=http;host=evil.example"}):
        for port in (behind.port, proxy.port):
            location = get(port, share_link(ANA, 1, "2"), **extra).headers["location"]
            assert "letter.example.com%2Fl%2F" in location
            assert "evil" not in location
    assert "evil" not in get(behind.port, share_link(ANA, 1), Host="evil.example").body


def test_figures_for_operators_do_not_leave_the_machine(behind: Behind, proxy: Proxy) -> None:
    """A15: neither through the web server, nor by claiming to be inside; from inside they are there."""
    for source in ("127.0.0.1", "127.0.0.9"):
        assert get(proxy.port, "/metrics", source=source).status == 404
        assert get(proxy.port, "/readyz", source=source).status == 404
    assert get(proxy.port, "/healthz").status == 200
    for claim in ({"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}):
        assert get(behind.port, "/metrics", source="127.0.0.1", **claim).status == 404
    told = get(behind.port, "/metrics", source="127.0.0.1")
    assert told.status == 200
    assert "digest_requests_total" in told.body


def test_a_link_pressed_twice_is_counted_twice_behind_a_web_server_that_caches(behind: Behind, tmp_path: Path) -> None:
    """F5: a shared cache that keeps redirects for a day keeps none of ours, and phones and desktops get their own."""

    def caching(example: str) -> str:
        zone = f"proxy_cache_path {tmp_path}/cache keys_zone=kept:1m;\n"
        on = 'proxy_cache kept;\n        proxy_cache_valid any 1d;\n        add_header X-Cache "$upstream_cache_status" always;'
        return zone + proxies.swap(example, ("proxy_cache off;", on))

    with proxies.running("nginx", tmp_path / "nginx", pressing.port(), behind.port, caching) as web:
        behind.linked.settled(behind.home)
        before = len(behind.linked.clicks())
        paths = [read_link(ANA, 1), share_link(ANA, 1, "1")]
        seen = [get(web.port, path, user_agent=agent) for path in paths for agent in (BROWSER, PHONE, BROWSER, PHONE)]
        assert [answer.headers["x-cache"] for answer in seen] == ["MISS"] * 8
        assert [answer.status for answer in seen] == [302] * 5 + [200, 302, 200]
        behind.linked.settled(behind.home)
        assert len(behind.linked.clicks()) == before + 8
        assert {get(web.port, path).headers["x-cache"] for path in ("/r/short", "/r/short", f"/r/{a_token(99)}/01")} == {"MISS"}


def test_the_web_server_s_logs_hold_no_token_also_when_we_are_away(tmp_path: Path, proxy: Proxy) -> None:
    """A15: not in its access log, and not in its errors."""
    with proxies.running(proxy.name, tmp_path / "away", pressing.port(), pressing.port()) as alone:
        for path in (read_link(ANA, 1), share_link(BEN, 1, "1"), f"/{ANA}", f"/s/{ANA}/010?q=secretquery"):
            assert get(alone.port, path, referer=f"https://evil.example/{BEN}").status == 502
            get(proxy.port, path, referer=f"https://evil.example/{BEN}")
        said = (alone.logs() + proxy.logs()).lower()
    for secret in (ANA, BEN, "secretquery", "evil.example", "127.0.0.9"):
        assert secret.lower() not in said, said[:2000]
    if proxy.name == "nginx":
        assert "get /r/... 302" in said


@pytest.mark.parametrize("body", ["x" * 200_000, "action=leave"])
def test_forms_pass_and_huge_ones_do_not(behind: Behind, proxy: Proxy, body: str) -> None:
    """F4: the web server ends what is too big before it reaches us."""
    answer = get(proxy.port, behind.linked.leave_link(), method="POST", body=body, content_type="application/x-www-form-urlencoded")
    assert answer.status == (413 if len(body) > 65536 else 403)


HOPS = Proxies(("10.0.0.0/8", "192.0.2.0/24", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.7, 192.0.2.4", "203.0.113.7"),  # two proxies of ours
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 192.0.2.4", "203.0.113.7"),  # what the visitor claimed stands further left
        ("2001:db8:1::5", "2001:db8:ffff::1, [2001:db8:1::9]:4711", "2001:db8:ffff::1"),
        ("10.0.0.1", "[2001:db8:ffff::1]:443", "2001:db8:ffff::1"),
        ("10.0.0.1", "203.0.113.7:65000", "203.0.113.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "_hidden, 192.0.2.4", "192.0.2.4"),
        ("10.0.0.1", ", , 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, ", "10.0.0.1"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "x" * 70_000, "10.0.0.1"),
        ("10.0.0.1", "999.1.1.1", "10.0.0.1"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),
    ],
)
def test_the_right_most_hop_that_is_not_ours_is_the_visitor(peer: str, forwarded: str, client: str) -> None:
    """F2: IPv6, ports, brackets and junk are read, or the last address that is sure is used."""
    assert HOPS.client(peer, forwarded) == client
