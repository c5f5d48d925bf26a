"""Strategies and examples of everything a store keeps."""

from __future__ import annotations

import string

import numpy as np
from hypothesis import strategies as st

from contracts.errors import Reason
from contracts.records import (
    ANGLES,
    CalibrationOutcome,
    Episode,
    FocusArea,
    Frame,
    FrameBlock,
    Nudge,
    Rollup,
    SensorHealth,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    PLACEMENTS,
    POSTURES,
    QUALITIES,
    Activity,
    Afterwards,
    KeptBack,
    NudgeKind,
    Pattern,
    Posture,
)
from store.ports import SeriesStore
from tests.store.processes import FIRST_S, frames_from

__all__ = ["FIRST_S", "frames_from"]
LAST_S = 4_102_444_800
SECONDS = st.integers(FIRST_S, LAST_S)
IDS = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=64)
HUNDREDTHS = st.integers(-18_000, 18_000).map(lambda n: n / 100)
COUNTS = st.integers(0, 86_400)
FINITE = st.floats(-180, 180)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)

PLACEMENT_SETS = st.sets(st.sampled_from(PLACEMENTS)).map(
    lambda found: tuple(p for p in PLACEMENTS if p in found)
)

FRAMES = st.builds(
    Frame,
    start_ns=SECONDS.map(lambda s: s * NS_PER_S),
    posture=st.sampled_from(POSTURES),
    activity=st.sampled_from(ACTIVITIES),
    activity_source=st.sampled_from(ACTIVITY_SOURCES),
    confidence=st.integers(0, 100).map(lambda n: n / 100),
    quality=st.sampled_from(QUALITIES),
    samples=st.integers(0, 6_000),
    missing=PLACEMENT_SETS,
    suspect=PLACEMENT_SETS,
    **{name: st.none() | HUNDREDTHS for name in ANGLES},
)
BLOCKS = st.lists(FRAMES, max_size=20, unique_by=lambda f: f.start_ns).map(
    lambda frames: FrameBlock.from_rows(sorted(frames, key=lambda f: f.start_ns))
)
ROLLUPS = st.builds(
    Rollup,
    start_ns=SECONDS.map(lambda s: s * NS_PER_S),
    worn_s=COUNTS,
    posture_s=st.dictionaries(st.sampled_from(POSTURES), COUNTS),
    activity_s=st.dictionaries(st.sampled_from(ACTIVITIES), COUNTS),
    rounded_activity_s=st.dictionaries(st.sampled_from(ACTIVITIES), COUNTS),
    mean_trunk_flexion_deg=st.none() | FINITE,
    episodes=COUNTS,
    longest_episode_s=COUNTS,
)
FOCUS = st.builds(
    FocusArea,
    rule=TEXT,
    pattern=TEXT,
    front=st.lists(TEXT, max_size=4).map(tuple),
    back=st.lists(TEXT, max_size=4).map(tuple),
    why=TEXT,
    standing=TEXT,
    share=st.floats(0, 1),
    inferred=st.booleans(),
)
EPISODES = st.builds(
    lambda start_s, length_s, **rest: Episode(
        start_ns=start_s * NS_PER_S, end_ns=(start_s + length_s) * NS_PER_S, **rest
    ),
    start_s=SECONDS,
    length_s=st.integers(1, 7200),
    pattern=st.sampled_from(Pattern),
    activity=st.sampled_from(ACTIVITIES),
    mean_flexion_deg=FINITE,
    peak_flexion_deg=FINITE,
    rounded_s=COUNTS,
    confidence=st.floats(0, 1),
    ongoing=st.booleans(),
    explanation=TEXT,
    focus=st.lists(FOCUS, max_size=3).map(tuple),
)
COUNTERS = st.integers(0, 2**53)
CALIBRATIONS = st.builds(
    CalibrationOutcome,
    effective_ns=SECONDS.map(lambda s: s * NS_PER_S),
    accepted=st.booleans(),
    message=TEXT,
    hint=TEXT,
    reason=st.none() | st.sampled_from(Reason),
)


def _nudge(
    at_s: int,
    kind: NudgeKind,
    held_for_s: int,
    kept_back: KeptBack | None,
    felt: tuple[bool, str] | None,
    after: tuple[Afterwards, int | None, int | None] | None,
) -> Nudge:
    pulse = {} if felt is None else dict(zip(("felt", "felt_why"), felt, strict=True))
    names = ("after", "upright_after_s", "held_s")
    seen = {} if after is None else dict(zip(names, after, strict=True))
    return Nudge(
        at_ns=at_s * NS_PER_S,
        kind=kind,
        held_for_s=held_for_s,
        given=kept_back is None,
        kept_back=kept_back,
        **pulse,
        **seen,
    )


_MAYBE = st.none() | st.integers(0, 600)
NUDGES = st.builds(
    _nudge,
    SECONDS,
    st.sampled_from(NudgeKind),
    COUNTS,
    st.none() | st.sampled_from(KeptBack),
    st.none() | st.tuples(st.booleans(), TEXT),
    st.none() | st.tuples(st.sampled_from(Afterwards), _MAYBE, _MAYBE),
)
HEALTH = st.builds(
    SensorHealth,
    gateway=IDS,
    sensor=IDS,
    at_ns=SECONDS.map(lambda s: s * NS_PER_S),
    state=TEXT,
    battery_percent=st.none() | st.integers(0, 100),
    rssi_dbm=st.none() | st.integers(-127, 20),
    received=COUNTERS,
    stored_seq=COUNTERS,
    lost_samples=COUNTERS,
    late_samples=COUNTERS,
    unworn_samples=COUNTERS,
    last_sample_ns=st.none() | COUNTERS,
    reason=TEXT,
    mean_acc_m_s2=st.none() | st.tuples(FINITE, FINITE, FINITE),
    turning_rad_s=st.none() | st.floats(0, 100),
)


def erase(store: SeriesStore, wearer: str) -> int:
    """Erase a wearer wholly; how many rows there were."""
    return sum(iter(lambda: store.erase_some(wearer), 0))


def by_start(rows: list) -> list:
    """The last row of each start, in time order: what a store keeps of them."""
    return sorted({row.start_ns: row for row in rows}.values(), key=lambda row: row.start_ns)


def minute(start_s: int) -> Rollup:
    """A plain minute."""
    return Rollup(
        start_ns=start_s * NS_PER_S,
        worn_s=60,
        posture_s={Posture.UPRIGHT: 40, Posture.ROUNDED: 20},
        activity_s={Activity.SITTING: 60},
        rounded_activity_s={Activity.SITTING: 20},
        mean_trunk_flexion_deg=7.123456789,
        episodes=1,
        longest_episode_s=20,
    )


def episode(start_s: int, end_s: int) -> Episode:
    """A plain episode."""
    return Episode(
        start_ns=start_s * NS_PER_S,
        end_ns=end_s * NS_PER_S,
        pattern=Pattern.UPPER_THORACIC,
        activity=Activity.SITTING,
        mean_flexion_deg=17.25,
        peak_flexion_deg=31.5,
        rounded_s=end_s - start_s,
        confidence=0.9,
        ongoing=False,
        explanation="The upper back was bent forward by 17° on average.",
    )


def nudge(at_s: int, kind: NudgeKind = NudgeKind.POSTURE) -> Nudge:
    """A plain reminder."""
    return Nudge(at_ns=at_s * NS_PER_S, kind=kind, held_for_s=120, given=True)


def assert_same_frames(found: FrameBlock, wanted: FrameBlock) -> None:
    """Equal in every column, absent angles included."""
    for name in FrameBlock.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
