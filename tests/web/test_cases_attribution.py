"""Endpoint cases J1 to J5 and G8: what came of a visit is believed only as far as it is proven, and addresses stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.db import privacy
from digest.db.schema import outcome
from digest.db.session import read, write
from digest.domain.employee import Employee, EmployeeId
from tests.linked import ANA, PERSON, PHONE, Linked, read_link, share_link
from tests.signed import HOUR, OPEN, PATH, SECRET, lead, post, stamped, visit

PROXY = "192.0.2.7"


@pytest.fixture
def web(linked: Linked) -> Iterator[TestClient]:
    with linked.client(**OPEN, trusted_proxies=(PROXY,)) as client:
        yield client


def outcomes(linked: Linked) -> list[dict[str, Any]]:
    with read(linked.engine) as connection:
        return [dict(row) for row in connection.execute(select(outcome).order_by(outcome.c.id)).mappings()]


def test_a_bad_signature_or_an_old_time_stores_nothing(linked: Linked, web: TestClient) -> None:
    """J1."""
    body = b'{"key":"k","event":"lead","click_id":"0123456789abcdef"}'
    good = stamped(body)
    bad: list[dict[str, str]] = [
        {},
        {"Digest-Timestamp": good["Digest-Timestamp"]},
        {**good, "Digest-Signature": "v1=" + "0" * 64},
        {**good, "Digest-Signature": good["Digest-Signature"][3:]},
        {**good, "Digest-Timestamp": str(HOUR + 1)},
        {**good, "Idempotency-Key": "mine"},
        stamped(body, secret=SECRET + "x"),
        stamped(body, at=HOUR - 301),
        stamped(body, at=HOUR + 301),
        {**good, "Digest-Timestamp": "never"},
        {**good, "Digest-Timestamp": "9" * 400},
    ]
    for headers in bad:
        answer = web.post(PATH, content=body, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"type", "title", "status", "detail"}
        assert SECRET not in answer.text
    assert web.post(PATH, content=body + b" ", headers=good).status_code == 401
    assert [web.post(PATH, content=body, headers=stamped(body, at=HOUR + off)).status_code for off in (-299, 299)] == [404, 404]
    assert outcomes(linked) == []


def test_the_same_conversion_twice_is_one_and_gets_the_same_answer(linked: Linked, web: TestClient) -> None:
    """J1: a replayed id."""
    sent = lead(visit(linked, web))
    first, again = post(web, sent), post(web, sent)
    linked.wait(minutes=3)
    later = post(web, sent, at=HOUR + 200)
    del sent["key"]
    by_header = post(web, sent, key="lead-1")
    assert {(answer.status_code, answer.content) for answer in (first, again, later, by_header)} == {(201, first.content)}
    assert len(outcomes(linked)) == 1


def test_the_same_key_for_something_else_is_a_conflict(linked: Linked, web: TestClient) -> None:
    """J1: a replayed id with another body."""
    sent = lead(visit(linked, web))
    post(web, sent)
    for change in ({"value": "1200.51"}, {"currency": "USD"}, {"event": "sale"}, {"external_id": "L-2"}, {"occurred_at": "2026-11-24T09:59:00Z"}):
        answer = post(web, {**sent, **change})
        assert (answer.status_code, answer.json()["title"]) == (409, "The same key stands for another outcome")
    assert [row["value_minor"] for row in outcomes(linked)] == [120050]


@pytest.mark.parametrize("click_id", ["0123456789abcdef", "zzzzzzzzzzzzzzzz"])
def test_a_click_id_that_we_never_gave_is_refused(linked: Linked, web: TestClient, click_id: str) -> None:
    """J1: an unknown click id, or that of another installation."""
    visit(linked, web)
    answer = post(web, lead(click_id))
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"field": "click_id", "found": f'"{click_id}"', "allowed": "an ac_id that we gave, while its visit is kept"}]
    assert outcomes(linked) == []


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("value", "-1", "zero or more"),
        ("value", "1e400", "1,000,000,000,000".replace(",", "")),
        ("value", "NaN", "a number such as"),
        ("value", "12.345", "at most 2 digits behind the point"),
        ("value", "1,200", "a number such as"),
        ("value", True, "text or a number"),
        ("value", {"amount": 1}, "text or a number"),
        ("currency", "eur", "three capital letters"),
        ("currency", "", "a code such as EUR"),
        ("event", "purchase", "reply, lead, sale"),
        ("event", "", "one of conversions.events"),
        ("click_id", "", "the 16 characters of ac_id"),
        ("click_id", "0123456789abcdeu", "the 16 characters of ac_id"),
        ("key", "", "Idempotency-Key"),
        ("key", "a b", "letters, digits"),
        ("key", "x" * 101, "1 to 100"),
        ("external_id", "x" * 201, "200 characters"),
        ("external_id", "a\x00b", "one line"),
        ("external_id", "\ud800", "one line"),
        ("occurred_at", "yesterday", "a time such as"),
        ("occurred_at", "2026-11-24T10:00:00", "with its zone"),
        ("occurred_at", "2026-11-24T11:00:00Z", "no later than now"),
        ("occurred_at", "2026-11-24T09:00:00Z", "from the visit at"),
        ("occurred_at", "0001-01-01T00:00:00+14:00", "a time such as"),
        ("vaule", "1", "did you mean value?"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named_with_what_is_allowed(linked: Linked, web: TestClient, field: str, value: object, allowed: str) -> None:
    """J1: a negative value, 1e400, NaN and other fields that make no sense."""
    answer = post(web, lead(visit(linked, web), **{field: value}))
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert allowed in error["allowed"]
    assert outcomes(linked) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'"text"',
        b"[" * 60000,
        b'{"a":' * 9000,
        b'{"value": -1}',
        b'{"value": 1e400}',
        b'{"value": NaN, "currency": "EUR"}',
        b'{"value": Infinity}',
        b'{"value": 1e-999999999999}',
        b'{"value": ' + b"9" * 50000 + b"}",
        b'{"click_id": ["0123456789abcdef"], "event": {}, "key": 7}',
    ],
)
def test_no_signed_body_whatever_it_holds_is_a_fault_of_the_server(linked: Linked, web: TestClient, body: bytes) -> None:
    """J1: numbers and bodies that break parsers."""
    answer = post(web, body)
    assert answer.status_code in {400, 422}
    assert answer.json()["status"] == answer.status_code
    assert outcomes(linked) == []


def test_a_huge_body_is_refused_before_it_is_read_whole(linked: Linked, web: TestClient) -> None:
    """J1: a huge body."""
    answer = post(web, b'{"value": "' + b"1" * 70000 + b'"}')
    assert (answer.status_code, answer.json()["title"]) == (413, "The body is too large")
    assert outcomes(linked) == []


def test_without_a_secret_there_is_no_such_address(linked: Linked) -> None:
    """J1: nobody can sign with an empty secret."""
    with linked.client(**{**OPEN, "conversions_secret": ""}) as web:
        body = b'{"key":"k","event":"lead","click_id":"0123456789abcdef"}'
        answer = web.post(PATH, content=body, headers=stamped(body, secret=""))
        assert (answer.status_code, answer.json()["title"]) == (404, "Conversions are switched off")


def test_only_post_is_taken_and_no_browser_s_form_is_needed(web: TestClient) -> None:
    """J1: the signature stands for the form of our own page."""
    answer = web.get(PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert web.post(PATH, headers={"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}).status_code == 401


def test_only_listed_hosts_get_a_click_id(linked: Linked) -> None:
    """J2."""
    with linked.client(**{**OPEN, "click_hosts": frozenset({"www.example.com", "example.org"})}) as web:
        assert visit(linked, web) == ""
    assert [row["click_id"] for row in linked.visits()] == [None]


def test_a_click_id_stands_on_no_share_intent_and_behind_no_link_of_the_letter(linked: Linked, web: TestClient) -> None:
    """J2: even when the article's host is listed."""
    answers = [web.get(read_link(ANA, 1)), web.get(share_link(ANA, 1, "1")), web.get(share_link(ANA, 1, "2"))]
    answers.append(web.get(share_link(ANA, 1, "1"), headers={"user-agent": PHONE}))
    with linked.client(**OPEN, short=False) as canonical:
        answers.append(canonical.get(share_link(ANA, 2, "2")))
    assert all("ac_id" not in answer.text + answer.headers.get("location", "") for answer in answers)


