"""Cells that a spreadsheet must not take for a formula."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """`cell`, with an apostrophe in front when a spreadsheet would compute it."""
    return f"'{cell}" if cell.startswith(_STARTS) else cell
