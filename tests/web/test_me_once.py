"""Links that work once, by real mail: a copy of everything, what was stored of one's clicks, and being forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import suppressions
from digest.db.schema import audit, click, employee, short_link
from digest.db.session import read, write
from digest.demo.mailbox import Letter, Mailbox
from digest.domain.suppression import SuppressionReason
from digest.pipeline import notices
from tests.linked import ANA, OURS, SITE, Linked, read_link, share_link
from tests.web.test_me import forms, noted, own_link, row, send


class Post:
    """The mail that went to Ana."""

    def __init__(self, linked: Linked, mailbox: Mailbox, home: Path) -> None:
        self._linked = linked
        self._mailbox = mailbox
        plain = {"site": {"company": "Fernwood", "url": SITE}, "smtp": {"port": mailbox.port}}
        self._config = Config.model_validate(plain).model_copy(update={"home": home})

    def arrives(self) -> list[str]:
        """The paths of the links that arrived, the oldest first."""
        notices.send_due(self._linked.engine, self._config, clock=lambda: self._linked.now)
        texts = [letter.part("plain") for letter in self._mailbox.letters()]
        assert {letter.parsed["To"].addresses[0].addr_spec for letter in self._mailbox.letters()} <= {"ana@example.com"}
        return [found[1] for text in texts if (found := re.search(rf"{SITE}(/me/\S+)", text))]

    def letters(self) -> list[Letter]:
        """Everything that arrived, the oldest first."""
        return self._mailbox.letters()


@pytest.fixture
def post(linked: Linked, tmp_path: Path) -> Iterator[Post]:
    """A mail server on loopback."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield Post(linked, mailbox, tmp_path)
    mailbox.stop()


def asked(linked: Linked, web: TestClient, post: Post, purpose: str) -> str:
    """The path of the link that was mailed."""
    done = send(linked, web, own_link(linked), f"link-{purpose}")
    assert "on its way to the address of this letter" in done.text
    return post.arrives()[-1]


def pressed(linked: Linked, web: TestClient) -> None:
    """Ana reads and shares, and so does Ben."""
    for path in (read_link(ANA, 1), read_link(ANA, 2), share_link(ANA, 1, "1")):
        linked.wait(minutes=5)
        assert web.get(path).status_code in {302, 303}


def mine(linked: Linked) -> int:
    with read(linked.engine) as connection:
        return len(connection.execute(select(click.c.id).where(click.c.employee_id == linked.people["ana"])).all())


def test_the_download_has_everything_and_works_once(linked: Linked, web: TestClient, post: Post) -> None:
    pressed(linked, web)
    path = asked(linked, web, post, "export")
    assert re.fullmatch(r"/me/once/export/[0-9a-hjkmnp-tv-z]{17}", path)
    for _ in range(3):
        page = web.get(path)
        html5lib.HTMLParser(strict=True).parse(page.text)
        assert not re.search(r"\bAna\b|ana@", page.text)
    linked.wait(seconds=20)
    got = web.post(path, data=forms(page.text)["export"], headers=OURS)
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["cache-control"] == "no-store"
    data = got.json()
    assert data["person"]["mailbox"] == "ana@example.com"
    assert (len(data["clicks"]), data["links_once"][0]["purpose"]) == (3, "export")
    assert "ben@example.com" not in got.text
    again = web.post(path, data=forms(page.text)["export"], headers=OURS)
    assert (again.status_code, web.get(path).status_code) == (410, 410)
    assert [what for what, _, _ in noted(linked)] == ["link.mailed", "privacy.export"]


def test_what_was_stored_is_shown_and_its_thread_is_cut_on_demand(linked: Linked, web: TestClient, post: Post) -> None:
    pressed(linked, web)
    path = asked(linked, web, post, "history")
    page = web.get(path).text
    assert "The cold room" not in page
    linked.wait(seconds=20)
    shown = web.post(path, data=forms(page)["history"], headers=OURS).text
    html5lib.HTMLParser(strict=True).parse(shown)
    assert "3 presses are stored beside you" in shown
    assert shown.count("The cold room that lied to us") == 2
    assert "LinkedIn" in shown
    linked.wait(seconds=30)
    gone = web.post(path, data=forms(shown)["delete"], headers=OURS).text
    assert "Nothing of your clicks leads to you any more" in gone
    assert mine(linked) == 0
    assert linked.count("click") == 3, "figures of groups stay"
    with read(linked.engine) as connection:
        assert all(owner.startswith("erased:") for owner in connection.execute(select(short_link.c.owner)).scalars())
        assert connection.execute(select(employee.c.id)).all(), "nobody is forgotten by it"
    assert ("privacy.clicks", "the person") in [(what, who) for what, who, _ in noted(linked)]
    linked.wait(minutes=5)
    assert web.get(read_link(ANA, 1)).status_code == 302
    assert mine(linked) == 1, "measuring goes on until it is switched off"


