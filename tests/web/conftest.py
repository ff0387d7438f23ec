"""The application over a small edition, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.linked import Linked


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client() as client:
        yield client
