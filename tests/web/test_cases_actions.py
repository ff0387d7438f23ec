"""One-click actions: looking changes nothing, one button acts, all of it can be taken back, and what machines did is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.db import suppressions
from digest.db.schema import audit, notice
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.mail import catalogue
from digest.pipeline.verify import verify
from tests.factories import person
from tests.linked import OURS, Linked
from tests.whole import Whole, links_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"


def stopped(linked: Linked, name: str = "ana") -> bool:
    with read(linked.engine) as connection:
        return bool(suppressions.reasons(connection, [f"{name}@example.com"], linked.now))


def fields(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(action|check)" value="(\w+)"', text))


@pytest.mark.parametrize("agent", ["", "curl/8", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/155.0.0.0 Safari/537.36"])
def test_a_hundred_looks_at_the_page_stop_nothing(linked: Linked, web: TestClient, agent: str) -> None:
    """D1: whoever looks, with whatever in the query."""
    for turn in range(100):
        answer = web.get(linked.leave_link() + ("?force=true&action=leave" if turn % 2 else ""), headers={"user-agent": agent})
        assert answer.status_code == 200
        assert web.head(linked.leave_link()).status_code == 200
    assert not stopped(linked)
    assert linked.count("suppression") + linked.count("audit") + linked.count("notice") == 0


@pytest.mark.parametrize("agent", ["", "mail/1", "Mozilla/5.0"])
@pytest.mark.parametrize("body", ["form", "multipart"])
def test_a_mail_program_s_one_post_stops_the_letter_however_often_it_is_sent(linked: Linked, web: TestClient, agent: str, body: str) -> None:
    """D2: no cookie, no origin, no redirect, one receipt."""
    web.headers = {}
    web.cookies.clear()
    sent = {"data": ONE_CLICK} if body == "form" else {"files": {"List-Unsubscribe": (None, "One-Click")}}
    for _ in range(3):
        answer = web.post(linked.leave_link(), headers={"user-agent": agent}, **sent)
        assert (answer.status_code, answer.history, "location" in answer.headers) == (200, [], False)
        assert "set-cookie" not in answer.headers
    assert stopped(linked)
    assert (linked.count("suppression"), linked.count("audit"), linked.count("notice")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"List-Unsubscribe=One-Clickx", FORM),
        (b"list-unsubscribe=one-click", FORM),
        (b"List-Unsubscribe=", FORM),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (b"List-Unsubscribe=One-Click", "text/plain"),
        (b"List-Unsubscribe=One-Click", ""),
        (b"--x\r\n", PARTS),
        (
            b"--x\r\nContent-Disposition: form-data; name=List-Unsubscribe; filename=a\r\n\r\nOne-Click\r\n--x--\r\n",
            PARTS,
        ),
        (b"&" * 60_000, FORM),
        (b"List-Unsubscribe=One-Click&" + b"x" * 10_000_000, FORM),
    ],
)
def test_any_other_body_stops_nothing(linked: Linked, web: TestClient, body: bytes, kind: str) -> None:
    """D3: and a body of ten million octets is refused before it is read."""
    answer = web.post(linked.leave_link(), content=body, headers={"user-agent": "x", **({"content-type": kind} if kind else {})})
    assert answer.status_code in {400, 403, 413}
    assert not stopped(linked)


def test_a_machine_that_sends_the_form_at_once_acts_and_leaves_a_way_back_and_a_trace(linked: Linked, web: TestClient) -> None:
    """D5: the class is in the audit; a person who needs three seconds is none; more than a tenth of machines is told."""
    path = linked.leave_link("ana")
    done = web.post(path, data=fields(web.get(path).text), headers=OURS)
    assert stopped(linked)
    assert fields(done.text)["action"] == "return"
    other = linked.leave_link("ben")
    form = fields(web.get(other).text)
    linked.wait(seconds=3)
    web.post(other, data=form, headers=OURS)
    assert stopped(linked, "ben")
    with read(linked.engine) as connection:
        noted = connection.execute(select(audit.c.detail).where(audit.c.what == "unsubscribed").order_by(audit.c.id)).scalars().all()
        kinds = connection.execute(select(notice.c.kind, notice.c.state)).all()
    assert noted == ["form; machine (at_once)", "form; human"]
    assert [tuple(kind) for kind in kinds] == [("left", "queued")] * 2
    back = fields(web.get(path).text)
    assert back["action"] == "return"
    web.post(path, data=back, headers=OURS)
    assert not stopped(linked)


@pytest.mark.parametrize("check", ["", "0", "0" * 44, "f" * 44, "zz" * 22, "\uff11" * 44])
def test_a_check_that_is_none_of_ours_acts_on_nothing(linked: Linked, web: TestClient, check: str) -> None:
    """D3: and neither does one that was shown for another moment or action."""
    path = linked.leave_link()
    real = fields(web.get(path).text)["check"]
    for tried in (check, f"{int(real[:12], 16) + 1:012x}{real[12:]}", real[:-1]):
        assert web.post(path, data={"action": "leave", "check": tried}, headers=OURS).status_code == 400
    assert web.post(path, data={"action": "return", "check": real}, headers=OURS).status_code == 400
    assert not stopped(linked)


@pytest.fixture
def whole(engine: Engine, tmp_path: Path) -> Iterator[Whole]:
    """Two people and their letters."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield Whole(engine, tmp_path, mailbox, [person("ana@example.org"), person("ben@example.org", language="de")])
    mailbox.stop()


