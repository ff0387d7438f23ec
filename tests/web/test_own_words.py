"""Own words first: what the share page sends says whether a ready caption was taken, and the report says it of enough people alone."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert, select
from starlette.testclient import TestClient

from digest.db import figures
from digest.db.schema import click
from digest.db.session import read, write
from digest.domain.report import percent
from tests.conftest import NOW
from tests.linked import ANA, BEN, OURS, Linked, share_link

PAGE = share_link(ANA, 1)


def found(linked: Linked) -> list[bool]:
    linked.clicks()
    with read(linked.engine) as connection:
        return sorted(figures.own_words(connection, linked.edition).values())


def test_words_without_a_ready_caption_are_ones_own(linked: Linked, web: TestClient) -> None:
    assert web.post(PAGE, data={"network": "2", "words": "Mine alone."}, headers=OURS).status_code == 303
    assert 'name="taken"' not in web.get(PAGE).text
    assert found(linked) == [True]


def test_a_caption_that_was_taken_is_remembered_by_the_page_whatever_is_typed_after(linked: Linked, web: TestClient) -> None:
    page = web.post(PAGE, data={"network": "2", "words": "", "caption": "linkedin.0"}, headers=OURS)
    assert '<input type="hidden" name="taken" value="1">' in page.text
    again = web.post(PAGE, data={"network": "", "words": "Changed.", "taken": "1"}, headers=OURS)
    assert '<input type="hidden" name="taken" value="1">' in again.text, "a page that asks for something keeps it"
    web.post(PAGE, data={"network": "2", "words": "Changed.", "taken": "1"}, headers=OURS)
    web.post(share_link(BEN, 1), data={"network": "2", "words": "Mine."}, headers=OURS)
    assert found(linked) == [False, True]


def test_the_one_click_links_are_no_share_by_the_page(linked: Linked, web: TestClient) -> None:
    web.get(share_link(ANA, 1, "1"))
    assert found(linked) == []


@pytest.mark.parametrize(("own", "taken", "said"), [(7, 5, 58), (7, 4, None), (4, 7, None)])
def test_it_is_a_figure_of_enough_people_on_either_side(engine: Engine, own: int, taken: int, said: int | None) -> None:
    with write(engine) as connection:
        for person in range(own + taken):
            signals = {"method": "POST"} | ({"caption": True} if person >= own else {})
            row = {
                "event": str(person), "at": NOW, "token": f"t{person}", "edition_id": 1, "employee_id": person + 1, "group_key": "team:a", "n": 1,
                "post_id": "a", "kind": "share", "network": "x", "signals": signals, "source": "s", "class": "human", "reasons": [],
                "rules_version": 0,
            }  # fmt: skip
            connection.execute(insert(click).values(row))
        assert len(connection.execute(select(click.c.id)).all()) == own + taken
        assert percent(figures.own_words(connection, 1), 5) == said
