"""Nothing more is allowed on a machine's word, a no is one press away, and what was chosen is told in few letters."""

from __future__ import annotations

from datetime import timedelta

import html5lib
import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from digest.db import notices, suppressions
from digest.db.schema import consent_event, edition, notice
from digest.db.schema import post as post_table
from digest.db.session import read, write
from digest.domain.consent import Switch
from digest.domain.notice import GATHERED
from tests.linked import BEN, BROWSER_TOKEN, OURS, Linked, share_link
from tests.web.test_leave import fields
from tests.web.test_me import forms, ledger, noted, own_link, receipts, row, send
from tests.web.test_me_once import Post
from tests.web.test_me_once import post as post  # noqa: PLC0414 - pytest finds a fixture by its name
from tests.web.test_name_withdrawn import PAGES

WIDENING = ("name", "nominate", "quote", "measure")


def hows(linked: Linked) -> list[tuple[str, bool, str]]:
    with read(linked.engine) as connection:
        rows = connection.execute(select(consent_event).order_by(consent_event.c.id))
        return [(one.switch, one.value, one.how) for one in rows]


@pytest.mark.parametrize("switch", WIDENING)
def test_a_machine_switches_nothing_on_and_its_owner_may_by_mail(linked: Linked, post: Post, switch: str) -> None:
    path = own_link(linked)
    with linked.client(opt_in=True) as web:
        done = send(linked, web, path, f"on-{switch}", seconds=0)
        assert "Nothing was switched on" in done.text
        html5lib.HTMLParser(strict=True).parse(done.text)
        for _ in range(5):
            send(linked, web, path, f"on-{switch}", seconds=0)
        assert ledger(linked) == []
        assert (row(linked).named, row(linked).measured) == (False, None)
        assert [kind for kind, _ in receipts(linked)] == ["allow_link"]
        [link] = post.arrives()
        assert link.startswith("/me/once/allow/")
        for agent in ("curl/8", "", "Mozilla/5.0"):
            page = web.get(link, headers={"user-agent": agent})
        html5lib.HTMLParser(strict=True).parse(page.text)
        form = forms(page.text)["allow"]
        assert "Ana" not in page.text
        assert web.post(link, data=form, headers={**OURS, "user-agent": "python-requests/2.32"}).status_code == 422, "a scanner says no yes"
        assert ledger(linked) == []
        linked.wait(seconds=20)
        assert "It is switched on" in web.post(link, data=form, headers=OURS).text
        assert web.post(link, data=form, headers=OURS).status_code == 410
    assert hows(linked) == [(switch, True, "mail_link")]
    assert ("chose", f"{switch}:on") in receipts(linked)
    assert any(detail.startswith("asked by mail; form; machine") for _, _, detail in noted(linked))


def test_a_link_to_allow_works_for_a_week(linked: Linked, web: TestClient, post: Post) -> None:
    send(linked, web, own_link(linked), "on-name", seconds=0)
    [link] = post.arrives()
    linked.wait(days=6)
    assert web.get(link).status_code == 200
    linked.wait(days=1)
    assert web.get(link).status_code == 410


def test_who_presses_again_as_a_person_needs_no_mail(linked: Linked, web: TestClient) -> None:
    asked = send(linked, web, own_link(linked), "on-name", seconds=0)
    send(linked, web, own_link(linked), "on-name", page=asked.text)
    assert hows(linked) == [("name", True, "form")]


def test_less_is_allowed_at_once_by_anybody(linked: Linked, web: TestClient) -> None:
    done = send(linked, web, own_link(linked), "off-measure", seconds=0)
    assert row(linked).measured is False
    assert hows(linked) == [("measure", False, "machine")]
    assert receipts(linked) == [("chose", "measure:off")]
    send(linked, web, own_link(linked), "undo", page=done.text)
    assert hows(linked)[1:] == [("measure", True, "form")]


def noted_by_the_queue(linked: Linked) -> None:
    """Ana is named by `named = true` of the queue; she never said anything herself."""
    with write(linked.engine) as connection:
        content = dict(connection.execute(select(edition.c.content)).scalar_one())
        content["posts"][0]["author_id"] = linked.people["ana"]
        connection.execute(update(edition).values(content=content))
        connection.execute(update(post_table).where(post_table.c.id == content["posts"][0]["id"]).values(author_id=linked.people["ana"]))


