"""Brings a registry's database to this version's tables, once, however many processes open it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from contracts.errors import Reason, StoreError

_SCRIPTS: Final = Path(__file__).parent / "migrations"
#: Names the advisory lock that PostgreSQL holds during a migration ("PLMB").
_LOCK_KEY: Final = 0x504C4D42


def migrate(connection: sa.Connection) -> None:
    """Upgrade within the transaction that ``connection`` has begun.

    The transaction holds the database's write lock (SQLite), or takes an advisory one, so that of
    two processes that open a new database one waits and finds the work done. StoreError where a
    later version has written the database.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
    config = _config()
    if _is_current(connection, config):
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check_current(connection: sa.Connection) -> None:
    """For readers: StoreError where the database is not of this version."""
    if not _is_current(connection, _config()):
        raise StoreError(
            Reason.STORE_SCHEMA,
            "The registry is not of this version.",
            hint="Start plumbline analytics once: it makes the registry or brings it up to date.",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _is_current(connection: sa.Connection, config: Config) -> bool:
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        return False
    try:
        scripts.get_revision(found)
    except CommandError:
        known = False
    else:
        known = True
    if not known:
        raise StoreError(
            Reason.STORE_SCHEMA,
            f"The registry was written by a later Plumbline (revision {found[:32]}).",
            hint="Run the later version; a downgrade would lose data.",
        )
    return found == scripts.get_current_head()
