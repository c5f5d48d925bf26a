"""A believable day in a real store: what the dashboard's tests and pictures look at.

python -m tests.dashboard.seed FOLDER [--until UTC_NS]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.records import (
    ANGLES,
    Episode,
    FocusArea,
    FrameBlock,
    Nudge,
    Rollup,
    SensorHealth,
    placement_mask,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    POSTURES,
    QUALITIES,
    Activity,
    ActivitySource,
    NudgeKind,
    Pattern,
    Placement,
    Posture,
    Quality,
)
from store.open import open_registry, open_series
from store.ports import Assignment, Commit, Registry, SeriesStore, Wearer, WearerRows

WEARER = "demo-001"
GATEWAY = "home"
SENSORS = {"PL-0001-T4": Placement.T4, "PL-0001-L5": Placement.L5}

UPPER = FocusArea(
    rule="upper_thoracic",
    pattern="upper-thoracic rounding (T4 flexed against L5 or neutral)",
    front=("pectoralis_major", "pectoralis_minor", "coracobrachialis", "diaphragm"),
    back=("rhomboids", "middle_trapezius", "lower_trapezius", "thoracic_erectors"),
    why="The front draws the shoulder blade forward, the back is held long; coracobrachialis shares "
    "the coracoid with pectoralis minor.",
    standing="A known clinical pattern. Source: Janda's upper crossed syndrome (common).",
    share=1.0,
)
LUMBAR = FocusArea(
    rule="lumbar_slump",
    pattern="lumbar slump (L5 rolled back, thorax flexed: posterior tilt)",
    front=("diaphragm", "abdominals", "iliopsoas"),
    back=("lumbar_erectors", "quadratus_lumborum", "gluteals", "hamstrings"),
    why="A flexed lumbar spine loads the tissue behind it.",
    standing="Not Janda's lower crossed pattern, which is an anterior tilt. Source: common.",
    share=1.0,
)
SEATED = FocusArea(
    rule="long_seated",
    pattern="long seated or driving time (hip flexion is inferred, not measured)",
    front=("iliopsoas", "rectus_femoris"),
    back=("lumbar_erectors", "quadratus_lumborum", "gluteals"),
    why="Hips held flexed for long.",
    standing="Inferred from seated time. Source: lower crossed pattern (common).",
    share=0.9,
    inferred=True,
)


@dataclass(frozen=True)
class Stretch:
    """Part of the day: minutes, what is done, the share of rounding, or not worn (posture None)."""

    minutes: float
    activity: Activity
    source: ActivitySource = ActivitySource.TRUNK
    posture: Posture | None = Posture.UPRIGHT
    flexion_deg: float = 4.0
    pattern: Pattern | None = None


S, U, R = Activity.SITTING, Posture.UPRIGHT, Posture.ROUNDED
#: A working day of eight hours, the sensors taken off at noon.
WORKDAY = (
    Stretch(9, Activity.WALKING),
    Stretch(22, S),
    Stretch(14, S, posture=R, flexion_deg=17, pattern=Pattern.UPPER_THORACIC),
    Stretch(6, S, posture=Posture.RECLINED, flexion_deg=-3),
    Stretch(25, Activity.TYPING, ActivitySource.AGENT),
    Stretch(31, Activity.TYPING, ActivitySource.AGENT, R, 21, Pattern.UPPER_THORACIC),
    Stretch(5, Activity.STANDING),
    Stretch(8, Activity.WALKING),
    Stretch(17, S, posture=R, flexion_deg=15, pattern=Pattern.LUMBAR_SLUMP),
    Stretch(12, S, posture=Posture.FORWARD_LEAN, flexion_deg=7),
    Stretch(33, S),
    Stretch(46, S, posture=None),
    Stretch(26, Activity.DRIVING, ActivitySource.CLIENT, Posture.RECLINED, 2),
    Stretch(9, Activity.DRIVING, ActivitySource.CLIENT, R, 16, Pattern.LUMBAR_SLUMP),
    Stretch(4, Activity.CARRYING, posture=Posture.FORWARD_LEAN, flexion_deg=9),
    Stretch(38, S),
    Stretch(23, S, posture=R, flexion_deg=24, pattern=Pattern.UPPER_THORACIC),
    Stretch(4, S, posture=Posture.LEFT_LEAN),
    Stretch(3, S, posture=Posture.RIGHT_LEAN),
    Stretch(11, Activity.STANDING),
    Stretch(40, S),
    Stretch(2, Activity.UNKNOWN, ActivitySource.NONE, Posture.UNKNOWN),
    Stretch(47, S),
    Stretch(12, Activity.WALKING),
    Stretch(19, S),
    Stretch(14.5, S, posture=R, flexion_deg=18, pattern=Pattern.UPPER_THORACIC),
)


def day_of(
    stretches: Sequence[Stretch], start_ns: int, seed: int = 7
) -> tuple[FrameBlock, list[Episode]]:
    """Frames and episodes of the stretches, one after another from ``start_ns``."""
    generator = np.random.default_rng(seed)
    blocks, episodes, at_ns = [], [], start_ns
    for stretch in stretches:
        seconds = round(stretch.minutes * 60)
        if stretch.posture is not None:
            blocks.append(_frames(stretch, at_ns, seconds, generator))
        if stretch.pattern is not None:
            episodes.append(_episode(stretch, blocks[-1], at_ns, seconds))
        at_ns += seconds * NS_PER_S
    return FrameBlock.concat(blocks), episodes


def _frames(
    stretch: Stretch, start_ns: int, seconds: int, generator: np.random.Generator
) -> FrameBlock:
    drift = np.cumsum(generator.normal(0, 0.25, seconds))
    drift -= np.linspace(drift[0], drift[-1], seconds)
    flexion = np.round(stretch.flexion_deg + drift + generator.normal(0, 0.6, seconds), 2)
    posture = np.full(seconds, POSTURES.index(stretch.posture or Posture.UNKNOWN), np.uint8)
    if stretch.posture is Posture.UPRIGHT:
        flicker = generator.random(seconds) < 0.01
        posture[flicker] = POSTURES.index(Posture.FORWARD_LEAN)
    nothing = np.full(seconds, np.nan)
    angles = dict.fromkeys(ANGLES, nothing) | {
        "thorax_flexion_deg": np.round(flexion + 3.0, 2),
        "pelvis_flexion_deg": np.full(seconds, 3.0),
        "trunk_flexion_deg": flexion,
        "lateral_deg": np.round(generator.normal(0, 1, seconds), 2),
    }
    return FrameBlock(
        start_ns=start_ns + np.arange(seconds, dtype=np.int64) * NS_PER_S,
        posture=posture,
        activity=np.full(seconds, ACTIVITIES.index(stretch.activity), np.uint8),
        activity_source=np.full(seconds, ACTIVITY_SOURCES.index(stretch.source), np.uint8),
        confidence=np.round(generator.uniform(0.7, 0.98, seconds), 2),
        quality=np.full(seconds, QUALITIES.index(Quality.OK), np.uint8),
        samples=np.full(seconds, 100, np.int32),
        missing=np.full(seconds, placement_mask(()), np.uint8),
        suspect=np.full(seconds, placement_mask(()), np.uint8),
        **angles,
    )


def _episode(stretch: Stretch, frames: FrameBlock, start_ns: int, seconds: int) -> Episode:
    flexion = frames.trunk_flexion_deg
    upper = stretch.pattern is Pattern.UPPER_THORACIC
    region = "upper back" if upper else "low back"
    return Episode(
        start_ns=start_ns,
        end_ns=start_ns + seconds * NS_PER_S,
        pattern=stretch.pattern or Pattern.UNSPECIFIED,
        activity=stretch.activity,
        mean_flexion_deg=round(float(flexion.mean()), 2),
        peak_flexion_deg=round(float(flexion.max()), 2),
        rounded_s=seconds,
        confidence=0.86,
        ongoing=False,
        explanation=f"The {region} stayed past 12° of your own upright for {seconds // 60} minutes, "
        f"{flexion.mean():.0f}° on average, while the pelvis moved less than 20°.",
        focus=(UPPER if upper else LUMBAR, *((SEATED,) if seconds > 900 else ())),
    )


def nudges_of(episodes: Sequence[Episode]) -> list[Nudge]:
    """A nudge two minutes into each episode that lasts so long, of the first too late to be given."""
    return [
        Nudge(
            at_ns=e.start_ns + 120 * NS_PER_S,
            kind=NudgeKind.POSTURE,
            held_for_s=120,
            given=e is not episodes[0],
        )
        for e in episodes
        if e.end_ns - e.start_ns >= 120 * NS_PER_S
    ]


def minutes_of(frames: FrameBlock) -> list[Rollup]:
    """Minute rollups of frames."""
    return [
        _rollup(int(minute) * 60 * NS_PER_S, frames, frames.start_ns // (60 * NS_PER_S) == minute)
        for minute in np.unique(frames.start_ns // (60 * NS_PER_S))
    ]


def _rollup(start_ns: int, frames: FrameBlock, rows: np.ndarray) -> Rollup:
    posture, activity = frames.posture[rows], frames.activity[rows]
    rounded = posture == POSTURES.index(Posture.ROUNDED)
    return Rollup(
        start_ns=start_ns,
        worn_s=int((activity != ACTIVITIES.index(Activity.NOT_WORN)).sum()),
        posture_s={POSTURES[c]: int((posture == c).sum()) for c in np.unique(posture)},
        activity_s={ACTIVITIES[c]: int((activity == c).sum()) for c in np.unique(activity)},
        rounded_activity_s={
            ACTIVITIES[c]: int((activity[rounded] == c).sum()) for c in np.unique(activity[rounded])
        },
        mean_trunk_flexion_deg=round(float(frames.trunk_flexion_deg[rows].mean()), 2),
    )


def health_of(sensor: str, at_ns: int, **changes: object) -> SensorHealth:
    """A sensor that is well, or as ``changes`` say."""
    usual = {"state": "live", "battery_percent": 87, "rssi_dbm": -58, "profile": "native"}
    return SensorHealth(gateway=GATEWAY, sensor=sensor, at_ns=at_ns, **(usual | changes))  # type: ignore[arg-type]


def afternoon_zone(now_ns: int) -> str:
    """A time zone in which it is between 17 and 18 h now, so that a working day has just ended."""
    ahead = (17 - now_ns // (3600 * NS_PER_S)) % 24
    ahead = ahead - 24 if ahead > 14 else ahead
    return f"Etc/GMT{-ahead:+d}"  # POSIX signs: minus is east


def register(registry: Registry, *, timezone: str = "UTC", label: str = "Demo client") -> None:
    """The seeded wearer with two sensors."""
    registry.put_wearer(Wearer(WEARER, label, timezone, simulated=True))
    for sensor, placement in SENSORS.items():
        registry.assign(Assignment(sensor, WEARER, placement, start_ns=0))


def fill(
    series: SeriesStore, end_ns: int, stretches: Sequence[Stretch] = WORKDAY
) -> tuple[FrameBlock, list[Episode]]:
    """The stretches, so that the last second ends at ``end_ns``, with their minutes, in the store."""
    length_ns = round(sum(s.minutes for s in stretches) * 60) * NS_PER_S
    start_ns = end_ns // NS_PER_S * NS_PER_S - length_ns
    frames, episodes = day_of(stretches, start_ns)
    rows = WearerRows(WEARER, frames, episodes, minutes_of(frames), nudges=nudges_of(episodes))
    health = [health_of(sensor, end_ns) for sensor in SENSORS]
    series.commit(Commit(wearers=[rows], health=health))
    return frames, episodes


def go_ahead(series: SeriesStore, end_ns: int, **left: int) -> FrameBlock:
    """The second that ends at ``end_ns``, rounded, as computed ahead while a backlog comes in.

    ``left``: ``backlog`` and ``backlog_total`` of the sensors, in samples.
    """
    now = Stretch(1 / 60, Activity.SITTING, posture=Posture.ROUNDED, flexion_deg=19)
    ahead, _ = day_of([now], end_ns // NS_PER_S * NS_PER_S - NS_PER_S)
    health = [health_of(sensor, end_ns, state="syncing", **left) for sensor in SENSORS]
    series.commit(Commit([WearerRows(WEARER, ahead=ahead)], health=health))
    return ahead


def urls(folder: Path) -> tuple[str, str]:
    """Addresses of the series store and the registry in a folder."""
    return f"sqlite:{folder / 'series.sqlite'}", f"sqlite:{folder / 'registry.sqlite'}"


def main(words: Sequence[str] | None = None) -> None:
    """Seed a folder, for looking at the dashboard by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", type=int, default=time.time_ns(), help="UTC ns of the day's end")
    arguments = parser.parse_args(words)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    store_url, registry_url = urls(arguments.folder)
    registry, series = open_registry(registry_url), open_series(store_url)
    register(registry, timezone=afternoon_zone(arguments.until))
    fill(series, arguments.until)
    registry.close()
    series.close()


if __name__ == "__main__":
    main()
