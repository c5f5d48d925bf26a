"""Small synthetic wearers: trunk tilts over time to IMU samples, with noise, losses and glitches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import TypeVar

import numpy as np

from analytics.core.focus import FocusTable, parse_focus_table
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import Output
from contracts.imu import ImuSamples, regular_times_ns
from contracts.records import Episode, Rollup
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement

#: 2026-03-02T09:00:00Z, a Monday.
START_S = 1_772_442_000
START_NS = START_S * NS_PER_S
RATE_HZ = 50.0


@dataclass(frozen=True)
class Hold:
    """Tilts held for some seconds, sagittal (forward) and lateral (right) in degrees."""

    seconds: int
    thorax_deg: float = 0.0
    pelvis_deg: float = 0.0
    thorax_right_deg: float = 0.0
    shake_m_s2: float = 0.0
    shake_hz: float = 2.0


def samples_of(
    holds: Sequence[Hold],
    placement: Placement,
    *,
    seed: int = 1,
    start_ns: int = START_NS,
    mount_deg: float = 15.0,
    noise_rad_s: float = 0.01,
) -> ImuSamples:
    """What a sensor mounted ``mount_deg`` forward on the body gives; poses change within 2 s."""
    tilt_deg, right_deg, shake = _trajectory(holds, placement)
    tilt, right = np.radians(tilt_deg + mount_deg), np.radians(right_deg)
    up = np.stack([np.cos(tilt) * np.cos(right), np.sin(right), np.sin(tilt) * np.cos(right)], 1)
    random = np.random.default_rng([seed, list(Placement).index(placement)])
    si = np.empty((tilt.size, 6), np.float32)
    si[:, :3] = up * (STANDARD_GRAVITY_M_S2 + shake)[:, None]
    si[:, :3] += random.normal(0, 0.02, (tilt.size, 3))
    si[:, 3:] = random.normal(0, noise_rad_s, (tilt.size, 3))
    # leaning forward is a right-handed turn about the wearer's left, y in sensor axes
    si[:, 4] += np.gradient(tilt) * RATE_HZ
    times_ns = regular_times_ns(start_ns, round(NS_PER_S / RATE_HZ), tilt.size)
    return ImuSamples(times_ns, si, RATE_HZ, ended=True)


def _trajectory(
    holds: Sequence[Hold], placement: Placement
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lower = placement in (Placement.L5, Placement.T12)
    knots_s, tilt, right = [0.0], [], []
    shakes = []
    for hold in holds:
        tilt += 2 * [hold.pelvis_deg if lower else hold.thorax_deg]
        right += 2 * [0.0 if lower else hold.thorax_right_deg]
        knots_s += [knots_s[-1] + hold.seconds - 2, knots_s[-1] + hold.seconds]
        t = np.arange(round(hold.seconds * RATE_HZ)) / RATE_HZ
        shakes.append(hold.shake_m_s2 * np.sqrt(2) * np.sin(2 * np.pi * hold.shake_hz * t))
    t_s = np.arange(sum(s.size for s in shakes)) / RATE_HZ
    return (
        np.interp(t_s, knots_s[:-1], tilt),
        np.interp(t_s, knots_s[:-1], right),
        np.concatenate(shakes),
    )


def without(samples: ImuSamples, *gaps_s: tuple[float, float]) -> ImuSamples:
    """Samples less those in the gaps, in seconds from START."""
    t_s = (samples.utc_ns - START_NS) / NS_PER_S
    keep = np.ones(t_s.size, bool)
    for start_s, end_s in gaps_s:
        keep &= (t_s < start_s) | (t_s >= end_s)
    return ImuSamples(samples.utc_ns[keep], samples.si[keep], samples.rate_hz, samples.ended)


def plan(
    upright_s: tuple[float, float],
    rounded_s: tuple[float, float] | None,
    at_s: float = 0.0,
    *,
    bend_s: tuple[float, float] | None = None,
    standing_s: tuple[float, float] | None = None,
) -> CalibrationPlan:
    """A calibration session by seconds from START."""

    def window(w: tuple[float, float]) -> tuple[int, int]:
        return START_NS + round(w[0] * NS_PER_S), START_NS + round(w[1] * NS_PER_S)

    return CalibrationPlan(
        effective_ns=START_NS + round(at_s * NS_PER_S),
        upright_ns=window(upright_s),
        rounded_ns=None if rounded_s is None else window(rounded_s),
        bend_ns=None if bend_s is None else window(bend_s),
        standing_ns=None if standing_s is None else window(standing_s),
    )


def focus_table() -> FocusTable:
    """The table that ships with the core."""
    return parse_focus_table(
        (files("analytics.core") / "focus_areas.toml").read_text(encoding="utf-8")
    )


def run(config: PipelineConfig, sensors: dict[Placement, ImuSamples]) -> Output:
    """Everything in one batch a sensor."""
    pipeline = Pipeline(config)
    return Output.concat([*(pipeline.update(p, s) for p, s in sensors.items()), pipeline.finish()])


R = TypeVar("R", Rollup, Episode)


def latest(rows: Sequence[R]) -> dict[int, R]:
    """Rows by start; a later one replaces an earlier one, as the store does it."""
    return {row.start_ns: row for row in rows}


def same(one: Output, other: Output) -> bool:
    """Whether two runs said the same, bit for bit; rollups as the store ends up with them."""
    frames = all(
        getattr(one.frames, f.name).tobytes() == getattr(other.frames, f.name).tobytes()
        for f in fields(one.frames)
    )
    return (
        frames
        and one.episodes == other.episodes
        and one.nudges == other.nudges
        and one.sequels == other.sequels
        and one.calibrations == other.calibrations
        and latest(one.minutes) == latest(other.minutes)
        and latest(one.days) == latest(other.days)
    )