def test_who_is_named_by_the_queue_sees_it_and_says_no_in_one_press(linked: Linked, web: TestClient) -> None:
    noted_by_the_queue(linked)
    path = own_link(linked)
    text = web.get(path).text
    assert "noted that you agreed" in text
    assert {action for action in forms(text) if action.endswith("-name")} == {"off-name"}
    assert all("Inês" in web.get(page).text for page in PAGES)
    done = send(linked, web, path, "off-name", seconds=31)
    assert "Saved: Show my name: off" in done.text
    assert (row(linked).named, row(linked).chosen) == (False, ["named"])
    assert not any("Inês" in web.get(page).text for page in (f"/w/{BROWSER_TOKEN}", share_link(BEN, 1)))
    assert receipts(linked) == [("chose", "name:off")]
    assert "noted that you agreed" not in done.text


def test_who_may_be_named_by_the_queue_says_no_in_one_press(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    text = web.get(path).text
    html5lib.HTMLParser(strict=True).parse(text)
    assert "your name may stand beside a single post" in text
    assert {"on-name", "off-name"} <= set(forms(text))
    done = send(linked, web, path, "off-name")
    assert row(linked).chosen == ["named"]
    assert hows(linked) == [("name", False, "form")]
    assert "undo" not in forms(done.text), "there was no word before it"
    assert {action for action in forms(done.text) if action.endswith("-name")} == {"on-name"}


def test_a_storm_of_forms_is_told_in_one_letter_and_nothing_of_it_is_lost(linked: Linked, web: TestClient, post: Post) -> None:
    path = own_link(linked)
    for action, more in (
        ("off-measure", {}),
        ("pause", {}),
        ("frequency", {"frequency": "monthly"}),
        ("hour", {"hour": "07:30"}),
        ("on-measure", {}),
    ):
        send(linked, web, path, action, seconds=0 if action != "on-measure" else 20, **more)
    assert post.arrives() == [path]
    expected = ["Measure my clicks: off", "A pause: changed", "How often: changed", "Time of day: changed", "Measure my clicks: on"]
    [letter] = post.letters()
    assert [line for line in letter.part("plain").splitlines() if line in expected] == expected
    send(linked, web, path, "off-measure")
    send(linked, web, path, "resume")
    assert len(post.arrives()) == 1, "the next one waits until an hour is over"
    linked.wait(hours=1)
    assert post.arrives() == [path, path]
    last = post.letters()[-1].part("plain")
    assert "Measure my clicks: off" in last
    assert "A pause: changed" in last


def test_a_receipt_that_grew_while_it_was_made_goes_out_whole(linked: Linked) -> None:
    ana, later = linked.people["ana"], linked.now + timedelta(seconds=1)
    with write(linked.engine) as connection:
        notices.gather(connection, ana, Switch.NAME, "on", linked.now)
        [seen] = notices.due(connection, linked.now, 9)
        notices.gather(connection, ana, Switch.NAME, "off", later)
        assert not notices.claim(connection, seen.id, later, as_of=seen.made_at)
        [seen] = notices.due(connection, later, 9)
        assert seen.told.choices == (("name", "on"), ("name", "off"))
        assert notices.claim(connection, seen.id, later, as_of=seen.made_at)
        notices.gather(connection, ana, Switch.NAME, "on", later)
        rows = connection.execute(select(notice.c.next_attempt_at).order_by(notice.c.id)).scalars().all()
    assert rows == [later, later + GATHERED]


def test_whoever_comes_back_by_the_page_gets_the_same_receipt(linked: Linked, web: TestClient, post: Post) -> None:
    path = linked.leave_link()
    done = web.post(path, data=fields(web.get(path).text), headers=OURS)
    linked.wait(seconds=20)
    web.post(path, data=fields(done.text), headers=OURS)
    by_page = [one for one in receipts(linked) if one[0] == "chose"]
    own = own_link(linked)
    assert post.arrives() == [own]
    assert by_page == [("chose", "receive:on")]
    assert "Send me the letter: on" in post.letters()[0].part("plain")
    send(linked, web, own, "off-receive")
    send(linked, web, own, "on-receive")
    assert [one for one in receipts(linked) if one[0] == "chose"] == 2 * by_page
    assert hows(linked) == [("receive", False, "machine"), ("receive", True, "form"), ("receive", False, "form"), ("receive", True, "form")]


def test_the_ledger_knows_a_mail_program_from_a_form(linked: Linked) -> None:
    with write(linked.engine) as connection:
        suppressions.leave(connection, linked.people["ana"], linked.now, how="one-click")
        connection.execute(insert(consent_event).values(employee_id=1, switch="quote", value=True, wording="1", at=linked.now))
    assert hows(linked) == [("receive", False, "mail_program"), ("quote", True, "")]