def test_every_visit_gets_its_own_click_id_and_a_look_at_the_head_gets_none(linked: Linked, web: TestClient) -> None:
    """J2: one id for each GET, machine or not, and no cookie."""
    ids = [visit(linked, web), visit(linked, web), visit(linked, web, **{"user-agent": "curl/8"}), visit(linked, web, **{"sec-purpose": "prefetch"})]
    assert len(set(ids)) == len([one for one in ids if len(one) == 16]) == 4
    assert [row["click_id"] for row in linked.visits()] == ids
    head = web.head(f"/l/{linked.short_links()[0]['slug']}", headers=PERSON)
    assert (head.status_code, "ac_id" in head.headers["location"], "set-cookie" in head.headers) == (302, False, False)
    assert len(linked.visits()) == 4


def test_with_tracking_off_no_click_id_is_given(linked: Linked, web: TestClient) -> None:
    """J2: nothing is kept, so nothing could be handed back."""
    web.get(share_link(ANA, 1, "1"))
    with linked.client(**OPEN, tracking="off") as off:
        assert visit(linked, off) == ""


@pytest.mark.parametrize(("agent", "found"), [("curl/8.5", "machine"), ("LinkedInBot/1.0", "preview"), ("Mozilla/5.0 Chrome/57.0.1", "probable")])
def test_a_conversion_of_a_doubtful_visit_is_stored_and_flagged(linked: Linked, web: TestClient, agent: str, found: str) -> None:
    """J3 (O9)."""
    answer = post(web, lead(visit(linked, web, **{"user-agent": agent})))
    assert answer.status_code == 201
    assert (answer.json()["grade"], answer.json()["visitor"]) == ("B", found)
    assert [(row["grade"], row["visitor_class"]) for row in outcomes(linked)] == [("B", found)]


