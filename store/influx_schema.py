"""The buckets of an InfluxDB store: made at the first start, marked as ours and of which version."""

from __future__ import annotations

from typing import Final

from contracts.errors import Reason, StoreError
from store.influx_address import InfluxAddress
from store.influx_flux import TIMELESS, keep, source
from store.influx_http import InfluxServer
from store.influx_kinds import Kind
from store.influx_lines import BASE_NS

#: Version of the layout that influx_lines describes. Frames of layout 1 have no ``suspect``, reminders of
#: layout 2 no ``felt`` and no ``after``; in layout 3 nothing was ``ahead``.
VERSION: Final = 4
_DAY_S: Final = 86_400
#: Files of frames that are deleted as a whole when their time is over.
_FRAME_SHARD_S: Final = _DAY_S
#: What is kept for good is little: a file for a year.
_KEPT_SHARD_S: Final = 364 * _DAY_S
#: Retentions up to here go by files of a day.
_LONG_DAYS: Final = 364


def prepare(server: InfluxServer, kind: Kind, address: InfluxAddress) -> None:
    """Make what is missing of the buckets and mark them. StoreError where the server refuses.

    A bucket that somebody made by hand is taken as it is, retention included.
    """
    keep_days = address.frame_days
    brief = 0 < keep_days <= _LONG_DAYS
    if not kind.has(address.frames):
        kind.make(
            address.frames,
            keep_s=keep_days * _DAY_S,
            shard_s=_FRAME_SHARD_S if brief else _KEPT_SHARD_S,
        )
    if not kind.has(address.kept):
        kind.make(address.kept, keep_s=0, shard_s=_KEPT_SHARD_S)
    if _version(server, kind, address) < VERSION:
        _mark(server, kind, address, VERSION)


def try_to_write(server: InfluxServer, kind: Kind, address: InfluxAddress) -> None:
    """Write the mark once more where it is there: a full disk or a token that only reads is an error.

    Nothing changes by it. StoreError where the server refuses.
    """
    version = _version(server, kind, address)
    if version > 0:
        _mark(server, kind, address, version)


def check_schema(server: InfluxServer, kind: Kind, address: InfluxAddress) -> None:
    """For readers, who make nothing: StoreError where the buckets are not there."""
    there = kind.has(address.frames) and kind.has(address.kept)
    if not there or _version(server, kind, address) == 0:
        raise StoreError(
            Reason.STORE_UNREACHABLE,
            f"The store {address} is not there.",
            hint="Start plumbline analytics first, or check org and bucket-prefix in the address.",
        )


def _mark(server: InfluxServer, kind: Kind, address: InfluxAddress, version: int) -> None:
    server.write(kind.bucket(address.kept), [f"schema version={version}i {BASE_NS}"])


def _version(server: InfluxServer, kind: Kind, address: InfluxAddress) -> int:
    bucket = kind.bucket(address.kept)
    rows = source(bucket, *TIMELESS, _measurement="schema", _field="version")
    version = max(map(int, server.ask(rows + keep("_value")).get("_value", [])), default=0)
    if version > VERSION:
        raise StoreError(
            Reason.STORE_SCHEMA,
            f"{address} was written by a later Plumbline (schema {version}, known is {VERSION}).",
            hint="Run the later version; a downgrade would lose data.",
        )
    return version