def test_whoever_leaves_gets_one_receipt_that_leads_back(whole: Whole) -> None:
    """D5: in their language, once, however many ticks; its link undoes it; the letter itself does not come any more."""
    letters = whole.send()
    with whole.pages() as web:
        for _ in range(2):
            web.post(links_of(letters["ben@example.org"], "u")[0], data=ONE_CLICK, headers={"user-agent": "mail"})
    for _ in range(3):
        whole.tick()
    [receipt] = whole.mailbox.letters()[len(letters) :]
    assert receipt.recipient == "ben@example.org"
    assert receipt.parsed["Subject"] == catalogue.words("de")("notice_left_subject", name=whole.config.site.name)
    assert receipt.parsed["Auto-Submitted"] == "auto-generated"
    assert receipt.parsed["List-Unsubscribe"] is None
    assert not [defect for part in receipt.parsed.walk() for defect in part.defects]
    [path] = links_of(receipt)
    with whole.pages() as web:
        web.post(path, data=fields(web.get(path).text), headers=OURS)
    with read(whole.engine) as connection:
        assert suppressions.held(connection, "ben@example.org", whole.now) == []
    for _ in range(2):
        whole.tick()
    assert [letter.recipient for letter in whole.mailbox.letters()[len(letters) :]] == ["ben@example.org"] * 2, "one for coming back as well"
    with read(whole.engine) as connection:
        assert connection.execute(select(notice.c.state)).scalars().all() == ["sent", "sent"]


def test_more_than_a_tenth_of_machines_among_those_who_left_is_told_in_the_morning(whole: Whole) -> None:
    """D5: `digest verify` names it, and what to ask for."""
    assert not any("mail filter" in said for said in verify(whole.engine, whole.config, now=whole.now).problems)
    with write(whole.engine) as connection:
        for n, detail in enumerate(["form; machine (at_once)", "form; human", "one-click"]):
            row = {"at": whole.now, "who": "the person", "what": "unsubscribed", "subject": f"employee:{n}", "detail": detail}
            connection.execute(audit.insert().values(row))
    [said] = [said for said in verify(whole.engine, whole.config, now=whole.now).problems if "mail filter" in said]
    assert said.startswith("1 of 2 people")


def test_with_tracking_off_leaving_works_as_ever(engine: Engine, tmp_path: Path) -> None:
    """D13: what is not counted can be left."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    whole = Whole(engine, tmp_path, mailbox, [person("ana@example.org")], tracking={"mode": "off"})
    letter = whole.send()["ana@example.org"]
    with whole.pages() as web:
        path = links_of(letter, "u")[0]
        form = fields(web.get(path).text)
        whole.wait(seconds=4)
        assert "You will get no more letters" in web.post(path, data=form, headers=OURS).text
    whole.tick()
    mailbox.stop()
    assert [one.parsed["Subject"] for one in mailbox.letters()][1:] == ["You will get no more letters"]
