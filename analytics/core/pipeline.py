"""The whole way from samples to frames, episodes, rollups and nudges of one wearer.

What comes out does not depend on where the samples were cut, on how the sensors' batches interleave, or
on snapshots between: that makes live, backlog, replay, recovery and offline analysis one program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.core.activities import Activities, ActivityDetector
from analytics.core.activity_model import ActivityModel
from analytics.core.angles import Angles, angles_of
from analytics.core.calibrating import CalibrationTimeline
from analytics.core.calibration import Calibration
from analytics.core.episodes import (
    SURE_ALONE_C,
    SURE_C,
    EpisodeDetector,
    RoundedSeconds,
    RunSeconds,
    Said,
)
from analytics.core.explain import Centres
from analytics.core.facing import Facing
from analytics.core.focus import FocusTable
from analytics.core.joining import Joiner, SecondTable
from analytics.core.nudge_policy import NudgeSeconds
from analytics.core.nudges import NudgeDetector
from analytics.core.patterns import patterns_of
from analytics.core.posture_model import PostureModel
from analytics.core.postures import CODE, Postures, PostureTeller
from analytics.core.results import NOTHING, CalibrationResult, ContextMark, Output
from analytics.core.rollups import CountedSeconds, RollupCounter
from analytics.core.runs import follows
from analytics.core.shipped import shipped_activities, shipped_postures
from analytics.core.snapshots import pack, unpack
from analytics.core.trouble import Troubles, TroubleWatch
from analytics.core.zones import zone_of
from contracts.errors import Reason, SettingError
from contracts.imu import ImuSamples
from contracts.records import FrameBlock, Rollup
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    PLACEMENTS,
    QUALITIES,
    Activity,
    Placement,
    Posture,
    Quality,
)

_QUALITY = {quality: code for code, quality in enumerate(QUALITIES)}
_NO_POSTURE = np.array([a in (Activity.LYING, Activity.NOT_WORN) for a in ACTIVITIES])
#: Activities whose neutral is the standing one.
_ON_FEET = np.array(
    [
        a in (Activity.STANDING, Activity.WALKING, Activity.STAIRS, Activity.CARRYING)
        for a in ACTIVITIES
    ]
)
_DRIVING = ACTIVITIES.index(Activity.DRIVING)


@dataclass(frozen=True)
class PipelineConfig:
    """Who is analysed how. ``placements``: those worn; at least one, each once."""

    placements: tuple[Placement, ...]
    settings: PostureSettings = field(default_factory=PostureSettings)
    calibrations: tuple[CalibrationPlan, ...] = ()
    timezone: str = "UTC"
    not_now: NotNow | None = None
    focus_table: FocusTable = field(default_factory=FocusTable)
    posture_model: PostureModel = field(default_factory=shipped_postures)
    activity_model: ActivityModel = field(default_factory=shipped_activities)


@dataclass(frozen=True, slots=True)
class Counters:
    """Samples of one placement: taken in, lost by the sensor or on the way, too late to count."""

    samples_in: int
    lost: int
    late: int


class Pipeline:
    """One wearer's analysis. Feed :meth:`update`; store what comes out and :meth:`snapshot`."""

    def __init__(self, config: PipelineConfig) -> None:
        """SettingError where placements, time zone or plans cannot be used."""
        if not config.placements or len(set(config.placements)) != len(config.placements):
            raise SettingError(
                Reason.BAD_SETTING,
                f"worn placements are {', '.join(config.placements) or 'none'}; wanted is at least "
                "one, each once.",
                hint="Assign a sensor to a placement of this wearer.",
            )
        self.config = config
        self._joiner = Joiner(config.placements)
        self._calibrations = CalibrationTimeline()
        self._activities = ActivityDetector(config.activity_model)
        self._facing = Facing()
        self._episodes = EpisodeDetector(config.settings, config.focus_table)
        zone = zone_of(config.timezone)
        self._nudges = NudgeDetector(config.settings, zone, config.not_now)
        self._troubles = TroubleWatch(config.placements)
        self._rollups = RollupCounter(config.timezone)
        self._postures = PostureTeller(config.posture_model, config.settings)
        self._previous_s = -1
        self._rounded_for_s = 0
        for plan in config.calibrations:
            self._calibrations.plan(plan)

    @property
    def counters(self) -> Mapping[Placement, Counters]:
        """Samples taken in, lost and late, by placement."""
        return {p: Counters(r.samples_in, r.lost, r.late) for p, r in self._joiner.reducers.items()}

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in force after the last frame."""
        return self._calibrations.current

    @property
    def rounded_for_s(self) -> int:
        """How long the wearer has been rounded at the last frame, short returns included; 0 if not."""
        return self._rounded_for_s

    @property
    def centres(self) -> Centres | None:
        """What each posture is expected to look like after the last frame, for explanations."""
        current = self._calibrations.current
        if current is None:
            return None
        return self._postures.centres(current, self._facing.signs(current))

    def update(self, placement: Placement, samples: ImuSamples) -> Output:
        """Take samples of a worn placement, any number. SettingError where it is not worn."""
        self._check_worn(placement)
        if not self._joiner.add(placement, samples):
            return NOTHING
        return self._run()

    def absent(self, placement: Placement) -> Output:
        """Do not wait for a placement until its next samples."""
        self._check_worn(placement)
        self._joiner.absent(placement)
        return self._run()

    def mark(self, mark: ContextMark) -> Output:
        """What the client or an agent says the wearer does; for frames that have not come out."""
        self._activities.mark(mark)
        return NOTHING

    def calibrate(self, plan: CalibrationPlan) -> Output:
        """Add a calibration session; frames from its ``effective_ns`` on wait for its windows."""
        self._calibrations.plan(plan)
        return self._run()

    def finish(self) -> Output:
        """All worn sensors ended: everything that waits comes out, and a running episode ends."""
        output = self._run(everything=True)
        said = self._episodes.end()
        self._rounded_for_s = 0
        sequels = tuple(self._nudges.end())
        if not said:
            return output + Output(sequels=sequels) if sequels else output
        minutes, days = self._rollups.finish(said)
        return output + Output(
            episodes=tuple(said), minutes=tuple(minutes), days=tuple(days), sequels=sequels
        )

    def snapshot(self) -> bytes:
        """All that is needed to go on, after :meth:`restore`, as if nothing had happened."""
        return pack(
            {
                "joiner": self._joiner.state(),
                "calibrations": self._calibrations.state(),
                "activities": self._activities.state(),
                "facing": self._facing.state(),
                "episodes": self._episodes.state(),
                "nudges": self._nudges.state(),
                "troubles": self._troubles.state(),
                "rollups": self._rollups.state(),
                "previous_s": self._previous_s,
                "postures": self._postures.state(),
                "rounded_for_s": self._rounded_for_s,
            }
        )

    @classmethod
    def restore(cls, data: bytes, config: PipelineConfig) -> Pipeline:
        """The pipeline that ``data`` was taken of, under ``config``.

        Placements worn since start anew. DecodeError where it is no snapshot of this version.
        """
        pipeline = cls(config)
        unpack(data, pipeline._load)
        return pipeline

    def _load(self, state: dict[str, Any]) -> None:
        self._joiner.load(state["joiner"])
        self._calibrations.load(state["calibrations"], self.config.placements)
        for plan in self.config.calibrations:
            self._calibrations.plan(plan)
        self._activities.load(state["activities"])
        self._facing.load(state["facing"])
        self._episodes.load(state["episodes"])
        self._nudges.load(state["nudges"])
        self._troubles.load(state["troubles"])
        self._rollups.load(state["rollups"])
        self._previous_s = state["previous_s"]
        self._postures.load(state["postures"])
        self._rounded_for_s = state["rounded_for_s"]

    def _check_worn(self, placement: Placement) -> None:
        if placement not in self.config.placements:
            raise SettingError(
                Reason.BAD_SETTING,
                f"{placement} is not worn; worn are {', '.join(self.config.placements)}.",
                hint="Assign the sensor to this placement first.",
            )

    def _run(self, *, everything: bool = False) -> Output:
        table = self._joiner.close(everything=everything)
        released = self._calibrations.release(
            table, self._joiner.closed_before_s, everything=everything
        )
        outputs = []
        for item in released:
            if isinstance(item, CalibrationResult):
                outputs.append(Output(calibrations=(item,)))
            else:
                outputs.append(self._analyse(*item))
        return Output.concat(outputs) if outputs else NOTHING

    def _analyse(self, table: SecondTable, calibration: Calibration | None) -> Output:
        """A non-empty block of seconds under one calibration, through every stage."""
        connected = follows(table.second, self._previous_s)
        activities = self._activities.update(table, calibration)
        troubles = self._troubles.update(table, calibration)
        believed = troubles.believed(table)
        angles = angles_of(believed, calibration, _ON_FEET[activities.activity])
        driving = activities.activity == _DRIVING
        fronts = self._facing.update(table.second, angles, calibration, driving)
        angles = angles.facing(fronts.sign)
        postures = self._postures.update(
            table.second, angles, calibration, connected, fronts.chance
        )
        _silence(postures, activities)
        frames = _frames(table, calibration, angles, activities, postures, troubles)
        said, runs = self._episodes.update(_rounded_seconds(frames, angles, postures))
        bent = angles.pelvis_flexion_deg >= self._hip_bend_deg(calibration)
        reminded = self._nudges.update(_nudge_seconds(frames, runs, bent))
        minutes, days = self._count(frames, said)
        self._previous_s = int(table.second[-1])
        self._rounded_for_s = int(runs.span_s[-1])
        return Output(
            frames=frames,
            episodes=tuple(episode for _, episode in said),
            minutes=tuple(minutes),
            days=tuple(days),
            nudges=tuple(reminded.decisions),
            sequels=tuple(reminded.sequels),
        )

    def _hip_bend_deg(self, calibration: Calibration | None) -> float:
        """From which flexion of the lower trunk on the wearer bends, and does not slump."""
        personal = self._postures.personal(calibration)
        return self.config.settings.hip_bend_deg if personal is None else personal.hip_bend_deg

    def _count(self, frames: FrameBlock, said: list[Said]) -> tuple[list[Rollup], list[Rollup]]:
        curl_cdeg, has_curl = _hundredths(frames.trunk_flexion_deg)
        return self._rollups.update(
            CountedSeconds(
                frames.start_ns // NS_PER_S, frames.posture, frames.activity, curl_cdeg, has_curl
            ),
            said,
        )


def _silence(postures: Postures, activities: Activities) -> None:
    """No posture is named of who lies or wears nothing: it would not be one of sitting upright."""
    quiet = _NO_POSTURE[activities.activity]
    postures.posture[quiet] = CODE[Posture.UNKNOWN]
    postures.confidence[quiet] = 0.0
    postures.may_be_rounded[quiet] = False


def _frames(
    table: SecondTable,
    calibration: Calibration | None,
    angles: Angles,
    activities: Activities,
    postures: Postures,
    troubles: Troubles,
) -> FrameBlock:
    incomplete = table.count * 2 < table.rate_hz
    incomplete |= table.count == 0
    missing, quality = np.zeros(len(table), np.uint8), troubles.quality
    if incomplete.any():
        bits = np.array([1 << PLACEMENTS.index(p) for p in table.placements], np.uint8)
        missing = (incomplete * bits).sum(axis=1).astype(np.uint8)
        partial = np.where(missing > 0, _QUALITY[Quality.PARTIAL], _QUALITY[Quality.OK])
        quality = np.maximum(partial, quality)  # the words of troubles are worse, and come later
    if calibration is None:
        quality = np.full_like(missing, _QUALITY[Quality.UNCALIBRATED])
    return FrameBlock(
        start_ns=table.second * NS_PER_S,
        posture=postures.posture,
        activity=activities.activity,
        activity_source=activities.source,
        confidence=troubles.lowered(postures.confidence),
        quality=quality.astype(np.uint8),
        samples=table.count.sum(axis=1).astype(np.int32),
        missing=missing,
        suspect=troubles.suspect,
        thorax_flexion_deg=angles.thorax_flexion_deg,
        pelvis_flexion_deg=angles.pelvis_flexion_deg,
        trunk_flexion_deg=angles.trunk_flexion_deg,
        lateral_deg=angles.lateral_deg,
        head_flexion_deg=angles.head_flexion_deg,
        lower_thoracic_deg=angles.lower_thoracic_deg,
    )


def _rounded_seconds(frames: FrameBlock, angles: Angles, postures: Postures) -> RoundedSeconds:
    flexion_cdeg, _ = _hundredths(angles.rounding_deg)
    return RoundedSeconds(
        second=frames.start_ns // NS_PER_S,
        rounded=frames.posture == CODE[Posture.ROUNDED],
        flexion_cdeg=flexion_cdeg,
        confidence_c=np.rint(frames.confidence * 100).astype(np.int64),
        sure_c=np.where(np.isnan(angles.trunk_flexion_deg), SURE_ALONE_C, SURE_C),
        possible=postures.may_be_rounded,
        activity=frames.activity,
        pattern=patterns_of(angles),
    )


def _nudge_seconds(frames: FrameBlock, runs: RunSeconds, bent: NDArray[np.bool_]) -> NudgeSeconds:
    return NudgeSeconds(
        second=frames.start_ns // NS_PER_S,
        span_s=runs.span_s,
        sure=runs.sure,
        upright=frames.posture == CODE[Posture.UPRIGHT],
        bent=bent,
        activity=frames.activity,
    )


def _hundredths(angle_deg: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole hundredths, 0 where there is none, and where there is one."""
    there = ~np.isnan(angle_deg)
    if not there.all():
        angle_deg = np.where(there, angle_deg, 0.0)
    return np.rint(angle_deg * 100).astype(np.int64), there
