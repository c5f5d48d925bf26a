"""What a small MEMS sensor makes of a movement: it sits askew, is a little off, and hisses.

The figures are typical data-sheet values of the inertial units in wearables (common; no one part's):
noise 160 µg/√Hz and 0.007 deg/s/√Hz; zero offsets of some 20 mg and 0.5 deg/s; scale within 0.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.imu import AXES
from contracts.units import NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.source import SourceChunk

Array = NDArray[np.float64]

ACCEL_NOISE_M_S2_RTHZ: Final = 160e-6 * STANDARD_GRAVITY_M_S2
GYRO_NOISE_RAD_S_RTHZ: Final = 0.007 * RAD_PER_DEG
#: Standard deviations of what stays the same for one sensor: data sheets give some three of them.
ACCEL_BIAS_M_S2: Final = 0.007 * STANDARD_GRAVITY_M_S2
GYRO_BIAS_RAD_S: Final = 0.17 * RAD_PER_DEG
SCALE_ERROR: Final = 0.0017
#: The gyroscope's offset wanders as the sensor warms and cools, in hours.
GYRO_WANDER_RAD_S: Final = 0.05 * RAD_PER_DEG
WANDER_PERIOD_S: Final = 5400.0
#: How far off a wearer sticks the sensor on, degrees about each axis.
MOUNTING_DEG: Final = 4.0
#: The back's own slope where the sensor lies on it, forward positive, degrees (common).
BACK_SLOPE_DEG: Final = {
    Placement.HEAD: 0.0,
    Placement.C7: 35.0,
    Placement.T4: 20.0,
    Placement.STERNUM: -15.0,
    Placement.T12: -8.0,
    Placement.L5: 10.0,
}
#: Ticks that are made together. Noise and rounding belong to a block, so that reading in pieces of
#: any size gives the same bits.
BLOCK_TICKS: Final = 2048


@dataclass(frozen=True, slots=True, eq=False)
class ImuErrors:
    """One sensor's faults. reading = scale · (mounting · truth) + bias + wander + noise."""

    mounting: Array  # (3, 3): segment axes to sensor axes
    scale: Array  # (6,)
    bias: Array  # (6,) m/s² and rad/s
    wander: Array  # (6,) amplitude
    wander_phase: Array  # (6,)
    noise: Array  # (6,) density, per √Hz

    @classmethod
    def drawn(cls, rng: np.random.Generator, placement: Placement) -> ImuErrors:
        """A sensor out of the box, stuck on at a placement."""
        slope = np.array([0.0, BACK_SLOPE_DEG[placement], 0.0])
        return cls(
            mounting=_rotation((slope + rng.normal(0.0, MOUNTING_DEG, 3)) * RAD_PER_DEG),
            scale=1.0 + rng.normal(0.0, SCALE_ERROR, len(AXES)),
            bias=rng.normal(0.0, [ACCEL_BIAS_M_S2] * 3 + [GYRO_BIAS_RAD_S] * 3),
            wander=GYRO_WANDER_RAD_S * np.repeat([0.0, 1.0], 3),
            wander_phase=rng.uniform(0.0, 2.0 * np.pi, len(AXES)),
            noise=np.array([ACCEL_NOISE_M_S2_RTHZ] * 3 + [GYRO_NOISE_RAD_S_RTHZ] * 3),
        )

    @classmethod
    def none(cls) -> ImuErrors:
        """A perfect sensor, stuck on perfectly."""
        zero = np.zeros(len(AXES))
        return cls(np.eye(3), np.ones(len(AXES)), zero, zero, zero, zero)

    def applied(self, truth: Array, t_s: Array, rate_hz: float, rng: np.random.Generator) -> Array:
        """(n, 6) what the sensor reads where ``truth`` (n, 6) in segment axes happens at ``t_s``."""
        turned = np.concatenate([truth[:, :3] @ self.mounting.T, truth[:, 3:] @ self.mounting.T], 1)
        phase = (2.0 * np.pi / WANDER_PERIOD_S) * t_s[:, None] + self.wander_phase
        hiss = rng.standard_normal(truth.shape) * (self.noise * np.sqrt(rate_hz / 2.0))
        reading: Array = turned * self.scale + self.bias + self.wander * np.sin(phase) + hiss
        return reading


class BodySource:
    """A sensor on a moving body, endless. It samples by its own ``clock``, the body moves in true time.

    ``start_ns``: true UTC at which the body's day starts; the clock may have been switched on later.
    """

    end_tick = None

    def __init__(
        self,
        body: Body,
        placement: Placement,
        *,
        rate_hz: float,
        start_ns: int,
        clock: DeviceClock,
        errors: ImuErrors,
        seed: int,
    ) -> None:
        self.rate_hz = rate_hz
        self._body = body
        self._placement = placement
        self._errors = errors
        self._seed = seed
        self._offset_s = (clock.power_on_ns - start_ns) / NS_PER_S
        self._clock = clock
        self._block = -1
        self._readings: Array = np.empty((0, len(AXES)))

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The readings of ticks [start_tick, stop_tick); a body never loses one."""
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        si = np.empty((ticks.size, len(AXES)))
        done = start_tick
        while done < stop_tick:
            block = done // BLOCK_TICKS
            stop = min(stop_tick, (block + 1) * BLOCK_TICKS)
            inside = self._readings_of(block)[done - block * BLOCK_TICKS :][: stop - done]
            si[done - start_tick : stop - start_tick] = inside
            done = stop
        return SourceChunk(ticks, si)

    def times_s(self, ticks: NDArray[np.int64]) -> Array:
        """True time of each tick, seconds from the day's start."""
        times: Array = self._offset_s + self._clock.elapsed_s(ticks, self.rate_hz)
        return times

    def _readings_of(self, block: int) -> Array:
        """(BLOCK_TICKS, 6) of a block; the last one is kept, for the next few samples of it."""
        if block != self._block:
            first = block * BLOCK_TICKS
            t_s = self.times_s(np.arange(first, first + BLOCK_TICKS, dtype=np.int64))
            truth: Array = np.empty((BLOCK_TICKS, len(AXES)))
            truth[:, :3], truth[:, 3:] = self._body.motion(t_s, self._placement)
            rng = np.random.default_rng((self._seed, block))
            self._readings = self._errors.applied(truth, t_s, self.rate_hz, rng)
            self._block = block
        return self._readings


def _rotation(angles_rad: Array) -> Array:
    """(3, 3): what a frame turned about x, then y, then z sees of a vector."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles_rad), np.sin(angles_rad)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    turned: Array = about_z @ about_y @ about_x
    return turned
