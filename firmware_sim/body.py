"""A moving body: where each segment points and how it accelerates, at any time, as closed functions.

Earth axes: x forward at heading 0, y left, z up. A segment's orientation is R = Rz(heading)
Ry(flexion) Rx(lateral); a sensor's axes on an upright body are x up, y left, z back (contracts.
vocabulary). Rates and accelerations come from the same functions a millisecond before and after, which
is exact to 2e-5 rad/s here, far below one LSB: gyroscope and accelerometer tell of one movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.units import RAD_PER_DEG, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement
from firmware_sim.scenario import Pose, Scenario

Array = NDArray[np.float64]

#: Half the span of the differences.
STEP_S: Final = 1e-3
TAU: Final = 2.0 * np.pi
#: Pelvis to sensor: height of the pelvis's own part, m.
PELVIS_HEIGHT_M: Final = 0.10
BREATH_HZ: Final = 0.25
STEPS_HZ: Final = 1.85
KEYSTROKES_HZ: Final = 4.3

_COLUMN: Final = {name: column for column, name in enumerate(Pose._fields)}


@dataclass(frozen=True, slots=True)
class Site:
    """How the trunk's movement arrives at a placement: shares of curl, neck, lateral; height in m."""

    curl: float
    neck: float
    lateral: float
    height_m: float


#: Shares follow from where the landmark lies between pelvis and head; heights are a common adult's.
SITES: Final = {
    Placement.HEAD: Site(1.0, -1.0, 1.0, 0.75),  # the eyes stay level
    Placement.C7: Site(1.0, 0.6, 1.0, 0.58),
    Placement.T4: Site(1.0, 0.0, 1.0, 0.48),
    Placement.STERNUM: Site(0.9, 0.0, 1.0, 0.42),
    Placement.T12: Site(0.45, 0.0, 0.6, 0.28),
    Placement.L5: Site(0.0, 0.0, 0.3, PELVIS_HEIGHT_M),
}


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """A sum of k sines: frequencies, phases and amplitudes, (k,) each."""

    frequency_hz: Array
    phase_rad: Array
    amplitude: Array

    def at(self, t_s: Array) -> Array:
        """The sum at each time."""
        total = np.zeros_like(t_s)
        for frequency_hz, phase_rad, amplitude in zip(
            self.frequency_hz, self.phase_rad, self.amplitude, strict=True
        ):
            total += amplitude * np.sin(TAU * frequency_hz * t_s + phase_rad)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """One segment over time, rad: forward, right and left-turning are positive."""

    flexion: Array
    lateral: Array
    heading: Array

    def up(self) -> tuple[Array, Array, Array]:
        """The segment's long axis in earth axes."""
        forward = np.sin(self.flexion) * np.cos(self.lateral)
        left = -np.sin(self.lateral)
        x, y = _turned(forward, left, self.heading)
        return x, y, np.cos(self.flexion) * np.cos(self.lateral)


class Body:
    """A client going through ``scenario``, swaying and breathing by ``rng``."""

    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        self.scenario = scenario
        self._pelvis_sway = _waves(rng, (0.03, 0.11, 0.34), 0.35 * RAD_PER_DEG)
        self._curl_sway = _waves(rng, (0.05, 0.17, 0.43), 0.45 * RAD_PER_DEG)
        self._lateral_sway = _waves(rng, (0.04, 0.13, 0.38), 0.35 * RAD_PER_DEG)
        self._breath = _waves(rng, (BREATH_HZ,), 0.6 * RAD_PER_DEG)
        self._typing = _waves(rng, (KEYSTROKES_HZ, 1.7), 0.06 * RAD_PER_DEG)
        # Motorway and town: pulling away, braking and bends; the engine's and the road's vibration.
        self._car_forward = _waves(rng, (0.021, 0.057, 0.13), 0.5)
        self._car_left = _waves(rng, (0.033, 0.071), 0.5)
        self._car_up = _waves(rng, (7.3, 9.7, 13.1), 0.25)
        self._car_side = _waves(rng, (6.7, 11.9), 0.15)
        self._gait_phase = float(rng.uniform(0.0, TAU))

    def motion(self, t_s: Array, placement: Placement) -> tuple[Array, Array]:
        """Specific force (n, 3) m/s² and angular rate (n, 3) rad/s in sensor axes at ``t_s`` (n,)."""
        times = np.stack([t_s - STEP_S, t_s, t_s + STEP_S])
        pose = self._pose(times)
        site = SITES[placement]
        pelvis = self._angles(times, pose, SITES[Placement.L5])
        segment = pelvis if placement is Placement.L5 else self._angles(times, pose, site)
        x, y, z = _lever_acceleration(pelvis, segment, site.height_m)
        forward, left, up = self._carried(t_s, pose[:, 1])
        push_x, push_y = _turned(forward, left, segment.heading[1])
        force = _in_sensor_axes(segment, x + push_x, y + push_y, z + up + STANDARD_GRAVITY_M_S2)
        return force, _angular_rate(segment)

    def orientation(self, t_s: Array, placement: Placement) -> Array:
        """(n, 3, 3): sensor axes to earth axes at each time."""
        angles = self._angles(t_s, self._pose(t_s), SITES[placement])
        zero, gravity = np.zeros_like(t_s), np.ones_like(t_s)
        rows = [
            _rotated_to_sensor(angles, *axis)
            for axis in ((gravity, zero, zero), (zero, gravity, zero), (zero, zero, gravity))
        ]
        return np.stack(rows, axis=1)

    def _pose(self, t_s: Array) -> Array:
        """(8, …): the columns of Pose, angles in rad, moved smoothly from one to the next."""
        moves = self.scenario.moves(float(t_s.max()))
        index = np.maximum(np.searchsorted(moves.start_s, t_s, side="right") - 1, 0)
        reach_s = np.maximum(moves.reach_s, STEP_S)
        u = np.clip((t_s - moves.start_s[index]) / reach_s[index], 0.0, 1.0)
        share = u * u * u * (10.0 + u * (6.0 * u - 15.0))  # minimum jerk
        delta = moves.target - moves.source
        return np.stack(
            [
                moves.source[index, column] + share * delta[index, column]
                for column in range(len(_COLUMN))
            ]
        )

    def _angles(self, t_s: Array, pose: Array, site: Site) -> Angles:
        flexion = pose[_COLUMN["pelvis_deg"]] + self._pelvis_sway.at(t_s)
        if site.curl:
            curl = pose[_COLUMN["curl_deg"]] + self._curl_sway.at(t_s) + self._breath.at(t_s)
            typing = pose[_COLUMN["typing"]]
            if typing.any():
                curl += typing * self._typing.at(t_s)
            flexion = flexion + site.curl * curl + site.neck * pose[_COLUMN["neck_deg"]]
        lateral = site.lateral * (pose[_COLUMN["lateral_deg"]] + self._lateral_sway.at(t_s))
        heading = pose[_COLUMN["heading_deg"]]
        walking = pose[_COLUMN["walking"]]
        if walking.any():
            step = TAU * STEPS_HZ * t_s + self._gait_phase
            flexion = flexion + walking * (1.5 * RAD_PER_DEG) * np.sin(step)
            lateral = lateral + walking * (2.0 * RAD_PER_DEG) * np.sin(step / 2.0)
            heading = heading + walking * (4.0 * RAD_PER_DEG) * np.cos(step / 2.0)
        return Angles(flexion, lateral, heading)

    def _carried(self, t_s: Array, pose: Array) -> tuple[Array, Array, Array]:
        """What legs and car do to the whole trunk: forward, left and up, m/s²."""
        forward, left, up = np.zeros_like(t_s), np.zeros_like(t_s), np.zeros_like(t_s)
        walking, driving = pose[_COLUMN["walking"]], pose[_COLUMN["driving"]]
        if walking.any():
            step = TAU * STEPS_HZ * t_s + self._gait_phase
            up += walking * (2.2 * np.sin(step) + 0.6 * np.sin(2.0 * step + 0.8))
            forward += walking * 1.0 * np.sin(step + 1.2)
            left += walking * 0.6 * np.sin(step / 2.0)
        if driving.any():
            side = self._car_side.at(t_s)
            up += driving * self._car_up.at(t_s)
            forward += driving * (self._car_forward.at(t_s) + side)
            left += driving * (self._car_left.at(t_s) + side)
        return forward, left, up


