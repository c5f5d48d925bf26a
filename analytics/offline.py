"""plumbline analyze: recordings through the same pipeline as live, without broker or store.

Never reads truth.csv. What comes out equals, frame by frame, what the service stores of the same
samples and settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.core.activity_model import ActivityModel
from analytics.core.explain import Centres, explain
from analytics.core.focus import FocusTable
from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.core.posture_model import PostureModel
from analytics.core.results import CalibrationResult, Output
from analytics.core.shipped import shipped_activities, shipped_postures
from contracts.errors import Reason, SettingError
from contracts.imu import ImuSamples
from contracts.recording import CALIBRATION_WINDOWS, Recording, read_samples
from contracts.records import Episode, FrameBlock
from contracts.settings import MAX_CALIBRATION_SESSION_NS, CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

#: Gives the samples of one placement, in time order.
Reader = Callable[[Recording, Placement], ImuSamples]


@dataclass(frozen=True)
class Choice:
    """What to analyse with. ``placements``: None for all there are.

    ``calibrations``: None for the windows in recording.json.
    """

    placements: tuple[Placement, ...] | None = None
    settings: PostureSettings = field(default_factory=PostureSettings)
    calibrations: tuple[CalibrationPlan, ...] | None = None
    timezone: str = "UTC"
    focus_table: FocusTable = field(default_factory=FocusTable)
    posture_model: PostureModel = field(default_factory=shipped_postures)
    activity_model: ActivityModel = field(default_factory=shipped_activities)


@dataclass(frozen=True)
class Analysis:
    """What was found in one recording. ``samples`` were read, by placement; each is in a frame.

    Times in ``frames`` and ``episodes`` are UTC ns, or ns from 0 where the recording does not say when
    it was made.
    """

    recording: Recording
    samples: Mapping[Placement, int]
    lost: Mapping[Placement, int]
    frames: FrameBlock
    episodes: tuple[Episode, ...]
    calibrations: tuple[CalibrationResult, ...]
    centres: Centres | None = None

    def explanations(self) -> list[str]:
        """Why each frame was called what it was; in detail under the calibration in force at the end."""
        accepted = [c.plan.effective_ns for c in self.calibrations if c.accepted]
        from_ns = max(accepted, default=0)
        return [
            explain(frame, self.centres if frame.start_ns >= from_ns else None)
            for frame in self.frames.rows()
        ]

    @property
    def name(self) -> str:
        """The recording's folder, by which its rows are told from others'."""
        return self.recording.folder.resolve().name


def analyze(recording: Recording, choice: Choice, read: Reader = read_samples) -> Analysis:
    """Frames and episodes of one recording, whose samples ``read`` gives.

    RecordingError where a file of it cannot be read, SettingError where a placement is not in it or
    its calibration windows cannot be used.
    """
    placements = _placements(recording, choice.placements)
    calibrations = choice.calibrations
    if calibrations is None:
        calibrations = calibrations_of(recording)
    pipeline = Pipeline(
        PipelineConfig(
            placements=placements,
            settings=choice.settings,
            calibrations=calibrations,
            timezone=choice.timezone,
            focus_table=choice.focus_table,
            posture_model=choice.posture_model,
            activity_model=choice.activity_model,
        )
    )
    outputs: list[Output] = []
    samples: dict[Placement, int] = {}
    for placement in placements:
        worn = read(recording, placement)
        samples[placement] = len(worn)
        outputs.append(pipeline.update(placement, worn))
    outputs.append(pipeline.finish())
    output = Output.concat(outputs)
    return Analysis(
        recording=recording,
        samples=samples,
        lost={p: counter.lost for p, counter in pipeline.counters.items()},
        frames=output.frames,
        episodes=latest_episodes(output.episodes),
        calibrations=output.calibrations,
        centres=pipeline.centres,
    )


def calibrations_of(recording: Recording) -> tuple[CalibrationPlan, ...]:
    """The plan that recording.json describes, in force from the recording's start where it can be.

    Empty where it describes none; SettingError where a window is too short or too long.
    """
    windows_ns = {
        CALIBRATION_WINDOWS[pose]: _utc_ns(recording, window_s)
        for pose, window_s in recording.manifest.calibration.items()
        if pose in CALIBRATION_WINDOWS
    }
    if "upright" not in windows_ns:
        return ()
    effective_ns = recording.start_ns
    if max(end for _, end in windows_ns.values()) - effective_ns > MAX_CALIBRATION_SESSION_NS:
        effective_ns = min(start for start, _ in windows_ns.values())
    return (
        CalibrationPlan(
            effective_ns=effective_ns,
            upright_ns=windows_ns["upright"],
            rounded_ns=windows_ns.get("rounded"),
            bend_ns=windows_ns.get("bend"),
            standing_ns=windows_ns.get("standing"),
        ),
    )


def latest_episodes(episodes: Sequence[Episode]) -> tuple[Episode, ...]:
    """The last word on each episode, in the order of their starts."""
    latest = {episode.start_ns: episode for episode in episodes}
    return tuple(latest[start_ns] for start_ns in sorted(latest))


def _placements(
    recording: Recording, wanted: tuple[Placement, ...] | None
) -> tuple[Placement, ...]:
    if wanted is None:
        return recording.placements
    absent = [p for p in wanted if p not in recording.placements]
    if absent or not wanted:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{recording.folder} has no sensor {', '.join(absent) or 'of those asked for'}.",
            hint=f"It has {', '.join(recording.placements)}.",
        )
    return tuple(p for p in recording.placements if p in wanted)


def _utc_ns(recording: Recording, window_s: tuple[float, float]) -> tuple[int, int]:
    start_s, end_s = window_s
    return (
        recording.start_ns + round(start_s * NS_PER_S),
        recording.start_ns + round(end_s * NS_PER_S),
    )
