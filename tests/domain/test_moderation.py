"""Moderation as rules: roles, what always goes to review, and how much is too much."""

from __future__ import annotations

import time

import pytest

from digest.domain.moderation import Deed, Roles, Rules, Trigger, allowed, names_in, too_much, triggers


def found(text: str, **rules: object) -> list[Trigger]:
    return [trigger for trigger, _ in triggers(text, Rules(**rules))]  # type: ignore[arg-type]  # plain values by name


@pytest.mark.parametrize(
    "text",
    [
        "It cost 3.5 million.",
        "Up 12%",
        "€500",
        "500 €",
        "US$ 1,200",
        "1 200 000 people",
        "40,000 batteries",
        "12 Mio. Umsatz",
        "٣٠٪",
        "¥3000",
    ],
)
def test_figures_go_to_review(text: str) -> None:
    assert found(text) == [Trigger.FIGURE]
    assert found(text, figures=False) == []


@pytest.mark.parametrize("text", ["In 2026 we moved.", "Two ovens, 3 people, 14 days.", "Room 4.2", "At 09:30 in hall 12", "ISO 9001"])
def test_plain_numbers_do_not(text: str) -> None:
    assert found(text) == []


def test_names_of_customers_are_found_as_words_in_any_case_and_script() -> None:
    rules = {"customers": ("Acme Corp", "東京電力", "Łódź S.A."), "words": ("law-suit",)}
    assert found("We met ACME  CORP today", **rules) == [Trigger.CUSTOMER]
    assert found("acmecorp", **rules) == []
    assert found("Acme Corporation", **rules) == []
    assert found("昨日は東京電力と話した", **rules) == [Trigger.CUSTOMER]
    assert found("the łódź s.a. ovens", **rules) == [Trigger.CUSTOMER]
    assert found("no law-suit here", **rules) == [Trigger.WORD]


def test_a_pattern_without_end_counts_as_found_and_takes_no_time() -> None:
    begun = time.monotonic()
    assert found("a" * 4000 + "!", patterns=("(a|aa)+$",)) == [Trigger.WORD]
    assert time.monotonic() - begun < 3


def test_long_rows_of_digits_take_no_time() -> None:
    begun = time.monotonic()
    found("1 " * 2500)
    found("1" * 5000)
    found("1." * 2500)
    assert time.monotonic() - begun < 2


def test_without_roles_whoever_may_run_the_command_may_do_all() -> None:
    assert all(allowed(Roles(), deed, "anybody") for deed in Deed)


def test_each_role_may_what_the_lower_ones_may() -> None:
    roles = Roles(editors=frozenset({"e@x.org"}), approvers=frozenset({"a@x.org"}), admins=frozenset({"r@x.org"}))
    may = {who: [deed.value for deed in Deed if allowed(roles, deed, f"{who}@X.org ")] for who in "ears"}
    assert may == {"e": ["edit"], "a": ["edit", "decide"], "r": ["edit", "decide", "trust"], "s": []}
    assert allowed(Roles(approvers=frozenset({"a@x.org"})), Deed.TRUST, "a@x.org")


def test_too_much_is_named() -> None:
    rules = Rules(longest=10, links=1)
    assert [too_much(("12345", "12345"), 1, rules), too_much(("12345", "123456"), 1, rules), too_much((), 2, rules)] == ["", "long", "links"]


def test_names_are_found_where_people_put_them() -> None:
    text = "We asked **Ben Baker's** team, “Ana de Sousa”, (Mary Ann O'Neil) and 山田 太郎。 Then we went home."
    assert {"Ben Baker", "Ana de Sousa", "Mary Ann O'Neil", "山田 太郎"} <= names_in(text)
    assert "went home" not in names_in(text)
    assert names_in("") == names_in("Ben") == frozenset()
