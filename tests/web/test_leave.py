"""Unsubscribing: nothing happens on GET, one button does it, mail programs do it alone, and all of it can be undone."""

from __future__ import annotations

import re

import html5lib
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.db import suppressions
from digest.db.keys import add_key
from digest.db.schema import audit, consent_event
from digest.db.session import read, write
from tests.linked import OURS, Linked

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def stopped(linked: Linked) -> bool:
    with read(linked.engine) as connection:
        return bool(suppressions.reasons(connection, ["ana@example.com"], linked.now))


def fields(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(action|check)" value="(\w+)"', text))


def test_looking_at_the_page_a_hundred_times_changes_nothing(linked: Linked, web: TestClient) -> None:
    for agent in ("curl/8", "", "Mozilla/5.0") * 33:
        page = web.get(linked.leave_link(), headers={"user-agent": agent})
    assert page.status_code == 200
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert not stopped(linked)
    assert linked.count("suppression") == 0


def test_one_press_of_the_button_stops_the_letter_and_undo_brings_it_back(linked: Linked, web: TestClient) -> None:
    path = linked.leave_link()
    done = web.post(path, data=fields(web.get(path).text), headers=OURS)
    assert done.status_code == 200
    assert "You will get no more letters" in done.text
    assert stopped(linked)
    back = web.post(path, data=fields(done.text), headers=OURS)
    assert "The letter comes to you again" in back.text
    assert not stopped(linked)
    again = web.post(path, data=fields(back.text), headers=OURS)
    assert "no more letters" in again.text
    assert stopped(linked)


@pytest.mark.parametrize("how", ["data", "files"])
def test_a_mail_program_unsubscribes_alone_without_cookie_origin_or_redirect(linked: Linked, web: TestClient, how: str) -> None:
    body = {"data": ONE_CLICK} if how == "data" else {"files": {"List-Unsubscribe": (None, "One-Click")}}
    for _ in range(3):
        answer = web.post(linked.leave_link(), headers={"user-agent": "mail/1"}, **body)
        assert answer.status_code == 200
    assert stopped(linked)
    assert linked.count("suppression") == linked.count("consent_event") == linked.count("audit") == 1


@pytest.mark.parametrize(
    "body", [b"", b"List-Unsubscribe=Maybe", b"list-unsubscribe=One-Click", b"action=leave", b"action=leave&check=0", b"x" * 10_000_000]
)
def test_only_the_right_body_acts(linked: Linked, web: TestClient, body: bytes) -> None:
    answer = web.post(linked.leave_link(), content=body, headers={**OURS, "content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code in {400, 413}
    assert not stopped(linked)


def test_json_does_not_act(linked: Linked, web: TestClient) -> None:
    assert web.post(linked.leave_link(), json=ONE_CLICK).status_code == 403
    assert not stopped(linked)


def test_a_form_from_another_site_or_another_person_s_page_is_refused(linked: Linked, web: TestClient) -> None:
    mine, other = linked.leave_link("ana"), linked.leave_link("ben")
    form = fields(web.get(mine).text)
    assert web.post(mine, data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert web.post(mine, data=form).status_code == 403
    assert web.post(mine, data=fields(web.get(other).text), headers=OURS).status_code == 400
    assert web.post(mine, data={**form, "action": "return"}, headers=OURS).status_code == 400
    assert not stopped(linked)


@pytest.mark.parametrize("change", [lambda p: p[:-1], lambda p: p[:-1] + ("0" if p[-1] != "0" else "1"), lambda p: p[:20], lambda _: "/u/"])
def test_a_damaged_or_forged_link_is_unknown(linked: Linked, web: TestClient, change: object) -> None:
    assert callable(change)
    path = change(linked.leave_link())
    assert web.get(path).status_code == 404
    assert web.post(path, data=ONE_CLICK).status_code == 404


def test_a_link_in_capitals_or_with_a_full_stop_works(linked: Linked, web: TestClient) -> None:
    assert web.get(linked.leave_link().upper()).status_code == 200
    assert web.post(linked.leave_link() + ".", data=ONE_CLICK).status_code == 200
    assert stopped(linked)


def test_an_old_link_works_after_the_key_was_changed(linked: Linked, web: TestClient) -> None:
    path = linked.leave_link()
    with write(linked.engine) as connection:
        add_key(connection, "unsubscribe", lambda size: b"n" * size, linked.now)
    assert web.get(path).status_code == 200
    assert web.post(path, data=ONE_CLICK).status_code == 200
    assert stopped(linked)


def test_somebody_who_was_erased_gets_the_same_kind_answer(linked: Linked, web: TestClient) -> None:
    path = linked.leave_link()
    from digest.db.schema import employee

    with write(linked.engine) as connection:
        connection.execute(employee.delete().where(employee.c.id == linked.people["ana"]))
    assert web.post(path, data=ONE_CLICK).status_code == 200
    assert linked.count("suppression") == 0


def test_the_ledger_and_the_audit_remember_who_chose_and_how(linked: Linked, web: TestClient) -> None:
    path = linked.leave_link()
    form = fields(web.get(path).text)
    linked.wait(seconds=3)
    web.post(path, data=form, headers=OURS)
    with read(linked.engine) as connection:
        chosen = connection.execute(select(consent_event)).mappings().one()
        noted = connection.execute(select(audit)).mappings().one()
    assert (chosen["switch"], chosen["value"], chosen["employee_id"]) == ("receive", False, linked.people["ana"])
    assert (noted["what"], noted["detail"]) == ("unsubscribed", "form; human")
    assert "ana" not in repr(dict(noted))


def test_the_page_shows_no_name_and_no_address(linked: Linked, web: TestClient) -> None:
    assert "example.com" not in re.sub(r"https?://\S+", "", web.get(linked.leave_link()).text)


def test_it_speaks_the_person_s_language(linked: Linked, web: TestClient) -> None:
    assert "Abbestellen" in web.get(linked.leave_link("ben")).text
