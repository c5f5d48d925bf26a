"""A recording: a folder with ``recording.json``, a Parquet file a placement, optionally truth.csv.

Format 1. Parquet columns ``t_s ax ay az gx gy gz`` as float32 (seconds from the start, m/s², rad/s,
sensor axes). Our own recordings add ``t_ns`` (int64, ns from the start), since a float32 of seconds
cannot tell a day's samples apart, and ``start_utc_ns`` in recording.json: readers of format 1 may
ignore both. Reading never touches truth.csv.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.checks import check_utc_ns
from contracts.errors import DecodeError, Reason, RecordingError
from contracts.imu import AXES, MAX_RATE_HZ, MIN_RATE_HZ, ImuSamples, SISamples
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

MANIFEST: Final = "recording.json"
FORMAT: Final = 1
MAX_MANIFEST_BYTES: Final = 65_536
#: Four days at 100 Hz: more is refused rather than read into memory.
MAX_ROWS: Final = 36_000_000
MAX_ABS_ACCEL_M_S2: Final = 400.0
MAX_ABS_GYRO_RAD_S: Final = 100.0
COLUMNS: Final = ("t_s", *AXES)
EXACT_TIME_COLUMN: Final = "t_ns"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """recording.json. ``calibration`` maps a posture to [start_s, end_s] from the recording's start."""

    format: int
    name: str
    sample_rate_hz: float
    sensors: dict[str, str]
    axes: str = ""
    calibration: dict[str, tuple[float, float]] = {}
    source: str = ""
    start_utc_ns: int | None = None


@dataclass(frozen=True)
class Recording:
    """A recording's manifest and where its files are; samples are read by :func:`read_samples`."""

    folder: Path
    manifest: Manifest
    placements: tuple[Placement, ...] = field(default=())

    @property
    def start_ns(self) -> int:
        """UTC of the recording's start, 0 where it does not say."""
        return self.manifest.start_utc_ns or 0


def open_recording(folder: Path) -> Recording:
    """The recording in ``folder``; RecordingError where it is none, or a file it names is missing."""
    path = folder / MANIFEST
    if not folder.is_dir() or not path.is_file():
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{folder} is not a recording: it has no {MANIFEST}.",
            hint=f"Give the folder that holds {MANIFEST} and a Parquet file a placement.",
        )
    manifest = _read_manifest(path)
    _check_manifest(folder, manifest)
    placements = tuple(p for p in Placement if p.value in manifest.sensors)
    return Recording(folder, manifest, placements)


def read_samples(recording: Recording, placement: Placement) -> ImuSamples:
    """All samples of one placement, in time order; times are UTC ns, or ns from 0 without a start.

    ``ended`` is set: a recording stops sampling after its last sample. RecordingError where a column
    is missing, a value is not finite or out of range, or times do not increase.
    """
    path = recording.folder / recording.manifest.sensors[placement.value]
    table = _read_table(path)
    offset_ns = _times_ns(path, table)
    si = np.empty((table.num_rows, len(AXES)), dtype=np.float32)
    for column, name in enumerate(AXES):
        si[:, column] = _column(path, table, name, np.float32)
    _check_samples(path, offset_ns, si)
    return ImuSamples(
        offset_ns + recording.start_ns, si, recording.manifest.sample_rate_hz, ended=True
    )


def write_recording(
    folder: Path, manifest: Manifest, samples: Mapping[Placement, ImuSamples]
) -> Recording:
    """Write a recording: the Parquet files first, the manifest last and in one move.

    ``manifest.sensors`` is filled in; times are relative to ``manifest.start_utc_ns`` (0 for None).
    """
    folder.mkdir(parents=True, exist_ok=True)
    start_ns = manifest.start_utc_ns or 0
    for placement, batch in samples.items():
        write_samples(folder / f"{placement.value}.parquet", batch, start_ns)
    sensors = {p.value: f"{p.value}.parquet" for p in samples}
    return write_manifest(folder, msgspec.structs.replace(manifest, sensors=sensors))


def write_manifest(folder: Path, manifest: Manifest) -> Recording:
    """Replace recording.json in one move, so that a reader sees the old or the new one."""
    part = folder / f".{MANIFEST}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    os.replace(part, folder / MANIFEST)
    return open_recording(folder)


def write_samples(path: Path, batch: ImuSamples, start_ns: int) -> None:
    """Write one placement's Parquet file."""
    with pq.ParquetWriter(path, SAMPLE_SCHEMA, compression="zstd") as writer:
        writer.write_table(sample_table(batch, start_ns))


SAMPLE_SCHEMA: Final = pa.schema(
    [("t_s", pa.float32()), *((name, pa.float32()) for name in AXES), (EXACT_TIME_COLUMN, pa.int64())]
)


