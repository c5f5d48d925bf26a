"""Messages in, one commit out, then what to say about it. No network, no clock, no threads.

The worker of :mod:`analytics.service` drives it: take what came, :meth:`Engine.advance`, and when
:meth:`Engine.due` says so :meth:`Engine.collect`, write, :meth:`Engine.committed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable
from analytics.core.results import ContextMark, NudgeDecision, Output
from analytics.desk import WearerDesk
from analytics.feeding import Piece
from analytics.health import HealthBook
from analytics.roster import Roster, WearerPlan
from analytics.streams import Streams
from contracts.errors import DecodeError, Reason, SettingError
from contracts.messages import Context, GatewayStatus, ImuMessage, SensorStatus
from contracts.records import Nudge, NudgeFelt
from contracts.vocabulary import KeptBack
from store.ports import Checkpoint, Commit, StreamKey

#: Steps of the pipeline between two looks at what came: a commit is never far.
MAX_STEPS: Final = 64
#: What sensors read is for somebody who looks at it live, and waits no longer for a commit.
READ_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Collected:
    """A commit, and what came out of the pipelines with it."""

    commit: Commit
    outputs: Mapping[str, Output]

    def with_nudges(self, why_not: Callable[[str, NudgeDecision], KeptBack | None]) -> Commit:
        """The commit as it is to be written: with its reminders, those kept back with why."""
        if not any(output.nudges for output in self.outputs.values()):
            return self.commit
        wearers = [
            replace(rows, nudges=_nudges(rows.wearer, self.outputs[rows.wearer], why_not))
            for rows in self.commit.wearers
        ]
        return replace(self.commit, wearers=wearers)


class Engine:
    """Everything analytics knows, from the store's checkpoint on."""

    def __init__(self, checkpoint: Checkpoint, health: HealthBook, config: AnalyticsConfig) -> None:
        self.streams = Streams(checkpoint.cursors, config.limits)
        self.health = health
        self.roster = Roster()
        self.desks: dict[str, WearerDesk] = {}
        self._snapshots = dict(checkpoint.snapshots)
        self._leaving: set[str] = set()
        self._config = config
        self._uncommitted_since_s: float | None = None

    def enrol(self, roster: Roster, focus: FocusTable, now_s: float) -> None:
        """Take up a revision of the registry. StoreError where a snapshot cannot be read.

        A wearer whose settings cannot be used is left out, with why in the roster.
        """
        roster = roster.but(self._leaving)
        refused: dict[str, str] = {}
        for wearer, plan in roster.wearers.items():
            try:
                self._enrol_one(plan, focus, now_s)
            except SettingError as error:
                refused[wearer] = error.message
        self._take_up(roster.without(refused))

    def leave(self, wearer: str) -> None:
        """Compute nothing of a wearer until :meth:`stay`; what was computed and not committed is gone."""
        self._leaving.add(wearer)
        self.desks.pop(wearer, None)
        self._snapshots.pop(wearer, None)
        self._take_up(self.roster.but(self._leaving))

    def stay(self, wearer: str) -> None:
        """The wearer counts again from the next :meth:`enrol` on, where the registry has one."""
        self._leaving.discard(wearer)

    def _take_up(self, roster: Roster) -> None:
        before, self.roster = self.roster, roster
        if (before.sensors, before.released) != (roster.sensors, roster.released):
            self._rewind()

    def _enrol_one(self, plan: WearerPlan, focus: FocusTable, now_s: float) -> None:
        desk = self.desks.get(plan.wearer)
        if desk is not None:
            desk.replan(plan)
        elif plan.placements:
            desk = WearerDesk(plan, focus, self._config)
            snapshot = self._snapshots.get(plan.wearer)
            if snapshot is not None:
                desk.resume(snapshot, now_s)
            self._snapshots.pop(plan.wearer, None)
            self.desks[plan.wearer] = desk

    def _rewind(self) -> None:
        """What waits was split by other assignments: let go of it, the gateways send it again."""
        self.streams.rewind()
        for desk in self.desks.values():
            desk.feed.rewind(desk.plan.placements)

    def take_batch(
        self, gateway: str, sensor: str, message: ImuMessage, now_s: float, now_ns: int
    ) -> list[Piece]:
        """A batch of a sensor; what it shows to be misdated and is let go, itself perhaps.

        DecodeError where it cannot be taken.
        """
        self.health.heard(gateway, sensor, message, now_ns)
        self._note_change(now_s)
        let_go: list[Piece] = []
        until_ns = now_ns + self._config.future_ns
        own = self.roster.parts(sensor, message)
        if own is None:
            raise DecodeError(Reason.UNKNOWN_SENSOR, f"nobody wears {sensor}.")
        key = StreamKey(gateway, sensor, message.outbox)
        for taken in self.streams.offer(key, message):
            # One that waited behind a hole may lie after the end of the sensor's last assignment.
            parts = own if taken is message else self.roster.parts(sensor, taken) or []
            unworn = taken.count - sum(part.stop - part.start for part in parts)
            self.health.unworn(key, self.streams.waits(key, taken, len(parts), max(unworn, 0)))
            for part in parts:
                piece = Piece(key, taken, part.start, part.stop)
                feed = self.desks[part.wearer].feed
                for misdated in feed.put(part.placement, piece, now_s, until_ns):
                    self._pass(misdated)
                    self.health.misdated(misdated)
                    let_go.append(misdated)
        return let_go

    def take_ahead(self, gateway: str, sensor: str, message: ImuMessage, now_ns: int) -> list[str]:
        """What a sensor samples now while its log comes in; whose it is, where it is anybody's."""
        self.health.heard(gateway, sensor, message, now_ns)
        key = StreamKey(gateway, sensor, message.outbox)
        parts = self.roster.parts(sensor, message) or []
        for part in parts:
            piece = Piece(key, message, part.start, part.stop)
            self.desks[part.wearer].take_ahead(part.placement, piece, now_ns)
        return [part.wearer for part in parts]

    def take_sensor_status(self, gateway: str, sensor: str, status: SensorStatus) -> None:
        """The gateway's word on a sensor."""
        self.health.status(gateway, sensor, status)

    def take_gateway_status(self, gateway: str, status: GatewayStatus, now_ns: int) -> None:
        """A gateway came or went."""
        self.health.gateway(gateway, status, now_ns)

    def take_context(self, wearer: str, context: Context, now_s: float) -> None:
        """A mark of the client or an agent. DecodeError for a wearer nobody knows."""
        desk = self.desks.get(wearer)
        if desk is None:
            raise DecodeError(Reason.BAD_ID, f"there is no wearer {wearer}.")
        desk.mark(
            ContextMark(
                activity=context.activity,
                source=context.source,
                start_ns=context.start_ns,
                end_ns=context.end_ns,
            )
        )
        self._note_change(now_s)

    def note_felt(self, wearer: str, felt: NudgeFelt, now_s: float) -> None:
        """What became of a pulse; nothing for a wearer who left meanwhile."""
        desk = self.desks.get(wearer)
        if desk is not None:
            desk.note_felt(felt)
            self._note_change(now_s)

    def advance(self, now_s: float, now_ns: int) -> bool:
        """Feed what can be fed, a bounded amount of it; whether there may be more at once."""
        until_ns = now_ns + self._config.future_ns
        left = MAX_STEPS
        for desk in self.desks.values():
            while left and self._step(desk, now_s, until_ns):
                left -= 1
        return left == 0

    def due(self, now_s: float) -> bool:
        """Whether to commit now: rows came of it, or what was computed has waited long enough."""
        if any(desk.has_output for desk in self.desks.values()):
            return True
        if self.health.changed:
            self._note_change(now_s)
        since_s = self._uncommitted_since_s
        pause_s = self._config.commit_every_s
        if self.health.reads:
            pause_s = min(pause_s, READ_EVERY_S)
        return since_s is not None and now_s - since_s >= pause_s

    def collect(self) -> Collected | None:
        """All since the last commit, as the next one. None where there is nothing."""
        self._uncommitted_since_s = None
        taken = {w: found for w, desk in self.desks.items() if (found := desk.take()) is not None}
        cursors = self.streams.cursors()
        health = self.health.take_changed()
        if not (taken or cursors or health):
            return None
        commit = Commit([rows for rows, _ in taken.values()], cursors, health)
        return Collected(commit, {wearer: output for wearer, (_, output) in taken.items()})

    def committed(self, collected: Collected) -> None:
        """The store has it."""
        self.streams.committed(collected.commit.cursors)

    def _step(self, desk: WearerDesk, now_s: float, until_ns: int) -> bool:
        step = desk.step(now_s, until_ns)
        if step is None:
            return False
        self._note_change(now_s)
        late = step.late
        for _, run in groupby(step.pieces, key=lambda piece: piece.stream):
            pieces = tuple(run)
            for piece in pieces:
                self._pass(piece)
            self.health.fed(pieces, late)
            late = 0
        return True

    def _pass(self, piece: Piece) -> None:
        """The stream's cursor may move over a piece."""
        self.health.unworn(piece.stream, self.streams.fed(piece.stream, piece.message.seq))

    def _note_change(self, now_s: float) -> None:
        if self._uncommitted_since_s is None:
            self._uncommitted_since_s = now_s


def _nudges(
    wearer: str, output: Output, why_not: Callable[[str, NudgeDecision], KeptBack | None]
) -> list[Nudge]:
    judged = [(nudge, why_not(wearer, nudge)) for nudge in output.nudges]
    return [
        Nudge(
            at_ns=nudge.at_ns,
            kind=nudge.kind,
            held_for_s=nudge.held_for_s,
            given=why is None,
            kept_back=why,
        )
        for nudge, why in judged
    ]
