"""Days for a simulated clinic: computed by the real simulator and the real pipeline, then re-dated.

A library holds some days of each of a few kinds of people, from little to much rounding. A client's
history is made of one kind's days; what differs from day to day is which, and when it began. A day is
moved by whole minutes and lies within one day of the wearer, so that its rows stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import msgspec
import numpy as np

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.results import ContextMark, Output
from analytics.core.rollups import CountedSeconds, RollupCounter
from analytics.offline import latest_episodes
from analytics.service import load_focus_table
from contracts.imu import ImuSamples, period_ns_of, regular_times_ns
from contracts.records import Episode, FrameBlock, Nudge, Rollup
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S, RAD_PER_DEG
from contracts.vocabulary import Activity, ActivitySource, NudgeKind, Placement
from firmware_sim.body import Body
from firmware_sim.clock import DeviceClock
from firmware_sim.habits import Habit, habit_day
from firmware_sim.imu_model import BodySource, ImuErrors
from firmware_sim.scenario import Scenario, calibration_plan
from plumbline.fleet import KIT

MINUTE_NS: Final = 60 * NS_PER_S
#: When the library's days begin: 2026-03-02T08:00:00Z, a whole minute.
BASE_NS: Final = 1_772_438_400 * NS_PER_S
#: Half of what the native sensor samples at: half the work for the same seconds.
RATE_HZ: Final = 25.0
#: How far a strap that slipped turns its sensor forward.
SLIP_DEG: Final = 14.0
#: What somebody else than the trunk tells of an activity.
_MARKED: Final = {
    Activity.TYPING: ActivitySource.AGENT,
    Activity.STANDING: ActivitySource.AGENT,
    Activity.CARRYING: ActivitySource.CLIENT,
}


@dataclass(frozen=True, slots=True)
class DayWish:
    """A day to compute: by whom, for how long, without sensors in [start, end) hours of it.

    ``kind`` and ``seed``: same kind and seed, same person and sensors. ``variant`` makes another day of
    them. ``slip_h``: when the lower sensor's strap slips.
    """

    kind: str
    seed: int
    variant: int
    habit: Habit
    hours: float
    away_h: tuple[tuple[float, float], ...] = ()
    slip_h: float | None = None


@dataclass(frozen=True, slots=True)
class LibraryDay:
    """The rows of a computed day from ``start_ns`` on, and where its calibration was."""

    wish: DayWish
    start_ns: int
    frames: FrameBlock
    minutes: tuple[Rollup, ...]
    day: Rollup
    episodes: tuple[Episode, ...]
    nudges: tuple[Nudge, ...]
    plan: CalibrationPlan

    @property
    def length_ns(self) -> int:
        """From the first frame to the end of the last minute."""
        return self.minutes[-1].start_ns + MINUTE_NS - self.start_ns

    @property
    def rounded_min_h(self) -> float:
        """Rounded minutes a worn hour."""
        return 60.0 * sum(self.day.rounded_activity_s.values()) / max(1, self.day.worn_s)


def compute(wish: DayWish) -> LibraryDay:
    """The day, through body, sensors and pipeline."""
    person = np.random.SeedSequence((wish.seed, len(wish.kind), *wish.kind.encode()))
    hardware, sway = (np.random.default_rng(child) for child in person.spawn(2))
    rng = np.random.default_rng((wish.seed, wish.variant))
    scenario = Scenario(rng, habit_day(rng, wish.habit))
    body = Body(scenario, sway)
    plan = calibration_plan(BASE_NS)
    pipeline = Pipeline(
        PipelineConfig(placements=KIT, calibrations=(plan,), focus_table=load_focus_table())
    )
    for mark in _marks(scenario, wish.hours):
        pipeline.mark(mark)
    outputs: list[Output] = []
    for place in KIT:
        slip_h = wish.slip_h if place is KIT[-1] else None
        pieces = _worn(body, place, wish, ImuErrors.drawn(hardware, place), slip_h)
        outputs += [pipeline.update(place, piece) for piece in pieces]
    outputs.append(pipeline.finish())
    return _rows(wish, Output.concat(outputs), plan)


def _marks(scenario: Scenario, hours: float) -> list[ContextMark]:
    return [
        ContextMark(
            activity=span.activity,
            source=_MARKED[span.activity],
            start_ns=BASE_NS + round(span.start_s) * NS_PER_S,
            end_ns=BASE_NS + round(span.end_s) * NS_PER_S,
        )
        for span in scenario.truth(0.0, hours * 3600.0)
        if span.activity in _MARKED and round(span.end_s) > round(span.start_s)
    ]


def _worn(
    body: Body, place: Placement, wish: DayWish, errors: ImuErrors, slip_h: float | None
) -> list[ImuSamples]:
    """What a sensor reads, a piece a stretch that it is worn, sitting as it sits then."""
    edges_h = [0.0, *(hour for gap in wish.away_h for hour in gap), wish.hours]
    pieces = []
    for first_h, last_h in zip(edges_h[::2], edges_h[1::2], strict=True):
        turn_h = last_h if slip_h is None else min(max(first_h, slip_h), last_h)
        for start_h, end_h, askew in (
            (first_h, turn_h, errors),
            (turn_h, last_h, _slipped(errors)),
        ):
            if start_h < end_h:
                ended = end_h == last_h
                hours = (start_h, end_h)
                pieces.append(_samples(body, place, wish.seed, askew, hours, ended=ended))
    return pieces


def _slipped(errors: ImuErrors) -> ImuErrors:
    cos, sin = np.cos(SLIP_DEG * RAD_PER_DEG), np.sin(SLIP_DEG * RAD_PER_DEG)
    forward = np.array([[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]])
    return replace(errors, mounting=forward @ errors.mounting)


def _samples(
    body: Body,
    place: Placement,
    seed: int,
    errors: ImuErrors,
    hours: tuple[float, float],
    *,
    ended: bool,
) -> ImuSamples:
    source = BodySource(
        body,
        place,
        rate_hz=RATE_HZ,
        start_ns=BASE_NS,
        clock=DeviceClock(BASE_NS, 0.0),
        errors=errors,
        seed=seed,
    )
    first, last = (round(hour * 60.0) * 60 * round(RATE_HZ) for hour in hours)
    period_ns = period_ns_of(RATE_HZ)
    times_ns = regular_times_ns(BASE_NS + first * period_ns, period_ns, last - first)
    return ImuSamples(times_ns, source.read(first, last).si.astype(np.float32), RATE_HZ, ended)


def _rows(wish: DayWish, output: Output, plan: CalibrationPlan) -> LibraryDay:
    minutes = {minute.start_ns: minute for minute in output.minutes}
    nudges = _nudges(output)
    return LibraryDay(
        wish=wish,
        start_ns=BASE_NS,
        frames=output.frames,
        minutes=tuple(minutes[start_ns] for start_ns in sorted(minutes)),
        day=output.days[-1],
        episodes=latest_episodes(output.episodes),
        nudges=tuple(nudges),
        plan=plan,
    )


def _nudges(output: Output) -> list[Nudge]:
    """The day's reminders: each that was not kept back was felt, with the last word on what came after."""
    after = {seen.at_ns: seen for seen in output.sequels}
    nudges = []
    for n in output.nudges:
        nudge = Nudge(
            at_ns=n.at_ns,
            kind=n.kind,
            held_for_s=n.held_for_s,
            given=n.kept_back is None,
            kept_back=n.kept_back,
            felt=True if n.kept_back is None else None,
        )
        seen = after.get(n.at_ns) if n.kind is NudgeKind.POSTURE else None
        if seen is not None:
            nudge = msgspec.structs.replace(
                nudge,
                after=seen.after,
                upright_after_s=seen.upright_after_s,
                held_s=seen.held_s,
            )
        nudges.append(nudge)
    return nudges


