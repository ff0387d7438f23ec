"""Findings: how bad is what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.domain.doctor import (
    Level,
    Section,
    bad,
    certificate,
    clock,
    free_disk,
    letter_size,
    limits,
    ok,
    reverse_name,
    unknown,
    warn,
    worst,
    zones,
)
from tests.conftest import NOW

EXCHANGE = {"connections": 3, "per_minute": 30, "per_day": 10000}


@pytest.mark.parametrize(
    ("html", "whole", "limit", "level"),
    [
        (46_000, 60_000, 0, Level.OK),
        (89_999, 120_000, 120_000, Level.OK),
        (90_000, 120_000, 0, Level.WARN),
        (102_000, 120_000, 0, Level.BAD),
        (46_000, 60_001, 60_000, Level.BAD),
    ],
)
def test_the_longest_letter(html: int, whole: int, limit: int, level: Level) -> None:
    assert letter_size(html, whole, limit).level is level


@pytest.mark.parametrize(("free", "level"), [(5_000_000_000, Level.OK), (900_000_000, Level.WARN), (50_000_000, Level.BAD)])
def test_free_disk(free: int, level: Level) -> None:
    assert free_disk(free, "/srv").level is level


@pytest.mark.parametrize(("days", "level"), [(60, Level.OK), (13, Level.WARN), (-1, Level.WARN)])
def test_a_certificate_is_named_two_weeks_before_it_ends(days: int, level: Level) -> None:
    assert certificate(NOW + timedelta(days=days), NOW).level is level


@pytest.mark.parametrize(
    ("seconds", "level", "said"),
    [
        (0, Level.OK, "agrees with the web server"),
        (-29, Level.OK, "agrees with the web server"),
        (45, Level.WARN, "45 seconds behind the web server's"),
        (-3600, Level.BAD, "60 minutes ahead of the web server's"),
    ],
)
def test_the_clock_is_compared_with_others(seconds: int, level: Level, said: str) -> None:
    found = clock(NOW, {"the web server": NOW + timedelta(seconds=seconds)})
    assert (found.level, found.said) == (level, said)


def test_a_clock_without_others_is_unknown() -> None:
    assert clock(NOW, {}).level is Level.UNKNOWN


@pytest.mark.parametrize(("version", "level"), [("2026b", Level.OK), ("2025.2", Level.OK), ("2024a", Level.WARN), ("", Level.UNKNOWN)])
def test_old_time_zones_are_named(version: str, level: Level) -> None:
    assert zones(version, NOW).level is level


def test_a_providers_limits_are_printed_as_lines_of_the_configuration() -> None:
    found = limits("limits", "Exchange Online", EXCHANGE, {"connections": 4, "per_minute": 0, "per_day": 0}, "transports.exchange")
    assert found.level is Level.WARN
    assert found.do == "Set in config.toml:\n[transports.exchange]\nconnections = 3\nper_minute = 30\nper_day = 10000"
    assert limits("limits", "Exchange Online", EXCHANGE, {"connections": 2, "per_minute": 30, "per_day": 9000}, "smtp").level is Level.OK


@pytest.mark.parametrize(
    ("names", "forward", "level"),
    [
        (["relay.example"], ["192.0.2.7"], Level.OK),
        (["relay.example"], ["192.0.2.8"], Level.WARN),
        ([], [], Level.WARN),
    ],
)
def test_a_sending_address_needs_a_name_that_leads_back(names: list[str], forward: list[str], level: Level) -> None:
    assert reverse_name("192.0.2.7", names, forward).level is level


def test_the_worst_finding_decides() -> None:
    assert worst([]) is Level.OK
    assert worst([Section(name="a", findings=(ok("x", "y"), unknown("x", "y")))]) is Level.UNKNOWN
    assert worst([Section(name="a", findings=(warn("x", "y"), unknown("x", "y")))]) is Level.WARN
    assert worst([Section(name="a", findings=(warn("x", "y"),)), Section(name="b", findings=(bad("x", "y", "z"), ok("x", "y")))]) is Level.BAD
