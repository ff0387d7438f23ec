"""Every case of attack and fault has its test: 118 of them, told by the id that a test's docstring begins with."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "endpoint.md"
COUNTS = {"A": 20, "B": 15, "C": 22, "D": 13, "E": 5, "F": 7, "G": 8, "H": 9, "I": 14, "J": 5}
CASES = {f"{letter}{number}" for letter, count in COUNTS.items() for number in range(1, count + 1)}
MOST_LEFT_OUT = 5
_ID = re.compile(r"\b[A-J]\d{1,2}\b")


def cases_named() -> set[str]:
    """The ids that a test's docstring begins with, up to its first colon: `A1: ...`, `B14 with B2: ...`."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                promise = ast.get_docstring(node) or ""
                if _ID.match(promise):
                    found.update(_ID.findall(promise.partition(":")[0]))
    return found


def left_out() -> set[str]:
    """The cases that docs/endpoint.md names with a reason: `- **X9**: because ...`."""
    return set(re.findall(r"(?m)^- \*\*([A-J]\d{1,2})\*\*", PAGE.read_text(encoding="utf-8")))


def test_there_are_118_cases() -> None:
    assert len(CASES) == 118


def test_every_case_has_its_test_or_its_reason() -> None:
    assert CASES - cases_named() - left_out() == set()


def test_few_cases_are_left_out() -> None:
    assert len(left_out()) <= MOST_LEFT_OUT
    assert left_out() & cases_named() == set(), "what is tested needs no excuse"


def test_no_test_names_a_case_that_is_none() -> None:
    assert cases_named() - CASES == set()
