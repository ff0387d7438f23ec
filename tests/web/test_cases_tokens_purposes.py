"""Each kind of link opens its own door and no other: every route of the application against every token we give out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.db.schema import metadata
from digest.db.session import read
from digest.web.app import App, make_app
from digest.web.links import _KINDS
from tests.controlled import controls
from tests.linked import ANA, BEN, BROWSER_TOKEN, GROUP, OURS, Linked, read_link, share_link

# Which token opens which family. A family that is not named here must refuse every token, so a new one is noticed at once.
OWN = {
    "/r/": "share",
    "/s/": "share",
    "/l/": "slug",
    "/w/": "edition",
    "/u/": "unsubscribe",
    "/me/": "control",
    "/give/": "control",
    "/v/": "control",
    "/a/": "control",
    "/pass/": "control",
}
POST_OF = {"/pass/": "03", "/v/": "02"}  # only what is inside is passed on, and only what no colleague wrote is asked about
_HOLE = re.compile(r"\{[^}]*\}")
TAILS = ("", "/01", "/010", "/012", "/", "/01/leave", "/export", "/erase", "/history", "/undo")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
EVENTS = {"click", "visit", "day_salt"}


def templates(app: App) -> set[str]:
    """The path of every route that has a hole for a token, click path included."""
    routes = [route.path for route in app._inner.app.routes]  # type: ignore[attr-defined]  # ExceptionMiddleware(Router)
    return {path for path in routes if "{" in path} | {family + "{token}" for family in _KINDS}


def paths(app: App, token: str) -> Iterator[tuple[str, str]]:
    """(family, path) for each route with `token` in its first hole, and a post's number in the others."""
    for template in sorted(templates(app)):
        number = POST_OF.get(template.partition("{")[0], "01")
        filled = _HOLE.sub(number, _HOLE.sub(token, template, count=1))
        for tail in TAILS:
            yield template.partition("{")[0], filled + tail


def tokens_of(linked: Linked, web: TestClient, name: str, share: str) -> dict[str, str]:
    """One of each kind of token that a person or their message has."""
    web.get(share_link(share, 1, "2"))
    control = controls(linked)[name]
    owner = f"employee:{linked.people[name]}"
    slug = next(row["slug"] for row in linked.short_links() if row["owner"] == owner)
    return {"share": share, "slug": slug, "unsubscribe": linked.leave_link(name)[3:], "control": control, "edition": BROWSER_TOKEN}


def everything(linked: Linked) -> dict[str, list[str]]:
    """Every row of every table but the events."""
    with read(linked.engine) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).mappings())) for name, table in metadata.tables.items() if name not in EVENTS
        }


@pytest.fixture
def app(linked: Linked) -> App:
    """Only to read the routes from."""
    return make_app(linked.engine, linked.settings(), lambda: linked.now)


def test_a_token_opens_nothing_but_its_own_family(linked: Linked, web: TestClient, app: App) -> None:
    """A12: share token, slug, signed token, control token and edition token, at every route there is."""
    tokens = tokens_of(linked, web, "ana", ANA)
    before = everything(linked)
    tried = set()
    for kind, text in tokens.items():
        for family, path in paths(app, text):
            if OWN.get(family) == kind:
                continue
            tried.add((kind, family))
            assert web.get(path).status_code == 404, path
            assert web.head(path).status_code == 404, path
            for body in (ONE_CLICK, {"action": "leave", "network": "2"}):
                assert web.post(path, data=body, headers=OURS).status_code in {404, 405}, path
    assert everything(linked) == before
    assert len(tried) >= 4 * 5


def test_every_token_does_open_its_own_family(linked: Linked, web: TestClient, app: App) -> None:
    """A12: else the test above would prove nothing."""
    tokens = tokens_of(linked, web, "ana", ANA)
    families = {template.partition("{")[0] for template in templates(app)}
    opened = {
        family: {web.get(path).status_code for _, path in paths(app, tokens[OWN[family]]) if path.startswith(family)}
        for family in families & set(OWN)
    }
    assert {family for family, found in opened.items() if found <= {404}} == set()


def test_with_ana_s_tokens_nothing_of_ben_s_is_read_or_changed(linked: Linked, web: TestClient, app: App) -> None:
    """A13: no route takes whose account it is from anywhere but its token; Ben's form values and names in body and query change nothing."""
    mine, theirs = tokens_of(linked, web, "ana", ANA), tokens_of(linked, web, "ben", BEN)
    check = re.search(r'name="check" value="(\w+)"', web.get(linked.leave_link("ben")).text)
    assert check is not None
    ben = {"employee": str(linked.people["ben"]), "address": "ben@example.com", "token": theirs["control"], "check": check[1], "action": "leave"}
    ben |= {"control": theirs["control"], "signed": theirs["unsubscribe"], "network": "2", "words": "x", "value": "off"}
    before = of_ben(linked)
    for text in mine.values():
        for _, path in paths(app, text):
            for answer in (
                web.get(path, params=ben),
                web.post(path, params=ben, data={**ben, **ONE_CLICK}, headers=OURS),
                web.post(path, data=ben, headers=OURS),
            ):
                assert "ben@example.com" not in answer.text.replace("mailto:", "")
                assert not any(secret in answer.text for secret in theirs.values() if secret not in mine.values()), path
    assert of_ben(linked) == before
    assert linked.count("suppression") == 1, "Ana's own link did act for Ana"


def of_ben(linked: Linked) -> list[str]:
    """Every row that names Ben, in any table."""
    number = linked.people["ben"]
    with read(linked.engine) as connection:
        rows = [(name, dict(row)) for name, table in metadata.tables.items() for row in connection.execute(select(table)).mappings()]
    own = {"employee_id": number, "owner": f"employee:{number}", "address": "ben@example.com"}
    return sorted(repr(row) for row in rows if any(row[1].get(column) == value for column, value in own.items()))


def test_a_group_s_token_opens_no_door_of_a_person(web: TestClient, app: App) -> None:
    """A13: it belongs to nobody, so it can speak for nobody."""
    assert web.get(read_link(GROUP, 1)).status_code == 302
    for family, path in paths(app, GROUP):
        if OWN.get(family) != "share":
            assert web.get(path).status_code == 404
