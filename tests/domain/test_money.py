"""Amounts are read exactly or refused; they come back as they went in."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain.money import AmountError, check_currency, digits, major, minor_units, spoken

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1200.50", "EUR", 120050),
        ("0", "EUR", 0),
        ("-0.00", "EUR", 0),
        ("12e2", "EUR", 120000),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("5.10000000", "EUR", 510),
        ("10000000000000", "EUR", 10**15),
        ("0e9", "EUR", 0),
    ],
)
def test_an_amount_becomes_the_smallest_unit_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("-0.01", "EUR"), ("1e400", "EUR"), ("1e999", "JPY"), ("1e-400", "EUR"), ("0.001", "EUR"), ("0.5", "JPY"), ("10000000000000.01", "EUR"),
        ("NaN", "EUR"), ("Infinity", "EUR"), ("", "EUR"), ("1,5", "EUR"), ("1 000", "EUR"), ("0x10", "EUR"), ("٣", "EUR"), ("1_000", "EUR"),
        ("9" * 31, "EUR"), ("1e1000", "EUR"), ("1.", "EUR"), (".5", "EUR"), ("+5", "EUR"), ("5\n", "EUR"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_what_is_allowed(text: str, currency: str) -> None:
    with pytest.raises(AmountError, match=r"number|zero|most|whole"):
        minor_units(text, currency)


@given(st.integers(0, 10**15), CURRENCIES)
def test_an_amount_comes_back_as_it_went_in(minor: int, currency: str) -> None:
    assert minor_units(major(minor, currency), currency) == minor
    assert spoken(minor, currency).replace(",", "") == f"{major(minor, currency)} {currency}"


@given(st.text(max_size=40), CURRENCIES)
def test_no_text_breaks_it(text: str, currency: str) -> None:
    found = 0
    with suppress(AmountError):
        found = minor_units(text, currency)
    assert 0 <= found <= 10**15


def test_a_currency_is_three_capital_letters() -> None:
    assert check_currency("EUR") == "EUR"
    for wrong in ("eur", "EURO", "", "€", "EU1", "EUR\n"):
        with pytest.raises(AmountError):
            check_currency(wrong)
    assert [digits(code) for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
