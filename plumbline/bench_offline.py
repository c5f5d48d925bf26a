"""Benchmark: offline analysis against VQF alone on the same samples, in CPU time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from vqf import VQF

from analytics.offline import Choice, analyze
from analytics.service import load_focus_table
from contracts.imu import ImuSamples, regular_times_ns
from contracts.recording import Manifest, Recording, read_samples, write_recording
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Posture
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.imu_model import BodySource, ImuErrors
from firmware_sim.scenario import ROUNDED_WINDOW_S, UPRIGHT_WINDOW_S, Scenario
from plumbline.fleet import KIT

RATE_HZ: Final = 50.0
REPEATS: Final = 3
SEED: Final = 1
START_NS: Final = 1_700_000_000 * NS_PER_S


def measure_offline(folder: Path, hours: float) -> dict[str, Any]:
    """CPU seconds of ``analyze`` (files read, pipeline run) and of VQF alone; medians of 3."""
    recording = simulated_recording(folder / "recording", hours)
    read = [read_samples(recording, place) for place in recording.placements]
    gyro_accel = [
        (
            np.ascontiguousarray(samples.si[:, 3:], dtype=np.float64),
            np.ascontiguousarray(samples.si[:, :3], dtype=np.float64),
        )
        for samples in read
    ]
    choice = Choice(focus_table=load_focus_table())

    def vqf_alone() -> None:
        for gyro, accel in gyro_accel:
            VQF(1.0 / RATE_HZ).updateBatch(gyro, accel)

    analyze(recording, choice)  # once unmeasured: imports and caches
    analysis_s = _cpu_s(lambda: analyze(recording, choice))
    alone_s = _cpu_s(vqf_alone)
    samples = sum(len(one) for one in read)
    return {
        "samples": samples,
        "analysis CPU s": analysis_s,
        "VQF alone CPU s": alone_s,
        "ratio": analysis_s / alone_s,
        "analysis samples per s": samples / analysis_s,
    }


def simulated_recording(folder: Path, hours: float) -> Recording:
    """The first hours of a simulated client's day, as T4 and L5 sensors would have kept it."""
    rng = np.random.default_rng(SEED)
    body = Body(Scenario(rng), rng)
    count = round(hours * 3600 * RATE_HZ)
    samples = {place: _samples(body, place, count, rng) for place in KIT}
    manifest = Manifest(
        format=1,
        name="simulated day",
        sample_rate_hz=RATE_HZ,
        sensors={},
        calibration={Posture.UPRIGHT: UPRIGHT_WINDOW_S, Posture.ROUNDED: ROUNDED_WINDOW_S},
        start_utc_ns=START_NS,
    )
    return write_recording(folder, manifest, samples)


def _samples(body: Body, place: Placement, count: int, rng: np.random.Generator) -> ImuSamples:
    source = BodySource(
        body,
        place,
        rate_hz=RATE_HZ,
        start_ns=START_NS,
        clock=DeviceClock(START_NS, 0.0),
        errors=ImuErrors.drawn(rng, place),
        seed=SEED,
    )
    si = source.read(0, count).si.astype(np.float32)
    return ImuSamples(
        regular_times_ns(START_NS, round(NS_PER_S / RATE_HZ), count), si, RATE_HZ, ended=True
    )


def _cpu_s(work: Callable[[], object]) -> float:
    times_s = []
    for _ in range(REPEATS):
        began_s = time.process_time()
        work()
        times_s.append(time.process_time() - began_s)
    return median(times_s)
