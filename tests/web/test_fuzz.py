"""Whatever is sent to the application, it answers: never an error of ours, never a place that was not stored, never a stranger's token.

`DIGEST_FUZZ=50000` asks for that many requests, new ones each time; without it the same few hundred are made on every run.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asgi import Asked, Client
from tests.linked import ANA, BEN, GROUP, PERSON, Linked, share_link
from tests.signed import OPEN
from tests.web.fuzzing import Log, World, asked, check_answer, claimed, counts, may_change, sent, world

EXAMPLES = int(os.environ.get("DIGEST_FUZZ", "0"))
FUZZ = settings(
    max_examples=EXAMPLES or 300,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
HEADERS = tuple((name.encode(), value.encode()) for name, value in PERSON.items())


@pytest.fixture
def client(linked: Linked) -> Iterator[Client]:
    with Client(linked, trusted_proxies=("192.0.2.7", "unix"), **OPEN) as client:
        yield client


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def around(linked: Linked, client: Client) -> World:
    """The small edition with three short links, and every route there is."""
    for text in (ANA, BEN, GROUP):
        assert client(Asked(path=share_link(text, 1, "2"), headers=HEADERS)).status == 302
    routes = [route.path.replace("{", "").replace("}", "").replace(":path", "") for route in client.routes()]
    check = re.search(rb'name="check" value="(\w+)"', client(Asked(path=linked.leave_link())).body)
    assert check is not None
    slug = linked.short_links()[0]["slug"]
    click_id = client(Asked(path=f"/l/{slug}", headers=HEADERS)).one("location").partition("ac_id=")[2][:16]
    return world(linked, [row["slug"] for row in linked.short_links()], routes, check[1].decode(), click_id)


@pytest.mark.parametrize("kind", [asked, sent, claimed])
def test_no_request_finds_a_crack(linked: Linked, client: Client, around: World, log: Log, kind: Callable[[World], st.SearchStrategy[Asked]]) -> None:
    rows = counts(linked)

    @FUZZ
    @given(kind(around))
    def run(request: Asked) -> None:
        answer = client(request)
        check_answer(request, answer, around)
        assert log.said == []
        now = counts(linked)
        changed = {name for name in now if now[name] != rows[name]}
        rows.update(now)
        assert changed <= may_change(request, around)

    run()
