"""What Alembic runs for each upgrade: the registry's tables, on the connection it was handed."""

from __future__ import annotations

from alembic import context

from store.registry_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
context.run_migrations()
