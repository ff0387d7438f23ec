"""The kinds of value of config.toml that mail knows: mailboxes, addresses, domains, hosts, and where mail waits."""

from __future__ import annotations

import ipaddress
import re
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

import ada_url
from pydantic import AfterValidator, Strict

from digest.config_values import CONTROL, refuse

_MAILBOX = 'NAME <ADDRESS>, such as "Mara at Example <digest@example.com>"'
_BOUNCES = '"*@bounces.example.com" (a domain of its own), "bounces@example.com" (its mailbox takes bounces+...), or ""'
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LOCAL = re.compile(r"[^\s@<>(),;:\"\\\x00-\x1f\x7f]{1,64}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_IMAP = ("imaps://", "imap://")
SOURCES = "imaps://USER@HOST/FOLDER with the password in inbound.password, or the path of a Maildir"


def _mailbox(value: str) -> str:
    _, address = parseaddr(value)
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or " " in address or CONTROL.search(value):
        raise refuse(value, _MAILBOX)
    return value


def _mailbox_or_none(value: str) -> str:
    return _mailbox(value) if value else value


def _bounces(value: str) -> str:
    """The signed part needs 44 octets of the 64 that a local part may have (RFC 5321, 4.5.3.1.1)."""
    local, at, domain = value.rpartition("@")
    plain = re.fullmatch(r"\*|[A-Za-z0-9._-]{1,20}", local) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]", domain)
    if value and not (at and plain):
        raise refuse(value, _BOUNCES)
    return value


def normal_domain(value: str) -> str:
    """A domain as the roster stores it: small letters, and those of its own script. Raises ValueError for what is none."""
    plain = value.lower()
    ascii_form = plain if plain.isascii() else ada_url.idna_to_ascii(plain).decode()
    labels = ascii_form.split(".")
    named = len(labels) > 1 or ascii_form == "localhost"
    if not named or len(ascii_form) > 253 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004 - RFC 1035, 2.3.4
        raise ValueError(value)
    return str(ada_url.idna_to_unicode(ascii_form)) if "xn--" in ascii_form else plain


def normal_address(value: str) -> str:
    """An address with its domain in the normal form. Raises ValueError for what is none."""
    local, _, domain = value.rpartition("@")
    if not _LOCAL.fullmatch(local):
        raise ValueError(value)
    return f"{local}@{normal_domain(domain)}"


def _domain(value: str) -> str:
    try:
        return normal_domain(value)
    except ValueError:
        raise refuse(value, "a domain such as example.com") from None


def _address_or_domain(value: str) -> str:
    try:
        return normal_address(value) if "@" in value else normal_domain(value)
    except ValueError:
        raise refuse(value, "an address such as ana@example.com, or a domain such as example.com") from None


def _address(value: str) -> str:
    try:
        return normal_address(value)
    except ValueError:
        raise refuse(value, "an address such as ana@example.com") from None


def _host(value: str) -> str:
    try:
        ipaddress.ip_address(value.removeprefix("[").removesuffix("]"))
    except ValueError:
        if not re.fullmatch(r"[\w.-]+", value):
            raise refuse(value, "a name or address without port, such as smtp.example.com") from None
    return value


def source(value: str) -> str:
    """Where mail waits, as it was typed. Raises the error of a value that does not fit, without the password in it."""
    if value.startswith(_IMAP) and not _is_mailbox(value):
        raise refuse(_without_password(value), SOURCES)
    if not value.startswith(_IMAP) and (_SCHEME.match(value) or CONTROL.search(value)):
        raise refuse(_without_password(value), SOURCES)
    return value


def _is_mailbox(value: str) -> bool:
    try:
        url = ada_url.URL(value)
    except ValueError:
        return False
    return bool(url.hostname and url.username and not url.password) and not CONTROL.search(value)


def _without_password(value: str) -> str:
    try:
        password = urlsplit(value).password
    except ValueError:
        return value.partition(":")[0] + "://..."
    return value.replace(f":{password}@", ":...@", 1) if password else value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
OptionalMailbox = Annotated[str, AfterValidator(_mailbox_or_none)]
Bounces = Annotated[str, AfterValidator(_bounces)]
Domains = Annotated[tuple[Annotated[str, AfterValidator(_domain)], ...], Strict(strict=False)]
Audience = Annotated[tuple[Annotated[str, AfterValidator(_address_or_domain)], ...], Strict(strict=False)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], Strict(strict=False)]
Host = Annotated[str, AfterValidator(_host)]
MailSource = Annotated[str, AfterValidator(source)]
