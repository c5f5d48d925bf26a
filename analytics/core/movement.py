"""What the movement of the last seconds says: for standing, for lying, for stairs.

A run is seconds of one kind of movement (at rest, or walking) of one sensor without a gap; what was
before it says nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.activity_model import ActivityModel, Question
from analytics.core.runs import run_length
from analytics.core.trunk_motion import MIN_MOTION_S, MOTION_WINDOW_S, BestSensor, figures
from contracts.vocabulary import Placement

OTHER, AT_REST, WALKING = range(3)
#: Seconds overlap in the window, and are alike besides: this part of their evidence is their own.
OWN_EVIDENCE: Final = 0.1

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """Of each second: nats of evidence, (n,) each, 0 where nothing is said.

    Positive is for the second activity of the question.
    """

    standing: Floats
    lying: Floats
    stairs: Floats


class MovementReader:
    """Seconds in, evidence out."""

    def __init__(self, model: ActivityModel) -> None:
        self._model = model
        self._recent = BestSensor.nothing(MOTION_WINDOW_S - 1)
        self._kind = OTHER
        self._run_s = 0

    def update(
        self,
        best: BestSensor,
        kind: NDArray[np.int8],
        connected: Flags,
        placements: tuple[Placement, ...],
    ) -> Movement:
        """What n seconds say. ``kind`` (n,): OTHER, AT_REST or WALKING; ``placements``: of the columns."""
        seconds = self._recent.before(best)
        size = kind.size
        same = connected & (kind == np.concatenate([[self._kind], kind[:-1]]))
        same &= best.column == seconds.column[-size - 1 : -1]
        run_s = run_length(np.ones(size, np.bool_), same, self._run_s)
        told = run_s >= MIN_MOTION_S
        asked = [
            _asked(self._model.standing, kind == AT_REST, best, placements) & told,
            _asked(self._model.lying, kind == AT_REST, best, placements) & told,
            _asked(self._model.stairs, kind == WALKING, best, placements) & told,
        ]
        evidence = np.zeros((3, size))
        if np.any(asked):
            values = figures(seconds, np.minimum(run_s, MOTION_WINDOW_S))
            questions = (self._model.standing, self._model.lying, self._model.stairs)
            for row, question in enumerate(questions):
                if question is not None:
                    evidence[row] = np.where(
                        asked[row], OWN_EVIDENCE * question.evidence(values), 0.0
                    )
        self._recent = seconds.last(MOTION_WINDOW_S - 1)
        self._kind, self._run_s = int(kind[-1]), min(int(run_s[-1]), MOTION_WINDOW_S)
        standing, lying, stairs = evidence
        return Movement(standing, lying, stairs)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {"recent": self._recent.state(), "kind": self._kind, "run_s": self._run_s}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._recent = BestSensor.from_state(state["recent"])
        self._kind, self._run_s = state["kind"], state["run_s"]


def _asked(
    question: Question | None, there: Flags, best: BestSensor, placements: tuple[Placement, ...]
) -> Flags:
    """(n,) whether a second's sensor is one that the question is asked of."""
    if question is None:
        return np.zeros(there.size, np.bool_)
    columns = [k for k, placement in enumerate(placements) if placement in question.placements]
    return there & np.isin(best.column, columns)
