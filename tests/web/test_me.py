"""A person's own page: looking changes nothing, each form changes one thing, is noted, and can be taken back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import html5lib
import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from digest.db import keys
from digest.db.schema import audit, consent_event, employee, message, notice
from digest.db.session import read, write
from digest.domain.consent import WORDING, Switch
from digest.domain.link import control_hash, control_token
from tests.linked import OURS, Linked

SWITCHES = ("receive", "measure", "name", "nominate", "quote")


def own_link(linked: Linked, name: str = "ana") -> str:
    """The path of a person's own page, with the token in their letter."""
    number = linked.people[name]
    with write(linked.engine) as connection:
        secret = next(iter(keys.signing_keys(connection, "control").values()))
        made = control_token(secret, "2026-W48", number)
        connection.execute(update(message).where(message.c.employee_id == number).values(control_hash=control_hash(made)))
    return f"/me/{made}"


def forms(text: str) -> dict[str, dict[str, str]]:
    """Action -> the hidden fields of its form; a form at the top of the page is `undo`."""
    found: dict[str, dict[str, str]] = {}
    for form in html5lib.parse(text, namespaceHTMLElements=False).iter("form"):
        hidden = [field for field in form.iter("input") if field.get("type") == "hidden"]
        fields = {str(field.get("name")): str(field.get("value")) for field in hidden}
        found["undo" if any("Undo" in "".join(button.itertext()) for button in form.iter("button")) else fields["action"]] = fields
    return found


def send(linked: Linked, web: TestClient, path: str, action: str, *, seconds: float = 20, page: str = "", **fields: Any) -> Any:
    """Show the page, read it for a while, send one of its forms."""
    form = forms(page or web.get(path).text)[action]
    linked.wait(seconds=seconds)
    return web.post(path, data={**form, **fields}, headers=OURS)


def row(linked: Linked, name: str = "ana") -> Any:
    with read(linked.engine) as connection:
        return connection.execute(select(employee).where(employee.c.id == linked.people[name])).one()


def ledger(linked: Linked) -> list[tuple[str, bool, str]]:
    with read(linked.engine) as connection:
        return [(one.switch, one.value, one.wording) for one in connection.execute(select(consent_event).order_by(consent_event.c.id))]


def noted(linked: Linked) -> list[tuple[str, str, str]]:
    with read(linked.engine) as connection:
        return [(one.what, one.who, one.detail) for one in connection.execute(select(audit).order_by(audit.c.id))]


def receipts(linked: Linked) -> list[tuple[str, str]]:
    with read(linked.engine) as connection:
        rows = connection.execute(select(notice).order_by(notice.c.id)).all()
    return [(one.kind, ":".join(choice)) for one in rows for choice in one.facts["choices"] or [[one.about]]]


def test_looking_a_hundred_times_changes_nothing_and_the_page_is_whole(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    before = row(linked)
    for agent in ("curl/8", "", "Mozilla/5.0") * 33:
        page = web.get(path, headers={"user-agent": agent})
        assert web.head(path).status_code == page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert row(linked) == before
    assert sum(linked.count(table) for table in ("consent_event", "audit", "notice", "capability", "quota", "suppression")) == 0
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]


def test_nobody_is_named_by_the_link_of_a_letter(linked: Linked, web: TestClient) -> None:
    text = web.get(own_link(linked)).text
    assert not re.search(r"\bAna\b|ana@|example\.com/\w*ana", text)
    assert "Quality" not in text
    assert "<script" not in text


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_turns_is_noted_with_its_wording_and_turns_back(linked: Linked, web: TestClient, switch: str) -> None:
    path, starts = own_link(linked), switch in {"receive", "measure"}
    there, back = ("off", "on") if starts else ("on", "off")
    done = send(linked, web, path, f"{there}-{switch}")
    assert done.status_code == 200
    assert "Saved:" in done.text
    again = send(linked, web, path, "undo", page=done.text)
    assert "Saved:" in again.text
    wording = WORDING[Switch(switch)]
    assert ledger(linked) == [(switch, not starts, wording), (switch, starts, wording)]
    assert f'value="{there}-{switch}"' in again.text
    assert f"wording {wording}" in again.text
    details = [detail for _, who, detail in noted(linked) if who == "the person"]
    assert len(details) == 2
    assert all("form; human" in detail for detail in details)
    expected = [("left", ""), ("chose", "receive:on")] if switch == "receive" else [("chose", f"{switch}:{there}"), ("chose", f"{switch}:{back}")]
    assert receipts(linked) == expected


