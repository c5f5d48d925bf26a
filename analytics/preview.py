"""The live state while frames wait: for a worn sensor that is late, or for a log that comes in.

Frames wait for every worn sensor, up to half an hour, and for all that was before them. A wearer who
looks at the screen does not: a copy of the pipeline goes on with what there is of now, without the
late sensors, and is dropped when all have caught up. What it says is provisional.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.ahead import FRESH_NS, LEAD_IN_NS
from analytics.announcing import latest_state
from analytics.core.pipeline import Pipeline
from analytics.core.results import Output
from analytics.feeding import Piece
from contracts.messages import PostureState
from contracts.records import FrameBlock
from contracts.vocabulary import Placement


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The newest second by the copy: a frame, and the state that it makes."""

    frame: FrameBlock
    state: PostureState


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

    def look(
        self,
        late: Sequence[Placement],
        waiting: Sequence[tuple[Placement, Piece]],
        now_ns: int,
    ) -> Glimpse | None:
        """The newest second that ``waiting`` gives without those who are ``late``; None for no news."""
        newest_ns = max((piece.end_ns for _, piece in waiting), default=0)
        if newest_ns < now_ns - FRESH_NS:
            self.drop()
            return None
        if max(self._fed_ns.values(), default=0) > now_ns + FRESH_NS:
            self.drop()  # the clock was set back: the copy is of a time to come
        pipeline = self._pipeline
        if pipeline is None or self._late != tuple(late):
            pipeline = self._begin(late)
        frames = self._feed(pipeline, waiting, now_ns)
        if not len(frames) or frames.start_ns[-1] < now_ns - FRESH_NS:
            return None  # the second before a gap is closed by what comes after it
        return Glimpse(frames.last(), latest_state(frames, float(pipeline.rounded_for_s)))

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
            # Times are rounded: what follows without a gap may begin a little before the end.
            after_ns -= piece.message.period_ns // 2
            if piece.t0_ns < after_ns or placement in self._late:
                continue
            outputs.append(pipeline.update(placement, piece.samples()))
            self._fed_ns[placement] = piece.end_ns
        return FrameBlock.concat([output.frames for output in outputs if len(output.frames)])
