"""A recording: a folder with ``recording.json``, a Parquet file a placement, optionally truth.csv.

Format 1. Parquet columns ``t_s ax ay az gx gy gz`` as float32 (seconds from the start, m/s², rad/s,
sensor axes). Our own recordings add ``t_ns`` (int64, ns from the start), since a float32 of seconds
cannot tell a day's samples apart, and ``start_utc_ns`` in recording.json: readers of format 1 may
ignore both. Reading never touches truth.csv.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.checks import LATEST_UTC_NS, check_utc_ns, quoted, shown
from contracts.errors import DecodeError, Reason, RecordingError
from contracts.imu import AXES, MAX_RATE_HZ, MIN_RATE_HZ, ImuSamples, SISamples
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

MANIFEST: Final = "recording.json"
FORMAT: Final = 1
MAX_MANIFEST_BYTES: Final = 65_536
MAX_PARSER_TEXT: Final = 200
#: Four days at 100 Hz: more is refused rather than read into memory.
MAX_ROWS: Final = 36_000_000
MAX_ABS_ACCEL_M_S2: Final = 400.0
MAX_ABS_GYRO_RAD_S: Final = 100.0
#: Accelerations are taken for g, not m/s², where half of them are within this of 1.
G_UNIT_BAND: Final = (0.8, 1.25)
#: Four months: more is a broken time column.
MAX_OFFSET_S: Final = 10_000_000
COLUMNS: Final = ("t_s", *AXES)
EXACT_TIME_COLUMN: Final = "t_ns"


#: The windows of a calibration plan by their names in recording.json.
CALIBRATION_WINDOWS: Final = {
    "upright": "upright",
    "rounded": "rounded",
    "forward_lean": "bend",
    "standing": "standing",
}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """recording.json. ``calibration`` maps a pose to [start_s, end_s] from the recording's start; those
    in CALIBRATION_WINDOWS are used.
    """

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


def open_recording(folder: Path, *, now_ns: int | None = None) -> Recording:
    """The recording in ``folder``; RecordingError where it is none, or a file it names is missing.

    ``now_ns``: the reader's clock; a start over a day after it is refused.
    """
    path = folder / MANIFEST
    if not folder.is_dir() or not path.is_file():
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{folder} is not a recording: it has no {MANIFEST}.",
            hint=f"Give the folder that holds {MANIFEST} and a Parquet file a placement.",
        )
    manifest = _read_manifest(path)
    _check_manifest(path, manifest, now_ns)
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
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which is refused below
        for column, name in enumerate(AXES):
            si[:, column] = _column(path, table, name)
    _check_times(path, offset_ns, recording.start_ns)
    _check_samples(path, si)
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
    part.replace(folder / MANIFEST)
    return open_recording(folder)


def write_samples(path: Path, batch: ImuSamples, start_ns: int) -> None:
    """Write one placement's Parquet file."""
    with pq.ParquetWriter(path, SAMPLE_SCHEMA, compression="zstd") as writer:
        writer.write_table(sample_table(batch, start_ns))


SAMPLE_SCHEMA: Final = pa.schema(
    [
        ("t_s", pa.float32()),
        *((name, pa.float32()) for name in AXES),
        (EXACT_TIME_COLUMN, pa.int64()),
    ]
)


def sample_table(batch: ImuSamples, start_ns: int) -> pa.Table:
    """The rows of a Parquet file for a batch."""
    offset_ns = batch.utc_ns - start_ns
    columns: list[NDArray[np.generic]] = [(offset_ns / NS_PER_S).astype(np.float32)]
    columns += [np.ascontiguousarray(batch.si[:, i]) for i in range(len(AXES))]
    columns.append(offset_ns)
    return pa.Table.from_arrays([pa.array(c) for c in columns], schema=SAMPLE_SCHEMA)


def _read_manifest(path: Path) -> Manifest:
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise RecordingError(Reason.TOO_LONG, f"{path} is over {MAX_MANIFEST_BYTES} bytes.")
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise _unreadable(path, error) from None


def _check_manifest(path: Path, manifest: Manifest, now_ns: int | None) -> None:
    if manifest.format != FORMAT:
        raise _bad(path, f"format {shown(manifest.format)} is not {FORMAT}.")
    if not MIN_RATE_HZ <= manifest.sample_rate_hz <= MAX_RATE_HZ:
        raise _bad(path, f"sample_rate_hz {manifest.sample_rate_hz} is not in 1 to 1000.")
    _check_sensors(path, manifest.sensors)
    for posture, (start_s, end_s) in manifest.calibration.items():
        if not 0 <= start_s < end_s <= MAX_OFFSET_S:
            raise _bad(path, f"calibration window of {quoted(posture)} is [{start_s}, {end_s}].")
    if manifest.start_utc_ns is not None:
        try:
            check_utc_ns("start_utc_ns", manifest.start_utc_ns, now_ns=now_ns)
        except DecodeError as error:
            raise RecordingError(error.reason, f"{path}: {error.message}") from None


