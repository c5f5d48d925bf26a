"""One wearer's pipeline with all that belongs to it: what waits, what came out, the snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from analytics.ahead import FRESH_NS, LEAD_IN_NS, Ahead
from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import NOTHING, CalibrationResult, ContextMark, Output
from analytics.feeding import Absent, FedState, Feed, Piece, WearerFeed
from analytics.preview import Glimpse, Preview
from analytics.roster import WearerPlan
from contracts.errors import DecodeError, Reason, SettingError, StoreError
from contracts.records import CalibrationOutcome, NudgeFelt
from contracts.vocabulary import Placement
from store.ports import WearerRows

SNAPSHOT_VERSION: Final = 1


class DeskSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """What the store keeps of a wearer so that analytics can go on."""

    version: int
    fed: dict[str, FedState]
    pipeline: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """What went into a pipeline; ``late`` of its samples came after their second was closed."""

    pieces: tuple[Piece, ...]
    late: int


class WearerDesk:
    """The pipeline of ``plan.wearer``, fed in order, with what has come out since the last commit."""

    def __init__(self, plan: WearerPlan, focus: FocusTable, config: AnalyticsConfig) -> None:
        self.plan = plan
        self.feed = WearerFeed(config)
        self._focus = focus
        self._outputs: list[Output] = []
        self._felt: list[NudgeFelt] = []
        self._dirty = False
        self._pipeline = Pipeline(self._pipeline_config())
        self._ahead = Ahead()
        self._preview = Preview(self._copy)

    def resume(self, data: bytes, now_s: float) -> None:
        """Go on from a snapshot. StoreError where it is none of this version."""
        try:
            snapshot = msgspec.msgpack.decode(data, type=DeskSnapshot)
        except msgspec.MsgspecError as error:
            raise _unreadable(self.plan.wearer, str(error)) from error
        if snapshot.version != SNAPSHOT_VERSION:
            raise _unreadable(self.plan.wearer, f"version {snapshot.version}")
        self.feed.load(snapshot.fed, now_s)
        self.feed.rewind(self.plan.placements)
        try:
            self._pipeline = Pipeline.restore(snapshot.pipeline, self._pipeline_config())
        except DecodeError as error:
            raise _unreadable(self.plan.wearer, error.message) from error

    def replan(self, plan: WearerPlan) -> None:
        """Take up what changed in the registry; it holds for what is computed from now on.

        SettingError, and nothing changed, where the plan cannot be used.
        """
        if plan == self.plan or not plan.placements:
            return
        before, self.plan = self.plan, plan
        try:
            self._pipeline = self._copy()
        except SettingError:
            self.plan = before
            raise
        self._forget_ahead()
        self._dirty = True

    def mark(self, mark: ContextMark) -> None:
        """Take a mark of the client or an agent."""
        self._keep(self._pipeline.mark(mark))

    def note_felt(self, felt: NudgeFelt) -> None:
        """What became of the pulse of a nudge that is stored."""
        self._felt.append(felt)
        self._dirty = True

    def step(self, now_s: float, until_ns: int) -> Step | None:
        """Feed what can be fed next, of what begins by ``until_ns``; None where nothing can."""
        action = self.feed.next(self.plan.worn, now_s, until_ns)
        match action:
            case Feed():
                before = self._late(action.placement)
                for samples in action.samples():
                    self._keep(self._pipeline.update(action.placement, samples))
                if self.feed.all_ended(self.plan.worn):
                    self._keep(self._pipeline.finish())
                return Step(action.pieces, self._late(action.placement) - before)
            case Absent():
                self._keep(self._pipeline.absent(action.placement))
                return Step((), 0)
            case None:
                return None

    def rewind(self) -> None:
        """Forget what waits and what came ahead: it was split by other assignments."""
        self.feed.rewind(self.plan.placements)
        self._forget_ahead()

    def take_ahead(self, placement: Placement, piece: Piece, now_ns: int) -> None:
        """What a sensor samples now while its log comes in: for :meth:`preview` alone."""
        self._ahead.put(placement, piece, now_ns)

    def preview(self, now_s: float, now_ns: int) -> Glimpse | None:
        """The latest second while a worn sensor is late or its log comes in; None for no news."""
        ahead = self._ahead.fresh(now_ns)
        late = self.feed.late(self.plan.worn, now_s)
        if not late and not ahead:
            self._preview.drop()
            return None
        reached_ns = {placement: pieces[-1].end_ns for placement, pieces in ahead.items()}
        waiting = [
            (placement, rest)
            for placement, piece in self.feed.waiting(now_ns - LEAD_IN_NS)
            if piece.end_ns <= now_ns + FRESH_NS
            and (rest := piece.since(reached_ns.get(placement, piece.t0_ns))) is not None
        ]
        if ahead:
            fresh = {p for p, piece in waiting if piece.end_ns >= now_ns - FRESH_NS}
            # Who is not worn any more is not waited for either.
            late = sorted(set(self.plan.placements) - fresh - ahead.keys())
            waiting += [(p, piece) for p, pieces in ahead.items() for piece in pieces]
            waiting.sort(key=lambda item: item[1].t0_ns)
        return self._preview.look(late, waiting, now_ns)

    @property
    def samples_in(self) -> int:
        """Samples that went into the pipeline, ever."""
        return sum(counter.samples_in for counter in self._pipeline.counters.values())

    @property
    def rounded_for_s(self) -> int:
        """How long the wearer has been rounded at the last frame."""
        return self._pipeline.rounded_for_s

    @property
    def has_output(self) -> bool:
        """Whether rows wait for a commit."""
        return any(_rows_in(output) for output in self._outputs)

    @property
    def dirty(self) -> bool:
        """Whether anything went in since the last commit."""
        return self._dirty

    def take(self) -> tuple[WearerRows, Output] | None:
        """What to commit: rows and the snapshot after them. None where nothing went in."""
        if not self._dirty:
            return None
        output = Output.concat(self._outputs)
        felt, self._felt = self._felt, []
        self._outputs, self._dirty = [], False
        snapshot = DeskSnapshot(SNAPSHOT_VERSION, self.feed.state(), self._pipeline.snapshot())
        rows = WearerRows(
            self.plan.wearer,
            frames=output.frames,
            episodes=output.episodes,
            minutes=output.minutes,
            days=output.days,
            calibrations=[_outcome(result) for result in output.calibrations],
            felt=felt,
            sequels=output.sequels,
            snapshot=msgspec.msgpack.encode(snapshot),
        )
        return rows, output

    def _forget_ahead(self) -> None:
        """It was shared out by the plan before: some of it may be somebody else's."""
        self._ahead = Ahead()
        self._preview.drop()

    def _copy(self) -> Pipeline:
        return Pipeline.restore(self._pipeline.snapshot(), self._pipeline_config())

    def _late(self, placement: Placement) -> int:
        return self._pipeline.counters[placement].late

    def _keep(self, output: Output) -> None:
        if output is not NOTHING:
            self._outputs.append(output)
            if output.calibrations:  # the next copy knows of it
                self._preview.drop()
        self._dirty = True

    def _pipeline_config(self) -> PipelineConfig:
        return PipelineConfig(
            placements=self.plan.placements,
            settings=self.plan.settings,
            calibrations=self.plan.calibrations,
            timezone=self.plan.timezone,
            not_now=self.plan.not_now,
            focus_table=self._focus,
        )


def _rows_in(output: Output) -> bool:
    kinds: tuple[Callable[[Output], int], ...] = (
        lambda o: len(o.frames),
        lambda o: len(o.episodes),
        lambda o: len(o.nudges),
        lambda o: len(o.sequels),
    )
    return any(kind(output) for kind in kinds)


def _outcome(result: CalibrationResult) -> CalibrationOutcome:
    return CalibrationOutcome(
        effective_ns=result.plan.effective_ns,
        accepted=result.accepted,
        message=result.message,
        hint=result.hint,
        reason=result.reason,
    )


def _unreadable(wearer: str, why: str) -> StoreError:
    return StoreError(
        Reason.STORE_SCHEMA,
        f"The snapshot of {wearer} in the store cannot be read ({why}).",
        hint="Run the Plumbline version that wrote it, or erase the wearer's data to begin anew.",
    )
