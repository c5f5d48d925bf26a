"""Benchmark: offline analysis of two sensors against VQF alone on the same samples in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from vqf import VQF

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.service import load_focus_table
from contracts.imu import ImuSamples
from contracts.recording import Manifest, read_samples, write_recording
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Posture
from firmware_sim.scenario import ROUNDED_WINDOW_S, UPRIGHT_WINDOW_S
from plumbline.bench_crowd import RATE_HZ, calibration_at, person_samples
from plumbline.bench_ratio import compared, cost_of, cpu_ratio, in_turn
from plumbline.fleet import KIT

REPEATS: Final = 7
START_NS: Final = 1_700_000_000 * NS_PER_S
TARGET: Final = 1.5


def measure_offline(folder: Path, hours: float, repeats: int = REPEATS) -> dict[str, Any]:
    """The whole analysis of the first hours of a simulated day, and VQF alone, of the same samples.

    Both have them in memory, as the pipeline takes them and as VQF does. What reading them from a
    recording's Parquet files takes is told beside it.
    """
    worn = person_samples(0, hours * 3600, START_NS)
    for_vqf = [
        (
            np.ascontiguousarray(samples.si[:, 3:], dtype=np.float64),
            np.ascontiguousarray(samples.si[:, :3], dtype=np.float64),
        )
        for samples in worn.values()
    ]
    config = PipelineConfig(
        KIT, calibrations=(calibration_at(START_NS),), focus_table=load_focus_table()
    )

    def analysis() -> None:
        pipeline = Pipeline(config)
        for place, samples in worn.items():
            pipeline.update(place, samples)
        pipeline.finish()

    def vqf_alone() -> None:
        for gyro, accel in for_vqf:
            VQF(1.0 / RATE_HZ).updateBatch(gyro, accel)

    analysis()  # once unmeasured: imports and caches
    pairs = in_turn(lambda: cost_of(analysis), lambda: cost_of(vqf_alone), repeats)
    samples = sum(map(len, worn.values()))
    return {
        "wearers": 1,
        "hours": hours,
        "samples": samples,
        **compared(pairs, "analysis", "VQF alone"),
        "reading Parquet CPU s": _reading_s(folder / "recording", worn, repeats),
        "analysis samples per CPU s": samples / median(ours.cpu_s for ours, _ in pairs),
        "CPU time as a multiple of VQF alone": cpu_ratio(pairs) | {"wanted at most": TARGET},
    }


def _reading_s(folder: Path, worn: Mapping[Placement, ImuSamples], repeats: int) -> float:
    """CPU s to read the samples back from a recording; the median."""
    manifest = Manifest(
        format=1,
        name="simulated day",
        sample_rate_hz=RATE_HZ,
        sensors={},
        calibration={Posture.UPRIGHT: UPRIGHT_WINDOW_S, Posture.ROUNDED: ROUNDED_WINDOW_S},
        start_utc_ns=START_NS,
    )
    recording = write_recording(folder, manifest, worn)

    def read() -> None:
        for place in recording.placements:
            read_samples(recording, place)

    return median(cost_of(read).cpu_s for _ in range(repeats))
