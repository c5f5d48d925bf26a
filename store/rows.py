"""Records to the numbers of a row and back, exactly. No database in here.

Angles are hundredths of a degree, confidences hundredths, as the contract defines them; anything
finer is refused rather than rounded in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.errors import InvariantError
from contracts.records import (
    ANGLES,
    CalibrationOutcome,
    Episode,
    Frame,
    FrameBlock,
    Nudge,
    NudgeAfter,
    NudgeFelt,
    Rollup,
    SensorHealth,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Afterwards, KeptBack, NudgeKind

HUNDREDTHS: Final = 100.0
#: How far x * 100 may lie from an integer where x is a multiple of 0.01 in float64.
_ROUNDING: Final = 1e-6

FRAME_COLUMNS: Final = (
    "start_s",
    "posture",
    "activity",
    "activity_source",
    "confidence_percent",
    "quality",
    "samples",
    "missing",
    "suspect",
    *(name.replace("_deg", "_cdeg") for name in ANGLES),
)

NUDGE_COLUMNS: Final = (
    "at_s",
    "kind",
    "held_for_s",
    "given",
    "kept_back",
    "felt",
    "felt_why",
    "after",
    "upright_after_s",
    "held_s",
)

_POSTURE_CODE: Final = {value: code for code, value in enumerate(POSTURES)}
_ACTIVITY_CODE: Final = {value: code for code, value in enumerate(ACTIVITIES)}
_RollupRow = tuple[int, dict[int, int], dict[int, int], dict[int, int], float | None, int, int]
_ROLLUP_DECODER: Final = msgspec.msgpack.Decoder(_RollupRow)
_EPISODE_DECODER: Final = msgspec.json.Decoder(Episode)
_FRAME_DECODER: Final = msgspec.json.Decoder(Frame)
_HEALTH_DECODER: Final = msgspec.json.Decoder(SensorHealth)
_NUDGE_DECODER: Final = msgspec.json.Decoder(Nudge)
_FELT_DECODER: Final = msgspec.json.Decoder(NudgeFelt)
_AFTER_DECODER: Final = msgspec.json.Decoder(NudgeAfter)
_CALIBRATION_DECODER: Final = msgspec.json.Decoder(CalibrationOutcome)


def whole_second(start_ns: int) -> int:
    """The UTC second that ``start_ns`` begins. InvariantError where it begins none."""
    second, rest = divmod(start_ns, NS_PER_S)
    if rest:
        raise InvariantError(f"a row starts at {start_ns} ns, which is no whole second.")
    return second


def frame_rows(frames: FrameBlock) -> Iterable[tuple[Any, ...]]:
    """One tuple a frame, in the order of FRAME_COLUMNS."""
    seconds, rest = np.divmod(frames.start_ns, NS_PER_S)
    if rest.any():
        raise InvariantError("a frame does not start at a whole second.")
    columns: list[Sequence[Any]] = [
        seconds.tolist(),
        frames.posture.tolist(),
        frames.activity.tolist(),
        frames.activity_source.tolist(),
        hundredths(frames.confidence, "confidence").tolist(),
        frames.quality.tolist(),
        frames.samples.tolist(),
        frames.missing.tolist(),
        frames.suspect.tolist(),
    ]
    columns += [_nullable_hundredths(getattr(frames, name), name) for name in ANGLES]
    return zip(*columns, strict=True)


def frames_of_rows(rows: Sequence[tuple[Any, ...]]) -> FrameBlock:
    """The frames of tuples in the order of FRAME_COLUMNS."""
    columns = list(zip(*rows, strict=True)) or [()] * len(FRAME_COLUMNS)
    angles = [np.array(column, dtype=np.float64) / HUNDREDTHS for column in columns[-len(ANGLES) :]]
    return FrameBlock(
        start_ns=np.array(columns[0], dtype=np.int64) * NS_PER_S,
        posture=np.array(columns[1], dtype=np.uint8),
        activity=np.array(columns[2], dtype=np.uint8),
        activity_source=np.array(columns[3], dtype=np.uint8),
        confidence=np.array(columns[4], dtype=np.float64) / HUNDREDTHS,
        quality=np.array(columns[5], dtype=np.uint8),
        samples=np.array(columns[6], dtype=np.int32),
        missing=np.array(columns[7], dtype=np.uint8),
        suspect=np.array(columns[8], dtype=np.uint8),
        **dict(zip(ANGLES, angles, strict=True)),
    )


def ahead_body(ahead: FrameBlock) -> str:
    """The one second in ``ahead`` as JSON. InvariantError for several, or one that is no frame."""
    if len(tuple(frame_rows(ahead))) != 1:
        raise InvariantError(f"{len(ahead)} seconds were computed ahead, not the newest alone.")
    return msgspec.json.encode(next(ahead.rows())).decode()


def ahead_of_body(body: str) -> Frame:
    """The second in ``body``."""
    return _FRAME_DECODER.decode(body)


def rollup_body(rollup: Rollup) -> bytes:
    """All of a rollup but its start, with codes for postures and activities."""
    return msgspec.msgpack.encode(
        (
            rollup.worn_s,
            {_POSTURE_CODE[k]: v for k, v in rollup.posture_s.items()},
            {_ACTIVITY_CODE[k]: v for k, v in rollup.activity_s.items()},
            {_ACTIVITY_CODE[k]: v for k, v in rollup.rounded_activity_s.items()},
            rollup.mean_trunk_flexion_deg,
            rollup.episodes,
            rollup.longest_episode_s,
        )
    )


def rollup_of_body(start_s: int, body: bytes) -> Rollup:
    """The rollup that starts at ``start_s`` and has this body."""
    worn_s, postures, activities, rounded, mean_deg, episodes, longest_s = _ROLLUP_DECODER.decode(
        body
    )
    return Rollup(
        start_ns=start_s * NS_PER_S,
        worn_s=worn_s,
        posture_s={POSTURES[k]: v for k, v in postures.items()},
        activity_s={ACTIVITIES[k]: v for k, v in activities.items()},
        rounded_activity_s={ACTIVITIES[k]: v for k, v in rounded.items()},
        mean_trunk_flexion_deg=mean_deg,
        episodes=episodes,
        longest_episode_s=longest_s,
    )


def episode_body(episode: Episode) -> str:
    """The episode as JSON."""
    return msgspec.json.encode(episode).decode()


def episode_of_body(body: str) -> Episode:
    """The episode in ``body``."""
    return _EPISODE_DECODER.decode(body)


def nudge_row(nudge: Nudge) -> tuple[Any, ...]:
    """One value a column of NUDGE_COLUMNS."""
    return (
        whole_second(nudge.at_ns),
        nudge.kind.value,
        nudge.held_for_s,
        nudge.given,
        nudge.kept_back,
        nudge.felt,
        nudge.felt_why,
        nudge.after,
        nudge.upright_after_s,
        nudge.held_s,
    )


def nudge_of_row(row: tuple[Any, ...]) -> Nudge:
    """The reminder of such a row. ValueError for a word that is none."""
    at_s, kind, held_for_s, given, kept_back, felt, felt_why, after, upright_after_s, held_s = row
    return Nudge(
        at_ns=at_s * NS_PER_S,
        kind=NudgeKind(kind),
        held_for_s=held_for_s,
        given=bool(given),
        kept_back=None if kept_back is None else KeptBack(kept_back),
        felt=None if felt is None else bool(felt),
        felt_why=felt_why,
        after=None if after is None else Afterwards(after),
        upright_after_s=upright_after_s,
        held_s=held_s,
    )


def nudge_body(nudge: Nudge) -> str:
    """What was decided of the reminder, as JSON; what is learned later has rows of its own."""
    decided = Nudge(
        at_ns=nudge.at_ns,
        kind=nudge.kind,
        held_for_s=nudge.held_for_s,
        given=nudge.given,
        kept_back=nudge.kept_back,
    )
    return msgspec.json.encode(decided).decode()


def nudge_of_body(body: str) -> Nudge:
    """The reminder in ``body``; one of before reasons were kept was late where it was not given."""
    nudge = _NUDGE_DECODER.decode(body)
    if nudge.given or nudge.kept_back is not None:
        return nudge
    return msgspec.structs.replace(nudge, kept_back=KeptBack.BACKLOG)


def felt_of(nudge: Nudge) -> NudgeFelt | None:
    """What the reminder says of its pulse, if anything."""
    if nudge.felt is None:
        return None
    return NudgeFelt(at_ns=nudge.at_ns, kind=nudge.kind, felt=nudge.felt, why=nudge.felt_why)


def after_of(nudge: Nudge) -> NudgeAfter | None:
    """What the reminder says of what came after it, if anything."""
    if nudge.after is None:
        return None
    return NudgeAfter(
        at_ns=nudge.at_ns,
        kind=nudge.kind,
        after=nudge.after,
        upright_after_s=nudge.upright_after_s,
        held_s=nudge.held_s,
    )


def with_facts(nudge: Nudge, felt: str | None, after: str | None) -> Nudge:
    """The reminder with what was learned of it later, as the JSON of a NudgeFelt and a NudgeAfter."""
    facts: dict[str, Any] = {}
    if felt is not None:
        pulse = _FELT_DECODER.decode(felt)
        facts |= {"felt": pulse.felt, "felt_why": pulse.why}
    if after is not None:
        seen = _AFTER_DECODER.decode(after)
        facts |= {name: getattr(seen, name) for name in ("after", "upright_after_s", "held_s")}
    return msgspec.structs.replace(nudge, **facts)


def health_body(health: SensorHealth) -> str:
    """The sensor's health as JSON."""
    return msgspec.json.encode(health).decode()


