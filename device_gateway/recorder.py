"""Makes a recording folder from what the outbox kept.

While a recording is kept, the outbox holds on to every batch, stored or not: the same rows in the same
commits, so that a gateway that is killed has neither lost nor doubled anything when it comes back. A
clean stop writes the folder, a batch at a time; it replaces an earlier one of the same recording whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq
import structlog

from contracts.errors import DiskError, Reason
from contracts.imu import ImuSamples
from contracts.messages import ImuMessage
from contracts.recording import (
    FORMAT,
    SAMPLE_SCHEMA,
    Manifest,
    Recording,
    sample_table,
    write_manifest,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.outbox import Outbox

log = structlog.get_logger(__name__)

#: Samples of a Parquet row group: 10 minutes at 50 Hz, 1 MB in memory.
GROUP_SAMPLES: Final = 30_000
WITHOUT_PLACEMENT: Final = (
    "Say where it is worn (--worn SERIAL=PLACEMENT) and stop the gateway again."
)
SENSOR_AXES: Final = (
    "as sent by the sensors: x towards the head, y left, z back in the native mounting"
)


def write_kept_recording(
    outbox: Outbox, placements: Mapping[str, Placement], folder: Path, *, source: str
) -> Recording | None:
    """Write what the outbox kept of the sensors in ``placements``; None where it kept nothing.

    A sensor without a placement is left out, and that is said. DiskError where the folder cannot be
    written.
    """
    for state in outbox.sensors():
        if state.sensor not in placements and next(_with_samples(outbox, state.sensor), None):
            log.warning("recording.sensor_left_out", sensor=state.sensor, hint=WITHOUT_PLACEMENT)
    first = {
        serial: message
        for serial in placements
        if (message := next(_with_samples(outbox, serial), None)) is not None
    }
    if not first:
        return None
    start_ns = min(message.t0_ns for message in first.values()) // NS_PER_S * NS_PER_S
    sensors: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for serial in first:
            name = f"{placements[serial].value}.parquet"
            _write_sensor(outbox, serial, folder / name, start_ns)
            sensors[placements[serial].value] = name
        manifest = Manifest(
            format=FORMAT,
            name=folder.name,
            sample_rate_hz=max(message.rate_hz for message in first.values()),
            sensors=sensors,
            axes=SENSOR_AXES,
            source=source,
            start_utc_ns=start_ns,
        )
        return write_manifest(folder, manifest)
    except OSError as error:
        raise DiskError(
            Reason.DISK_ERROR,
            f"The recording {folder} cannot be written: {error.strerror or error}.",
            hint="The outbox keeps its samples; stop the gateway again with room in the folder.",
        ) from error


def _write_sensor(outbox: Outbox, serial: str, path: Path, start_ns: int) -> None:
    part = path.with_name(f".{path.name}.part")
    with pq.ParquetWriter(part, SAMPLE_SCHEMA, compression="zstd") as writer:
        for group in _groups(outbox, serial):
            writer.write_table(sample_table(group, start_ns))
    part.replace(path)


def _groups(outbox: Outbox, serial: str) -> Iterator[ImuSamples]:
    """The samples in groups that are worth a row group each."""
    waiting: list[ImuSamples] = []
    count = 0
    for message in _with_samples(outbox, serial):
        samples = message.to_samples()
        waiting.append(samples)
        count += len(samples)
        if count >= GROUP_SAMPLES:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _with_samples(outbox: Outbox, serial: str) -> Iterator[ImuMessage]:
    return (message for message in outbox.kept(serial) if message.count)


def _joined(parts: list[ImuSamples]) -> ImuSamples:
    return ImuSamples(
        np.concatenate([part.utc_ns for part in parts]),
        np.concatenate([part.si for part in parts]),
        parts[0].rate_hz,
    )
