"""The small spellings of SMTP: offers, names, addresses."""

from __future__ import annotations

import base64
import socket

from digest.smtp.stream import Reply


def offers(reply: Reply) -> dict[str, str]:
    """Keyword -> parameters, upper case, from the lines behind the greeting; `AUTH=` is an old spelling of AUTH."""
    found: dict[str, str] = {}
    for line in reply.lines[1:]:
        word, _, rest = line.replace("=", " ", 1).partition(" ") if line.upper().startswith("AUTH=") else line.partition(" ")
        found[word.upper()] = f"{found.get(word.upper(), '')} {rest}".strip()
    return found


def own_name(address: str, ipv6: bool) -> str:
    """What we call ourselves: the machine's full name if it has one, else our address as a literal; no DNS is asked."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    return f"[IPv6:{address}]" if ipv6 else f"[{address}]"


def ascii_form(address: str) -> str:
    """The address with its domain in ASCII (IDNA), or "" when that is not possible."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}" if local.isascii() else ""
    except UnicodeError:
        return ""


def b64(text: str) -> str:
    """Text as AUTH wants it (RFC 4954)."""
    return base64.b64encode(text.encode()).decode()
