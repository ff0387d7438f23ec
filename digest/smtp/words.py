"""The small spellings of SMTP: offers, names, addresses."""

from __future__ import annotations

import base64
import socket
import unicodedata

import ada_url

from digest.smtp.stream import Reply

_LONGEST_LABEL = 63  # RFC 1035, 2.3.4


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
    """The address with its domain in ASCII, or "" when that is not possible.

    By UTS 46, not transitional: IDNA 2003 took "ß" for "ss", which is somebody else's domain. What does not read back as it
    was written is not taken for a spelling of it.
    """
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    ascii_domain = ada_url.idna_to_ascii(domain).decode()
    same = ada_url.idna_to_unicode(ascii_domain) == unicodedata.normalize("NFC", domain).lower() if ascii_domain else False
    whole = all(0 < len(label) <= _LONGEST_LABEL for label in ascii_domain.split("."))
    return f"{local}@{ascii_domain}" if local.isascii() and same and whole else ""


def b64(text: str) -> str:
    """Text as AUTH wants it (RFC 4954)."""
    return base64.b64encode(text.encode()).decode()
