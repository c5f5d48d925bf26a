"""A recording faster than a sensor sends, as good firmware sends it: integrated at the full rate.

A reading belongs to its tick and covers the period around it: the mean rate of the turn from half a
period before to half a period after, and the mean specific force in the axes of the tick itself.
Readings picked at the ticks instead would fold fast movement into slow.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.imu import AXES, ImuSamples
from contracts.units import NS_PER_S
from firmware_sim.source import Ticks

Array = NDArray[np.float64]

#: A step longer than this many of the recording's own periods means that readings are missing.
GAP_PERIODS: Final = 1.5
#: What a float of seconds may be off, s.
SLACK_S: Final = 1e-7


def integrated(samples: ImuSamples, start_ns: int, rate_hz: float) -> tuple[Ticks, Array]:
    """Ticks (k,) of ``rate_hz`` from ``start_ns`` on, and their readings (k, 6) in m/s² and rad/s.

    A tick is missing where the recording does not cover the whole period around it.
    """
    t_s = (samples.utc_ns - start_ns) / NS_PER_S
    gaps = np.flatnonzero(np.diff(t_s) > GAP_PERIODS / samples.rate_hz) + 1
    si = samples.si.astype(np.float64)
    parts = [
        _integrated(times, readings, 1.0 / rate_hz)
        for times, readings in zip(np.split(t_s, gaps), np.split(si, gaps), strict=True)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _integrated(t_s: Array, si: Array, period_s: float) -> tuple[Ticks, Array]:
    """The same of a stretch without gaps."""
    first = int(np.ceil((t_s[0] - SLACK_S) / period_s + 0.5)) if t_s.size else 0
    last = int(np.floor((t_s[-1] + SLACK_S) / period_s - 0.5)) if t_s.size else -1
    ticks = np.arange(first, last + 1, dtype=np.int64)
    if not ticks.size:
        return ticks, np.empty((0, len(AXES)))
    edges = (np.arange(first, last + 2) - 0.5) * period_s
    middles = ticks * period_s
    inner = t_s[(t_s > edges[0]) & (t_s < edges[-1])]
    nodes = np.unique(np.concatenate([inner, edges, middles]))
    readings = np.stack([np.interp(nodes, t_s, axis) for axis in si.T], axis=1)
    bounds = nodes.searchsorted(edges)
    force, turn = _strapdown(nodes, readings, bounds, nodes.searchsorted(middles))
    return ticks, np.concatenate([force, turn], axis=1) / period_s


def _strapdown(
    nodes_s: Array, readings: Array, bounds: NDArray[np.intp], middles: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Integrals of the force, in the axes at the middle, and the turn's rotation vector: (k, 3) each.

    Window k is the nodes ``bounds[k]`` to ``bounds[k + 1]``; all windows take a step together.
    """
    accel, steps = readings[:, :3], _steps(nodes_s, readings[:, 3:])
    half_s = 0.5 * np.diff(nodes_s)[:, None]
    start, end = bounds[:-1], bounds[1:]
    attitude = np.tile([1.0, 0.0, 0.0, 0.0], (start.size, 1))
    middle = attitude.copy()
    force = np.zeros((start.size, 3))
    for done in range(int((end - start).max())):
        (live,) = np.nonzero(start + done < end)
        node = start[live] + done
        before = attitude[live]
        after = _product(before, steps[node])
        pushed = _rotated(before, accel[node]) + _rotated(after, accel[node + 1])
        force[live] += half_s[node] * pushed
        attitude[live] = after
        at_middle = node + 1 == middles[live]
        middle[live[at_middle]] = after[at_middle]
    return _rotated(middle * [1.0, -1.0, -1.0, -1.0], force), _rotation_vector(attitude)


def _steps(nodes_s: Array, gyro: Array) -> Array:
    """(n - 1, 4) the turns from node to node, of rates that change linearly, coning included."""
    step_s = np.diff(nodes_s)[:, None]
    turn = 0.5 * step_s * (gyro[:-1] + gyro[1:])
    turn += np.cross(gyro[:-1], gyro[1:]) * step_s * step_s / 12.0
    half = 0.5 * np.linalg.norm(turn, axis=1, keepdims=True)
    # sinc is sin(πx) / (πx), and 1 at 0
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * turn], axis=1)


def _product(first: Array, second: Array) -> Array:
    """(k, 4) of quaternions, w first: turned by ``first``, then in the turned axes by ``second``."""
    w, v = first[:, :1], first[:, 1:]
    other_w, other_v = second[:, :1], second[:, 1:]
    real = w * other_w - np.sum(v * other_v, axis=1, keepdims=True)
    return np.concatenate([real, w * other_v + other_w * v + np.cross(v, other_v)], axis=1)


def _rotated(quat: Array, vector: Array) -> Array:
    """(k, 3) vectors in turned axes, told in the axes before the turn."""
    w, v = quat[:, :1], quat[:, 1:]
    rotated: Array = vector + 2.0 * np.cross(v, np.cross(v, vector) + w * vector)
    return rotated


def _rotation_vector(quat: Array) -> Array:
    """(k, 3) rad, of turns up to half a turn."""
    length = np.linalg.norm(quat[:, 1:], axis=1)
    half = np.arctan2(length, quat[:, 0])
    factor: Array = 2.0 / np.sinc(half / np.pi)  # 2 half / sin(half), where length is sin(half)
    return quat[:, 1:] * factor[:, None]
