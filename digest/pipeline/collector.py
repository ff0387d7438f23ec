"""The interpreter's garbage collector, for work that makes many short-lived objects beside much that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_USUALLY = gc.get_threshold()
_SELDOM = (10_000, 50, 1_000)


@contextmanager
def seldom() -> Iterator[None]:
    """Look for rings of garbage seldom, and not at all among what is there now; as usual when it ends, or when another such work ends.

    A full collection walks through all that was ever loaded and holds every thread up for a tenth of a second. Most garbage goes
    without it: only what forms a ring needs it.
    """
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*_USUALLY)
        gc.unfreeze()
