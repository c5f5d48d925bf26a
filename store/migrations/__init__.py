"""Alembic's migrations of the registry; :mod:`store.registry_migration` runs them on opening."""
