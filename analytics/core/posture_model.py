"""What the postures of many people look like, and what one wearer's are then expected to look like.

For each posture the model holds the mean and covariance of the inclinations of all placements (flexion
and lateral, against the wearer's own upright), and how they go with the wearer's own rounded pose. From
these follow, by the rules of normal distributions, the expectation for any set of placements, with or
without a rounded pose. The numbers are fitted by :mod:`analytics.fitting.postures`; the file is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.errors import Reason, SettingError
from contracts.vocabulary import Placement, Posture

#: The order of classes everywhere in the model.
CLASSES: Final = (
    Posture.UPRIGHT,
    Posture.ROUNDED,
    Posture.FORWARD_LEAN,
    Posture.RECLINED,
    Posture.LEFT_LEAN,
    Posture.RIGHT_LEAN,
)
CLASS: Final = {posture: code for code, posture in enumerate(CLASSES)}
#: The order of placements: flexion of all of them, then lateral inclination of all of them.
MODEL_PLACEMENTS: Final = (Placement.C7, Placement.T4, Placement.T12, Placement.L5)
SIZE: Final = 2 * len(MODEL_PLACEMENTS)
FORMAT: Final = 1
MAX_MODEL_BYTES: Final = 1_000_000
#: Sets of placements whose numbers are kept, with and without an own pose: there are 15 of one model.
MAX_KEPT: Final = 64

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class ClassNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One posture: mean (8,) and covariance (8, 8), the same of the own rounded poses of who held it, and
    the covariance between both (8, 8), in degrees.

    Of the rounded posture: of its difference from the wearer's own rounded pose.
    """

    mean_deg: tuple[float, ...]
    covariance_deg2: tuple[tuple[float, ...], ...]
    own_pose_mean_deg: tuple[float, ...]
    own_pose_covariance_deg2: tuple[tuple[float, ...], ...]
    with_own_pose_deg2: tuple[tuple[float, ...], ...]


class PostureNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it is. ``fitted_on`` says whose recordings it was fitted on."""

    format: int
    version: str
    fitted_on: tuple[str, ...]
    placements: tuple[str, ...]
    degrees_of_freedom: float
    ridge_deg2: tuple[float, float]
    shrink: float
    outlier_rates: dict[str, float]
    outlier_width_deg: float
    classes: dict[str, ClassNumbers]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """One posture of one wearer: mean (d,) and covariance (d, d) of a choice of inclinations."""

    mean_deg: Vector
    covariance_deg2: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class PostureModel:
    """The fitted numbers as arrays, classes in the order of CLASSES. Made by :meth:`of`."""

    numbers: PostureNumbers
    mean_deg: Matrix  # (6, 8)
    covariance_deg2: NDArray[np.float64]  # (6, 8, 8)
    with_own_deg2: NDArray[np.float64]  # (6, 8, 8)
    own_mean_deg: Matrix  # (6, 8)
    own_covariance_deg2: NDArray[np.float64]  # (6, 8, 8)

    @classmethod
    def decode(cls, data: bytes) -> PostureModel:
        """The model in a file's bytes. SettingError where it is none, or of another format."""
        if len(data) > MAX_MODEL_BYTES:
            raise _unusable(f"it has {len(data)} bytes")
        try:
            return cls.of(msgspec.json.decode(data, type=PostureNumbers))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unusable(str(error)[:200]) from None

    def encode(self) -> bytes:
        """The file's bytes, readable by people."""
        return msgspec.json.format(msgspec.json.encode(self.numbers), indent=1) + b"\n"

    @classmethod
    def of(cls, numbers: PostureNumbers) -> PostureModel:
        """The model of its numbers. SettingError where they do not fit together."""
        if numbers.format != FORMAT:
            raise _unusable(f"its format is {numbers.format}, not {FORMAT}")
        if numbers.placements != tuple(p.value for p in MODEL_PLACEMENTS):
            raise _unusable("it is of other placements")
        try:
            rows = [numbers.classes[posture.value] for posture in CLASSES]
            model = cls(
                numbers,
                np.array([row.mean_deg for row in rows]).reshape(len(CLASSES), SIZE),
                np.array([row.covariance_deg2 for row in rows]).reshape(-1, SIZE, SIZE),
                np.array([row.with_own_pose_deg2 for row in rows]).reshape(-1, SIZE, SIZE),
                np.array([row.own_pose_mean_deg for row in rows]).reshape(-1, SIZE),
                np.array([row.own_pose_covariance_deg2 for row in rows]).reshape(-1, SIZE, SIZE),
            )
            for covariance in model.covariance_deg2:
                np.linalg.cholesky(covariance)
        except (LookupError, ValueError, np.linalg.LinAlgError) as error:
            raise _unusable(f"{type(error).__name__}: {error}") from None
        return model

    def expected(
        self, placements: Sequence[Placement], own_deg: Vector | None
    ) -> tuple[Expected, ...]:
        """What each of CLASSES is expected to look like at ``placements`` (their (2m,) inclinations).

        ``own_deg``: the wearer's own rounded pose at these placements, flexion then lateral; None where
        none was held.
        """
        of_people = _of_people(self, tuple(placements), posed=own_deg is not None)
        if own_deg is None:
            return tuple(Expected(c.mean_deg, c.covariance_deg2) for c in of_people)
        expected = []
        for posture, c in zip(CLASSES, of_people, strict=True):
            mean_deg = c.mean_deg + c.gain @ (own_deg - c.own_mean_deg)
            if posture is Posture.ROUNDED:
                mean_deg = mean_deg + own_deg
            expected.append(Expected(mean_deg, c.covariance_deg2))
        return tuple(expected)