def health_of_body(body: str) -> SensorHealth:
    """The sensor's health in ``body``."""
    return _HEALTH_DECODER.decode(body)


def calibration_body(outcome: CalibrationOutcome) -> str:
    """What became of a calibration session as JSON."""
    return msgspec.json.encode(outcome).decode()


def calibration_of_body(body: str) -> CalibrationOutcome:
    """What became of the calibration session in ``body``."""
    return _CALIBRATION_DECODER.decode(body)


def hundredths(values: NDArray[np.float64], name: str) -> NDArray[np.int64]:
    """``values`` in hundredths, exactly. InvariantError where one is finer, or no number."""
    scaled = values * HUNDREDTHS
    whole = np.rint(scaled)
    if not np.isfinite(scaled).all() or (np.abs(scaled - whole) > _ROUNDING).any():
        raise InvariantError(f"a frame's {name} is no multiple of 0.01.")
    return whole.astype(np.int64)


def _nullable_hundredths(values: NDArray[np.float64], name: str) -> list[int | None]:
    absent = np.isnan(values)
    if not absent.any():
        return list(hundredths(values, name).tolist())
    if absent.all():
        return [None] * values.size
    cells = hundredths(np.where(absent, 0.0, values), name).astype(object)
    cells[absent] = None
    return list(cells.tolist())
