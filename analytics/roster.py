"""Who wears which sensor where, when: the registry as analytics uses it. Pure but for :func:`load`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from contracts.errors import Reason, StoreError
from contracts.messages import ImuMessage
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.vocabulary import PLACEMENTS, Placement
from store.ports import Assignment, Registry, Wearer


@dataclass(frozen=True)
class WearerPlan:
    """What the pipeline of one wearer is to know. ``placements`` are all that were ever worn."""

    wearer: str
    timezone: str
    placements: tuple[Placement, ...]
    settings: PostureSettings
    calibrations: tuple[CalibrationPlan, ...]
    assignments: tuple[Assignment, ...]
    not_now: NotNow | None = None
    _changes_ns: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _worn: tuple[frozenset[Placement], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ends = {a.end_ns for a in self.assignments if a.end_ns is not None}
        changes_ns = sorted({a.start_ns for a in self.assignments} | ends)
        worn = [self._worn_at(time_ns) for time_ns in changes_ns]
        object.__setattr__(self, "_changes_ns", tuple(changes_ns))
        object.__setattr__(self, "_worn", (frozenset(), *worn))

    def worn(self, time_ns: int) -> frozenset[Placement]:
        """The placements that wear a sensor at ``time_ns``."""
        return self._worn[bisect_right(self._changes_ns, time_ns)]

    def _worn_at(self, time_ns: int) -> frozenset[Placement]:
        return frozenset(a.placement for a in self.assignments if _covers(a, time_ns))

    def sensor_at(self, placement: Placement, time_ns: int) -> str | None:
        """The sensor worn at ``placement`` at ``time_ns``."""
        for assignment in self.assignments:
            if assignment.placement is placement and _covers(assignment, time_ns):
                return assignment.sensor
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """Samples [start, stop) of a batch belong to a wearer's placement."""

    wearer: str
    placement: Placement
    start: int
    stop: int


@dataclass(frozen=True)
class Roster:
    """One revision of the registry. ``unusable``: wearers whose entry cannot be used, and why.

    ``released``: what a sensor measured before is nobody's, where no assignment covers it.
    """

    revision: int = -1
    wearers: Mapping[str, WearerPlan] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    released: Mapping[str, int] = field(default_factory=dict)
    sensors: Mapping[str, tuple[Assignment, ...]] = field(init=False)

    def __post_init__(self) -> None:
        sensors: dict[str, list[Assignment]] = {}
        for plan in self.wearers.values():
            for assignment in plan.assignments:
                sensors.setdefault(assignment.sensor, []).append(assignment)
        by_start = {s: tuple(sorted(a, key=lambda x: x.start_ns)) for s, a in sensors.items()}
        object.__setattr__(self, "sensors", by_start)

    def without(self, refused: Mapping[str, str]) -> Roster:
        """The roster with these wearers unusable, by why: nobody's sensors until that is mended."""
        return replace(self.but(refused), unusable={**self.unusable, **refused})

    def but(self, leaving: Container[str]) -> Roster:
        """The roster as if it had never had these wearers."""
        kept = {wearer: plan for wearer, plan in self.wearers.items() if wearer not in leaving}
        unusable = {w: why for w, why in self.unusable.items() if w not in leaving}
        return replace(self, wearers=kept, unusable=unusable)

    def parts(self, sensor: str, message: ImuMessage) -> list[Part] | None:
        """Whose the batch's samples are; None where nobody is known to wear the sensor yet.

        Samples from before an assignment are nobody's: the sensor was on but not worn. So are those of
        somebody who was erased.
        """
        assignments = self.sensors.get(sensor, ())
        last_end_ns = assignments[-1].end_ns if assignments else 0
        if last_end_ns is not None and message.t0_ns >= last_end_ns:
            return [] if message.t0_ns < self.released.get(sensor, 0) else None
        return [
            part for assignment in assignments if (part := _part(assignment, message)) is not None
        ]


def load(registry: Registry) -> Roster:
    """The registry as it is now; StoreError where it cannot be read.

    What is wrong with one wearer's entry keeps nobody else's from being used.
    """
    # The revision is read first: a change while the rest is read is seen at the next look.
    revision = registry.revision()
    wishes = registry.not_now()
    plans: dict[str, WearerPlan] = {}
    unusable: dict[str, str] = {}
    for wearer in registry.wearers():
        try:
            plans[wearer.wearer] = _plan(registry, wearer, wishes.get(wearer.wearer))
        except StoreError as error:
            if error.reason is not Reason.STORE_CORRUPT:
                raise
            unusable[wearer.wearer] = error.message
    return Roster(revision, plans, unusable, registry.released())


def _plan(registry: Registry, wearer: Wearer, not_now: NotNow | None) -> WearerPlan:
    assignments = tuple(registry.assignments(wearer.wearer))
    worn = {a.placement for a in assignments}
    return WearerPlan(
        wearer.wearer,
        wearer.timezone,
        tuple(p for p in PLACEMENTS if p in worn),
        registry.settings(wearer.wearer),
        tuple(registry.calibrations(wearer.wearer)),
        assignments,
        not_now,
    )


def _covers(assignment: Assignment, time_ns: int) -> bool:
    return assignment.start_ns <= time_ns and (
        assignment.end_ns is None or time_ns < assignment.end_ns
    )


def _part(assignment: Assignment, message: ImuMessage) -> Part | None:
    start_ns, end_ns, count = assignment.start_ns, assignment.end_ns, message.count
    start = 0 if start_ns <= message.t0_ns else _samples_before(message, start_ns)
    stop = count if end_ns is None else _samples_before(message, end_ns)
    only_an_end = count == 0 and _covers(assignment, message.t0_ns)
    if start >= stop and not only_an_end:
        return None
    return Part(assignment.wearer, assignment.placement, start, stop)


def _samples_before(message: ImuMessage, time_ns: int) -> int:
    return min(max(-((message.t0_ns - time_ns) // message.period_ns), 0), message.count)
