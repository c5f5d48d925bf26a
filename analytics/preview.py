"""The live state while a worn sensor is late: what the others say, never stored.

Frames wait for every worn sensor, up to half an hour. A wearer who looks at the screen does not: a
copy of the pipeline goes on without the late sensor, and is dropped when that one catches up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from analytics.announcing import latest_state
from analytics.core.pipeline import Pipeline
from analytics.core.results import Output
from analytics.feeding import Piece
from contracts.messages import PostureState
from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

#: Data older than this is a backlog on its way, not the wearer's state.
FRESH_NS: Final = 10 * NS_PER_S
#: So much of what waits goes into a new copy, for the posture's hysteresis to settle.
LEAD_IN_NS: Final = 60 * NS_PER_S


class Preview:
    """A copy of one pipeline that runs ahead of it without the late sensors."""

    def __init__(self, copy: Callable[[], Pipeline]) -> None:
        self._copy = copy
        self._pipeline: Pipeline | None = None
        self._late: tuple[Placement, ...] = ()
        self._fed_ns: dict[Placement, int] = {}

    def drop(self) -> None:
        """Nobody is late any more."""
        self._pipeline = None
        self._fed_ns = {}

    def state(
        self,
        late: Sequence[Placement],
        waiting: Sequence[tuple[Placement, Piece]],
        now_ns: int,
    ) -> PostureState | None:
        """The newest state that ``waiting`` gives without those who are ``late``; None for no news."""
        newest_ns = max((piece.end_ns for _, piece in waiting), default=0)
        if newest_ns < now_ns - FRESH_NS:
            self.drop()
            return None
        pipeline = self._pipeline
        if pipeline is None or self._late != tuple(late):
            pipeline = self._begin(late)
        frames = self._feed(pipeline, waiting, now_ns)
        return latest_state(frames, float(pipeline.rounded_for_s)) if len(frames) else None

    @property
    def running(self) -> bool:
        """Whether there is a copy."""
        return self._pipeline is not None

    def _begin(self, late: Sequence[Placement]) -> Pipeline:
        self.drop()
        self._late = tuple(late)
        pipeline = self._pipeline = self._copy()
        for placement in late:
            pipeline.absent(placement)
        return pipeline

    def _feed(
        self, pipeline: Pipeline, waiting: Sequence[tuple[Placement, Piece]], now_ns: int
    ) -> FrameBlock:
        outputs: list[Output] = []
        for placement, piece in waiting:
            after_ns = self._fed_ns.get(placement, now_ns - LEAD_IN_NS)
            if piece.t0_ns < after_ns or placement in self._late:
                continue
            outputs.append(pipeline.update(placement, piece.samples()))
            self._fed_ns[placement] = piece.end_ns
        return FrameBlock.concat([output.frames for output in outputs if len(output.frames)])
