"""The envelope sender that names its message: what we sign we read back, and nobody else can make it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.config_tables import Sender
from digest.domain.verp import LOCAL_PART, VALID, Returned, read_verp, verp_address
from tests.conftest import NOW

SECRET, OLD = b"s" * 32, b"o" * 32
MESSAGES = st.integers(min_value=1, max_value=10**15 - 1)


def local_of(address: str) -> str:
    return address.rpartition("@")[0]


@pytest.mark.parametrize(("bounces", "begins", "domain"), [("*@B.example.com", "b.17.", "b.example.com"), ("Back@x.org", "back+b.17.", "x.org")])
def test_both_forms_of_the_setting_name_the_message(bounces: str, begins: str, domain: str) -> None:
    address = verp_address(bounces, SECRET, 17, NOW)
    assert address.startswith(begins)
    assert address.endswith(f"@{domain}")
    assert address == verp_address(bounces, SECRET, 17, NOW + timedelta(microseconds=5))
    assert read_verp(address, [OLD, SECRET], NOW) == Returned(message=17)


@given(message=MESSAGES, seconds=st.integers(min_value=0, max_value=2**33), local=st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True))
def test_whatever_the_configuration_allows_fits_an_address_and_comes_back(message: int, seconds: int, local: str) -> None:
    setting = Sender(bounces=f"{local}@example.com").bounces
    at = NOW + timedelta(seconds=seconds)
    address = verp_address(setting, SECRET, message, at)
    assert len(local_of(address)) <= LOCAL_PART
    assert address == address.lower()
    for spelt in (address.upper(), f"<{address}>", address.replace(f"{local.lower()}+", ""), f"other+{address}"):
        assert read_verp(spelt, [SECRET], at + VALID) == Returned(message=message)
    assert read_verp(address, [SECRET], at.replace(microsecond=0) + VALID + timedelta(seconds=1)) == Returned(message=None)


@given(message=MESSAGES, place=st.integers(min_value=0, max_value=200), letter=st.sampled_from("0123456789abcdef"))
def test_no_other_message_time_or_signature_passes(message: int, place: int, letter: str) -> None:
    address = verp_address("*@example.com", SECRET, message, NOW)
    local = local_of(address)
    at = place % len(local)
    changed = f"{local[:at]}{letter}{local[at + 1 :]}@example.com"
    found = read_verp(changed, [SECRET], NOW)
    assert changed == address or found is None or found.message is None


def test_another_key_is_a_wrong_signature_and_other_addresses_are_none_of_ours() -> None:
    address = verp_address("*@example.com", SECRET, 17, NOW)
    assert read_verp(address, [OLD], NOW) == read_verp(address, [], NOW) == Returned(message=None)
    for other in ("", "@", "ana@example.com", "b.17@example.com", "b.17.zz.0123456789abcdef@example.com", "xb.17.6a.0123456789abcdef@x", "b" * 9999):
        assert read_verp(other, [SECRET], NOW) is None


def test_a_local_part_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed 64"):
        verp_address(f"{'x' * 40}@example.com", SECRET, 17, NOW)
