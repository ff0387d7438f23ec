"""A renderer for an edition, from nothing but what was frozen with it and the signing keys."""

from __future__ import annotations

from sqlalchemy import Engine

from digest.db import editions, keys
from digest.db.session import read
from digest.domain.envelope import Envelope, Keys
from digest.errors import StorageError
from digest.pipeline.rendering import Renderer


def load(engine: Engine, edition_id: int, *, live: bool = True) -> Renderer:
    """The edition's renderer; `live=False` puts dead tokens into every link. Raises StorageError without signing keys."""
    with read(engine) as connection:
        secrets = {purpose: keys.signing_keys(connection, purpose) for purpose in keys.PURPOSES}
        if not all(secrets.values()):
            raise StorageError("keys", "there are no signing keys", hint="Run `digest db upgrade`.")
        unsubscribe_id, unsubscribe = next(iter(secrets["unsubscribe"].items()))
        return Renderer(
            editions.content(connection, edition_id),
            Envelope(**editions.envelope(connection, edition_id)),
            editions.bodies(connection, edition_id),
            Keys(
                control=next(iter(secrets["control"].values())),
                unsubscribe_id=unsubscribe_id,
                unsubscribe=unsubscribe,
                message_id=next(iter(secrets["message-id"].values())),
            ),
            live=live,
        )
