"""Signing keys: made once, rotated without breaking old links."""

from __future__ import annotations

from sqlalchemy import Engine

from digest.db.keys import PURPOSES, add_key, ensure_keys, signing_keys
from digest.db.session import read, write
from tests.conftest import NOW


def test_every_purpose_gets_its_own_key_once(engine: Engine) -> None:
    draws = iter(range(1, 100))
    for _ in range(2):
        with write(engine) as connection:
            ensure_keys(connection, lambda size: bytes([next(draws)]) * size, NOW)
    with read(engine) as connection:
        found = [signing_keys(connection, purpose) for purpose in PURPOSES]
    assert [len(keys) for keys in found] == [1] * len(PURPOSES)
    assert len({secret for keys in found for secret in keys.values()}) == len(PURPOSES)


def test_a_new_key_comes_first_and_the_old_one_still_verifies(engine: Engine) -> None:
    with write(engine) as connection:
        ensure_keys(connection, lambda size: b"a" * size, NOW)
        new = add_key(connection, "unsubscribe", lambda size: b"b" * size, NOW)
        keys = signing_keys(connection, "unsubscribe")
    assert next(iter(keys)) == new
    assert list(keys.values()) == [b"b" * 32, b"a" * 32]