def _check_sensors(path: Path, sensors: dict[str, str]) -> None:
    if not sensors:
        raise _bad(path, "it names no sensor.")
    for name, file in sensors.items():
        if name not in set(Placement):
            raise _bad(path, f"unknown placement {quoted(name)}; known: {', '.join(Placement)}.")
        if Path(file).name != file:
            raise _bad(path, f"{quoted(file)} is not a file of this folder.")
        if not (path.parent / file).is_file():
            raise _bad(path, f"its file {quoted(file)} is missing.")
    if len(set(sensors.values())) != len(sensors):
        raise _bad(path, "two sensors name the same file.")


def _read_table(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_ROWS:
                raise RecordingError(Reason.TOO_LONG, f"{path} has over {MAX_ROWS} rows.")
            names = file.schema_arrow.names
            missing = [name for name in COLUMNS if name not in names]
            if missing:
                raise RecordingError(
                    Reason.MISSING_COLUMN,
                    f"{path} has no column {', '.join(missing)}.",
                    hint=f"A recording's columns are {', '.join(COLUMNS)}.",
                )
            wanted = [*COLUMNS, *([EXACT_TIME_COLUMN] if EXACT_TIME_COLUMN in names else [])]
            if any(names.count(name) > 1 for name in wanted):
                raise _bad(path, "a column is there twice.")
            return file.read(columns=wanted)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _column(path: Path, table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of numbers as it is in the file, of whichever width."""
    column = table.column(name)
    if column.null_count or not (
        pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    ):
        raise _bad(path, f"column {name} is not all numbers.")
    values: NDArray[np.float64] = column.to_numpy()
    return values


def _times_ns(path: Path, table: pa.Table) -> NDArray[np.int64]:
    """(n,) int64 ns from the recording's start, bounded by MAX_OFFSET_S."""
    if EXACT_TIME_COLUMN in table.column_names:
        exact = _column(path, table, EXACT_TIME_COLUMN)
        if not np.issubdtype(exact.dtype, np.integer):
            raise _bad(path, f"column {EXACT_TIME_COLUMN} is not all whole numbers.")
        _check_offsets(path, exact, MAX_OFFSET_S * NS_PER_S)
        return exact.astype(np.int64)
    t_s = _column(path, table, "t_s").astype(np.float64)
    _check_offsets(path, t_s, MAX_OFFSET_S)
    return np.rint(t_s * NS_PER_S).astype(np.int64)


def _check_offsets(path: Path, offsets: NDArray[np.number], limit: int) -> None:
    if not np.all((offsets >= 0) & (offsets <= limit)):  # NaN is neither
        raise _bad(path, f"times are not all between 0 and {MAX_OFFSET_S} s.")


def _check_times(path: Path, offset_ns: NDArray[np.int64], start_ns: int) -> None:
    if (np.diff(offset_ns) <= 0).any():
        raise _bad(path, "times do not increase.")
    if offset_ns.size and start_ns + int(offset_ns[-1]) > LATEST_UTC_NS:
        raise _bad(path, "it ends after the year 2262.")


def _check_samples(path: Path, si: SISamples) -> None:
    if not np.isfinite(si).all():
        raise RecordingError(Reason.NOT_FINITE, f"{path} holds NaN or infinite values.")
    accel, gyro = np.abs(si[:, :3]), np.abs(si[:, 3:])
    if (
        accel.max(initial=0.0) > MAX_ABS_ACCEL_M_S2
        or gyro.max(initial=0.0) > MAX_ABS_GYRO_RAD_S
        or _looks_like_g(accel)
    ):
        raise RecordingError(
            Reason.OUT_OF_RANGE,
            f"{path} holds values that no body sensor gives in these units.",
            hint="ax ay az must be in m/s² (at rest 9.8 upwards), gx gy gz in rad/s.",
        )


def _looks_like_g(accel: SISamples) -> bool:
    if not len(accel):
        return False
    low, high = G_UNIT_BAND
    return bool(low < np.median(np.linalg.norm(accel, axis=1)) < high)


def _bad(path: Path, text: str) -> RecordingError:
    return RecordingError(Reason.BAD_RECORDING, f"{path}: {text}")


def _unreadable(path: Path, error: Exception) -> RecordingError:
    # One line, cut: parsers quote what they read.
    text = " ".join(str(error).split())[:MAX_PARSER_TEXT].rstrip(".")
    return RecordingError(
        Reason.BAD_RECORDING,
        f"{path} cannot be read: {text}.",
        hint="The file is damaged or was cut short: copy it again from where it came from.",
    )
