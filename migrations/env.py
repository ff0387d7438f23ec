"""Alembic's entry: migrates the connection that `digest.db.migrate` hands over."""

from __future__ import annotations

from alembic import context

from digest.db.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
    transaction_per_migration=False,
)
context.run_migrations()