def test_the_delete_button_works_for_fifteen_minutes_after_looking_and_never_without(linked: Linked, web: TestClient, post: Post) -> None:
    pressed(linked, web)
    path = asked(linked, web, post, "history")
    page = web.get(path).text
    shown = web.post(path, data=forms(page)["history"], headers=OURS).text
    linked.wait(minutes=16)
    assert web.post(path, data=forms(shown)["delete"], headers=OURS).status_code == 410
    other = asked(linked, web, post, "history")
    assert web.post(other, data=forms(shown)["delete"], headers=OURS).status_code == 400
    assert mine(linked) == 3


def test_being_forgotten_needs_the_box_and_leaves_nobody(linked: Linked, web: TestClient, post: Post) -> None:
    pressed(linked, web)
    path, own = asked(linked, web, post, "erase"), own_link(linked)
    page = web.get(path).text
    unticked = web.post(path, data=forms(page)["erase"], headers=OURS)
    assert unticked.status_code == 422
    assert "Tick the box first" in unticked.text
    assert row(linked).name == "Ana"
    linked.wait(seconds=20)
    done = web.post(path, data={**forms(unticked.text)["erase"], "sure": "yes"}, headers=OURS)
    assert "You are forgotten" in done.text
    assert (mine(linked), linked.count("click"), linked.count("capability"), linked.count("consent_event")) == (0, 3, 0, 0)
    with read(linked.engine) as connection:
        assert [one.id for one in connection.execute(select(employee.c.id))] == [linked.people["ben"]]
        said = [(one.what, one.subject) for one in connection.execute(select(audit).order_by(audit.c.id))]
    assert f"employee:{linked.people['ana']}" not in {subject for _, subject in said}
    assert {web.get(path).status_code, web.get(own).status_code} == {404}


@pytest.mark.parametrize("purpose", ["export", "erase", "history"])
def test_a_link_is_over_after_fifteen_minutes_and_says_where_to_get_another(linked: Linked, web: TestClient, post: Post, purpose: str) -> None:
    path = asked(linked, web, post, purpose)
    page = web.get(path).text
    linked.wait(minutes=15)
    for tried in (web.get(path), web.post(path, data={**forms(page)[purpose], "sure": "yes"}, headers=OURS)):
        assert tried.status_code == 410
        assert "Ask for a new one" in tried.text
    assert row(linked).name == "Ana"


def test_one_purpose_opens_no_other_and_a_letters_token_opens_none(linked: Linked, web: TestClient, post: Post) -> None:
    path = asked(linked, web, post, "history")
    token = path.rpartition("/")[2]
    control = own_link(linked).rpartition("/")[2]
    for tried in (f"/me/once/erase/{token}", f"/me/once/export/{token}", f"/me/once/erase/{control}", f"/me/once/confirm/{token}", f"/me/{token}"):
        assert web.get(tried).status_code == 404
        assert web.post(tried, data={"sure": "yes"}, headers=OURS).status_code == 404


def test_the_same_form_twice_mails_one_link_and_a_day_has_five(linked: Linked, web: TestClient, post: Post) -> None:
    path = own_link(linked)
    page = web.get(path).text
    for _ in range(3):
        send(linked, web, path, "link-export", page=page)
    assert len(post.arrives()) == 1
    for _ in range(6):
        done = send(linked, web, path, "link-erase")
    assert "Enough links were mailed today" in done.text
    assert len(post.arrives()) == 5
    linked.wait(days=1)
    send(linked, web, path, "link-export")
    assert len(post.arrives()) == 6


def test_whoever_stopped_the_letter_still_gets_the_link_but_not_after_a_complaint(linked: Linked, web: TestClient, post: Post) -> None:
    with write(linked.engine) as connection:
        suppressions.leave(connection, linked.people["ana"], linked.now, how="form; human")
    assert asked(linked, web, post, "erase").startswith("/me/once/erase/")
    with write(linked.engine) as connection:
        suppressions.suppress(connection, "ana@example.com", SuppressionReason.COMPLAINT, linked.now)
    before = len(post.arrives())
    linked.wait(minutes=1)
    send(linked, web, own_link(linked), "link-erase")
    assert len(post.arrives()) == before


def test_the_receipt_for_a_choice_leads_back_to_the_page(linked: Linked, web: TestClient, post: Post) -> None:
    own = own_link(linked)
    send(linked, web, own, "on-name")
    [path] = post.arrives()
    assert path == own
    back = send(linked, web, path, "off-name")
    assert "Saved: Show my name: off" in back.text
    assert row(linked).named is False


def test_a_scanner_that_follows_the_mailed_link_uses_nothing_up(linked: Linked, web: TestClient, post: Post) -> None:
    path = asked(linked, web, post, "erase")
    for agent in ("curl/8", "BarracudaCentral", "") * 10:
        assert web.get(path, headers={"user-agent": agent}).status_code == 200
        assert web.head(path, headers={"user-agent": agent}).status_code == 200
    form: dict[str, Any] = forms(web.get(path).text)["erase"]
    assert web.post(path, data=form, headers=OURS).status_code == 422, "a form that is sent as it stands forgets nobody"
    assert row(linked).name == "Ana"
    assert web.get(path).status_code == 200
