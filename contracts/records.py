"""What analytics produces and the store keeps: frames, episodes, minutes, days, sensor health.

Angles are multiples of 0.01° and confidences of 0.01, by definition, so that what the pipeline
decides on, what the store keeps and what a page shows are the same numbers. An angle that the
placements cannot give is NaN in a block and None in a record.

=====================  =============================================================================
angle                  what
=====================  =============================================================================
thorax_flexion_deg     sagittal inclination of the upper trunk (T4, else sternum, C7) against the
                       wearer's own upright; forward positive
pelvis_flexion_deg     the same of the lower trunk (L5, else T12)
trunk_flexion_deg      thorax minus pelvis: how far the trunk is curled, whatever the hips do
lateral_deg            lateral inclination of the upper trunk; to the wearer's right positive
head_flexion_deg       head (else C7) minus T4: the forward-head proxy
lower_thoracic_deg     T12 minus L5: curl of the lower half
=====================  =============================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.errors import InvariantError, Reason
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    PLACEMENTS,
    POSTURES,
    QUALITIES,
    Activity,
    ActivitySource,
    Afterwards,
    KeptBack,
    NudgeKind,
    Pattern,
    Placement,
    Posture,
    Quality,
)

ANGLES: Final = (
    "thorax_flexion_deg",
    "pelvis_flexion_deg",
    "trunk_flexion_deg",
    "lateral_deg",
    "head_flexion_deg",
    "lower_thoracic_deg",
)
FRAME_NS: Final = NS_PER_S
#: Version of the schema and meaning of what is stored.
SCHEMA_VERSION: Final = 1


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One second [start_ns, start_ns + 1 s) of one wearer; ``start_ns`` is a whole UTC second.

    ``samples`` counts the samples of all worn sensors in the second, ``missing`` the worn placements
    with less than half of theirs, ``suspect`` those whose data is doubted, as ``quality`` says.
    """

    start_ns: int
    posture: Posture
    activity: Activity
    activity_source: ActivitySource
    confidence: float
    quality: Quality
    samples: int
    missing: tuple[Placement, ...] = ()
    suspect: tuple[Placement, ...] = ()
    thorax_flexion_deg: float | None = None
    pelvis_flexion_deg: float | None = None
    trunk_flexion_deg: float | None = None
    lateral_deg: float | None = None
    head_flexion_deg: float | None = None
    lower_thoracic_deg: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FrameBlock:
    """Frames as columns, in time order: what the core computes with and the store writes.

    All arrays are (n,). Codes index POSTURES, ACTIVITIES, ACTIVITY_SOURCES and QUALITIES; bit i of
    ``missing`` and ``suspect`` is PLACEMENTS[i]. Angles are float64 degrees, NaN where there is none.
    """

    start_ns: NDArray[np.int64]
    posture: NDArray[np.uint8]
    activity: NDArray[np.uint8]
    activity_source: NDArray[np.uint8]
    confidence: NDArray[np.float64]
    quality: NDArray[np.uint8]
    samples: NDArray[np.int32]
    missing: NDArray[np.uint8]
    suspect: NDArray[np.uint8]
    thorax_flexion_deg: NDArray[np.float64]
    pelvis_flexion_deg: NDArray[np.float64]
    trunk_flexion_deg: NDArray[np.float64]
    lateral_deg: NDArray[np.float64]
    head_flexion_deg: NDArray[np.float64]
    lower_thoracic_deg: NDArray[np.float64]

    def __post_init__(self) -> None:
        size = self.start_ns.size
        for field in fields(self):
            if getattr(self, field.name).shape != (size,):
                raise InvariantError(f"frame column {field.name} is not of {size} rows.")

    def __len__(self) -> int:
        return int(self.start_ns.size)

    def rows(self) -> Iterator[Frame]:
        """The frames one by one."""
        for i in range(len(self)):
            yield Frame(
                start_ns=int(self.start_ns[i]),
                posture=POSTURES[self.posture[i]],
                activity=ACTIVITIES[self.activity[i]],
                activity_source=ACTIVITY_SOURCES[self.activity_source[i]],
                confidence=float(self.confidence[i]),
                quality=QUALITIES[self.quality[i]],
                samples=int(self.samples[i]),
                missing=placements_of(int(self.missing[i])),
                suspect=placements_of(int(self.suspect[i])),
                **{name: _none_if_nan(float(getattr(self, name)[i])) for name in ANGLES},
            )

    def last(self) -> FrameBlock:
        """The last frame alone; none where there is none."""
        return FrameBlock(**{field.name: getattr(self, field.name)[-1:] for field in fields(self)})

    @classmethod
    def from_rows(cls, rows: Iterable[Frame]) -> FrameBlock:
        """Columns of frames that are in time order."""
        frames = list(rows)
        return cls(
            start_ns=np.array([f.start_ns for f in frames], dtype=np.int64),
            posture=_codes([f.posture for f in frames], POSTURES),
            activity=_codes([f.activity for f in frames], ACTIVITIES),
            activity_source=_codes([f.activity_source for f in frames], ACTIVITY_SOURCES),
            confidence=np.array([f.confidence for f in frames], dtype=np.float64),
            quality=_codes([f.quality for f in frames], QUALITIES),
            samples=np.array([f.samples for f in frames], dtype=np.int32),
            missing=np.array([placement_mask(f.missing) for f in frames], dtype=np.uint8),
            suspect=np.array([placement_mask(f.suspect) for f in frames], dtype=np.uint8),
            **{
                name: np.array(
                    [np.nan if (v := getattr(f, name)) is None else v for f in frames],
                    dtype=np.float64,
                )
                for name in ANGLES
            },
        )

    @classmethod
    def concat(cls, blocks: Sequence[FrameBlock]) -> FrameBlock:
        """The blocks one after another; an empty block for none."""
        if not blocks:
            return cls.from_rows(())
        return cls(
            **{f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(cls)}
        )


