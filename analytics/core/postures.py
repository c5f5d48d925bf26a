"""Angles to postures: which of six is the likeliest, second by second, and how sure that is.

Each second's inclinations are held against what this wearer's postures are expected to look like
(:mod:`analytics.core.personal`). On top of the likelihoods stand a few rules that do not depend on people:

- beyond ``hip_bend_deg`` of the lower trunk it is a bend at the hip, never rounding;
- once rounded, another posture has to be clearly likelier (``hysteresis_deg``), until a gap;
- one sensor alone cannot tell rounding from leaning at the hip: it says what is held for long;
- without a sensor on the upper trunk only reclining and leaning sideways are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles
from analytics.core.calibration import Calibration
from analytics.core.explain import Centres
from analytics.core.likelihood import Logs, shares
from analytics.core.own_leans import OwnLeans, block_of
from analytics.core.personal import Personal, prior_logs
from analytics.core.posture_model import CLASS, CLASSES, MODEL_PLACEMENTS, SIZE, PostureModel
from analytics.core.runs import hysteresis
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Placement, Posture

#: Of upright and rounded with one sensor only, against the leans: in daily life they last longest.
ALONE_WEIGHT: Final = 60.0
#: How much likelier another posture has to be to end rounding, for each degree of hysteresis.
HYSTERESIS_LOG_PER_DEG: Final = 0.1
#: Nobody is ever certain.
NEVER_SURE: Final = 0.99
#: A sensor's front is known well enough to learn from where the odds against it are no greater.
FRONT_DOUBT: Final = 0.02
MAX_LOOK_AHEAD_BLOCKS: Final = 4096

CODE: Final = {posture: code for code, posture in enumerate(POSTURES)}
_CODE_OF_CLASS: Final = np.array([CODE[p] for p in CLASSES], np.uint8)
_ROUNDED: Final = CLASS[Posture.ROUNDED]
_TOLD_FROM_BELOW: Final = np.array(
    [p in (Posture.RECLINED, Posture.LEFT_LEAN, Posture.RIGHT_LEAN) for p in CLASSES]
)
_ALONE: Final = prior_logs({Posture.UPRIGHT: ALONE_WEIGHT, Posture.ROUNDED: ALONE_WEIGHT})
_UPPER: Final = frozenset({Placement.C7, Placement.T4})

Degrees = NDArray[np.float64]
Flags = NDArray[np.bool_]
Chances = Mapping[Placement, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Postures:
    """Codes of POSTURES (n,) and how sure, 0 to 1 in steps of 0.01 (n,)."""

    posture: NDArray[np.uint8]
    confidence: Degrees


@dataclass(frozen=True, slots=True, eq=False)
class _Seconds:
    """Columns of flexions, then lateral inclinations, of MODEL_PLACEMENTS, NaN where there is none;
    ``chances``: of each two-fold placement, that its front is where its axes say.
    """

    second: NDArray[np.int64]
    columns: list[Degrees]
    chances: Chances

    def facing(self) -> list[Degrees]:
        """The columns as two-fold placements most likely face."""
        return [
            column if chance is None else np.where(chance >= 0.5, column, -column)
            for column, chance in zip(
                self.columns, 2 * [self.chances.get(p) for p in MODEL_PLACEMENTS], strict=True
            )
        ]

    def placements(self) -> Iterator[tuple[tuple[Placement, ...], NDArray[np.intp]]]:
        """The sets of placements that have data, and the rows in which it is these."""
        key = np.zeros(self.second.size, np.uint8)
        for column in range(len(MODEL_PLACEMENTS)):
            both = self.columns[column] + self.columns[column + len(MODEL_PLACEMENTS)]
            key |= (~np.isnan(both)).astype(np.uint8) << column
        for value in np.unique(key).tolist():
            there = tuple(p for i, p in enumerate(MODEL_PLACEMENTS) if value >> i & 1)
            yield there, np.flatnonzero(key == value)


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

    def centres(self, calibration: Calibration | None) -> Centres | None:
        """What each posture is expected to look like now, for explanations."""
        personal = self.personal(calibration)
        return None if personal is None else personal.centres(self._own)

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
            return Postures(np.zeros(second.size, np.uint8), np.zeros(second.size))
        seconds = _seconds(second, angles, personal, chances)
        logs, decisive = self._logs(seconds, angles, personal)
        code = decisive.argmax(axis=1)
        best_other = np.delete(decisive, _ROUNDED, axis=1).max(axis=1)
        stay = decisive[:, _ROUNDED] + self._settings.hysteresis_deg * HYSTERESIS_LOG_PER_DEG
        told = np.isfinite(decisive.max(axis=1))
        enter, leave = told & (code == _ROUNDED), ~told | (stay < best_other)
        rounded = hysteresis(enter, leave, connected, self._was_rounded)
        code[rounded] = _ROUNDED
        self._was_rounded = bool(rounded[-1])
        return _told(code, logs, decisive)

    def _logs(self, seconds: _Seconds, angles: Angles, personal: Personal) -> tuple[Logs, Logs]:
        """(n, 6) log likelihoods, NaN where nothing is worn, and those that decide, -inf where barred."""
        logs = self._learning_logs(seconds, personal)
        decisive = np.where(np.isnan(logs), -np.inf, logs)
        for placements, rows in seconds.placements():
            if len(placements) == 1 and placements[0] in _UPPER:
                decisive[rows] += _ALONE
            if not _UPPER.intersection(placements):
                told = _TOLD_FROM_BELOW[decisive[rows].argmax(axis=1)]
                decisive[rows[~told]] = -np.inf
        hip_bend = angles.pelvis_flexion_deg >= personal.hip_bend_deg
        decisive[hip_bend, _ROUNDED] = -np.inf
        return logs, decisive

    def _learning_logs(self, seconds: _Seconds, personal: Personal) -> Logs:
        """Log likelihoods; what one block of seconds teaches holds from the next on."""
        count = seconds.second.size
        logs = np.full((count, len(CLASSES)), np.nan)
        block = block_of(seconds.second, personal.calibration.session_ns[0])
        edges = np.append(np.flatnonzero(np.diff(block, prepend=-1)), count)
        learns = not self._own.complete
        full = _all_there(seconds, personal)
        first, ahead = 0, 1
        while first < edges.size - 1:
            last = min(first + ahead, edges.size - 1) if learns else edges.size - 1
            rows = slice(int(edges[first]), int(edges[last]))
            if learns and self._own.enter(int(block[rows.start])):
                personal.forget()
            logs[rows] = self._block_logs(seconds, rows, personal)
            if learns:
                last = self._learn(seconds, logs, full, block, edges, (first, last))
                ahead = min(2 * ahead, MAX_LOOK_AHEAD_BLOCKS) if last == first + ahead else 1
            first = last
        return logs

    def _learn(
        self,
        seconds: _Seconds,
        logs: Logs,
        full: Flags,
        block: NDArray[np.int64],
        edges: NDArray[np.intp],
        stretch: tuple[int, int],
    ) -> int:
        """See the first block of a stretch that teaches anything; gives where to go on."""
        for index in range(*stretch):
            rows = slice(int(edges[index]), int(edges[index + 1]))
            self._own.enter(int(block[rows.start]))
            flags = self._own.learnable(shares(logs[rows])) & full[rows, None]
            if flags.any():
                values = np.stack([np.nan_to_num(c[rows]) for c in seconds.facing()], axis=1)
                self._own.see(flags, values)
                return index + 1
        return stretch[1]

    def _block_logs(self, seconds: _Seconds, rows: slice, personal: Personal) -> Logs:
        part = _Seconds(
            seconds.second[rows],
            [column[rows] for column in seconds.columns],
            {p: chance[rows] for p, chance in seconds.chances.items()},
        )
        logs = np.full((part.second.size, len(CLASSES)), np.nan)
        for placements, at in part.placements():
            if placements:
                logs[at] = _mixed(part, at, placements, personal, self._own)
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


def _seconds(
    second: NDArray[np.int64], angles: Angles, personal: Personal, chances: Chances
) -> _Seconds:
    none = np.full(second.size, np.nan)
    sources = [personal.source_of(p) for p in MODEL_PLACEMENTS]
    columns = [angles.flexion_of.get(p, none) for p in sources]
    columns += [angles.lateral_of.get(p, none) for p in sources]
    return _Seconds(
        second,
        columns,
        {p: chances[s] for p, s in zip(MODEL_PLACEMENTS, sources, strict=True) if s in chances},
    )


def _all_there(seconds: _Seconds, personal: Personal) -> Flags:
    """(n,) whether every calibrated placement has data, and it is known which way it faces."""
    there = np.ones(seconds.second.size, np.bool_)
    for chance in seconds.chances.values():
        there &= np.abs(chance - 0.5) >= 0.5 - FRONT_DOUBT
    for column, placement in enumerate(MODEL_PLACEMENTS):
        if personal.source_of(placement) in personal.calibration.axes:
            there &= ~np.isnan(seconds.columns[column])
    return there


def _mixed(
    seconds: _Seconds,
    rows: NDArray[np.intp],
    placements: tuple[Placement, ...],
    personal: Personal,
    own: OwnLeans,
) -> Logs:
    """Log likelihoods of some rows, over all ways in which two-fold placements may sit."""
    columns = [MODEL_PLACEMENTS.index(p) for p in placements]
    at = [*columns, *(c + len(MODEL_PLACEMENTS) for c in columns)]
    whole = len(at) == SIZE and rows.size == seconds.second.size
    values = [seconds.columns[c] if whole else seconds.columns[c][rows] for c in at]
    total: Logs | None = None
    for signed in personal.likelihoods(placements, own):
        logs = signed.logs(values)
        for placement, sign in signed.signs.items():
            chance = seconds.chances[placement][rows]
            logs += np.log(chance if sign > 0 else 1.0 - chance)[:, None]
        total = logs if total is None else np.logaddexp(total, logs)
    assert total is not None  # noqa: S101 - there is at least one way to sit
    return total


def _told(code: NDArray[np.intp], logs: Logs, decisive: Logs) -> Postures:
    """Codes of classes as postures; where no class was allowed, unknown."""
    told = np.isfinite(decisive.max(axis=1))
    posture = np.where(told, _CODE_OF_CLASS[code], CODE[Posture.UNKNOWN]).astype(np.uint8)
    probability = shares(np.where(np.isnan(logs), 0.0, logs))
    sure = probability[np.arange(code.size), code]
    confidence = np.where(told, np.minimum(np.round(sure, 2), NEVER_SURE), 0.0)
    return Postures(posture, confidence)
