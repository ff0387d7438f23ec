"""Public holidays, as the `holidays` library works them out; it is large, so it loads when the first country is asked for."""

from __future__ import annotations

from datetime import date
from functools import lru_cache


@lru_cache(maxsize=4096)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a whole country (ISO 3166-1 alpha-2), with the days that stand in for those on a weekend.

    None for "" and for a country that the library does not know; what only a region observes is not in it.
    """
    if not country:
        return frozenset()
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
