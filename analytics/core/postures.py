"""Angles to postures: which of six is the likeliest, second by second, and how sure that is.

Each second's inclinations are held against what this wearer's postures are expected to look like
(:mod:`analytics.core.personal`). On top of the likelihoods stand a few rules that do not depend on people:

- beyond ``hip_bend_deg`` of the lower trunk it is a bend at the hip, never rounding, and no posture is
  one that goes the other way (:mod:`analytics.core.ruled_out`);
- once rounded, another posture has to be clearly likelier (``hysteresis_deg``), until a gap;
- one sensor alone cannot tell rounding from leaning at the hip: it says what is held for long;
- without a sensor on the upper trunk only reclining and leaning sideways are told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles
from analytics.core.calibration import Calibration
from analytics.core.explain import Centres
from analytics.core.inclinations import Chances, Inclinations
from analytics.core.likelihood import Logs, shares
from analytics.core.own_leans import OwnLeans, block_of
from analytics.core.personal import Personal
from analytics.core.posture_model import CLASS, CLASSES, SIZE, PostureModel, indices
from analytics.core.ruled_out import ruled_out
from analytics.core.runs import hysteresis
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Placement, Posture

#: How much more upright and rounded weigh than the leans with one sensor only: they last longest in daily
#: life, and with these weights T4 tells them apart best (docs/tried.md).
ALONE_WEIGHTS: Final = {Posture.UPRIGHT: 100.0, Posture.ROUNDED: 60.0}
#: How much likelier another posture has to be to end rounding, for each degree of hysteresis.
HYSTERESIS_LOG_PER_DEG: Final = 0.1
#: A second may be rounded from this probability on, whatever is likelier.
POSSIBLE: Final = 0.2
#: Nobody is ever certain.
NEVER_SURE: Final = 0.99
#: A sensor's front is known well enough to learn from where the odds against it are no greater.
FRONT_DOUBT: Final = 0.02
#: Blocks whose postures are told at once, in the hope that none of them teaches anything: few cost hardly
#: more than one. Twice as many follow where none did.
LOOK_AHEAD_BLOCKS: Final = 8
MAX_LOOK_AHEAD_BLOCKS: Final = 4096

CODE: Final = {posture: code for code, posture in enumerate(POSTURES)}
_CODE_OF_CLASS: Final = np.array([CODE[p] for p in CLASSES], np.uint8)
_ROUNDED: Final = CLASS[Posture.ROUNDED]
_TOLD_FROM_BELOW: Final = np.array(
    [p in (Posture.RECLINED, Posture.LEFT_LEAN, Posture.RIGHT_LEAN) for p in CLASSES]
)
_ALONE: Final = np.log([ALONE_WEIGHTS.get(p, 1.0) for p in CLASSES])
_UPPER: Final = frozenset({Placement.C7, Placement.T4})

Degrees = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """Codes of POSTURES (n,), how sure, 0 to 1 in steps of 0.01 (n,), and whether it may be rounded (n,)."""

    posture: NDArray[np.uint8]
    confidence: Degrees
    may_be_rounded: Flags


class PostureTeller:
    """Seconds in, postures out, for one wearer; learns how they lean, and keeps nothing else."""

    def __init__(self, model: PostureModel, settings: PostureSettings) -> None:
        self._model = model
        self._settings = settings
        self._own = OwnLeans()
        self._session_ns = (-1, -1)
        self._was_rounded = False
        self._personal: Personal | None = None

    def personal(self, calibration: Calibration | None) -> Personal | None:
        """What this wearer's postures are expected to look like; None without a calibration."""
        if calibration is None or not calibration.axes:
            return None
        if self._personal is None or self._personal.calibration is not calibration:
            self._personal = Personal(self._model, self._settings, calibration)
        if calibration.session_ns != self._session_ns:
            self._own, self._session_ns = OwnLeans(), calibration.session_ns
        return self._personal

    def centres(
        self, calibration: Calibration, signs: Mapping[Placement, int] | None = None
    ) -> Centres | None:
        """What each posture is expected to look like now, for explanations; None where none is told.

        ``signs``: 1 or -1, which way two-fold placements face.
        """
        personal = self.personal(calibration)
        return None if personal is None else personal.centres(self._own, signs or {})

    def update(
        self,
        second: NDArray[np.int64],
        angles: Angles,
        calibration: Calibration | None,
        connected: Flags,
        chances: Chances,
    ) -> Postures:
        """The posture of each second of a non-empty block under one calibration."""
        personal = self.personal(calibration)
        if personal is None:
            self._was_rounded = False
            nothing = np.zeros(second.size)
            return Postures(nothing.astype(np.uint8), nothing, nothing.astype(np.bool_))
        seen = Inclinations.of(angles, personal.sources, chances)
        logs, probability = self._learning(second, seen, personal)
        barred = ruled_out(
            seen, angles.thorax_flexion_deg, angles.pelvis_flexion_deg, personal.hip_bend_deg
        )
        if barred.any():
            logs = np.where(barred, -np.inf, logs)
        decisive = _decisive(logs, seen)
        told = decisive.max(axis=1) > -np.inf
        code = self._steady(decisive, told, connected)
        posture = np.where(told, _CODE_OF_CLASS[code], CODE[Posture.UNKNOWN]).astype(np.uint8)
        sure = shares(logs)[np.arange(code.size), code]
        sure = np.minimum(np.round(sure, 2), NEVER_SURE)
        may_be_rounded = told & (np.round(probability[:, _ROUNDED], 2) >= POSSIBLE)
        return Postures(posture, np.where(told, sure, 0.0), may_be_rounded)

    def _steady(self, decisive: Logs, told: Flags, connected: Flags) -> NDArray[np.intp]:
        """(n,) codes of CLASSES: the most decisive; once rounded, until another is so by far."""
        code = decisive.argmax(axis=1)
        others = decisive.copy()
        others[:, _ROUNDED] = -np.inf
        stay = decisive[:, _ROUNDED] + self._settings.hysteresis_deg * HYSTERESIS_LOG_PER_DEG
        enter, leave = told & (code == _ROUNDED), ~told | (stay < others.max(axis=1))
        rounded = hysteresis(enter, leave, connected, self._was_rounded)
        self._was_rounded = bool(rounded[-1])
        return np.where(rounded, _ROUNDED, code)

    def _learning(
        self, second: NDArray[np.int64], seen: Inclinations, personal: Personal
    ) -> tuple[Logs, Logs]:
        """(n, 6) log likelihoods and probabilities. What one block teaches holds from the next on.

        Blocks are told several at once, since most teach nothing; those after the first that does are
        told again.
        """
        logs, probability = np.empty((2, second.size, len(CLASSES)))
        block = block_of(second, personal.calibration.session_ns[1])
        edges = [0, *(np.flatnonzero(block[1:] != block[:-1]) + 1).tolist(), second.size]
        whole = seen.whole(FRONT_DOUBT)
        first, ahead = 0, 1 if self._own.waits else LOOK_AHEAD_BLOCKS
        while first < len(edges) - 1:
            learns = not self._own.complete
            last = min(first + ahead, len(edges) - 1) if learns else len(edges) - 1
            if self._own.enter(int(block[edges[first]])):
                personal.forget()
            rows = slice(edges[first], edges[last])
            logs[rows] = self._logs(seen.part(rows.start, rows.stop), personal)
            probability[rows] = shares(logs[rows])
            if learns:
                flags = self._own.learnable(probability[rows]) & whole[rows, None]
                last = self._learn(seen, flags, block, edges[first : last + 1]) + first
                none_taught = last == first + ahead
                ahead = min(2 * ahead, MAX_LOOK_AHEAD_BLOCKS) if none_taught else LOOK_AHEAD_BLOCKS
            first = last
        return logs, probability

    def _learn(
        self, seen: Inclinations, flags: Flags, block: NDArray[np.int64], edges: list[int]
    ) -> int:
        """See the first of these blocks that teaches anything; gives how many are done with."""
        teaching = np.flatnonzero(flags.any(axis=1))
        if not teaching.size:
            return len(edges) - 1
        index = bisect_right(edges, int(teaching[0]) + edges[0]) - 1
        first, last = edges[index], edges[index + 1]
        self._own.enter(int(block[first]))
        degrees = np.zeros((last - first, SIZE))
        degrees[:, indices(seen.placements)] = seen.part(first, last).facing()
        self._own.see(flags[first - edges[0] : last - edges[0]], np.nan_to_num(degrees))
        return index + 1

    def _logs(self, seen: Inclinations, personal: Personal) -> Logs:
        """(n, 6) log likelihoods, over all ways in which two-fold placements may sit; 0 without data."""
        logs = np.zeros((len(seen), len(CLASSES)))
        for group in seen.groups():
            values = seen.degrees[group.rows]
            if len(group.columns) < values.shape[1]:
                values = values[:, group.columns]
            ways = []
            for signed in personal.likelihoods(group.placements, self._own):
                one = signed.logs(values)
                for placement, sign in signed.signs.items():
                    chance = seen.chances[placement][group.rows]
                    one += np.log(chance if sign > 0 else 1.0 - chance)[:, None]
                ways.append(one)
            logs[group.rows] = reduce(np.logaddexp, ways)
        return logs

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "own": self._own.state(),
            "session_ns": self._session_ns,
            "was_rounded": self._was_rounded,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._own = OwnLeans.from_state(state["own"])
        self._session_ns = (int(state["session_ns"][0]), int(state["session_ns"][1]))
        self._was_rounded = bool(state["was_rounded"])
        self._personal = None


def _decisive(logs: Logs, seen: Inclinations) -> Logs:
    """(n, 6) what decides: log likelihoods with what the sensors at hand may say, -inf where barred."""
    decisive = np.full_like(logs, -np.inf)
    for group in seen.groups():
        decisive[group.rows] = logs[group.rows]
        if len(group.placements) == 1 and group.placements[0] in _UPPER:
            decisive[group.rows] += _ALONE
        if not _UPPER.intersection(group.placements):
            told = _TOLD_FROM_BELOW[decisive[group.rows].argmax(axis=1)]
            decisive[np.arange(len(seen))[group.rows][~told]] = -np.inf
    return decisive
