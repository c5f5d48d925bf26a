"""Seconds of the inclinations that postures are told by, as one matrix, and which sensors they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles
from contracts.vocabulary import Placement

Chances = Mapping[Placement, NDArray[np.float64]]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Rows in which the same placements have data: ``columns`` of theirs, flexions, then lateral ones."""

    placements: tuple[Placement, ...]
    columns: list[int]
    rows: slice | NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Inclinations:
    """``degrees`` (n, 2m) of m placements of the model: flexions, then lateral ones, NaN where there is
    none. ``chances`` (n,): of each two-fold placement, that its front is where its axes say.
    """

    placements: tuple[Placement, ...]
    degrees: NDArray[np.float64]
    chances: Chances
    complete: bool

    @classmethod
    def of(
        cls, angles: Angles, sources: Mapping[Placement, Placement], chances: Chances
    ) -> Inclinations:
        """Of angles as the axes give them; ``sources``: whose data stands for a placement of the model."""
        placements = tuple(p for p, source in sources.items() if source in angles.flexion_of)
        m = len(placements)
        degrees = np.empty((angles.thorax_flexion_deg.size, 2 * m))
        for column, placement in enumerate(placements):
            degrees[:, column] = angles.flexion_of[sources[placement]]
            degrees[:, m + column] = angles.lateral_of[sources[placement]]
        fronts = {p: chances[sources[p]] for p in placements if sources[p] in chances}
        return cls(placements, degrees, fronts, not np.isnan(degrees).any())

    def __len__(self) -> int:
        return len(self.degrees)

    def part(self, first: int, last: int) -> Inclinations:
        """Rows [first, last)."""
        if first == 0 and last == len(self):
            return self
        chances = {p: chance[first:last] for p, chance in self.chances.items()}
        return Inclinations(self.placements, self.degrees[first:last], chances, self.complete)

    def groups(self) -> list[Group]:
        """The rows by which placements have data; rows without any are in none."""
        m = len(self.placements)
        if not m:
            return []
        if self.complete:
            return [Group(self.placements, list(range(2 * m)), slice(0, len(self)))]
        there = ~np.isnan(self.degrees[:, :m] + self.degrees[:, m:])
        key = (there * (1 << np.arange(m))).sum(axis=1)
        groups = []
        for value in np.unique(key[key > 0]).tolist():
            columns = [i for i in range(m) if value >> i & 1]
            placements = tuple(self.placements[i] for i in columns)
            both = [*columns, *(i + m for i in columns)]
            groups.append(Group(placements, both, np.flatnonzero(key == value)))
        return groups

    def whole(self, doubt: float) -> Flags:
        """(n,) whether all placements have data, and face one way but for this much doubt."""
        whole: Flags = np.ones(len(self), np.bool_)
        if not self.complete:
            whole &= ~np.isnan(self.degrees).any(axis=1)
        for chance in self.chances.values():
            whole &= np.abs(chance - 0.5) >= 0.5 - doubt
        return whole

    def facing(self) -> NDArray[np.float64]:
        """(n, 2m) as two-fold placements most likely face."""
        if not self.chances:
            return self.degrees
        degrees = self.degrees.copy()
        for placement, chance in self.chances.items():
            column = self.placements.index(placement)
            for at in (column, column + len(self.placements)):
                degrees[:, at] = np.where(chance >= 0.5, degrees[:, at], -degrees[:, at])
        return degrees
