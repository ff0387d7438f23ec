"""A writer of small MMDB files, after the public specification of MaxMind DB 2.0: a search tree of 24-bit records, then data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11


def write_mmdb(path: Path, countries: Mapping[str, Any], built: datetime) -> Path:
    """`path` with a record for each network of `countries` (networks do not overlap)."""
    data, offsets = b"", {}
    for text, record in countries.items():
        offsets[text] = len(data)
        data += _encode(record)
    tree = _tree(offsets)
    metadata = {
        "binary_format_major_version": (_UINT16, 2),
        "binary_format_minor_version": (_UINT16, 0),
        "build_epoch": (_UINT64, int(built.timestamp())),
        "database_type": "Test-Country",
        "description": {"en": "a test"},
        "ip_version": (_UINT16, 6),
        "languages": ["en"],
        "node_count": (_UINT32, len(tree)),
        "record_size": (_UINT16, 24),
    }
    nodes = b"".join(_record(side, len(tree)) for node in tree for side in node)
    path.write_bytes(nodes + bytes(16) + data + _MARKER + _encode(metadata))
    return path


def _tree(offsets: Mapping[str, int]) -> list[list[tuple[str, int]]]:
    """Nodes of two sides, each ("node", index), ("data", offset) or ("none", 0)."""
    tree: list[list[tuple[str, int]]] = [[("none", 0), ("none", 0)]]
    for text, offset in offsets.items():
        network = ip_network(text)
        before = 96 if isinstance(network, IPv4Network) else 0  # IPv4 lives below ::/96
        bits = f"{int(network.network_address):0128b}"[: before + network.prefixlen]
        node = 0
        for place, bit in enumerate(bits):
            if place == len(bits) - 1:
                tree[node][int(bit)] = ("data", offset)
            else:
                kind, following = tree[node][int(bit)]
                if kind != "node":
                    following = len(tree)
                    tree.append([("none", 0), ("none", 0)])
                    tree[node][int(bit)] = ("node", following)
                node = following
    return tree


def _record(side: tuple[str, int], nodes: int) -> bytes:
    kind, value = side
    number = {"node": value, "none": nodes, "data": nodes + 16 + value}[kind]
    return number.to_bytes(3, "big")


def _encode(value: Any) -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return _control(_STRING, len(raw)) + raw
    if isinstance(value, tuple):
        kind, number = value
        raw = int(number).to_bytes((int(number).bit_length() + 7) // 8, "big")
        return _control(kind, len(raw)) + raw
    if isinstance(value, list):
        return _control(_ARRAY, len(value)) + b"".join(map(_encode, value))
    return _control(_MAP, len(value)) + b"".join(_encode(part) for pair in value.items() for part in pair)


def _control(kind: int, size: int) -> bytes:
    """The type and size of a field; types above 7 stand in a byte of their own."""
    assert size < 285
    length, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | length]) if kind < 8 else bytes([length, kind - 7])) + more