def test_the_last_word_stands_on_the_persons_row(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    send(linked, web, path, "off-measure")
    send(linked, web, path, "on-name")
    assert (row(linked).measured, row(linked).named, row(linked).chosen) == (False, True, ["measured", "named"])
    send(linked, web, path, "off-name")
    assert (row(linked).named, row(linked, "ben").measured) == (False, None)


def test_with_opt_in_measure_starts_off_and_a_person_can_say_yes(linked: Linked) -> None:
    path = own_link(linked)
    with linked.client(opt_in=True) as web:
        text = web.get(path).text
        assert "you have not said yes" in text
        assert 'value="on-measure"' in text
        assert "is kept for 90 days" not in send(linked, web, path, "on-measure").text.split('id="stored"')[1]
    assert row(linked).measured is True


MATTERS = [
    ("frequency", {"frequency": "monthly"}, "frequency", "monthly"),
    ("hour", {"hour": "07:30"}, "hour", "07:30"),
    ("language", {"language": "de"}, "language", "de"),
    ("topics", {"topic": ["a"], "more": "Solar  power, b،ج"}, "topics", ["a", "b", "solar power", "ج"]),
    ("networks", {"first": "x", "second": "mastodon", "server": "Mastodon.Social"}, "networks", ["x", "mastodon"]),
]


@pytest.mark.parametrize(("action", "fields", "column", "value"), MATTERS)
def test_each_wish_is_kept_as_the_persons_own_noted_and_undone(
    linked: Linked, web: TestClient, action: str, fields: dict[str, Any], column: str, value: Any
) -> None:
    path, before = own_link(linked), row(linked)
    done = send(linked, web, path, action, **fields)
    assert done.status_code == 200
    assert getattr(row(linked), column) == value
    assert (column in row(linked).chosen) == (column in {"language", "topics", "networks"})
    assert [what for what, _, _ in noted(linked)] == [f"wish.{action}"]
    page = done.text.replace("Rückgängig machen", "Undo")
    send(linked, web, path, "undo", page=page)
    assert getattr(row(linked), column) == (["linkedin"] if action == "networks" else getattr(before, column))  # as the letter had it
    assert row(linked).mastodon == ""


def test_a_pause_of_four_weeks_is_shown_ended_and_brought_back(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    paused = send(linked, web, path, "pause")
    until = row(linked).paused_until
    assert until == linked.now + timedelta(weeks=4)
    assert "Paused until 22 December" in paused.text
    ended = send(linked, web, path, "resume")
    assert row(linked).paused_until is None
    send(linked, web, path, "undo", page=ended.text)
    assert row(linked).paused_until == until
    send(linked, web, path, "undo", page=paused.text)
    assert row(linked).paused_until is None


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        ("hour", {"hour": "03:00"}, "hour is not on offer"),
        ("hour", {"hour": "07:31"}, "hour is not on offer"),
        ("frequency", {"frequency": "hourly"}, "no longer the newest"),
        ("language", {"language": "tlh"}, "no longer the newest"),
        ("topics", {"more": ",".join(map(str, range(21)))}, "at most 20 topics"),
        ("topics", {"more": "x" * 41}, "at most 20 topics"),
        ("networks", {"first": "x", "second": "", "server": "https://evil.example/@me"}, "name of a server"),
    ],
)
def test_what_cannot_be_taken_changes_nothing_and_what_was_typed_stays(linked: Linked, action: str, fields: dict[str, Any], said: str) -> None:
    path, before = own_link(linked), row(linked)
    with linked.client(quiet="21:00-06:00") as web:
        done = send(linked, web, path, action, **fields)
    assert done.status_code == 422
    assert said in done.text
    assert row(linked) == before
    assert noted(linked) == []
    assert all(fields[name] in done.text for name in ("more", "server") if name in fields)
    html5lib.HTMLParser(strict=True).parse(done.text)