def placement_mask(placements: Iterable[Placement]) -> int:
    """Bit i set for PLACEMENTS[i]."""
    return sum(1 << PLACEMENTS.index(p) for p in set(placements))


def placements_of(mask: int) -> tuple[Placement, ...]:
    """The placements of a mask, from the head down."""
    return tuple(p for i, p in enumerate(PLACEMENTS) if mask >> i & 1)


class FocusArea(msgspec.Struct, frozen=True, kw_only=True):
    """Muscle groups a neuromuscular therapist would assess, and why. Never a diagnosis.

    ``front`` and ``back`` are keys of muscle groups; ``share`` is the part of the exposure that led
    here, 0 to 1; ``standing`` says how well founded the rule is, ``inferred`` that it was not measured.
    """

    rule: str
    pattern: str
    front: tuple[str, ...]
    back: tuple[str, ...]
    why: str
    standing: str
    share: float
    inferred: bool = False


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """A sustained run of rounded posture, [start_ns, end_ns). Keyed by wearer and start_ns.

    ``ongoing``: still going on when written; the same key is written again as it grows.
    ``rounded_s`` excludes the short returns that were bridged.
    """

    start_ns: int
    end_ns: int
    pattern: Pattern
    activity: Activity
    mean_flexion_deg: float
    peak_flexion_deg: float
    rounded_s: int
    confidence: float
    ongoing: bool
    explanation: str
    focus: tuple[FocusArea, ...] = ()


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds in a minute or a day of one wearer. Time not worn is simply not there.

    ``posture_s`` and ``activity_s`` map a value to seconds; ``rounded_activity_s`` splits the rounded
    seconds by activity. ``worn_s`` is frames with data, less ``not_worn``.
    """

    start_ns: int
    worn_s: int
    posture_s: dict[Posture, int]
    activity_s: dict[Activity, int]
    rounded_activity_s: dict[Activity, int]
    mean_trunk_flexion_deg: float | None = None
    episodes: int = 0
    longest_episode_s: int = 0


class Nudge(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder that was due. Keyed by wearer, ``at_ns`` and ``kind``; ``at_ns`` is a whole UTC second.

    ``given``: the wearer was told; where not, ``kept_back`` says why. The rest is learned later, and None
    until then: ``felt``, whether the sensor pulsed, and ``felt_why`` where it did not, in the gateway's
    words; ``after`` a posture nudge, with how soon the wearer was upright and for how long (HELD_MOST_S at
    the most). A row that is written again leaves what it does not know as it was.
    """

    at_ns: int
    kind: NudgeKind
    held_for_s: int
    given: bool
    kept_back: KeptBack | None = None
    felt: bool | None = None
    felt_why: str = ""
    after: Afterwards | None = None
    upright_after_s: int | None = None
    held_s: int | None = None


#: Upright for longer after a nudge is not told apart: the nudge is long ago.
HELD_MOST_S: Final = 600


class NudgeFelt(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway replied to the pulse of a nudge: whether the sensor gave it, and else why not."""

    at_ns: int
    kind: NudgeKind
    felt: bool
    why: str = ""


class NudgeAfter(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen after a posture nudge; said when it is known, and again when ``held_s`` is."""

    at_ns: int
    kind: NudgeKind
    after: Afterwards
    upright_after_s: int | None = None
    held_s: int | None = None


class CalibrationOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a calibration session. Keyed by wearer and ``effective_ns``.

    Refused, ``reason`` is set, and the calibration before it stays in force. ``message`` and ``hint``
    are for the wearer.
    """

    effective_ns: int
    accepted: bool
    message: str
    hint: str = ""
    reason: Reason | None = None


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the dashboard says of a sensor: the gateway's latest word and what analytics has taken.

    ``late_samples`` came after their second was closed or were misdated, ``unworn_samples`` are from when nobody was
    assigned the sensor: both were let go. ``mean_acc_m_s2`` and ``turning_rad_s`` are of the last second
    taken, in the sensor's printed axes: the mean of its accelerometer, and how fast it turned (RMS).
    """

    gateway: str
    sensor: str
    at_ns: int
    state: str
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    profile: str = ""
    firmware: str = ""
    received: int = 0
    backlog: int = 0
    backlog_total: int = 0
    outbox_batches: int = 0
    clock_error_ns: int | None = None
    reason: str = ""
    stored_seq: int = 0
    stored_samples: int = 0
    lost_samples: int = 0
    late_samples: int = 0
    unworn_samples: int = 0
    last_sample_ns: int | None = None
    mean_acc_m_s2: tuple[float, float, float] | None = None
    turning_rad_s: float | None = None


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _codes(values: Sequence[object], order: Sequence[object]) -> NDArray[np.uint8]:
    index = {value: code for code, value in enumerate(order)}
    return np.array([index[value] for value in values], dtype=np.uint8)
