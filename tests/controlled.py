"""The small edition of `tests.linked` with its control links, and an author who can be written to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from starlette.testclient import TestClient

from digest.db.keys import signing_keys
from digest.db.schema import notice, post
from digest.db.session import read, write
from digest.domain.frozen import freeze
from digest.domain.link import control_hash, control_token, number
from tests.linked import CONTENT, OURS, Linked

SLOWLY = {"seconds": 5}  # what a person takes to read a page


def controls(linked: Linked) -> dict[str, str]:
    """Name -> control token of their letter. Ben wrote the first post, and is named."""
    with read(linked.engine) as connection:
        secret = next(iter(signing_keys(connection, "control").values()))
    made = {name: control_token(secret, CONTENT.period, person) for name, person in linked.people.items()}
    for name, token in made.items():
        linked.change("message", {"employee_id": linked.people[name]}, control_hash=control_hash(token))
    first, *rest = CONTENT.posts
    content = replace(CONTENT, posts=(replace(first, author="Ben", author_id=linked.people["ben"]), *rest))
    linked.change("edition", {"id": linked.edition}, content=freeze(content))
    with write(linked.engine) as connection:
        connection.execute(post.update().where(post.c.id == first.id).values(author_id=linked.people["ben"]))
    return made


def path(room: str, token: str, n: int) -> str:
    """A link of a letter: ("v", token, 2) -> /v/<token>/<n>."""
    return f"/{room}/{token}/{number(n)}"


def forms(page: str) -> dict[str, dict[str, str]]:
    """Action -> the hidden fields of its form."""
    found = re.findall(r'name="action" value="(\w+)"><input type="hidden" name="check" value="(\w+)"', page)
    return {action: {"action": action, "check": check} for action, check in found}


def press(linked: Linked, web: TestClient, where: str, action: str, *, slowly: bool = True, headers: dict[str, str] = OURS, **fields: str) -> Any:
    """Open a page, wait as people do, and send its form."""
    page = web.get(where)
    assert page.status_code == 200, page.text
    if slowly:
        linked.wait(**SLOWLY)
    return web.post(where, data=forms(page.text)[action] | fields, headers=headers)


def notices(linked: Linked) -> list[Any]:
    """Every notice, oldest first."""
    with read(linked.engine) as connection:
        return list(connection.execute(select(notice).order_by(notice.c.id)).all())
