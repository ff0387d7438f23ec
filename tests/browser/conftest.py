"""One Chromium for the tests of a module, which reaches this machine only, and a small edition to press."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from digest.db.session import open_database
from tests.linked import Linked
from tests.needs import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        yield found
        found.close()


@pytest.fixture
def linked(sqlite_url: str) -> Iterator[Linked]:
    """A small edition whose clock is the real one."""
    engine = open_database(sqlite_url)
    yield Linked(engine)
    engine.dispose()
