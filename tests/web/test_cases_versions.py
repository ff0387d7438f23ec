"""Time passes under the links: old forms, two versions at once, a backup that comes back, a file that breaks, a clock that jumps."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from starlette.testclient import TestClient

from digest.config import Config
from digest.db.schema import employee, key, short_link, suppression, token
from digest.db.session import write
from digest.domain.link import parse_tail, read_unsubscribe
from digest.domain.slug import parse_slug
from digest.pipeline import tracking
from digest.web.app import make_app
from digest.web.known import Known
from digest.web.misses import Misses
from digest.web.serving import web_settings
from tests.conftest import NOW
from tests.linked import ANA, BEN, OURS, SITE, Linked, a_token, read_link, share_link

ARTICLE = "https://example.com/blog/cold-room?a=1&a=2#door"
OLD: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "old_links.toml").read_text(encoding="utf-8"))["link"]


def put_token(linked: Linked, name: str, **more: Any) -> None:
    row = {"edition_id": linked.edition, "employee_id": linked.people["ana"], "numbers": [1, 2], "created_at": NOW}
    with write(linked.engine) as connection:
        connection.execute(insert(token).values(token=name, **{**row, "expires_at": NOW + timedelta(days=400), **more}))


def put_slug(linked: Linked, name: str, network: str = "x") -> None:
    row = {"owner": f"group:{name}", "edition_id": linked.edition, "post_id": "cold-room", "network": network, "created_at": NOW}
    with write(linked.engine) as connection:
        connection.execute(insert(short_link).values(slug=name, **row))


@pytest.mark.parametrize("old", OLD, ids=lambda old: next(iter(old.values())) + " " + old["form"][:30])
def test_every_form_that_was_ever_mailed_still_leads_on(linked: Linked, web: TestClient, old: Mapping[str, str]) -> None:
    """I11: the fixture holds the links as they were; the code may change, they may not."""
    if "token" in old:
        put_token(linked, old["token"])
        assert web.get(old["read"]).headers["location"] == ARTICLE
        assert web.get(old["share"]).headers["location"].startswith("https://x.com/")
        assert "In your words" in web.get(old["page"]).text
        assert {click["token"] for click in linked.clicks()} == {old["token"]}
    elif "slug" in old:
        put_slug(linked, old["slug"])
        assert web.get(old["visit"]).headers["location"].startswith("https://example.com/blog/cold-room")
    else:
        with write(linked.engine) as connection:
            connection.execute(delete(key))
            connection.execute(insert(key).values(id=1, purpose="unsubscribe", secret=b"k" * 32, created_at=NOW))
            connection.execute(update(employee).where(employee.c.id == linked.people["ana"]).values(id=1))
        assert web.post(old["leave"], data={"List-Unsubscribe": "One-Click"}, headers={"user-agent": "x"}).status_code == 200
        assert [row["reason"] for row in linked._rows(suppression)] == ["unsubscribed"]


def test_the_old_forms_are_read_without_a_database() -> None:
    """I11: their parts are what they were."""
    for old in OLD:
        if "token" in old:
            found = parse_tail(old["share"][3:], network=True)
            assert found is not None
            assert (found.token, found.n, found.network) == (old["token"], 1, "2")
        elif "slug" in old:
            assert getattr(parse_slug(old["visit"][3:]), "slug", "") == old["slug"]
        else:
            assert read_unsubscribe(old["leave"][3:], {1: b"k" * 32}) == 1


def test_what_the_newer_of_two_versions_makes_resolves_on_the_older(linked: Linked) -> None:
    """I13: tokens and slugs are rows, nothing is remembered as unknown, and a network that one does not know still leads on."""
    with linked.client() as older, linked.client() as newer:
        fresh = a_token(4711)
        assert older.get(read_link(fresh, 1)).status_code == 404
        put_token(linked, fresh)
        assert older.get(read_link(fresh, 1)).headers["location"] == ARTICLE
        location = newer.get(share_link(fresh, 1, "2")).headers["location"]
        slug = location.rpartition("%2Fl%2F")[2]
        assert older.get(f"/l/{slug}").status_code == newer.get(f"/l/{slug}").status_code == 302
        assert older.get(share_link(fresh, 1, "2")).headers["location"] == location
        put_slug(linked, "4deq0tek23b5", network="network-of-tomorrow")
        assert "utm_source=network-of-tomorrow" in older.get("/l/4deq0tek23b5").headers["location"]
    assert len(linked.short_links()) == 2


def test_after_yesterday_s_backup_today_s_links_explain_themselves_and_unsubscribing_works(linked: Linked) -> None:
    """I14: the tokens of today are unknown, the signed link needs no row of its own."""
    leave = linked.leave_link("ben")
    with write(linked.engine) as connection:  # as it was yesterday: today's edition gave no token yet
        connection.execute(delete(token))
    with linked.client() as web:
        for path in (read_link(ANA, 1), share_link(BEN, 1), share_link(BEN, 1, "2")):
            page = web.get(path)
            assert page.status_code == 404
            assert "it may be from a letter that we no longer know" in page.text
        form = {"action": "leave", "check": web.get(leave).text.partition('name="check" value="')[2].partition('"')[0]}
        assert web.post(leave, data=form, headers=OURS).status_code == 200
    assert [row["reason"] for row in linked._rows(suppression)] == ["unsubscribed"]
    assert linked.clicks() == []


BROKEN = """
[[network]]
name = "linkedin"
label = "LinkedIn"
letter = "1"
host = "www.linkedin.com"
desktop = "https://evil.example/?text={text}"

