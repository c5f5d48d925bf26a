"""From an address to a store: the one place that knows which adapters there are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import Reason, SettingError
from store.influx_address import EXAMPLE, INFLUX_SCHEME, parse_address
from store.ports import Registry, SeriesStore
from store.registry import SqlRegistry
from store.sqlite import SqliteSeriesStore

if TYPE_CHECKING:
    from store.influx_tokens import StoreTokens

SQLITE_SCHEME = "sqlite:"


def open_series(url: str, *, read_only: bool = False) -> SeriesStore:
    """The time-series store at ``url``, made on first use unless ``read_only``.

    ``sqlite:PATH``, or ``influx:`` and an InfluxDB's address (docs/store.md). SettingError for an
    address of no known kind; StoreError or DiskError where it cannot be opened.
    """
    if url.startswith(INFLUX_SCHEME):
        from store.influx import InfluxSeriesStore  # noqa: PLC0415 - its client takes long to load

        return InfluxSeriesStore(parse_address(url), read_only=read_only)
    if not url.startswith(SQLITE_SCHEME):
        raise SettingError(
            Reason.BAD_SETTING,
            "The address of the store is of no known kind.",
            hint=f"Give {SQLITE_SCHEME}PATH, for example {SQLITE_SCHEME}plumbline-data/series.sqlite, "
            f"or {EXAMPLE}.",
        )
    return SqliteSeriesStore(sqlite_path(url), read_only=read_only)


def reach_series(url: str) -> bool:
    """Whether the store at ``url`` is a server; if so, it lets us in, and write what is there already.

    SettingError, or StoreError where it does not.
    """
    if not url.startswith(INFLUX_SCHEME):
        return False
    from store.influx import reach  # noqa: PLC0415 - its client takes long to load

    reach(parse_address(url))
    return True


def series_tokens(url: str) -> AbstractContextManager[StoreTokens]:
    """Makes the series store at ``url`` where it is missing, and then tokens for its services.

    SettingError where it is no InfluxDB 2, StoreError where the server is away or refuses.
    """
    if not url.startswith(INFLUX_SCHEME):
        raise SettingError(
            Reason.BAD_SETTING,
            "Only a store on an InfluxDB has tokens.",
            hint=f"Give its address: {EXAMPLE}.",
        )
    from store.influx_tokens import tokens_of  # noqa: PLC0415 - its client takes long to load

    open_series(url).close()
    return tokens_of(parse_address(url))


def open_registry(url: str, *, read_only: bool = False) -> Registry:
    """The registry at an SQLAlchemy ``url``; ``sqlite:PATH`` is short for ``sqlite:///PATH``.

    Brings the database to this version's tables unless ``read_only``. SettingError for an address
    that is none, StoreError or DiskError where it cannot be opened.
    """
    return SqlRegistry(url, read_only=read_only)


def sqlite_path(url: str) -> Path:
    """The file of ``sqlite:PATH`` or ``sqlite:///PATH``. SettingError where no file is named."""
    path = url.removeprefix(SQLITE_SCHEME).removeprefix("//")
    if url.startswith(f"{SQLITE_SCHEME}///"):
        path = path.removeprefix("/")
    if not path or path.startswith(":"):
        raise SettingError(
            Reason.BAD_SETTING,
            "The address of the store names no file.",
            hint=f"Give {SQLITE_SCHEME}PATH: several processes share the file.",
        )
    return Path(path)
