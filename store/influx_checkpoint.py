"""Snapshots and cursors in InfluxDB: the last of each, by version.

They are strings and numbers in the kept bucket, at one moment of 2020: one request writes them to one
shard, in one entry of the server's log, so after a crash all of them are there or none.
"""

from __future__ import annotations

import zlib

from contracts.errors import Reason, StoreError
from store import influx_lines as lines
from store.influx_flux import ONE_TABLE, PIVOT, TIMELESS, Columns, keep, source, times_ns
from store.influx_http import InfluxServer
from store.influx_kinds import Kind
from store.influx_lines import BASE_NS
from store.influx_versions import Versions
from store.ports import Checkpoint, StreamKey


def read_checkpoint(server: InfluxServer, bucket: str) -> Checkpoint:
    """The last snapshots and cursors in the bucket. StoreError where one cannot be read."""
    snapshots = source(bucket, *TIMELESS, _measurement="snapshot") + PIVOT + ONE_TABLE
    cursors = source(bucket, *TIMELESS, _measurement="cursor") + " |> last()"
    cursors += keep("gateway", "sensor", "outbox", "_value")
    found = _cursors(server.ask(cursors))
    return Checkpoint(_snapshots(server.ask(snapshots), server.where), found)


def carry_forward(server: InfluxServer, kind: Kind, bucket: str, versions: Versions) -> None:
    """Write the checkpoint as a version of its own, which nothing that is still under way can undo.

    With it what was computed ahead, which has versions too; those before go.
    """
    checkpoint = read_checkpoint(server, kind.bucket(bucket))
    ahead = source(kind.bucket(bucket), *TIMELESS, _measurement="ahead", _field="body")
    found = server.ask(ahead + " |> last()" + keep("wearer", "_value"))
    bodies = zip(found.get("wearer", []), found.get("_value", []), strict=True)
    version = versions.begin()
    carried = [lines.ahead_line(wearer, body, version) for wearer, body in bodies]
    server.write(kind.bucket(bucket), [*checkpoint_lines(checkpoint, version), *carried])
    for name in ("snapshot", "cursor", "ahead"):
        kind.delete(bucket, BASE_NS, BASE_NS + version, _measurement=name)


def checkpoint_lines(checkpoint: Checkpoint, version: int) -> list[str]:
    """The lines of snapshots and cursors."""
    snapshots = checkpoint.snapshots.items()
    return [
        *(lines.snapshot_line(wearer, snapshot, version) for wearer, snapshot in snapshots),
        *(lines.cursor_line(key, seq, version) for key, seq in checkpoint.cursors.items()),
    ]


def _cursors(found: Columns) -> dict[StreamKey, int]:
    if not found:
        return {}
    keys = zip(found["gateway"], found["sensor"], found["outbox"], strict=True)
    return {StreamKey(*key): int(seq) for key, seq in zip(keys, found["_value"], strict=True)}


def _snapshots(found: Columns, where: str) -> dict[str, bytes]:
    if not found:
        return {}
    newest: dict[str, int] = {}
    versions_ns = times_ns(found["_time"]).tolist()
    for row, wearer in enumerate(found["wearer"]):
        if wearer not in newest or versions_ns[row] > versions_ns[newest[wearer]]:
            newest[wearer] = row
    snapshots = {}
    for wearer, row in newest.items():
        try:
            parts = [found[f"part{n}"][row] for n in range(int(found["parts"][row]))]
            snapshots[wearer] = lines.snapshot_of_parts(parts)
        except (KeyError, ValueError, zlib.error) as error:
            raise StoreError(
                Reason.STORE_CORRUPT,
                f"The InfluxDB at {where} holds a snapshot of {wearer} that cannot be read.",
                hint="Put back a backup of the server, or give another bucket-prefix.",
            ) from error
    return snapshots