@dataclass(frozen=True, slots=True, eq=False)
class _OfPeople:
    """One posture at d inclinations, the same for all wearers: mean (d,) and covariance (d, d), and how
    the mean follows an own rounded pose: by ``gain`` (d, d), from ``own_mean_deg`` (d,) on.
    """

    mean_deg: Vector
    covariance_deg2: Matrix
    gain: Matrix
    own_mean_deg: Vector


@lru_cache(maxsize=MAX_KEPT)
def _of_people(
    model: PostureModel, placements: tuple[Placement, ...], *, posed: bool
) -> tuple[_OfPeople, ...]:
    """Each of CLASSES; ``posed``: of wearers whose own rounded pose is known."""
    at = indices(placements)
    both = np.ix_(at, at)
    classes = []
    for code, posture in enumerate(CLASSES):
        mean, own_mean = model.mean_deg[code, at], model.own_mean_deg[code, at]
        covariance, with_own = model.covariance_deg2[code][both], model.with_own_deg2[code][both]
        own_covariance = model.own_covariance_deg2[code][both]
        gain = regression(own_covariance, with_own, model.numbers.ridge_deg2)
        if posed:
            covariance = unexplained(covariance, own_covariance, with_own, gain)
        elif posture is Posture.ROUNDED:
            mean = mean + own_mean
            covariance = covariance + own_covariance + with_own + with_own.T
        covariance = shrunk(covariance, model.numbers.shrink)
        classes.append(_OfPeople(mean, covariance, gain, own_mean))
    return tuple(classes)


def unexplained(
    covariance: Matrix, own_covariance: Matrix, with_own: Matrix, gain: Matrix
) -> Matrix:
    """(d, d) what is left of a covariance where the mean follows the own pose by ``gain``."""
    left_over: Matrix = (
        covariance - gain @ with_own.T - with_own @ gain.T + gain @ own_covariance @ gain.T
    )
    return left_over


def shrunk(covariance: Matrix, share: float) -> Matrix:
    """Covariances of few people are uncertain: their off-diagonal part counts less, by ``share``."""
    less: Matrix = (1.0 - share) * covariance + share * np.diag(np.diag(covariance))
    return less


def regression(own_covariance: Matrix, with_own: Matrix, ridge_deg2: tuple[float, float]) -> Matrix:
    """(d, d) how inclinations follow an own pose, of (d, d) covariances: one row an inclination.

    ``ridge_deg2``: what is added to the variance of the same inclination, and of the others, since few
    people say how one goes with another.
    """
    same, others = ridge_deg2
    size = len(with_own)
    ridge = np.zeros((size, size, size))
    each = np.arange(size)
    ridge[:, each, each] = others
    ridge[each, each, each] = same
    gain = np.empty_like(with_own)
    gain[:] = np.linalg.solve(own_covariance + ridge, with_own[:, :, None])[:, :, 0]
    return gain


def indices(placements: Sequence[Placement]) -> NDArray[np.intp]:
    """Where the flexions, then the lateral inclinations, of these placements are among the SIZE."""
    columns = [MODEL_PLACEMENTS.index(p) for p in placements]
    return np.array([*columns, *(c + len(MODEL_PLACEMENTS) for c in columns)], dtype=np.intp)


def own_pose(
    flexion_deg: Mapping[Placement, float],
    lateral_deg: Mapping[Placement, float],
    placements: Sequence[Placement],
) -> Vector:
    """(2m,) a pose's flexions, then its lateral inclinations."""
    return np.array([*(flexion_deg[p] for p in placements), *(lateral_deg[p] for p in placements)])


def _unusable(why: str) -> SettingError:
    return SettingError(
        Reason.BAD_SETTING,
        f"the posture model cannot be used: {why}.",
        hint="Use the one that comes with the program, or write a new one with `plumbline fit`.",
    )
