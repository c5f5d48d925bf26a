"""What one wearer's postures are expected to look like: the model of many people, this wearer's own
rounded pose, how they lean, and their settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.beyond import brought_back
from analytics.core.calibration import Calibration
from analytics.core.explain import Centre, Centres
from analytics.core.heading import without_slump
from analytics.core.likelihood import Likelihood
from analytics.core.own_leans import OwnLeans
from analytics.core.posture_model import (
    CLASS,
    CLASSES,
    MODEL_PLACEMENTS,
    Expected,
    PostureModel,
    indices,
    own_pose,
)
from contracts.settings import PostureSettings
from contracts.vocabulary import LOWER_PLACEMENTS, UPPER_PLACEMENTS, Placement, Posture

#: The strictest and the most lenient that settings make the expectations, against the fitted ones.
SCALE_RANGE: Final = (0.5, 2.5)
#: A hip bend begins this far beyond the pelvis of the personal rounded pose, where that is further.
HIP_BEYOND_ROUNDED_DEG: Final = 12.0
_DEFAULT: Final = PostureSettings()

#: Placements, and the signs of those that are two-fold.
_Sitting = tuple[tuple[Placement, ...], tuple[tuple[Placement, int], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Signed:
    """The likelihood that holds if two-fold placements face as ``signs`` says.

    ``own_deg``: flexion of T4 and L5 in the own rounded pose, where there is one and both are worn.
    """

    signs: Mapping[Placement, int]
    likelihood: Likelihood
    placements: tuple[Placement, ...]
    own_deg: tuple[float, float] | None

    def logs(self, inclinations_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 6) log densities of (n, 2m) inclinations as the axes give them."""
        values = inclinations_deg
        if self.signs:
            sign = np.array([float(self.signs.get(p, 1)) for p in self.placements])
            values = values * np.concatenate([sign, sign])
        if Placement.T4 in self.placements and Placement.L5 in self.placements:
            upper, lower = (self.placements.index(p) for p in (Placement.T4, Placement.L5))
            values = values.copy()
            values[:, upper], values[:, lower] = brought_back(
                values[:, upper], values[:, lower], self.own_deg
            )
        return self.likelihood.logs(values)


