"""Public holidays: known ones are there, stand-ins too, and a country nobody knows has none."""

from __future__ import annotations

from datetime import date

import pytest

from digest.files.holidays import public_holidays


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("DE", date(2026, 10, 3)),
        ("US", date(2026, 11, 26)),  # the fourth Thursday
        ("US", date(2026, 7, 3)),  # stands in for Saturday the fourth
        ("GB", date(2027, 12, 28)),  # stands in for Christmas on a weekend
        ("JP", date(2026, 11, 23)),
        ("EG", date(2027, 3, 9)),  # by the moon, as it was worked out
    ],
)
def test_a_countrys_holidays_are_known(country: str, day: date) -> None:
    assert day in public_holidays(country, day.year)


@pytest.mark.parametrize("country", ["", "ZZ", "QM"])
def test_a_country_that_is_not_known_has_none(country: str) -> None:
    assert public_holidays(country, 2026) == frozenset()


def test_a_year_holds_its_own_days_only() -> None:
    assert {day.year for day in public_holidays("US", 2027)} <= {2027}