def test_a_conversion_of_a_person_s_visit_is_proven_and_names_post_and_network_but_nobody(linked: Linked, web: TestClient) -> None:
    """J3: the opposite, a person."""
    answer = post(web, lead(visit(linked, web).upper(), occurred_at="2026-11-24T11:01:00+01:00"))
    said = answer.json()
    assert (said["grade"], said["visitor"], said["post"], said["network"]) == ("A", "human", "cold-room", "linkedin")
    assert (said["channel"], said["value"], said["occurred_at"]) == ("employee", "1200.50", "2026-11-24T10:01:00Z")
    assert "owner" not in said
    [row] = outcomes(linked)
    assert (row["owner"], row["value_minor"]) == (f"employee:{linked.people['ana']}", 120050)


def test_a_visit_by_one_of_us_proves_no_reach(linked: Linked, web: TestClient) -> None:
    """J3: inside the firewall."""
    made = visit(linked, web)
    linked.change("visit", {"click_id": made}, **{"class": "human", "reasons": ["colleague"]})
    assert post(web, lead(made)).json()["grade"] == "B"


def test_after_ninety_days_a_visit_leads_to_nothing(linked: Linked, web: TestClient) -> None:
    """J3: the window."""
    made = visit(linked, web)
    linked.wait(days=90)
    day = 86400
    assert post(web, lead(made), at=HOUR + 90 * day).status_code == 201
    linked.wait(seconds=1)
    late = post(web, lead(made, key="lead-2"), at=HOUR + 90 * day)
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "occurred_at")


@pytest.mark.parametrize("erased_first", [True, False])
def test_an_outcome_of_somebody_who_was_erased_counts_for_nobody(linked: Linked, web: TestClient, *, erased_first: bool) -> None:
    """J4."""
    made = visit(linked, web)
    answers = [] if erased_first else [post(web, lead(made))]
    with write(linked.engine) as connection:
        ana = Employee(id=EmployeeId(linked.people["ana"]), address="ana@example.com", name="Ana")
        privacy.erase(connection, ana, linked.now, draw=lambda: "f00")
    answers.append(post(web, lead(made)))
    assert {(answer.status_code, answer.json()["grade"], answer.content) for answer in answers} == {(201, "A", answers[0].content)}
    [row] = outcomes(linked)
    assert (row["owner"], row["post_id"], row["edition_id"]) == ("", "cold-room", linked.edition)


@pytest.mark.parametrize(
    ("referrer", "kept"), [("https://t.co/abc?who=ana", "t.co"), ("", ""), ("android-app://com.linkedin.android/", "com.linkedin.android")]
)
def test_the_network_comes_from_the_link_and_of_the_referrer_only_its_host_is_kept(linked: Linked, web: TestClient, referrer: str, kept: str) -> None:
    """J5."""
    answer = post(web, lead(visit(linked, web, **({"referer": referrer} if referrer else {}))))
    assert answer.json()["network"] == "linkedin"
    assert [row["referrer_host"] for row in linked.visits()] == [kept]


@pytest.mark.parametrize(
    ("theirs", "utm"), [("", "&utm_source=linkedin&utm_medium=social"), ("&UTM_Source=old&utm_medium=", "&UTM_Source=old&utm_medium=")]
)
def test_an_article_s_address_keeps_order_doubles_encoding_and_fragment(linked: Linked, web: TestClient, theirs: str, utm: str) -> None:
    """G8."""
    linked.change("post", {"id": "cold-room"}, url=f"https://example.com/p?a=1&a=2&b=%5Bx%5D/y{theirs}#frag;utm_source=old")
    made = visit(linked, web)
    path = f"/l/{linked.short_links()[0]['slug']}"
    landed = f"https://example.com/p?a=1&a=2&b=%5Bx%5D/y{utm}&utm_campaign=2026-w48&utm_content=cold-room&ac_id={made}#frag;utm_source=old"
    first = web.get(path, headers=PERSON).headers["location"]
    assert first == landed.replace(made, str(linked.visits()[-1]["click_id"]))
    linked.change("post", {"id": "cold-room"}, url=landed)  # somebody copies it into the queue from the address bar
    assert web.get(path, headers=PERSON).headers["location"] == landed  # a second pass adds nothing
