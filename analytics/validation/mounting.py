"""The same recording as if its sensors had sat otherwise on the body: samples turned in memory."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from contracts.imu import ImuSamples
from contracts.vocabulary import Placement

AS_RECORDED: Final = "as recorded"
#: The same for every sensor: turns about the printed axes, x towards the head, z towards the back.
NAMED: Final = {
    "upside down": Rotation.from_euler("z", 180, degrees=True),
    "inside out": Rotation.from_euler("x", 180, degrees=True),
    "tilted 30° on the strap": Rotation.from_euler("z", 30, degrees=True),
    "turned 30° round the trunk": Rotation.from_euler("x", 30, degrees=True),
}
RANDOM: Final = "random"


def random_mountings(draws: int) -> tuple[str, ...]:
    """Names of mountings in which each sensor of each recording sits by a rotation of its own."""
    return tuple(f"{RANDOM} {draw}" for draw in range(1, draws + 1))


def turned(samples: ImuSamples, mounting: str, recording: str, placement: Placement) -> ImuSamples:
    """The samples in the axes of a sensor that sat otherwise; as they are for ``as recorded``.

    A random rotation depends on the mounting's number, the recording and the placement only.
    """
    if mounting == AS_RECORDED:
        return samples
    matrix = _rotation(mounting, recording, placement).as_matrix()
    si = samples.si.astype(np.float64)
    both: NDArray[np.float64] = np.concatenate([si[:, :3] @ matrix.T, si[:, 3:] @ matrix.T], axis=1)
    return replace(samples, si=both.astype(np.float32))


def _rotation(mounting: str, recording: str, placement: Placement) -> Rotation:
    if mounting in NAMED:
        return NAMED[mounting]
    draw = int(mounting.removeprefix(RANDOM))
    sensor = zlib.crc32(f"{recording}/{placement.value}".encode())
    return Rotation.random(rng=np.random.default_rng([draw, sensor]))
