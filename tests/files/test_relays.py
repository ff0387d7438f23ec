"""The file of well-known relays."""

from __future__ import annotations

import pytest

from digest.config_tables import Smtp
from digest.files.relays import known_relay, load_relays


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("smtp.office365.com", "Exchange Online"),
        ("SMTP.Office365.com.", "Exchange Online"),
        ("email-smtp.eu-central-1.amazonaws.com", "Amazon SES"),
        ("mail.osterglen.example", ""),
        ("notsmtp.office365.com", ""),
    ],
)
def test_a_relay_is_known_by_its_name(host: str, label: str) -> None:
    found = known_relay(host)
    assert (found.label if found else "") == label


def test_the_file_speaks_the_keys_of_the_configuration() -> None:
    assert load_relays()
    for relay in load_relays():
        assert set(relay.limits) <= set(Smtp.model_fields), relay.label
        Smtp.model_validate(dict(relay.limits))


def test_exchange_online_takes_what_its_pages_say() -> None:
    found = known_relay("smtp.office365.com")
    assert found is not None
    assert dict(found.limits) == {"connections": 3, "per_minute": 30, "per_day": 10000}