[[network]]
name = "bluesky"
label = "Bluesky"
letter = "5"
host = "bsky.app"
desktop = "https://bsky.app/intent/compose?text={text}&by=us"
"""


@pytest.mark.parametrize("content", [BROKEN, "not toml at all [", ""])
def test_a_broken_networks_file_hides_no_network_and_is_told(linked: Linked, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str) -> None:
    """I12: what cannot be used stays as it was; mailed links to every network still work."""
    (tmp_path / "networks.toml").write_text(content, encoding="utf-8")
    plain = {"site": {"url": SITE}, "sharing": {"networks_file": "networks.toml"}}
    config = Config.model_validate(plain).model_copy(update={"home": tmp_path})
    with caplog.at_level(logging.WARNING):
        settings = web_settings(config, NOW)
    assert bool(caplog.text) == bool(content)
    app = make_app(linked.engine, settings, lambda: linked.now)
    with TestClient(app, base_url=SITE, follow_redirects=False) as web:
        assert "linkedin.com" in web.get(share_link(ANA, 1, "1")).headers["location"]
        (tmp_path / "networks.toml").write_text("still not toml [", encoding="utf-8")
        assert "bsky.app/intent/compose" in web.get(share_link(ANA, 1, "5")).headers["location"]
        assert ("by=us" in web.get(share_link(ANA, 1, "5")).headers["location"]) == (content == BROKEN)
        assert "x.com" in web.get(share_link(ANA, 1, "2")).headers["location"]
    assert tracking.tracking_settings(Config()).networks


@pytest.mark.parametrize("hours", [-1, 1, -30])
def test_a_clock_that_jumps_leaves_events_in_their_order_and_locks_nobody_out(linked: Linked, web: TestClient, hours: int) -> None:
    """I10: ids tell the order, no age is used against anybody, and the next day's salt is one."""
    web.get(read_link(ANA, 1))
    linked.wait(hours=hours)
    for _ in range(3):
        assert web.get(read_link(ANA, 2)).status_code == 302
    linked.wait(hours=-hours, minutes=1)
    assert web.get(read_link(ANA, 1)).status_code == 302
    clicks = linked.clicks()
    assert [click["n"] for click in clicks] == [1, 2, 2, 2, 1]
    assert len({click["event"] for click in clicks}) == 5
    assert {click["class"] for click in clicks} <= {"human", "probable"}
    assert not any(reason in {"instant", "stale"} for click in clicks if click["at"] < NOW for reason in click["reasons"])


def test_what_the_server_remembers_is_bounded(linked: Linked) -> None:
    """I7: every table in memory has a limit, whatever a storm brings."""
    from digest.pipeline.memory import Bounded
    from digest.pipeline.seen import Seen
    from digest.web import signals

    seen = Seen(most=100)
    tables = {name: table for name, table in vars(seen).items() if isinstance(table, Bounded)}
    assert len(tables) == len(vars(seen)) - 1  # the other is what an edition's posts were read into last
    for name, bounded in tables.items():
        for n in range(1000):
            bounded.put({n: n})
        assert len(bounded) <= 100, name
    assert signals._agent.cache_info().maxsize == signals._inside.cache_info().maxsize == 1024
    misses = Misses()
    for n in range(30_000):
        misses.note(f"198.51.{n // 250}.{n % 250}")
    assert len(misses) == 10_000
    known = Known(linked.engine, lambda: NOW)
    known.look()
    known.stop()
    assert known._filter is not None
    assert len(known._filter._octets) <= 8192
