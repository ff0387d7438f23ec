"""Amounts of money as they were named to us: read exactly, kept in the currency's smallest unit, never converted or invented."""

from __future__ import annotations

import re
from decimal import Decimal

# Currencies whose smallest unit is not a hundredth, by digits behind the point (ISO 4217, list one, column "minor unit").
_UNUSUAL = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DIGITS = {code: digits for digits, codes in _UNUSUAL.items() for code in codes.split()}
_USUAL = 2
_MOST = 10**15  # smallest units; more is a slip, and spreadsheets count exactly no further
_AMOUNT = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class AmountError(ValueError):
    """An amount or a currency that cannot be taken; the message says what is allowed."""


def digits(currency: str) -> int:
    """How many digits behind the point a currency has."""
    return _DIGITS.get(currency, _USUAL)


def check_currency(text: str) -> str:
    """A currency's code. Raises AmountError."""
    if not _CURRENCY.fullmatch(text):
        raise AmountError("three capital letters of ISO 4217, such as EUR")
    return text


def minor_units(text: str, currency: str) -> int:
    """`1200.50` EUR -> 120050. Raises AmountError for what is negative, too large, too fine, or no plain number."""
    after = digits(currency)
    if not _AMOUNT.fullmatch(text):
        raise AmountError("a number such as 1200 or 1200.50, with a point and without separators")
    amount = Decimal(text)
    if amount < 0:
        raise AmountError("zero or more")
    if amount.adjusted() > len(str(_MOST)):  # before it is written out: 1e400 has 400 zeros
        raise AmountError(f"{major(_MOST, currency)} {currency} at most")
    scaled = amount.scaleb(after)
    if scaled != scaled.to_integral_value():
        raise AmountError(f"at most {after} digits behind the point for {currency}" if after else f"whole {currency}")
    if scaled > _MOST:
        raise AmountError(f"{major(_MOST, currency)} {currency} at most")
    return int(scaled)


def major(minor: int, currency: str) -> str:
    """120050 EUR -> `1200.50`."""
    after = digits(currency)
    return f"{Decimal(minor).scaleb(-after):.{after}f}"


def spoken(minor: int, currency: str) -> str:
    """120050 EUR -> `1,200.50 EUR`."""
    after = digits(currency)
    return f"{Decimal(minor).scaleb(-after):,.{after}f} {currency}"
