"""Countries of addresses, out of a file on this machine (MMDB); an address is asked about and never kept."""

from __future__ import annotations

import logging
import re
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import maxminddb

log = logging.getLogger(__name__)

_OLD = timedelta(days=365)  # blocks of addresses move between countries every week
_CODE = re.compile(r"[A-Z]{2}")
# What a reader meets in a file that was cut or overwritten.
_BROKEN = (maxminddb.InvalidDatabaseError, ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError, struct.error, OSError)


class Countries:
    """Tells countries apart; without a file that can be used it knows none, and nothing else changes."""

    def __init__(self, reader: maxminddb.Reader | None = None) -> None:
        self._reader = reader
        self._told = False
        self.of = lru_cache(maxsize=4096)(self._of)  # a visitor comes back, and a lookup in pure Python takes its time

    def _of(self, address: str) -> str:
        """The country's two letters (ISO 3166), or "" when it is not known."""
        if self._reader is None:
            return ""
        try:
            parsed = ip_address(address)
        except ValueError:
            return ""
        if parsed.version == 6 and parsed.ipv4_mapped is not None:  # noqa: PLR2004 - the version of IPv6
            parsed = parsed.ipv4_mapped
        if parsed.version > self._version:
            return ""
        try:
            return _code(self._reader.get(parsed))
        except _BROKEN as error:
            if not self._told:
                self._told = True
                log.warning("tracking.country_database: it cannot be read everywhere (%s); some visits have no country.", type(error).__name__)
            return ""

    @property
    def _version(self) -> int:
        return 0 if self._reader is None else self._reader.metadata().ip_version


def open_countries(path: Path | None, now: datetime) -> tuple[Countries, str]:
    """The countries of `path`, and what the operator should know, or "". Never raises: a visit without a country is still a visit."""
    if path is None:
        return Countries(), ""
    try:
        # Read whole, not mapped: a file that is overwritten while it is mapped would end the process.
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        built = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
    except _BROKEN as error:
        said = "there is no such file" if isinstance(error, FileNotFoundError) else "it is no MMDB file, or only a part of one"
        return Countries(), f"tracking.country_database: {path}: {said}; visits have no country."
    countries = Countries(reader)
    if now - built > _OLD:
        return countries, f"tracking.country_database: {path}: built on {built:%Y-%m-%d}; fetch a newer one, or some countries are wrong."
    return countries, ""


def _code(record: Any) -> str:  # noqa: ANN401 - whatever the file holds
    """`{"country": {"iso_code": "DE"}}` as MaxMind and DB-IP write it, `{"country_code": "DE"}` or `{"country": "DE"}` as others do."""
    found = record
    if isinstance(record, dict):
        country = record.get("country") or record.get("registered_country") or record.get("country_code")
        found = country.get("iso_code") if isinstance(country, dict) else record.get("country_code") or country
    return found if isinstance(found, str) and _CODE.fullmatch(found) else ""