def cut(day: LibraryDay, end_ns: int) -> LibraryDay | None:
    """The day up to ``end_ns`` at most, before an episode that goes on then; None where nothing is left."""
    while under_way := [e for e in day.episodes if e.start_ns < end_ns < e.end_ns]:
        end_ns = under_way[0].start_ns
    end_ns = end_ns // MINUTE_NS * MINUTE_NS
    kept = int(np.searchsorted(day.frames.start_ns, end_ns))
    if not kept:
        return None
    frames = FrameBlock(**{f.name: getattr(day.frames, f.name)[:kept] for f in fields(FrameBlock)})
    episodes = tuple(e for e in day.episodes if e.end_ns <= end_ns)
    return replace(
        day,
        frames=frames,
        minutes=tuple(m for m in day.minutes if m.start_ns < end_ns),
        day=_day_of(frames, episodes),
        episodes=episodes,
        nudges=tuple(n for n in day.nudges if n.at_ns <= end_ns),
    )


def _day_of(frames: FrameBlock, episodes: Sequence[Episode]) -> Rollup:
    """The day's sum of frames that all lie in one."""
    curl = frames.trunk_flexion_deg
    there = ~np.isnan(curl)
    seconds = CountedSeconds(
        second=frames.start_ns // NS_PER_S,
        posture=frames.posture,
        activity=frames.activity,
        curl_cdeg=np.rint(np.where(there, curl, 0.0) * 100).astype(np.int64),
        has_curl=there,
    )
    said = [(e.end_ns // NS_PER_S - 1, e) for e in episodes]
    return RollupCounter("UTC").update(seconds, said)[1][-1]


def moved(day: LibraryDay, start_ns: int, midnight_ns: int) -> LibraryDay:
    """The same day begun at ``start_ns``, a whole minute, in the day that begins at ``midnight_ns``.

    ValueError where that is no whole minute.
    """
    by_ns = start_ns - day.start_ns
    if by_ns % MINUTE_NS:
        raise ValueError(f"{start_ns} ns is no whole minute")
    change = msgspec.structs.replace
    return replace(
        day,
        start_ns=start_ns,
        frames=replace(day.frames, start_ns=day.frames.start_ns + by_ns),
        minutes=tuple([change(m, start_ns=m.start_ns + by_ns) for m in day.minutes]),
        day=change(day.day, start_ns=midnight_ns),
        episodes=tuple(
            change(e, start_ns=e.start_ns + by_ns, end_ns=e.end_ns + by_ns) for e in day.episodes
        ),
        nudges=tuple(change(n, at_ns=n.at_ns + by_ns) for n in day.nudges),
        plan=_plan_moved(day.plan, by_ns),
    )


def _plan_moved(plan: CalibrationPlan, by_ns: int) -> CalibrationPlan:
    def window(of: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if of is None else (of[0] + by_ns, of[1] + by_ns)

    return CalibrationPlan(
        effective_ns=plan.effective_ns + by_ns,
        upright_ns=(plan.upright_ns[0] + by_ns, plan.upright_ns[1] + by_ns),
        rounded_ns=window(plan.rounded_ns),
        bend_ns=window(plan.bend_ns),
        standing_ns=window(plan.standing_ns),
    )