def sample_table(batch: ImuSamples, start_ns: int) -> pa.Table:
    """The rows of a Parquet file for a batch."""
    offset_ns = batch.utc_ns - start_ns
    columns: list[NDArray[np.generic]] = [(offset_ns / NS_PER_S).astype(np.float32)]
    columns += [np.ascontiguousarray(batch.si[:, i]) for i in range(len(AXES))]
    columns.append(offset_ns)
    return pa.Table.from_arrays([pa.array(c) for c in columns], schema=SAMPLE_SCHEMA)


def _read_manifest(path: Path) -> Manifest:
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise RecordingError(Reason.TOO_LONG, f"{path} is over {MAX_MANIFEST_BYTES} bytes.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(Reason.BAD_RECORDING, f"{path} cannot be read: {error}.") from None


def _check_manifest(folder: Path, manifest: Manifest) -> None:
    def refuse(text: str) -> RecordingError:
        return RecordingError(Reason.BAD_RECORDING, f"{folder / MANIFEST}: {text}")

    if manifest.format != FORMAT:
        raise refuse(f"format {manifest.format} is not {FORMAT}.")
    if not MIN_RATE_HZ <= manifest.sample_rate_hz <= MAX_RATE_HZ:
        raise refuse(f"sample_rate_hz {manifest.sample_rate_hz} is not in 1 to 1000.")
    if not manifest.sensors:
        raise refuse("it names no sensor.")
    for name, file in manifest.sensors.items():
        if name not in set(Placement):
            raise refuse(f"unknown placement {name[:40]!r}; known: {', '.join(Placement)}.")
        if Path(file).name != file:
            raise refuse(f"{file[:80]!r} is not a file of this folder.")
        if not (folder / file).is_file():
            raise refuse(f"its file {file!r} is missing.")
    for posture, (start_s, end_s) in manifest.calibration.items():
        if not (math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s < end_s):
            raise refuse(f"calibration window of {posture[:40]!r} is [{start_s}, {end_s}].")
    if manifest.start_utc_ns is not None:
        try:
            check_utc_ns("start_utc_ns", manifest.start_utc_ns, now_ns=None)
        except DecodeError as error:
            raise refuse(error.message) from None


def _read_table(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_ROWS:
                raise RecordingError(Reason.TOO_LONG, f"{path} has over {MAX_ROWS} rows.")
            names = set(file.schema_arrow.names)
            missing = [name for name in COLUMNS if name not in names]
            if missing:
                raise RecordingError(
                    Reason.MISSING_COLUMN,
                    f"{path} has no column {', '.join(missing)}.",
                    hint=f"A recording's columns are {', '.join(COLUMNS)}.",
                )
            wanted = [*COLUMNS, *([EXACT_TIME_COLUMN] if EXACT_TIME_COLUMN in names else [])]
            return file.read(columns=wanted)
    except (pa.ArrowException, OSError) as error:
        raise RecordingError(Reason.BAD_RECORDING, f"{path} cannot be read: {error}.") from None


def _column(
    path: Path, table: pa.Table, name: str, dtype: type[np.floating | np.integer]
) -> NDArray[np.generic]:
    column = table.column(name)
    if column.null_count or not (
        pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    ):
        raise RecordingError(Reason.BAD_RECORDING, f"{path}: column {name} is not all numbers.")
    return column.to_numpy().astype(dtype)


def _times_ns(path: Path, table: pa.Table) -> NDArray[np.int64]:
    if EXACT_TIME_COLUMN in table.column_names:
        return _column(path, table, EXACT_TIME_COLUMN, np.int64)
    t_s = _column(path, table, "t_s", np.float64)
    if not np.isfinite(t_s).all() or np.abs(t_s).max(initial=0.0) > 1e7:
        raise RecordingError(Reason.BAD_RECORDING, f"{path}: t_s is not all finite seconds.")
    return np.rint(t_s * NS_PER_S).astype(np.int64)


def _check_samples(path: Path, times_ns: NDArray[np.int64], si: SISamples) -> None:
    if not np.isfinite(si).all():
        raise RecordingError(Reason.NOT_FINITE, f"{path} holds NaN or infinite values.")
    if times_ns.size and (times_ns[0] < 0 or (np.diff(times_ns) <= 0).any()):
        raise RecordingError(Reason.BAD_RECORDING, f"{path}: times do not increase from 0 on.")
    accel, gyro = np.abs(si[:, :3]), np.abs(si[:, 3:])
    if accel.max(initial=0.0) > MAX_ABS_ACCEL_M_S2 or gyro.max(initial=0.0) > MAX_ABS_GYRO_RAD_S:
        raise RecordingError(
            Reason.OUT_OF_RANGE,
            f"{path} holds values no body sensor gives; units must be m/s² and rad/s.",
        )
