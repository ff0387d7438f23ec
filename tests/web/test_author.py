"""Letters to an author and back: no address is shown, a receipt tells the owner of the letter, and each link works once."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import html5lib
import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from digest.config import Config
from digest.db import capabilities, correspondences, privacy, suppressions
from digest.db.people import by_ids
from digest.db.schema import audit, correspondence, notice
from digest.db.session import read, write
from digest.domain.capability import Purpose
from digest.domain.suppression import SuppressionReason
from digest.pipeline.privacy import purge
from tests.controlled import controls, forms, notices, path, press
from tests.linked import OURS, Linked

WORDS = "Did the door feel warm?\n\nI ask because <b>ours</b> does."


def letters(linked: Linked) -> list[dict[str, object]]:
    with read(linked.engine) as connection:
        return [dict(row) for row in connection.execute(select(correspondence).order_by(correspondence.c.id)).mappings()]


def link_in(linked: Linked, number: int) -> str:
    """Where the button of a notice leads, as its recipient gets it."""
    with read(linked.engine) as connection:
        row = connection.execute(select(notice).where(notice.c.id == number)).one()
        made = capabilities.token_of(connection, row.employee_id, Purpose(row.facts["purpose"]), row.made_at, subject=row.facts["subject"])
    return f"/{row.facts['path']}/{made}"


def test_words_go_to_the_author_and_a_receipt_to_the_owner_of_the_letter(linked: Linked, web: TestClient) -> None:
    """D10: no address stands in any page or letter."""
    where = path("a", controls(linked)["ana"], 1)
    page = web.get(where)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert " checked>" not in page.text
    assert letters(linked) == []
    done = press(linked, web, where, "write", words=WORDS)
    assert "On its way" in done.text
    assert "<b>ours</b>" not in done.text
    [letter] = letters(linked)
    ana, ben = linked.people["ana"], linked.people["ben"]
    assert (letter["from_id"], letter["to_id"], letter["text"], letter["class"]) == (ana, ben, WORDS, "human")
    assert [(one.kind, one.employee_id) for one in notices(linked)] == [("letter", ben), ("wrote", ana)]
    assert not any("@" in str(one.facts) or "Ana" in str(one.facts) for one in notices(linked)), "nobody gave a name"


def test_an_exchange_goes_back_and_forth_without_anybody_s_address(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="Was the door warm?", named="1")
    turn = [one for one in notices(linked) if one.kind == "letter"][-1]
    assert turn.facts["quotes"] == [["", "Was the door warm?\n\nAna"]]
    for words, to in (("It was.", "ana"), ("So is ours.", "ben"), ("Then look.", "ana")):
        where = link_in(linked, turn.id)
        page = web.get(where)
        html5lib.HTMLParser(strict=True).parse(page.text)
        assert "@" not in page.text.replace("@media", "").replace("@supports", "")
        assert press(linked, web, where, "answer", words=words).status_code == 200
        assert web.get(where).status_code == 404, "it works once"
        turn = [one for one in notices(linked) if one.kind == "letter"][-1]
        assert turn.employee_id == linked.people[to]
        assert turn.facts["quotes"] == [["", words]]
    found = letters(linked)
    assert [letter["answers"] for letter in found] == [None, *(letter["id"] for letter in found[:-1])]


def test_the_same_form_twice_is_one_letter(linked: Linked, web: TestClient) -> None:
    where = path("a", controls(linked)["ana"], 1)
    form = forms(web.get(where).text)["write"] | {"words": WORDS}
    linked.wait(seconds=5)
    for _ in range(3):
        assert web.post(where, data=form, headers=OURS).status_code == 200
    assert len(letters(linked)) == 1
    assert len(notices(linked)) == 2


@pytest.mark.parametrize(("words", "status"), [("", 422), ("  \n\t ", 422), ("x" * 3001, 422)])
def test_on_any_error_the_form_comes_back_filled(linked: Linked, web: TestClient, words: str, status: int) -> None:
    page = press(linked, web, path("a", controls(linked)["ana"], 1), "write", words=words, named="1")
    assert page.status_code == status
    assert f">{words}</textarea>" in page.text
    assert " checked" in page.text
    assert letters(linked) == []


def test_a_form_that_is_not_ours_loses_no_words(linked: Linked, web: TestClient) -> None:
    where = path("a", controls(linked)["ana"], 1)
    page = web.post(where, data={"action": "write", "check": "0" * 44, "words": "Long thoughts."}, headers=OURS)
    assert page.status_code == 400
    assert "Long thoughts.</textarea>" in page.text
    assert letters(linked) == []


def test_a_day_has_so_many_letters_and_no_words_are_lost(linked: Linked) -> None:
    """D10: a day has so many."""
    where = path("a", controls(linked)["ana"], 1)
    with linked.client(letters=2) as web:
        assert [press(linked, web, where, "write", words=f"Letter {n}").status_code for n in range(3)] == [200, 200, 429]
        page = press(linked, web, where, "write", words="Letter 4")
        assert "Letter 4</textarea>" in page.text
        linked.wait(days=1)
        assert press(linked, web, where, "write", words="Letter 5").status_code == 200
    with linked.client(received=1) as web:
        assert press(linked, web, where, "write", words="Letter 6").status_code == 429
    assert len(letters(linked)) == 3


@pytest.mark.parametrize("gone", ["left", "unsubscribed", "shared"])
def test_an_author_who_is_gone_gets_nothing_and_the_page_says_so(linked: Linked, web: TestClient, gone: str) -> None:
    where = path("a", controls(linked)["ana"], 1)
    form = forms(web.get(where).text)["write"] | {"words": WORDS}
    if gone == "left":
        linked.change("employee", {"id": linked.people["ben"]}, left_at=linked.now)
    elif gone == "shared":
        linked.change("employee", {"id": linked.people["ben"]}, shared=True)
    else:
        with write(linked.engine) as connection:
            suppressions.suppress(connection, "ben@example.com", SuppressionReason.UNSUBSCRIBED, linked.now)
    for page in (web.get(where), web.post(where, data=form, headers=OURS)):
        assert page.status_code == 410
        assert "Nobody can be reached there now" in page.text
    assert letters(linked) == notices(linked) == []


def test_a_post_without_an_author_and_foreign_numbers_are_unknown(linked: Linked, web: TestClient) -> None:
    mine = controls(linked)["ana"]
    found = [web.get(one) for one in (path("a", mine, 2), path("a", mine, 5), f"/a/{mine}/9z", path("a", "nobody", 1), "/a/x/y/z")]
    assert {page.status_code for page in found} == {404}
    assert len({page.text for page in found}) == 1


def test_that_was_not_me_stops_what_has_not_gone_out_and_tells_the_operator(
    linked: Linked, web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="Rude words.")
    letter, receipt = notices(linked)
    where = link_in(linked, receipt.id)
    assert "Rude words." in web.get(where).text
    assert letters(linked)[0]["class"] == "human", "looking changes nothing"
    answer = link_in(linked, letter.id)
    assert "Thank you for telling us" in press(linked, web, where, "disown").text
    assert letters(linked)[0]["class"] == "disowned"
    assert [one.state for one in notices(linked)] == ["cancelled", "queued"]
    assert web.get(answer).status_code == web.get(where).status_code == 404
    with read(linked.engine) as connection:
        assert connection.execute(select(audit.c.what, audit.c.subject)).all() == [("letter.disowned", f"employee:{linked.people['ana']}")]
    assert "was disowned" in caplog.text
    assert "Rude" not in caplog.text


def test_what_has_gone_out_is_withdrawn_by_another_notice(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="Rude words.")
    letter, receipt = notices(linked)
    linked.change("notice", {"id": letter.id}, state="sent")
    press(linked, web, link_in(linked, receipt.id), "disown")
    assert [(one.kind, one.employee_id) for one in notices(linked)[2:]] == [("withdrawn", linked.people["ben"])]


def test_a_report_ends_the_exchange_and_is_noted(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="Buy things.")
    where = link_in(linked, notices(linked)[0].id)
    assert "Gemeldet" in press(linked, web, where, "report").text
    assert web.get(where).status_code == 404
    with read(linked.engine) as connection:
        assert connection.execute(select(audit.c.what)).scalars().all() == ["letter.reported"]


def test_links_end_after_four_weeks_and_are_for_their_own_deed(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words=WORDS)
    letter, receipt = (link_in(linked, one.id) for one in notices(linked))
    assert web.get(letter.replace("answer", "disown")).status_code == web.get(receipt.replace("disown", "answer")).status_code == 404
    linked.wait(days=28)
    assert web.get(letter).status_code == web.get(receipt).status_code == 404


def test_a_machine_s_letter_goes_out_only_when_its_owner_sends_it(linked: Linked, web: TestClient) -> None:
    done = press(linked, web, path("a", controls(linked)["ana"], 1), "write", slowly=False, words="x scanner words")
    html5lib.HTMLParser(strict=True).parse(done.text)
    assert "It waits for you" in done.text
    ana, ben = linked.people["ana"], linked.people["ben"]
    assert [(one["class"], one["from_id"]) for one in letters(linked)] == [("held", ana)]
    [held] = notices(linked)
    assert (held.kind, held.employee_id) == ("held", ana)
    with read(linked.engine) as connection:
        assert correspondences.of_person(connection, ben) == [], "nobody has got it"
        assert len(correspondences.of_person(connection, ana)) == 1
    where = link_in(linked, held.id)
    page = web.get(where)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert "x scanner words" in page.text
    again = web.post(where, data=forms(page.text)["send"], headers={**OURS, "user-agent": "curl/8"})
    assert again.status_code == 422
    assert len(notices(linked)) == 1, "what looks into mail sends nothing"
    assert "On its way" in press(linked, web, where, "send").text
    assert web.get(where).status_code == 404
    letter = notices(linked)[-1]
    assert (letter.kind, letter.employee_id, letters(linked)[0]["class"]) == ("letter", ben, "human")
    assert press(linked, web, link_in(linked, letter.id), "answer", words="It was.").status_code == 200


def test_a_machine_s_answer_waits_too_and_uses_no_link_up(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="Was it warm?")
    where = link_in(linked, notices(linked)[0].id)
    for _ in range(2):
        assert "Es wartet auf dich" in press(linked, web, where, "answer", slowly=False, words="x scanner words").text
    linked.wait(seconds=5)
    assert [one.kind for one in notices(linked)] == ["letter", "wrote", "held"]
    assert press(linked, web, where, "answer", words="It was.").status_code == 200
    assert [one.kind for one in notices(linked)][3:] == ["letter"]
    linked.wait(days=8)
    assert web.get(link_in(linked, notices(linked)[2].id)).status_code == 404, "what nobody sends goes nowhere"


def test_held_words_go_with_whoever_is_forgotten(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", slowly=False, words="x scanner words")
    with write(linked.engine) as connection:
        privacy.erase(connection, by_ids(connection, [linked.people["ana"]])[linked.people["ana"]], linked.now, draw=lambda: secrets.token_hex(8))
    assert letters(linked) == notices(linked) == []


def test_the_receipt_of_a_letter_takes_it_back(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="test")
    press(linked, web, link_in(linked, notices(linked)[1].id), "disown")
    assert notices(linked)[0].state == "cancelled"


def test_a_mail_filter_that_presses_buttons_ends_no_exchange_and_is_noted(linked: Linked, web: TestClient) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words=WORDS)
    filtered = {**OURS, "user-agent": "curl/8"}
    for one, action in zip(notices(linked), ("report", "disown"), strict=True):
        where = link_in(linked, one.id)
        assert press(linked, web, where, action, slowly=False, headers=filtered).status_code == 200
        assert web.get(where).status_code == 200, "the person can still press it"
    assert letters(linked)[0]["class"] == "human"
    assert [one.state for one in notices(linked)] == ["queued", "queued"]
    with read(linked.engine) as connection:
        noted = connection.execute(select(audit.c.what, audit.c.detail)).all()
    assert [what for what, _ in noted] == ["letter.reported", "letter.disowned"]
    assert all(detail.endswith("probably by a mail filter") for _, detail in noted)


def test_nothing_is_left_of_letters_of_somebody_who_was_erased_or_long_ago(linked: Linked, web: TestClient, engine: Engine) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words="From Ana.", named="1")
    with write(engine) as connection:
        ana = by_ids(connection, [linked.people["ana"]])[linked.people["ana"]]
        assert correspondences.of_person(connection, linked.people["ben"])[0]["written"] is False
        privacy.erase(connection, ana, linked.now, draw=lambda: secrets.token_hex(8))
    assert letters(linked) == []
    assert not any("Ana" in str(one.facts) for one in notices(linked))
    with write(engine) as connection:
        assert correspondences.forget(connection, linked.now + timedelta(days=1)) == 0


def test_the_clock_forgets_letters_after_ninety_days(linked: Linked, web: TestClient, tmp_path: Path) -> None:
    press(linked, web, path("a", controls(linked)["ana"], 1), "write", words=WORDS)
    config = Config().model_copy(update={"home": tmp_path})
    for days, left in ((89, 1), (2, 0)):
        linked.wait(days=days)
        purge(linked.engine, config, now=linked.now, trust_clock=True)
        assert len(letters(linked)) == left
