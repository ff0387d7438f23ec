"""Reports in no standard form: which addresses they speak of. A guess, so nobody is stopped by one alone.

Uses flufl.bounce, which knows some twenty mail systems of the last decades; it is optional.
"""

from __future__ import annotations

import importlib
import logging
from email import message_from_bytes
from email.policy import compat32
from typing import Any

from digest.domain.bounce import Said

_LIMIT = 65_536  # octets it may look at
_LINE = 1000  # octets of a line; its patterns take quadratic time at worst
_MULTIPARTS = 20  # its reader recurses into each
_log = logging.getLogger(__name__)
_missing: list[bool] = []  # said once


def guess(data: bytes) -> tuple[Said, ...]:
    """What flufl.bounce finds in a message: failed and delayed recipients. Nothing, and a word in the log, without it."""
    scan = _scanner()
    if scan is None or not _bearable(data):
        return ()
    try:
        delayed, failed = scan(message_from_bytes(data[:_LIMIT], policy=compat32))
    except Exception as error:  # noqa: BLE001 - twenty strangers' patterns meet whatever the world sends
        _log.info("flufl.bounce does not understand a report: %s", error)
        return ()
    found = [("failed", address) for address in failed] + [("delayed", address) for address in delayed]
    return tuple(Said(final=address.decode("ascii", "replace").lower(), action=action) for action, address in sorted(found))


def _bearable(data: bytes) -> bool:
    """False for what would cost a parser made for well-meant mail too much."""
    seen = data[:_LIMIT]
    return seen.lower().count(b"boundary=") <= _MULTIPARTS and max(map(len, seen.split(b"\n"))) <= _LINE


def _scanner() -> Any:  # noqa: ANN401 - a function of an optional library
    try:
        scan = importlib.import_module("flufl.bounce").all_failures
    except ImportError:
        if not _missing:
            _missing.append(True)
            _log.warning("Reports in no standard form are kept unread: flufl.bounce is missing. Run `pip install 'weekly-digest[bounces]'`.")
        return None
    logging.getLogger("flufl.bounce").disabled = True  # a pattern that fails has found nothing; it would write a trace for each
    return scan
