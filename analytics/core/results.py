"""What the pipeline is told and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from contracts.errors import Reason
from contracts.records import Episode, FrameBlock, NudgeAfter, Rollup
from contracts.settings import CalibrationPlan
from contracts.vocabulary import Activity, ActivitySource, KeptBack, NudgeKind


class ContextMark(msgspec.Struct, frozen=True, kw_only=True):
    """What the client or an agent says the wearer does in [start_ns, end_ns), UTC.

    Without an end it holds until the next mark. Activity ``unknown`` ends the one before.
    """

    activity: Activity
    source: ActivitySource
    start_ns: int
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class NudgeDecision:
    """The wearer should be reminded: ``at_ns`` is the end of the frame that decided.

    ``held_for_s``: how long rounded, seated for a break, or upright for a cue. ``reason`` in plain words.
    ``kept_back``: why not, where the wearer is to be left alone.
    """

    at_ns: int
    kind: NudgeKind
    held_for_s: int
    reason: str
    kept_back: KeptBack | None = None


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What became of a plan. Refused (``reason`` is set): the one before stays in force."""

    plan: CalibrationPlan
    accepted: bool
    reason: Reason | None
    message: str
    hint: str = ""


NO_FRAMES: Final = FrameBlock.from_rows(())


@dataclass(frozen=True, slots=True)
class Output:
    """What an update brought. A later row replaces an earlier one of the same start."""

    frames: FrameBlock = field(default=NO_FRAMES)
    episodes: tuple[Episode, ...] = ()
    minutes: tuple[Rollup, ...] = ()
    days: tuple[Rollup, ...] = ()
    nudges: tuple[NudgeDecision, ...] = ()
    sequels: tuple[NudgeAfter, ...] = ()
    calibrations: tuple[CalibrationResult, ...] = ()

    @classmethod
    def concat(cls, outputs: Sequence[Output]) -> Output:
        """The outputs one after another."""
        if len(outputs) == 1:
            return outputs[0]
        return cls(
            frames=FrameBlock.concat([o.frames for o in outputs if len(o.frames)]),
            episodes=tuple(e for o in outputs for e in o.episodes),
            minutes=tuple(m for o in outputs for m in o.minutes),
            days=tuple(d for o in outputs for d in o.days),
            nudges=tuple(n for o in outputs for n in o.nudges),
            sequels=tuple(s for o in outputs for s in o.sequels),
            calibrations=tuple(c for o in outputs for c in o.calibrations),
        )

    def __add__(self, other: Output) -> Output:
        return Output.concat((self, other))


NOTHING: Final = Output()
