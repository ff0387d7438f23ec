"""A key and a certificate for 127.0.0.1 or for names, made by openssl."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def certificate(folder: Path, *, days: int = 2, names: str = "IP:127.0.0.1") -> Path:
    """Both in one file; nobody but who is told trusts it."""
    key, found = folder / "key.pem", folder / "both.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days)]
    words += ["-subj", "/CN=sink", "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(found)]
    subprocess.run(words, check=True, capture_output=True)
    found.write_bytes(found.read_bytes() + key.read_bytes())
    return found


def server_side(certificate: Path) -> ssl.SSLContext:
    """What a server with it needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
