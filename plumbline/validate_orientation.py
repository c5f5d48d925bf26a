"""Trials with optical truth, sent through a simulated sensor's packets and scored."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.validation.orientation import (
    InclinationFigures,
    OpticalTruth,
    inclination_errors_deg,
    plain_up,
    product_up,
    rms,
)
from contracts.errors import Reason, RecordingError
from contracts.gatt import Command, Opcode, Position, SamplePacket
from contracts.imu import AXES, ImuSamples
from contracts.units import NS_PER_S, NS_PER_US
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.player import SENT_HZ, SamplesSource

FOLDER: Final = "orientation"
TRUTH_COLUMNS: Final = ("gt_qw", "gt_qx", "gt_qy", "gt_qz", "movement")
MAX_TRIALS: Final = 1000
#: Half an hour at 1 kHz.
MAX_ROWS: Final = 2_000_000
#: Samples of a notification at the recommended ATT MTU of 247.
PACKET_SAMPLES: Final = 18


def orientation_figures(folder: Path) -> list[InclinationFigures]:
    """The figures of each trial in ``folder``/orientation, by name; none where there is no such folder.

    RecordingError where a trial cannot be read or holds too much.
    """
    paths = sorted((folder / FOLDER).glob("*.parquet"))
    if len(paths) > MAX_TRIALS:
        raise RecordingError(
            Reason.TOO_LONG,
            f"{folder / FOLDER} holds over {MAX_TRIALS} trials.",
            hint="Leave fewer in it.",
        )
    return [trial_figures(path) for path in paths]


def trial_figures(path: Path) -> InclinationFigures:
    """The figures of one trial. RecordingError where it cannot be read or holds too much."""
    samples, truth = read_trial(path)
    sent = through_packets(samples)
    picked = through_packets(at_ticks(samples, SENT_HZ))
    errors_deg = inclination_errors_deg(product_up(sent), sent.utc_ns, truth)
    picked_deg = inclination_errors_deg(product_up(picked), picked.utc_ns, truth)
    full_deg = inclination_errors_deg(plain_up(samples), samples.utc_ns, truth)
    return InclinationFigures(
        trial=path.stem,
        rate_hz=sent.rate_hz,
        full_rate_hz=samples.rate_hz,
        scored_s=errors_deg.size / sent.rate_hz,
        packets_deg=rms(errors_deg),
        picked_deg=rms(picked_deg),
        full_rate_deg=rms(full_deg),
    )


def read_trial(path: Path) -> tuple[ImuSamples, OpticalTruth]:
    """A trial's samples, times from 0, and what the cameras saw."""
    table = _read_table(path)
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    t_s = columns["t_s"].astype(np.float64)
    if t_s.size < 2 or not np.all(np.diff(t_s) > 0):
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"{path}: times do not increase.",
            hint="Sort the rows by t_s and leave out repeated ones.",
        )
    utc_ns = np.rint((t_s - t_s[0]) * NS_PER_S).astype(np.int64)
    si = np.stack([columns[name] for name in AXES], axis=1).astype(np.float32)
    samples = ImuSamples(utc_ns, si, 1.0 / float(np.median(np.diff(t_s))), ended=True)
    quat = np.stack([columns[name] for name in TRUTH_COLUMNS[:4]], axis=1).astype(np.float64)
    truth = OpticalTruth.of_quaternions(utc_ns, quat, columns["movement"].astype(np.bool_))
    return samples, truth


def at_ticks(samples: ImuSamples, rate_hz: float) -> ImuSamples:
    """Samples as a sensor that picks its readings at the ticks of ``rate_hz`` would have had them."""
    period_ns = round(NS_PER_S / rate_hz)
    utc_ns = np.arange(int(samples.utc_ns[0]), int(samples.utc_ns[-1]) + 1, period_ns)
    si = [np.interp(utc_ns, samples.utc_ns, axis) for axis in samples.si.T]
    return ImuSamples(utc_ns, np.stack(si, axis=1).astype(np.float32), rate_hz, ended=True)


def through_packets(samples: ImuSamples) -> ImuSamples:
    """What a simulated sensor that measures ``samples`` (times from 0) sends, decoded again."""
    source = SamplesSource(samples, 0, "the trial")
    firmware = Firmware(FirmwareConfig(serial="optical-trial", power_on_ns=0), source)
    start = Command(Opcode.START, 1, Position(1, 0).to_bytes()).to_bytes()
    firmware.handle(start, int(samples.utc_ns[-1]) + NS_PER_S)
    times_ns, si = [], []
    while (sent := firmware.next_notification(PACKET_SAMPLES)) is not None:
        packet = SamplePacket.from_bytes(sent.value)
        first_ns = packet.device_us * NS_PER_US
        times_ns.append(first_ns + packet.period_ns * np.arange(packet.count, dtype=np.int64))
        si.append(packet.scale.to_si(packet.samples))
    return ImuSamples(np.concatenate(times_ns), np.concatenate(si), source.rate_hz, ended=True)


def _read_table(path: Path) -> pa.Table:
    wanted = ("t_s", *AXES, *TRUTH_COLUMNS)
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in wanted if name not in file.schema_arrow.names]
            if missing:
                raise RecordingError(
                    Reason.MISSING_COLUMN,
                    f"{path} has no column {', '.join(missing)}.",
                    hint=f"A trial's columns are {', '.join(wanted)}.",
                )
            if file.metadata.num_rows > MAX_ROWS:
                raise RecordingError(
                    Reason.TOO_LONG, f"{path} has over {MAX_ROWS} rows.", hint="Cut the trial."
                )
            return file.read(columns=list(wanted))
    except (pa.ArrowException, OSError) as error:
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"{path} cannot be read: {' '.join(str(error).split())[:200]}",
            hint="The file is damaged or was cut short: copy it again from where it came from.",
        ) from None
