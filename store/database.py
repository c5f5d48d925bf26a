"""The database under the registry: SQLite by default, PostgreSQL by URL. Connections and transactions.

In SQLite a write-ahead log lets readers go on while something is changed; each sees whole changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from contracts.errors import PlumblineError, Reason, SettingError, StoreError
from store.registry_migration import check_current, migrate
from store.sqlite_errors import translate
from store.sqlite_log import use_write_ahead_log

#: How long a statement waits for another process's change before it gives up.
BUSY_TIMEOUT_S: Final = 10.0
#: How long readers are waited for before the log is cut back: writers wait as long.
_OVERWRITE_WAIT_S: Final = 0.5


class Database:
    """The database at ``url``, brought to this version's tables unless ``read_only``.

    Every error of the driver comes out as a StoreError or DiskError; SettingError for a bad address.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._engine = _engine(url, read_only=read_only)
        try:
            if read_only:
                with self.reading() as connection:
                    check_current(connection)
            else:
                with self.transaction() as connection:
                    migrate(connection)
                self.overwrite()  # what an erasure that was cut off had deleted
        except BaseException:
            self._engine.dispose()
            raise

    def fetch(self, query: sa.Select[Any]) -> list[Any]:
        """All rows of a question."""
        with self.reading() as connection:
            return list(connection.execute(query).all())

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """For one look."""
        # One statement a look: no transaction is needed, and none is left open.
        with _translated(self._engine), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """For changes: all of them, or none."""
        with _translated(self._engine), self._engine.begin() as connection:
            yield connection

    def overwrite(self) -> bool:
        """Overwrite on the disk what was deleted; False where a reader keeps it for now: ask again.

        SQLite's log keeps pages as they were until it is cut back. A server's disk is the server's.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        with self.reading() as connection:
            _set_busy_timeout(connection, _OVERWRITE_WAIT_S)
            try:
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                _set_busy_timeout(connection, BUSY_TIMEOUT_S)
        return not busy

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _engine(text: str, *, read_only: bool) -> sa.Engine:
    try:
        url = sa.make_url(_long_form(text))
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url, read_only=read_only)
        return sa.create_engine(url, pool_pre_ping=True)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError):
        raise SettingError(
            Reason.BAD_SETTING,
            "The address of the registry is no database address.",
            hint="Give sqlite:PATH, or an SQLAlchemy URL such as postgresql+psycopg://user@host/name.",
        ) from None
    except ModuleNotFoundError as error:
        raise SettingError(
            Reason.MISSING,
            f"The registry's database needs the Python package {error.name}, which is not installed.",
            hint=f"Install it with: python -m pip install {error.name}",
        ) from None


def _sqlite_engine(url: sa.URL, *, read_only: bool) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise SettingError(
            Reason.BAD_SETTING,
            "The address of the registry names no file.",
            hint="Give sqlite:PATH: several processes share the file.",
        )
    path = Path(url.database)
    if read_only and not path.is_file():
        raise StoreError(
            Reason.STORE_UNREACHABLE,
            f"The registry {path} is not there.",
            hint="Start plumbline analytics (or plumbline demo) first, or check the path.",
        )

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,  # SQLAlchemy begins and ends transactions, see below
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # erased means overwritten
            if not read_only:
                use_write_ahead_log(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = sa.create_engine(url.set(query={}), creator=connect, poolclass=sa.pool.QueuePool)

    # Taking the write lock at the start lets a second writer wait rather than fail half-way.
    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _set_busy_timeout(connection: sa.Connection, timeout_s: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(timeout_s * 1000)}")


def _long_form(text: str) -> str:
    if text.startswith("sqlite:") and not text.startswith("sqlite://"):
        return f"sqlite:///{text.removeprefix('sqlite:')}"
    return text


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _error_of_ours(error.orig or error, engine) from error
    except sqlite3.Error as error:
        raise _error_of_ours(error, engine) from error


def _error_of_ours(error: BaseException, engine: sa.Engine) -> PlumblineError:
    if isinstance(error, sqlite3.Error):
        return translate(error, f"of people and sensors {engine.url.database}")
    return StoreError(
        Reason.STORE_UNREACHABLE,
        f"The registry at {engine.url.host}/{engine.url.database} cannot serve: {type(error).__name__}.",
        hint="Check that the database server runs, and the user and password it is given.",
    )
