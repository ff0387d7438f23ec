"""Private keys made by openssl, and a DNS of its own for dkimpy, which reads our signatures and shares no code with us."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import dkim  # type: ignore[import-untyped]  # it ships no types

from digest.mail.dkim import Signer

DOMAIN = "osterglen.example"


def pem(algorithm: str, bits: int = 2048) -> bytes:
    """A private key as an operator makes it: algorithm RSA, ED25519 or EC."""
    options = {"RSA": ["-pkeyopt", f"rsa_keygen_bits:{bits}"], "EC": ["-pkeyopt", "ec_paramgen_curve:prime256v1"]}
    words = ["openssl", "genpkey", "-algorithm", algorithm, *options.get(algorithm, [])]
    return subprocess.run(words, check=True, capture_output=True).stdout


def verified(signed: bytes, records: Mapping[str, str]) -> list[bool]:
    """What dkimpy says of each signature, from the top; `records`: selector -> text in the DNS."""
    zone = {f"{selector}._domainkey.{DOMAIN}.".encode(): text.encode() for selector, text in records.items()}
    reader = dkim.DKIM(signed.replace(b"\r\n..", b"\r\n."))
    count = signed.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature: ")
    return [_passes(reader, number, zone) for number in range(count)]


def _passes(reader: dkim.DKIM, number: int, zone: Mapping[bytes, bytes]) -> bool:
    try:
        return bool(reader.verify(number, dnsfunc=lambda name, **_: zone.get(name)))
    except dkim.ValidationError:  # a body that was changed is an exception there, a head that was changed is not
        return False


def signer(keys: Mapping[str, bytes]) -> Signer:
    """A signer for DOMAIN."""
    return Signer(DOMAIN, keys)
