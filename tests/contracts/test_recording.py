"""Recordings: written and read exactly, every refusal on real files, and the real recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.checks import FUTURE_LIMIT_NS, LATEST_UTC_NS
from contracts.errors import Reason, RecordingError
from contracts.imu import AXES, ImuSamples, regular_times_ns
from contracts.recording import (
    COLUMNS,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_OFFSET_S,
    Manifest,
    Recording,
    open_recording,
    read_samples,
    write_recording,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from tests.contracts.strategies import NOW_NS, u8

ROWS = 60


def at_rest(count: int = ROWS, start_ns: int = NOW_NS) -> ImuSamples:
    """A sensor on the back of someone who sits: x up, a little noise."""
    noise = np.random.default_rng(1).normal(0.0, 0.05, (count, 6))
    si = (noise + np.array((9.80665, 0, 0, 0, 0, 0))).astype(np.float32)
    return ImuSamples(regular_times_ns(start_ns, 20_000_000, count), si, 50.0, ended=True)


def manifest(**changes: Any) -> Manifest:
    return Manifest(format=1, name="test", sample_rate_hz=50.0, sensors={}, **changes)


def plain_table(count: int = ROWS) -> pa.Table:
    """The columns of format 1, without our own t_ns."""
    si = at_rest(count).si
    columns = {"t_s": (np.arange(count) / 50).astype(np.float32)}
    return pa.table(columns | {name: si[:, i] for i, name in enumerate(AXES)})


def plain_recording(folder: Path, table: pa.Table | None = None, **changes: Any) -> Path:
    """A recording as others write it: plain JSON and a plain Parquet file."""
    pq.write_table(plain_table() if table is None else table, folder / "T4.parquet")
    values = {"format": 1, "name": "t", "sample_rate_hz": 50, "sensors": {"T4": "T4.parquet"}}
    (folder / MANIFEST).write_text(json.dumps(values | changes))
    return folder


def read(folder: Path) -> ImuSamples:
    return read_samples(open_recording(folder, now_ns=NOW_NS), Placement.T4)


def test_what_is_written_is_read_to_the_bit(tmp_path: Path) -> None:
    batch = at_rest()
    times_ns = np.delete(batch.utc_ns + 1, slice(10, 30))  # off the grid, with a gap
    batch = ImuSamples(times_ns, np.delete(batch.si, slice(10, 30), axis=0), 50.0, ended=True)
    written = write_recording(
        tmp_path / "new" / "folder",
        manifest(start_utc_ns=NOW_NS, calibration={"upright": (2.0, 8.0)}, source="a test"),
        {Placement.L5: batch, Placement.T4: batch},
    )
    found = open_recording(tmp_path / "new" / "folder", now_ns=NOW_NS)
    assert found == written
    assert found.placements == (Placement.T4, Placement.L5)
    assert found.manifest.calibration == {"upright": (2.0, 8.0)}
    for placement in found.placements:
        again = read_samples(found, placement)
        assert np.array_equal(again.utc_ns, batch.utc_ns)
        assert np.array_equal(again.si, batch.si)
        assert again.ended
        assert again.rate_hz == 50.0


@settings(max_examples=25)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50), st.integers(0, 10**15))
def test_any_times_are_read_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory, steps_ns: list[int], offset_ns: int
) -> None:
    times_ns = NOW_NS + offset_ns + np.cumsum(np.array(steps_ns, dtype=np.int64))
    batch = ImuSamples(times_ns, at_rest(len(steps_ns)).si, 50.0, ended=True)
    folder = tmp_path_factory.mktemp("recording")
    recording = write_recording(folder, manifest(start_utc_ns=NOW_NS), {Placement.T4: batch})
    assert np.array_equal(read_samples(recording, Placement.T4).utc_ns, times_ns)


def test_readers_of_format_1_find_their_columns(tmp_path: Path) -> None:
    write_recording(tmp_path, manifest(start_utc_ns=NOW_NS), {Placement.T4: at_rest()})
    table = pq.read_table(tmp_path / "T4.parquet")
    assert table.column_names == [*COLUMNS, "t_ns"]
    assert all(table.schema.field(name).type == pa.float32() for name in COLUMNS)
    np.testing.assert_allclose(table["t_s"].to_numpy(), np.arange(ROWS) / 50, atol=1e-6)


def test_a_recording_without_a_start_counts_from_zero(tmp_path: Path) -> None:
    batch = read(plain_recording(tmp_path))
    assert batch.utc_ns[0] == 0
    np.testing.assert_allclose(batch.utc_ns / NS_PER_S, np.arange(ROWS) / 50, atol=1e-6)


def test_a_recording_of_a_sensor_that_said_nothing_is_empty(tmp_path: Path) -> None:
    assert len(read(plain_recording(tmp_path, plain_table(0)))) == 0


def test_truth_is_never_read(tmp_path: Path) -> None:
    plain_recording(tmp_path)
    (tmp_path / "truth.csv").mkdir()  # reading it would fail
    assert len(read(tmp_path)) == ROWS


def test_other_widths_of_numbers_are_taken(tmp_path: Path) -> None:
    table = plain_table()
    wide = table.set_column(0, "t_s", table["t_s"].cast(pa.float64()))
    whole = wide.set_column(4, "gx", pa.array(np.zeros(ROWS, dtype=np.int16)))
    assert len(read(plain_recording(tmp_path, whole))) == ROWS


def test_more_columns_than_ours_do_no_harm(tmp_path: Path) -> None:
    table = plain_table().append_column("mx", pa.array(["x"] * ROWS))
    assert len(read(plain_recording(tmp_path, table))) == ROWS


def test_every_given_recording_can_be_read(data_dir: Path) -> None:
    folders = sorted((data_dir / "recordings").iterdir())
    assert len(folders) >= 42
    for folder in folders:
        recording = open_recording(folder)
        batch = read_samples(recording, recording.placements[-1])
        assert len(batch) > 0, folder
        assert (np.diff(batch.utc_ns) > 0).all()


Damage = Callable[[Path], object]


def with_column(name: str, values: Any) -> Damage:
    def damage(folder: Path) -> None:
        table = plain_table()
        at = table.column_names.index(name)
        pq.write_table(table.set_column(at, name, pa.array(values)), folder / "T4.parquet")

    return damage


def with_t_ns(values: Any) -> Damage:
    def damage(folder: Path) -> None:
        pq.write_table(plain_table().append_column("t_ns", pa.array(values)), folder / "T4.parquet")

    return damage


def with_manifest(**changes: Any) -> Damage:
    return lambda folder: plain_recording(folder, **changes)


def column_twice(folder: Path) -> None:
    table = plain_table()
    pq.write_table(table.append_column("ax", table["ax"]), folder / "T4.parquet")


def one_value(value: float, count: int = ROWS) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.zeros(count)
    values[count // 2] = value
    return values


SAMPLE_REFUSALS: list[tuple[str, Damage, Reason]] = [
    ("no Parquet", lambda f: (f / "T4.parquet").write_bytes(b"PAR1 no"), Reason.BAD_RECORDING),
    ("empty file", lambda f: (f / "T4.parquet").write_bytes(b""), Reason.BAD_RECORDING),
    (
        "a column is missing",
        lambda f: pq.write_table(plain_table().drop_columns("gy"), f / "T4.parquet"),
        Reason.MISSING_COLUMN,
    ),
    ("a column is there twice", column_twice, Reason.BAD_RECORDING),
    ("text", with_column("ax", ["x"] * ROWS), Reason.BAD_RECORDING),
    ("true", with_column("ax", [True] * ROWS), Reason.BAD_RECORDING),
    ("a null", with_column("ax", [None, *([9.8] * (ROWS - 1))]), Reason.BAD_RECORDING),
    ("lists", with_column("ax", [[9.8]] * ROWS), Reason.BAD_RECORDING),
    ("NaN", with_column("gz", one_value(np.nan)), Reason.NOT_FINITE),
    ("infinite", with_column("gz", one_value(-np.inf)), Reason.NOT_FINITE),
    ("beyond float32", with_column("gz", one_value(1e300)), Reason.NOT_FINITE),
    ("beyond any body by far", with_column("ax", one_value(3e38)), Reason.OUT_OF_RANGE),
    ("beyond any body", with_column("ax", one_value(401.0)), Reason.OUT_OF_RANGE),
    ("degrees a second", with_column("gz", one_value(500.0)), Reason.OUT_OF_RANGE),
    ("g, not m/s²", with_column("ax", np.ones(ROWS)), Reason.OUT_OF_RANGE),
    ("time stands", with_column("t_s", np.zeros(ROWS)), Reason.BAD_RECORDING),
    ("time goes back", with_column("t_s", np.arange(ROWS)[::-1] / 50), Reason.BAD_RECORDING),
    ("time before 0", with_column("t_s", np.arange(ROWS) / 50 - 1), Reason.BAD_RECORDING),
    ("time NaN", with_column("t_s", one_value(np.nan)), Reason.BAD_RECORDING),
    ("time of years", with_column("t_s", np.arange(ROWS) + 1e7), Reason.BAD_RECORDING),
    ("exact time in floats", with_t_ns(np.arange(ROWS) / 50), Reason.BAD_RECORDING),
    ("exact time negative", with_t_ns(np.arange(ROWS) - 5), Reason.BAD_RECORDING),
    (
        "exact time beyond int64",
        with_t_ns(np.arange(ROWS, dtype=np.uint64) + np.uint64(2**63)),
        Reason.BAD_RECORDING,
    ),
    ("exact time as UTC", with_t_ns(np.arange(ROWS) + NOW_NS), Reason.BAD_RECORDING),
]


@pytest.mark.parametrize(
    ("damage", "reason"), [c[1:] for c in SAMPLE_REFUSALS], ids=[c[0] for c in SAMPLE_REFUSALS]
)
def test_samples_that_are_refused(tmp_path: Path, damage: Damage, reason: Reason) -> None:
    damage(plain_recording(tmp_path))
    with pytest.raises(RecordingError) as refused:
        read(tmp_path)
    assert refused.value.reason is reason
    assert "T4.parquet" in refused.value.message


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pq.write_table(
        plain_table().drop_columns(["gy", "az"]), plain_recording(tmp_path) / "T4.parquet"
    )
    with pytest.raises(RecordingError, match="no column az, gy"):
        read(tmp_path)


def manifest_text(text: str) -> Damage:
    return lambda folder: (folder / MANIFEST).write_text(text)


MANIFEST_REFUSALS: list[tuple[str, Damage, Reason]] = [
    ("no manifest", lambda f: (f / MANIFEST).unlink(), Reason.NOT_A_RECORDING),
    ("no JSON", manifest_text("{"), Reason.BAD_RECORDING),
    (
        "not UTF-8",
        lambda f: (f / MANIFEST).write_bytes(b'{"format":1,"name":"\xff"}'),
        Reason.BAD_RECORDING,
    ),
    ("nested deeply", manifest_text('{"x":' + "[" * 60_000), Reason.BAD_RECORDING),
    ("a list", manifest_text("[1]"), Reason.BAD_RECORDING),
    ("huge", manifest_text("{}" + " " * MAX_MANIFEST_BYTES), Reason.TOO_LONG),
    ("format 2", with_manifest(format=2), Reason.BAD_RECORDING),
    ("format of 400 digits", with_manifest(format=10**400), Reason.BAD_RECORDING),
    ("format as text", with_manifest(format="1"), Reason.BAD_RECORDING),
    ("rate 0", with_manifest(sample_rate_hz=0), Reason.BAD_RECORDING),
    ("rate 1001", with_manifest(sample_rate_hz=1001), Reason.BAD_RECORDING),
    ("rate as text", with_manifest(sample_rate_hz="50"), Reason.BAD_RECORDING),
    ("no sensors", with_manifest(sensors={}), Reason.BAD_RECORDING),
    ("sensors as a list", with_manifest(sensors=["T4"]), Reason.BAD_RECORDING),
    ("an unknown placement", with_manifest(sensors={"knee": "T4.parquet"}), Reason.BAD_RECORDING),
    ("a file that is not there", with_manifest(sensors={"T4": "C7.parquet"}), Reason.BAD_RECORDING),
    ("a path up", with_manifest(sensors={"T4": "../T4.parquet"}), Reason.BAD_RECORDING),
    ("an absolute path", with_manifest(sensors={"T4": "/etc/passwd"}), Reason.BAD_RECORDING),
    ("a path down", with_manifest(sensors={"T4": "sub/T4.parquet"}), Reason.BAD_RECORDING),
    ("the folder above", with_manifest(sensors={"T4": ".."}), Reason.BAD_RECORDING),
    ("no name", with_manifest(sensors={"T4": ""}), Reason.BAD_RECORDING),
    ("a zero in the name", with_manifest(sensors={"T4": "T4\0.parquet"}), Reason.BAD_RECORDING),
    (
        "one file for two",
        with_manifest(sensors={"T4": "T4.parquet", "L5": "T4.parquet"}),
        Reason.BAD_RECORDING,
    ),
    ("window back to front", with_manifest(calibration={"upright": [5, 2]}), Reason.BAD_RECORDING),
    ("window before 0", with_manifest(calibration={"upright": [-1, 2]}), Reason.BAD_RECORDING),
    ("window beyond", with_manifest(calibration={"u": [1, 1e300]}), Reason.BAD_RECORDING),
    ("window of three", with_manifest(calibration={"upright": [1, 2, 3]}), Reason.BAD_RECORDING),
    (
        "start in 2019",
        with_manifest(start_utc_ns=1_577_836_799 * NS_PER_S),
        Reason.TIME_BEFORE_2020,
    ),
    ("start as float", with_manifest(start_utc_ns=1.7e18), Reason.BAD_RECORDING),
    (
        "start over a day ahead",
        with_manifest(start_utc_ns=NOW_NS + FUTURE_LIMIT_NS + 1),
        Reason.TIME_IN_FUTURE,
    ),
]


@pytest.mark.parametrize(
    ("damage", "reason"), [c[1:] for c in MANIFEST_REFUSALS], ids=[c[0] for c in MANIFEST_REFUSALS]
)
def test_manifests_that_are_refused(tmp_path: Path, damage: Damage, reason: Reason) -> None:
    damage(plain_recording(tmp_path))
    with pytest.raises(RecordingError) as refused:
        open_recording(tmp_path, now_ns=NOW_NS)
    assert refused.value.reason is reason
    assert len(str(refused.value)) < len(str(tmp_path)) + 400


def test_a_calibration_of_the_last_moment_is_taken(tmp_path: Path) -> None:
    plain_recording(tmp_path, calibration={"upright": [0, MAX_OFFSET_S]})
    assert open_recording(tmp_path).manifest.calibration == {"upright": (0.0, MAX_OFFSET_S)}


@pytest.mark.parametrize("name", ["", "nowhere", MANIFEST])
def test_what_is_no_recording_folder(tmp_path: Path, name: str) -> None:
    if name == MANIFEST:
        (tmp_path / name).write_text("{}")
    with pytest.raises(RecordingError) as refused:
        open_recording(tmp_path / name)
    assert refused.value.reason is Reason.NOT_A_RECORDING or name == ""
    assert MANIFEST in str(refused.value)


def test_samples_past_the_end_of_time_are_refused(tmp_path: Path) -> None:
    plain_recording(tmp_path, start_utc_ns=LATEST_UTC_NS)
    with pytest.raises(RecordingError, match="2262"):
        read_samples(open_recording(tmp_path), Placement.T4)


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_parquet_is_refused_or_usable(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = plain_recording(tmp_path_factory.mktemp("damaged"))
    content = bytearray((folder / "T4.parquet").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        # the metadata at the end is what a reader trusts most
        at = data.draw(
            st.integers(0, len(content) - 1) | st.integers(len(content) - 900, len(content) - 1)
        )
        content[at] = data.draw(u8)
    (folder / "T4.parquet").write_bytes(content)
    try:
        batch = read(folder)
    except RecordingError:
        return
    assert np.isfinite(batch.si).all()
    assert (np.diff(batch.utc_ns) > 0).all()


def test_a_recording_is_its_manifest_and_its_folder(tmp_path: Path) -> None:
    recording = open_recording(plain_recording(tmp_path))
    assert recording == Recording(tmp_path, recording.manifest, (Placement.T4,))
    assert recording.start_ns == 0