@dataclass(eq=False)
class Personal:
    """One calibration under one wearer's settings.

    Likelihoods are made once for each set of placements, until more is learned of the wearer's leans;
    what is expected of people with this calibration is made once for all.
    """

    model: PostureModel
    settings: PostureSettings
    calibration: Calibration
    _made: dict[tuple[Placement, ...], tuple[Signed, ...]] = field(default_factory=dict)
    _of_people: dict[_Sitting, tuple[Expected, ...]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> Mapping[Placement, Placement]:
        """Whose data stands for each placement of the model that is calibrated."""
        sources = {p: self.source_of(p) for p in MODEL_PLACEMENTS}
        return {p: s for p, s in sources.items() if s in self.calibration.axes}

    @cached_property
    def hip_bend_deg(self) -> float:
        """From this flexion of the lower trunk on, the wearer bends at the hip and does not slump."""
        rounded = self.calibration.rounded
        own_deg = None if rounded is None else rounded.pelvis_flexion_deg
        if own_deg is not None and any(p in LOWER_PLACEMENTS for p in self.calibration.two_fold):
            own_deg = abs(own_deg)  # whichever end is the front, no slump of theirs is a hip bend
        own_deg = 0.0 if own_deg is None else own_deg + HIP_BEYOND_ROUNDED_DEG
        return max(self.settings.hip_bend_deg, own_deg)

    def likelihoods(self, placements: tuple[Placement, ...], own: OwnLeans) -> tuple[Signed, ...]:
        """What holds at these placements, for every way in which the two-fold ones may sit."""
        if placements not in self._made:
            two_fold = [p for p in placements if p in self._two_fold]
            self._made[placements] = tuple(
                self._signed(placements, dict(zip(two_fold, signs, strict=True)), own)
                for signs in product((1, -1), repeat=len(two_fold))
            )
        return self._made[placements]

    def forget(self) -> None:
        """Make likelihoods anew: what is known of the wearer's own leans has changed."""
        self._made.clear()

    def expected(
        self, placements: Sequence[Placement], signs: Mapping[Placement, int], own: OwnLeans
    ) -> tuple[Expected, ...]:
        """Each of CLASSES at these placements' inclinations, flexions first, as they truly face.

        ``signs``: of two-fold placements, 1 where the calibrated axes point to the back.
        """
        key = (tuple(placements), tuple(signs.items()))
        if key not in self._of_people:
            pose = self._own_deg(placements, signs)
            of_people = self.model.expected(placements, pose)
            held = self.calibration.rounded
            self._of_people[key] = of_people if held else without_slump(of_people, placements)
        learned = own.apply(self._of_people[key], indices(placements))
        return tuple(
            Expected(e.mean_deg * scale, e.covariance_deg2)
            for e, scale in zip(learned, self._scales, strict=True)
        )

    def centres(self, own: OwnLeans, signs: Mapping[Placement, int]) -> Centres | None:
        """What each posture looks like in this wearer, for explanations; None where no sensor says.

        ``signs``: 1 or -1 by two-fold placement, which way it faces.
        """
        placements = tuple(self.sources)
        if not placements:
            return None
        signs = {p: signs[source] for p, source in self.sources.items() if source in signs}
        expected = self.expected(placements, signs, own)
        upper = next((placements.index(p) for p in UPPER_PLACEMENTS if p in placements), None)
        lower = next((placements.index(p) for p in LOWER_PLACEMENTS if p in placements), None)
        aside = None if upper is None else len(placements) + upper
        return Centres(
            {
                posture: Centre(*(_at(one.mean_deg, column) for column in (upper, lower, aside)))
                for posture, one in zip(CLASSES, expected, strict=True)
            },
            own=self.calibration.rounded is not None,
        )

    def source_of(self, placement: Placement) -> Placement:
        """Whose data stands for a placement of the model: the sternum's for T4 where only it is worn."""
        axes = self.calibration.axes
        if placement is Placement.T4 and placement not in axes and Placement.STERNUM in axes:
            return Placement.STERNUM
        return placement

    @property
    def _two_fold(self) -> set[Placement]:
        return {p for p in MODEL_PLACEMENTS if self.source_of(p) in self.calibration.two_fold}

    def _signed(
        self, placements: tuple[Placement, ...], signs: Mapping[Placement, int], own: OwnLeans
    ) -> Signed:
        expected = self.expected(placements, signs, own)
        likelihood = Likelihood.of(self.model, placements, expected)
        pose = self._own_deg(placements, signs)
        if pose is None or not {Placement.T4, Placement.L5} <= set(placements):
            return Signed(signs, likelihood, placements, None)
        scaled = pose * self._scales[CLASS[Posture.ROUNDED]]
        upper, lower = (float(scaled[placements.index(p)]) for p in (Placement.T4, Placement.L5))
        return Signed(signs, likelihood, placements, (upper, lower))

    def _own_deg(
        self, placements: Sequence[Placement], signs: Mapping[Placement, int]
    ) -> NDArray[np.float64] | None:
        rounded = self.calibration.rounded
        sources = {p: self.source_of(p) for p in placements}
        if rounded is None or any(s not in rounded.flexion_deg for s in sources.values()):
            return None
        flexion = {p: rounded.flexion_deg[s] * signs.get(p, 1) for p, s in sources.items()}
        lateral = {p: rounded.lateral_deg[s] * signs.get(p, 1) for p, s in sources.items()}
        return own_pose(flexion, lateral, placements)

    @cached_property
    def _scales(self) -> tuple[float, ...]:
        """How much further (or less far) than fitted each of CLASSES is expected, by the settings."""
        settings = self.settings
        wanted = {
            Posture.ROUNDED: settings.rounded_warn_deg / _DEFAULT.rounded_warn_deg,
            Posture.RECLINED: settings.reclined_deg / _DEFAULT.reclined_deg,
            Posture.LEFT_LEAN: settings.lean_deg / _DEFAULT.lean_deg,
            Posture.RIGHT_LEAN: settings.lean_deg / _DEFAULT.lean_deg,
        }
        low, high = SCALE_RANGE
        return tuple(min(high, max(low, wanted.get(posture, 1.0))) for posture in CLASSES)


def _at(mean_deg: NDArray[np.float64], column: int | None) -> float | None:
    return None if column is None else round(float(mean_deg[column]), 1)
