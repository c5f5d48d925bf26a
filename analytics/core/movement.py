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
        *,
        lying_is_asked: bool,
    ) -> Movement:
        """What n seconds say. ``kind`` (n,): OTHER, AT_REST or WALKING; ``placements``: of the columns."""
        model = self._model
        questions = (
            (model.standing, AT_REST),
            (model.lying if lying_is_asked else None, AT_REST),
            (model.stairs, WALKING),
        )
        seconds = self._recent.before(best)
        size = kind.size
        same = connected & (kind == np.concatenate([[self._kind], kind[:-1]]))
        same &= best.column == seconds.column[-size - 1 : -1]
        run_s = run_length(np.ones(size, np.bool_), same, self._run_s)
        told = run_s >= MIN_MOTION_S
        evidence = np.zeros((len(questions), size))
        values: Floats | None = None
        for row, (question, asked_kind) in enumerate(questions):
            if question is None:
                continue
            asked = told & (kind == asked_kind) & _of(question, best, placements)
            if asked.any():
                if values is None:
                    values = figures(seconds, np.minimum(run_s, MOTION_WINDOW_S))
                evidence[row, asked] = OWN_EVIDENCE * question.evidence(values[:, asked])
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


def _of(question: Question, best: BestSensor, placements: tuple[Placement, ...]) -> Flags:
    """(n,) whether a second's sensor is one that the question is asked of."""
    asked = np.array([placement in question.placements for placement in placements])
    return asked[best.column]
