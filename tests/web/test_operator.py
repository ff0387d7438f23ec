"""What machines of the operator read: health, readiness, and figures in Prometheus's format without anything personal in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient

from digest.db.session import write
from digest.files.spool import Spool
from digest.web.app import make_app
from digest.web.metrics import Histogram, counter, exposed, family, gauge, histogram
from tests.linked import ANA, BROWSER_TOKEN, PERSON, Linked, read_link, share_link

READER = ("192.0.2.7",)
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|\+Inf|NaN)")
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.*)")


def parsed(said: str) -> dict[str, float]:
    """Name and labels -> value, every line by the grammar: HELP, TYPE, then the samples of that metric only."""
    found: dict[str, float] = {}
    current = kind = ""
    seen: set[str] = set()
    assert said.endswith("\n")
    for line in said.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            if head[1] == "HELP":
                assert head[2] not in seen, f"{head[2]} stands twice"
                seen.add(current := head[2])
            else:
                assert head[2] == current
                kind = head[3]
                assert kind in {"counter", "gauge", "histogram"}
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        assert sample[1] in {f"{current}{end}" for end in ends}, line
        assert kind != "counter" or sample[1].endswith("_total"), line
        key = line.rpartition(" ")[0]
        assert key not in found, line
        found[key] = float(sample[3])
    return found


def test_the_figures_follow_the_format_and_count_what_happened(linked: Linked) -> None:
    with linked.client(metrics=READER) as web:
        for _ in range(3):
            web.get(read_link(ANA, 1))
        web.get(share_link(ANA, 1, "2"))
        web.get(f"/l/{linked.short_links()[0]['slug']}", headers={"user-agent": "LinkedInBot/1.0"})
        web.get("/r/short")
        web.get("/nowhere/at/all")
        web.post(read_link(ANA, 1), headers={"sec-fetch-site": "same-origin"})
        answer = web.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    found = parsed(answer.text)
    assert found['digest_requests_total{family="r",status="3xx"}'] == 3
    assert found['digest_requests_total{family="r",status="4xx"}'] == 2
    assert found['digest_requests_total{family="other",status="4xx"}'] == 1
    assert found['digest_presses_total{kind="read",class="human"}'] == 3
    assert found['digest_presses_total{kind="visit",class="preview"}'] == 1
    assert found['digest_misses_total{kind="damaged"}'] == 1
    assert found["digest_commit_presses_sum"] == 5
    assert found["digest_commit_seconds_count"] == found["digest_commit_presses_count"] == found['digest_commit_seconds_bucket{le="+Inf"}']
    assert found['digest_edition_messages{edition="2026-W48",state="sent"}'] == 2
    assert found['digest_edition_paused{edition="2026-W48"}'] == 0
    assert found["digest_database_up"] == 1
    assert found["digest_queue_length"] == 0


def test_no_label_holds_a_token_an_address_or_a_path(linked: Linked) -> None:
    """A15: whatever is asked for, the labels are few and ours."""
    with linked.client(metrics=READER) as web:
        for path in (read_link(ANA, 1), f"/w/{BROWSER_TOKEN}", f"/{ANA}", f"/{ANA}/x", linked.leave_link(), "/ana@example.com", "/192.0.2.7/r"):
            web.get(path, headers=PERSON)
        said = web.get("/metrics").text
    for secret in (ANA, BROWSER_TOKEN, "ana@example.com", "192.0.2.7", linked.leave_link()[3:]):
        assert secret not in said
    assert {match[1] for match in re.finditer(r'family="([^"]*)"', said)} <= {"r", "w", "u", "other", "metrics"}


@given(st.text())
def test_a_family_is_one_of_ours_or_other(path: str) -> None:
    assert family(path) in {"other", path[1:].partition("/")[0].lower()}
    assert len(family(path)) <= len("disown") + 1, "nothing of what a stranger typed is kept"


def test_every_page_of_ours_has_a_family_of_its_own(linked: Linked) -> None:
    app = make_app(linked.engine, linked.settings(), lambda: linked.now)
    pages = {str(route.path).split("/")[1] for route in app._inner.app.routes}  # type: ignore[attr-defined]  # all that Starlette serves
    assert len(pages) > 15
    assert {name for name in pages if family(f"/{name}/x") == "other"} == {"robots.txt"}


@given(st.lists(st.floats(0, 1e6)), st.lists(st.floats(0, 1e6, exclude_min=True), min_size=1, unique=True).map(sorted))
def test_each_bucket_holds_what_is_not_above_its_bound(values: list[float], bounds: list[float]) -> None:
    found = Histogram(bounds)
    for value in values:
        found.observe(value)
    buckets = [(labels["le"], count) for name, labels, count in found.samples("x") if name == "x_bucket"]
    assert [count for _, count in buckets] == [*(sum(value <= bound for value in values) for bound in bounds), len(values)]
    assert buckets[-1][0] == "+Inf"


@given(st.text(alphabet='ab"\\\n{}, ='))
def test_any_label_is_escaped(value: str) -> None:
    said = exposed([counter("x_total", "What\nit is.", {(value,): 1}, "label"), gauge("y", "", {(): 0.1}), histogram("z", "", Histogram([1]))])
    [line] = [line for line in said.split("\n") if line.startswith("x_total")]
    sample = SAMPLE.fullmatch(line)
    assert sample
    inside = sample[2].partition('="')[2][:-1]
    assert re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), inside) == value


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("192.0.2.7", {}, 200),
        ("192.0.2.8", {}, 404),
        ("10.0.0.1", {"x-forwarded-for": "192.0.2.7"}, 200),
        ("10.0.0.1", {}, 404),
        ("10.0.0.1", {"x-forwarded-for": "192.0.2.8"}, 404),
        ("192.0.2.8", {"x-forwarded-for": "192.0.2.7"}, 404),
        ("192.0.2.7", {"x-forwarded-for": "203.0.113.1"}, 404),
        ("192.0.2.7", {"via": "1.1 somebody"}, 404),
        ("192.0.2.7", {"forwarded": "for=192.0.2.7"}, 404),
    ],
)
def test_only_readers_see_them_and_others_see_no_page(linked: Linked, peer: str, headers: dict[str, str], status: int) -> None:
    """A15: through a web server that nobody named, nobody is a reader."""
    with linked.client(address=peer, metrics=READER, trusted_proxies=("10.0.0.0/8",)) as web:
        answer = web.get("/metrics", headers=headers)
        assert answer.status_code == status
        if status == 404:
            assert answer.content == web.get("/nowhere").content


def test_without_readers_nobody_sees_them(web: TestClient) -> None:
    assert web.get("/metrics").status_code == 404


def test_it_is_ready_with_its_tables_its_writer_and_room_on_disk(linked: Linked, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with linked.client(spool=spool.path, spool_octets=600) as web:
        assert web.get("/readyz").json() == {"ready": True, "migrations": "ok", "committer": "ok", "spool": "ok"}
        spool.append([{"what": "nothing", "row": "x" * 700}])
        full = web.get("/readyz")
        assert (full.status_code, full.json()["spool"], full.json()["ready"]) == (503, "full", False)


def test_it_is_not_ready_with_the_tables_of_another_version(linked: Linked) -> None:
    with write(linked.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    with linked.client() as web:
        answer = web.get("/readyz")
        assert (answer.status_code, answer.json()["migrations"]) == (503, "the database is not up to date")
        assert web.get("/healthz").status_code == 200


def test_health_and_readiness_take_no_token_and_are_not_kept(web: TestClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert web.get(path).headers["cache-control"] == "no-store"
        assert web.head(path).status_code == 200
        assert web.post(path, headers={"sec-fetch-site": "same-origin"}).status_code == 405