def _waves(rng: np.random.Generator, frequencies_hz: tuple[float, ...], amplitude: float) -> Waves:
    """Sines near the frequencies, so that no two clients and no two parts keep step."""
    size = len(frequencies_hz)
    return Waves(
        np.array(frequencies_hz) * rng.uniform(0.93, 1.07, size),
        rng.uniform(0.0, TAU, size),
        amplitude * rng.uniform(0.8, 1.2, size),
    )


def _turned(forward: Array, left: Array, heading: Array) -> tuple[Array, Array]:
    """Forward and left of someone who is heading somewhere, in earth's x and y."""
    cos, sin = np.cos(heading), np.sin(heading)
    return cos * forward - sin * left, sin * forward + cos * left


def _lever_acceleration(pelvis: Angles, segment: Angles, height_m: float) -> list[Array]:
    """Earth axes, m/s²: a segment on top of the pelvis swings as both turn. Rows: before, at, after."""
    return [
        (
            PELVIS_HEIGHT_M * _second_difference(p)
            + (height_m - PELVIS_HEIGHT_M) * _second_difference(s)
        )
        for p, s in zip(pelvis.up(), segment.up(), strict=True)
    ]


def _second_difference(rows: Array) -> Array:
    acceleration: Array = (rows[0] - 2.0 * rows[1] + rows[2]) / STEP_S**2
    return acceleration


def _in_sensor_axes(segment: Angles, x: Array, y: Array, z: Array) -> Array:
    """(n, 3): an earth vector in the sensor's axes, at the middle row."""
    middle = Angles(segment.flexion[1], segment.lateral[1], segment.heading[1])
    return _rotated_to_sensor(middle, x, y, z)


def _rotated_to_sensor(angles: Angles, x: Array, y: Array, z: Array) -> Array:
    """(n, 3): Rᵀ (x, y, z), then forward, left, up as the sensor's -z, y, x."""
    forward, side = _turned(x, y, -angles.heading)
    cos, sin = np.cos(angles.flexion), np.sin(angles.flexion)
    ahead, rise = cos * forward - sin * z, sin * forward + cos * z
    cos, sin = np.cos(angles.lateral), np.sin(angles.lateral)
    left, up = cos * side + sin * rise, cos * rise - sin * side
    return np.stack([up, left, -ahead], axis=-1)


def _angular_rate(segment: Angles) -> Array:
    """(n, 3) rad/s in sensor axes: the rates of heading, flexion and lateral about their own axes."""
    flexion_rate, lateral_rate, heading_rate = (
        (rows[2] - rows[0]) / (2.0 * STEP_S)
        for rows in (segment.flexion, segment.lateral, segment.heading)
    )
    flexion, lateral = segment.flexion[1], segment.lateral[1]
    about_forward = lateral_rate - heading_rate * np.sin(flexion)
    rest = heading_rate * np.cos(flexion)
    about_left = flexion_rate * np.cos(lateral) + rest * np.sin(lateral)
    about_up = rest * np.cos(lateral) - flexion_rate * np.sin(lateral)
    return np.stack([about_up, about_left, -about_forward], axis=-1)
