"""Outcomes by file: all or none, every problem at its place, again as often as one likes, and graded by what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from digest.config import Config
from digest.db.schema import outcome
from digest.db.session import read
from digest.errors import FileProblemsError
from digest.pipeline import crm
from tests.linked import Linked
from tests.signed import OPEN, lead, post, visit

CONFIG = Config()


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


def seen(linked: Linked, **headers: str) -> str:
    with linked.client(**OPEN, trusted_proxies=("192.0.2.7",)) as web:
        return visit(linked, web, **headers)


def compare(linked: Linked, folder: Path, text: str, **more: Any) -> crm.Import:
    path = folder / "crm.csv"
    path.write_text(text, encoding="utf-8")
    return crm.compare(linked.engine, CONFIG, path, now=linked.now, **more)


def bring(linked: Linked, folder: Path, text: str, **more: Any) -> crm.Import:
    found = compare(linked, folder, text, **more)
    crm.bring_in(linked.engine, found, file=folder / "crm.csv", who="ops", now=linked.now)
    return found


def rows(linked: Linked) -> list[dict[str, Any]]:
    with read(linked.engine) as connection:
        return [dict(row) for row in connection.execute(select(outcome).order_by(outcome.c.id)).mappings()]


def test_a_lead_by_click_id_by_utm_and_by_word_have_three_grades(linked: Linked, tmp_path: Path) -> None:
    text = "click_id,lead_id,stage,value,utm_campaign,utm_content,utm_source\n"
    text += f"{seen(linked)},L-1,lead,1200.50,,,\n,L-2,lead,,2026-W48,cold-room,linkedin\n,L-3,sale,9,2026-w48,,linkedin\n,L-4,lead,,,,\n"
    found = bring(linked, tmp_path, text, currency="EUR")
    assert found.grades == {"A": 1, "B": 1, "C": 2}
    assert [(row["grade"], row["post_id"], row["network"], row["channel"], row["value_minor"], row["currency"]) for row in rows(linked)] == [
        ("A", "cold-room", "linkedin", "employee", 120050, "EUR"),
        ("B", "cold-room", "linkedin", "", None, ""),
        ("C", "", "linkedin", "", 900, "EUR"),
        ("C", "", "", "", None, ""),
    ]


@pytest.mark.parametrize(
    "utm", ["2026-W47,cold-room,linkedin", "2026-W48,pay,linkedin", "2026-W48,no-such-post,linkedin", "2026-W48,cold-room,myspace"]
)
def test_utm_values_that_name_nothing_of_ours_prove_nothing(linked: Linked, tmp_path: Path, utm: str) -> None:
    found = compare(linked, tmp_path, f"lead_id,stage,utm_campaign,utm_content,utm_source\nL-1,lead,{utm}\n")
    assert found.grades == {"A": 0, "B": 0, "C": 1}


def test_a_doubtful_visit_makes_grade_b(linked: Linked, tmp_path: Path) -> None:
    text = f"click_id,lead_id,stage\n{seen(linked, **{'user-agent': 'curl/8'})},L-1,lead\n"
    assert compare(linked, tmp_path, text).grades == {"A": 0, "B": 1, "C": 0}


def test_the_same_file_again_changes_nothing_and_a_later_one_corrects(linked: Linked, tmp_path: Path) -> None:
    text = f"click_id,lead_id,stage,value,currency\n{seen(linked)},L-1,lead,10,EUR\n,L-2,lead,5,EUR\n"
    bring(linked, tmp_path, text)
    before = rows(linked)
    again = bring(linked, tmp_path, text)
    assert (again.new, again.corrected, again.same) == ((), (), 2)
    assert rows(linked) == before
    later = bring(linked, tmp_path, text.replace("lead,10,", "lead,25.50,"))
    assert (len(later.corrected), later.same) == (1, 1)
    assert [row["value_minor"] for row in rows(linked)] == [2550, 500]


def test_a_row_that_was_taken_in_stays_good_when_its_visit_is_kept_no_longer(linked: Linked, tmp_path: Path) -> None:
    text = f"click_id,lead_id,stage\n{seen(linked)},L-1,lead\n"
    bring(linked, tmp_path, text)
    linked.change("visit", {}, click_id=None)
    assert bring(linked, tmp_path, text).same == 1


def test_who_is_erased_while_a_file_is_taken_in_is_not_named(linked: Linked, tmp_path: Path) -> None:
    found = compare(linked, tmp_path, f"click_id,lead_id,stage\n{seen(linked)},L-1,lead\n")
    linked.change("short_link", {}, owner="erased:f00")
    crm.bring_in(linked.engine, found, file=tmp_path / "crm.csv", who="ops", now=linked.now)
    assert [(row["owner"], row["grade"]) for row in rows(linked)] == [("", "A")]


def test_every_problem_is_named_with_its_place_and_nothing_is_stored(linked: Linked, tmp_path: Path) -> None:
    text = "click_id;lead_id;stage;value;currency;occurred_at\n"
    text += ";L-1;lead;10;EUR;2026-11-20\n;;lead;;;\n;L-3;leed;-1;EUR;\nshort;L-4;lead;5;;soon\n;L-1;lead;10;EUR;2026-11-20\n"
    with pytest.raises(FileProblemsError) as refused:
        bring(linked, tmp_path, text)
    places = [str(problem).removeprefix(f"{tmp_path}/").partition(" found ")[0] for problem in refused.value.problems]
    assert places == [
        "crm.csv:3:2: lead_id:",
        "crm.csv:4:6: stage:",
        "crm.csv:4:11: value:",
        "crm.csv:5:1: click_id:",
        "crm.csv:5:18: currency:",
        "crm.csv:5:19: occurred_at:",
        "crm.csv:6:1:",
    ]
    assert rows(linked) == []


def test_a_click_id_that_we_never_gave_stops_the_whole_file(linked: Linked, tmp_path: Path) -> None:
    with pytest.raises(FileProblemsError, match=r"crm\.csv:3:1: click_id: found '0123456789abcdef', allowed an ac_id that we gave"):
        bring(linked, tmp_path, "click_id,lead_id,stage\n,L-1,lead\n0123456789abcdef,L-2,lead\n")
    assert rows(linked) == []


def test_a_lead_before_its_visit_or_ninety_days_after_is_refused(linked: Linked, tmp_path: Path) -> None:
    made = seen(linked)
    linked.wait(days=95)
    for day in ("2026-11-23", "2027-02-25"):
        with pytest.raises(
            FileProblemsError, match=r"crm\.csv:2:27: occurred_at: found .* allowed from the visit at 2026-11-24T10:00:00Z to 90 days after"
        ):
            compare(linked, tmp_path, f"click_id,lead_id,stage,occurred_at\n{made},L-1,lead,{day}\n")
    assert compare(linked, tmp_path, f"click_id,lead_id,stage,occurred_at\n{made},L-1,lead,2026-11-24\n").grades["A"] == 1


def test_what_the_form_sent_and_the_crm_exports_is_one_lead_in_the_list(linked: Linked, tmp_path: Path) -> None:
    with linked.client(**OPEN, trusted_proxies=("192.0.2.7",)) as web:
        post(web, lead(visit(linked, web)))
    bring(linked, tmp_path, "lead_id,stage,value\nL-1,lead,7\nL-1,sale,7\n", currency="EUR")
    found = crm.listed(linked.engine)
    assert [(one.event, one.grade, one.source) for one in found] == [("lead", "A", "api"), ("sale", "C", "csv")]
    assert [one.event for one in crm.listed(linked.engine, "2026-W48")] == ["lead"]
    data = crm.as_data(found[0])
    assert data["visit"] == {"at": "2026-11-24T10:00:00Z", "class": "human", "country": "", "referrer": ""}
    assert "employee:" not in repr(data)


@pytest.mark.parametrize("text", ["", "lead_id\n", "a,b\n", "lead_id,stage,stage\n", 'lead_id,stage\n"L-1,lead\n', "lead_id,stage\nL-1,lead,more\n"])
def test_a_file_that_is_no_table_is_refused(linked: Linked, tmp_path: Path, text: str) -> None:
    with pytest.raises(FileProblemsError, match=r"crm\.csv:\d+:\d+: found"):
        compare(linked, tmp_path, text)


def test_a_currency_that_is_none_is_refused(linked: Linked, tmp_path: Path) -> None:
    with pytest.raises(crm.CurrencyError, match="three capital letters"):
        compare(linked, tmp_path, "lead_id,stage\n", currency="euro")
