"""What people type as an address, a number of days or a DNS server: taken, or refused with what is allowed."""

from __future__ import annotations

import click

AN_ADDRESS = "an address such as ana@example.com"
_MOST_DAYS = 36_500
_A_SERVER = "the address of a DNS server, with or without a port: 9.9.9.9, 9.9.9.9:53 or [2620:fe::fe]:53"


def is_address(text: str) -> bool:
    """True when it can be an address. Whether one of the roster is meant, the roster knows."""
    name, _, domain = text.rpartition("@")
    return bool(name and domain) and text.isprintable() and not any(letter.isspace() or letter in "<>," for letter in text)


def address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """The address without the white space around it. Raises BadParameter for what cannot be one."""
    if not is_address(value.strip()):
        raise click.BadParameter(f"found {value!r}, allowed {AN_ADDRESS}")
    return value.strip()


def days(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """A whole number of days. Raises BadParameter for what is none, or more than a hundred years."""
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(_MOST_DAYS)) and 1 <= int(value) <= _MOST_DAYS):
        raise click.BadParameter(f"found {value!r}, allowed a whole number of days, 1 to {_MOST_DAYS:,}")
    return int(value)


def dns_server(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """A DNS server, or "". Raises BadParameter for a name, or a port that there is not."""
    from digest.net.dns import server

    if value is None:
        return ""
    try:
        server(value)
    except ValueError:
        raise click.BadParameter(f"found {value!r}, allowed {_A_SERVER}") from None
    return value