def test_the_same_form_twice_is_one_change(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    page = web.get(path).text
    for _ in range(3):
        done = send(linked, web, path, "off-measure", page=page)
        send(linked, web, path, "frequency", page=page, frequency="fortnightly")
    assert "Nothing was changed: Measure my clicks: off was so already" in done.text
    assert len(ledger(linked)) == 1
    assert [what for what, _, _ in noted(linked)] == ["consent.measure", "wish.frequency"]


def test_a_form_that_nobody_read_acts_is_marked_and_is_told_to_the_owner(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    send(linked, web, path, "hour", hour="07:30", seconds=0)
    assert row(linked).hour == "07:30"
    assert [detail.split()[:2] for _, _, detail in noted(linked)] == [["form;", "machine"]]
    assert receipts(linked) == [("chose", "hour:changed")]


def test_what_others_could_do_unseen_is_always_told(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    send(linked, web, path, "pause")
    send(linked, web, path, "frequency", frequency="monthly")
    send(linked, web, path, "networks", first="x", second="", server="")
    send(linked, web, path, "hour", hour="08:00")
    assert receipts(linked) == [("chose", f"{matter}:changed") for matter in ("pause", "frequency", "networks")]


def test_pressing_back_and_forth_ends_before_it_fills_the_ledger(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    for turn in range(70):
        done = send(linked, web, path, f"{'off' if row(linked).measured is not False else 'on'}-measure", seconds=2)
        if turn >= 60:
            assert "very often today" in done.text
    assert len(ledger(linked)) == 60
    assert len(receipts(linked)) == 60
    assert linked.count("notice") == 1, "nothing of it is lost, and it is one letter"


def test_a_foreign_form_or_another_persons_changes_nothing(linked: Linked, web: TestClient) -> None:
    mine, other = own_link(linked, "ana"), own_link(linked, "ben")
    form = forms(web.get(mine).text)["off-measure"]
    assert web.post(other, data=form, headers=OURS).status_code == 400
    assert web.post(mine, data={**form, "action": "on-name"}, headers=OURS).status_code == 400
    assert web.post(mine, data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert ledger(linked) == []


def test_an_unknown_link_and_one_of_somebody_who_left_get_the_same_page(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    linked.change("employee", {"id": linked.people["ana"]}, left_at=linked.now)
    pages = [web.get(tried) for tried in (path, path[:-1], "/me/", "/me/x", "/me/once/export/x", "/me/once/agree/x", "/me/once/")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert web.post(path, data={}, headers=OURS).status_code == 404


def test_a_shared_mailbox_decides_about_the_letter_alone(linked: Linked, web: TestClient) -> None:
    path = own_link(linked)
    page = web.get(path).text
    linked.change("employee", {"id": linked.people["ana"]}, shared=True)
    shown = web.get(path).text
    assert {action for action in forms(shown) if action[:3] in {"on-", "off"}} == {"off-receive"}
    assert not any(action.startswith("link-") for action in forms(shown))
    assert 'name="server"' not in shown
    for action in ("off-measure", "on-name", "on-quote", "on-nominate", "link-export", "link-erase", "link-history"):
        assert send(linked, web, path, action, page=page).status_code in {200, 422}  # a form from before
    send(linked, web, path, "networks", page=page, first="x", second="", server="a.example")
    assert ledger(linked) == []
    assert linked.count("capability") == 0
    assert (row(linked).mastodon, row(linked).networks) == ("", ["x"])
    send(linked, web, path, "off-receive")
    assert ledger(linked) == [("receive", False, "1")]


@pytest.mark.parametrize("language", ["de", "fr", "es", "pt-br", "ja", "ar"])
def test_the_page_speaks_the_persons_language(linked: Linked, web: TestClient, language: str) -> None:
    linked.change("employee", {"id": linked.people["ana"]}, language=language, topics=["a"], mastodon="m.example")
    text = web.get(own_link(linked)).text
    html5lib.HTMLParser(strict=True).parse(text)
    assert f'lang="{language}"' in text
    assert not re.search(r"\{\w+\}", text)
    assert "Your letter" not in text


def test_history_is_kept_with_every_word(linked: Linked, web: TestClient) -> None:
    with write(linked.engine) as connection:
        said = [(True, "at their word"), (False, "1"), (True, "1")]
        rows = [{"employee_id": linked.people["ana"], "switch": "quote", "value": value, "wording": by, "at": linked.now} for value, by in said]
        connection.execute(insert(consent_event), rows)
    text = web.get(own_link(linked)).text
    assert 'value="off-quote"' in text
    assert "wording told to the people who run it" in text
    assert text.count("(wording 1)") == 2
