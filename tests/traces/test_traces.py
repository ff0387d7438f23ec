"""Replayed weeks of scanners and people: the promise about who counts, on companies that no rule was tuned on (those are 1 to 20)."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.traces.company import week
from tests.traces.replay import Row, score
from tests.traces.table import PRECISION, RECALL, lines, main, pooled, reach, replay, replay_afresh

FOLDER = Path(__file__).parent
UNSEEN = range(1000, 1004)
PEOPLE = 300
GENERATOR = ("browsers", "mails", "machines", "people", "company")


def test_people_are_told_from_machines_on_companies_that_no_rule_was_tuned_on() -> None:
    played = [replay_afresh(seed, PEOPLE) for seed in UNSEEN]
    found = pooled([score(clicks) for clicks, _ in played])
    shown = "\n".join(lines(found))
    assert found.precision >= PRECISION, shown
    assert found.recall >= RECALL, shown
    assert min(kind.links for kind in found.kinds.values() if kind.human) > 20, "every kind of person came up"
    visits = [row for _, rows in played for row in rows]
    assert fooled(visits) <= 0.01 * sum(row.event.audience == "outside" for row in visits), "\n".join(reach(visits))
    assert recognised(visits, "outside", "human") >= RECALL
    assert {row.verdict for row in visits if row.event.audience == "colleague"} == {"probable"}


def fooled(visits: list[Row]) -> int:
    """Visits that count as reach and are none."""
    return sum(row.verdict == "human" and row.event.audience != "outside" for row in visits)


def recognised(visits: list[Row], audience: str, verdict: str) -> float:
    theirs = [row.verdict == verdict for row in visits if row.event.audience == audience]
    return sum(theirs) / len(theirs)


def test_scanners_that_press_what_no_person_sees_betray_themselves() -> None:
    clicks, _ = replay_afresh(1000, 120, trap=True)
    found = score(clicks)
    assert found.kinds["honeypot"].counted == 0
    assert found.precision >= PRECISION
    assert found.recall >= RECALL


def test_judging_a_week_gives_the_same_verdicts_on_either_database_however_often(engine: Engine) -> None:
    stage = replay(engine, 1010, 40)
    first = [(row.verdict, row.reasons) for row in (*stage.rows(), *stage.rows(visits=True))]
    stage.judge()
    assert [(row.verdict, row.reasons) for row in (*stage.rows(), *stage.rows(visits=True))] == first
    assert Counter(verdict for verdict, _ in first)["human"] > 20
    assert [(row.verdict, row.reasons) for rows in replay_afresh(1010, 40) for row in rows] == first


@pytest.mark.parametrize("name", GENERATOR)
def test_the_generator_knows_nothing_of_the_code_that_judges(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {f"tests.traces.{one}" for one in GENERATOR}
    assert {module for module in modules if module and module.startswith(("digest", "tests"))} <= ours


def test_a_week_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert week(7, 30) == week(7, 30)
    assert week(7, 30) != week(8, 30)
    sizes = [len(mail.links) for mail in week(7, 300).mails]
    assert (min(sizes), max(sizes) >= 68) == (4, True)


def test_the_command_prints_the_table_and_says_whether_the_promise_was_kept(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seed", "1000", "--seeds", "1", "--people", "60"])
    said = capsys.readouterr().out
    assert ("kept" if code == 0 else "broken") in said.splitlines()[-1]
    assert "fast burst" in said
    assert "outside visitor" in said
