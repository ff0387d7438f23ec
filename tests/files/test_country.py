"""Countries: told from a file on this machine, and a file that is missing, cut or old stops nothing."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from digest.files.country import Countries, open_countries
from tests.conftest import NOW
from tests.mmdb import write_mmdb

RECORDS = {
    "192.0.2.0/24": {"country": {"iso_code": "DE", "names": {"en": "Germany"}}},
    "198.51.100.128/25": {"registered_country": {"iso_code": "FR"}},
    "203.0.113.7/32": {"country_code": "PT"},
    "2001:db8::/32": {"country": "IN"},
    "100.64.0.0/10": {"country": {"iso_code": "Deutschland"}},
    "100.128.0.0/16": {"city": "Porto"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_mmdb(tmp_path / "countries.mmdb", RECORDS, NOW - timedelta(days=30))


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.7", "DE"),
        ("192.0.3.7", ""),
        ("198.51.100.200", "FR"),
        ("198.51.100.3", ""),
        ("203.0.113.7", "PT"),
        ("203.0.113.8", ""),
        ("2001:db8::1", "IN"),
        ("2001:db9::1", ""),
        ("::ffff:192.0.2.7", "DE"),
        ("100.64.0.1", ""),  # no code of two letters
        ("100.128.0.1", ""),  # no country
        ("", ""),
        ("testclient", ""),
        ("192.0.2.7:80", ""),
        ("fe80::1%eth0", ""),
    ],
)
def test_an_address_has_its_country_or_none(file: Path, address: str, country: str) -> None:
    countries, problem = open_countries(file, NOW)
    assert problem == ""
    assert countries.of(address) == country


def test_without_a_file_nobody_has_a_country() -> None:
    countries, problem = open_countries(None, NOW)
    assert (countries.of("192.0.2.7"), problem) == ("", "")
    assert Countries().of("192.0.2.7") == ""


def test_an_old_file_is_used_and_told(file: Path) -> None:
    countries, problem = open_countries(file, NOW + timedelta(days=730))
    assert problem == f"tracking.country_database: {file}: built on 2026-10-25; fetch a newer one, or some countries are wrong."
    assert countries.of("192.0.2.7") == "DE"


@pytest.mark.parametrize("keep", [0, 1, 50, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_is_told_and_knows_nothing(file: Path, keep: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    countries, problem = open_countries(file, NOW)
    assert problem == f"tracking.country_database: {file}: it is no MMDB file, or only a part of one; visits have no country."
    assert countries.of("192.0.2.7") == ""


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    assert "there is no such file; visits have no country." in open_countries(tmp_path / "absent.mmdb", NOW)[1]
    assert "visits have no country." in open_countries(tmp_path, NOW)[1]


def test_a_file_that_is_broken_inside_is_told_once_and_stops_nobody(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = file.read_bytes()
    marker = whole.rindex(b"\xab\xcd\xefMaxMind.com")
    data = whole.index(bytes(16))
    file.write_bytes(whole[: data + 16] + b"\xff" * (marker - data - 16) + whole[marker:])
    countries, problem = open_countries(file, NOW)
    assert problem == ""
    with caplog.at_level(logging.WARNING):
        assert [countries.of(address) for address in ("192.0.2.7", "203.0.113.7", "2001:db8::1")] == ["", "", ""]
    assert len(caplog.records) == 1
    assert "192.0.2" not in caplog.text


def test_overwriting_the_file_while_it_is_used_changes_nothing(file: Path) -> None:
    countries, _ = open_countries(file, NOW)
    file.write_bytes(b"")
    assert countries.of("192.0.2.7") == "DE"
