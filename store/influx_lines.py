"""Rows to InfluxDB's line protocol and back, exactly. No network in here.

A line is built by hand: a point object of the client's costs six times as much. Numbers are integers,
as in the SQLite file; what has an inner shape is JSON in ``body``. A row that is written again with
the same key replaces the one before in every field that is read.

=============  ========================  ==========================================================
measurement    tags                      time, fields
=============  ========================  ==========================================================
frame          wearer                    its second; codes, hundredths; ``angles``: bit i says that
                                         ANGLES[i] is there (a field once written cannot be unset)
minute, day    wearer                    its second + version; body, worn_s, rounded_s
episode        wearer                    its second + version; body, end_ns
nudge          wearer, kind              its second + version; body, felt, after
calibration    wearer                    effective_ns; body
ahead          wearer                    BASE_NS + version; body
health         gateway, sensor           BASE_NS + version; body
snapshot       wearer                    BASE_NS + version; parts, part0, part1, … (base64)
cursor         gateway, sensor, outbox   BASE_NS + version; seq
=============  ========================  ==========================================================

A version is a number of nanoseconds under a second: store/influx_versions.py says what it is for.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.errors import InvariantError
from contracts.records import (
    ANGLES,
    CalibrationOutcome,
    Episode,
    FrameBlock,
    Nudge,
    NudgeAfter,
    NudgeFelt,
    Rollup,
    SensorHealth,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import NudgeKind, Posture, is_id
from store import rows
from store.ports import Commit, StreamKey

#: The time of rows that have none: 2020-01-01, so that all of them lie in one shard.
BASE_NS: Final = 1_577_836_800 * NS_PER_S
CODE_FIELDS: Final = rows.FRAME_COLUMNS[1 : -len(ANGLES)]
ANGLE_FIELDS: Final = rows.FRAME_COLUMNS[-len(ANGLES) :]
#: InfluxDB promises 64 kB a string.
PART_CHARS: Final = 60_000
MAX_PARTS: Final = 500
_SNAPSHOT_LEVEL: Final = 1
_ROLLUP_DECODER: Final = msgspec.json.Decoder(Rollup)


@dataclass(frozen=True, slots=True)
class CommitLines:
    """A commit's lines: ``frames`` and ``kept`` for those buckets, and ``last``, kept after them.

    Frames and last, most of the work, become text as they are taken, once. The frames were checked
    before; taking ``last`` raises InvariantError where there is a snapshot or key that cannot be.
    """

    frames: Iterator[str]
    kept: list[str]
    last: Iterator[str]


def commit_lines(commit: Commit, version: int) -> CommitLines:
    """All lines of a commit. InvariantError where one of its rows is none; nothing is left out."""
    kept: list[str] = []
    for new in commit.wearers:
        kept += rollup_lines("minute", new.wearer, new.minutes, version)
        kept += rollup_lines("day", new.wearer, new.days, version)
        kept += episode_lines(new.wearer, new.episodes, version)
        kept += nudge_lines(new.wearer, new.nudges, version)
        kept += felt_lines(new.wearer, new.felt, version)
        kept += sequel_lines(new.wearer, new.sequels, version)
        kept += calibration_lines(new.wearer, new.calibrations)
        if len(new.ahead):
            kept.append(ahead_line(new.wearer, rows.ahead_body(new.ahead), version))
    frames = frame_lines([(new.wearer, new.frames) for new in commit.wearers])
    return CommitLines(frames, kept, _last_lines(commit, version))


def frame_lines(blocks: Sequence[tuple[str, FrameBlock]]) -> Iterator[str]:
    """A line a frame of these wearers, made as it is taken, in no certain order.

    InvariantError, at once, for a frame off the second or an angle finer than 0.01°.
    """
    wearers = np.array([_id(wearer) for wearer, _ in blocks], dtype=object)
    wearer = np.repeat(wearers, [len(block) for _, block in blocks])
    frames = FrameBlock.concat([block for _, block in blocks])
    if (frames.start_ns % NS_PER_S).any():
        raise InvariantError("a frame does not start at a whole second.")
    codes: list[NDArray[Any]] = [
        frames.posture,
        frames.activity,
        frames.activity_source,
        rows.hundredths(frames.confidence, "confidence"),
        frames.quality,
        frames.samples,
        frames.missing,
        frames.suspect,
    ]
    there = [~np.isnan(getattr(frames, name)) for name in ANGLES]
    angles = [
        rows.hundredths(np.where(mask, getattr(frames, name), 0.0), name)
        for name, mask in zip(ANGLES, there, strict=True)
    ]
    present: NDArray[np.int64] = np.sum([mask << i for i, mask in enumerate(there)], axis=0)
    kinds: list[tuple[str, list[NDArray[Any]]]] = []
    for bits in np.unique(present).tolist():
        chosen = [bit for bit in range(len(ANGLES)) if bits >> bit & 1]
        names = [*CODE_FIELDS, *(ANGLE_FIELDS[bit] for bit in chosen)]
        fields = ",".join(f"{name}=%di" for name in names)
        columns = [wearer, *codes, *(angles[bit] for bit in chosen), frames.start_ns]
        picked = present == bits
        template = f"frame,wearer=%s angles={bits}i,{fields} %d"
        kinds.append((template, [column[picked] for column in columns]))
    return (
        template % row
        for template, columns in kinds
        for row in zip(*(column.tolist() for column in columns), strict=True)
    )


def _last_lines(commit: Commit, version: int) -> Iterator[str]:
    yield from health_lines(commit.health, version)
    for new in commit.wearers:
        if new.snapshot is not None:
            yield snapshot_line(new.wearer, new.snapshot, version)
    for key, seq in commit.cursors.items():
        yield cursor_line(key, seq, version)


def rollup_lines(span: str, wearer: str, rollups: Iterable[Rollup], version: int) -> list[str]:
    """A line a minute or day (``span``)."""
    return [
        f"{span},wearer={_id(wearer)} body={_text(_json(rollup))},worn_s={rollup.worn_s}i,"
        f"rounded_s={rollup.posture_s.get(Posture.ROUNDED, 0)}i"
        f" {_versioned(rollup.start_ns, version)}"
        for rollup in rollups
    ]


def rollup_of_body(body: str) -> Rollup:
    """The minute or day in ``body``. msgspec's errors where it holds none."""
    return _ROLLUP_DECODER.decode(body)


def episode_lines(wearer: str, episodes: Iterable[Episode], version: int) -> list[str]:
    """A line an episode."""
    return [
        f"episode,wearer={_id(wearer)} body={_text(rows.episode_body(episode))},"
        f"end_ns={episode.end_ns}i {_versioned(episode.start_ns, version)}"
        for episode in episodes
    ]


def nudge_lines(wearer: str, nudges: Sequence[Nudge], version: int) -> list[str]:
    """A line a reminder, and one for each of the later facts that it carries."""
    lines = [
        f"{_nudge_key(wearer, nudge.kind)} body={_text(rows.nudge_body(nudge))}"
        f" {_versioned(nudge.at_ns, version)}"
        for nudge in nudges
    ]
    felt = [pulse for nudge in nudges if (pulse := rows.felt_of(nudge)) is not None]
    after = [seen for nudge in nudges if (seen := rows.after_of(nudge)) is not None]
    return lines + felt_lines(wearer, felt, version) + sequel_lines(wearer, after, version)


def felt_lines(wearer: str, felt: Iterable[NudgeFelt], version: int) -> list[str]:
    """A line a reply to a pulse."""
    return [
        f"{_nudge_key(wearer, fact.kind)} felt={_text(msgspec.json.encode(fact).decode())}"
        f" {_versioned(fact.at_ns, version)}"
        for fact in felt
    ]


def sequel_lines(wearer: str, sequels: Iterable[NudgeAfter], version: int) -> list[str]:
    """A line for each word on what came after a reminder."""
    return [
        f"{_nudge_key(wearer, fact.kind)} after={_text(msgspec.json.encode(fact).decode())}"
        f" {_versioned(fact.at_ns, version)}"
        for fact in sequels
    ]


def _nudge_key(wearer: str, kind: NudgeKind) -> str:
    return f"nudge,wearer={_id(wearer)},kind={kind}"


def calibration_lines(wearer: str, outcomes: Iterable[CalibrationOutcome]) -> list[str]:
    """A line a calibration session."""
    return [
        f"calibration,wearer={_id(wearer)} body={_text(rows.calibration_body(outcome))}"
        f" {outcome.effective_ns}"
        for outcome in outcomes
    ]


def ahead_line(wearer: str, body: str, version: int) -> str:
    """The line of the second that was computed ahead: one point a wearer, so that none pile up.

    Its own second for its time would leave a point a second, and where the server keeps frames they
    would be let go or found among them.
    """
    return f"ahead,wearer={_id(wearer)} body={_text(body)} {_versioned(BASE_NS, version)}"


def health_lines(health: Iterable[SensorHealth], version: int) -> list[str]:
    """A line a sensor."""
    return [
        f"health,gateway={_id(h.gateway)},sensor={_id(h.sensor)} body={_text(rows.health_body(h))}"
        f" {_versioned(BASE_NS, version)}"
        for h in health
    ]


def snapshot_line(wearer: str, snapshot: bytes, version: int) -> str:
    """The line of a wearer's snapshot. InvariantError for one over some 20 MB."""
    text = base64.b64encode(zlib.compress(snapshot, _SNAPSHOT_LEVEL)).decode()
    parts = [text[at : at + PART_CHARS] for at in range(0, len(text), PART_CHARS)]
    if len(parts) > MAX_PARTS:
        raise InvariantError(f"a snapshot of {len(snapshot)} bytes.")
    fields = "".join(f',part{number}="{part}"' for number, part in enumerate(parts))
    return (
        f"snapshot,wearer={_id(wearer)} parts={len(parts)}i{fields} {_versioned(BASE_NS, version)}"
    )


def snapshot_of_parts(parts: Sequence[str]) -> bytes:
    """The snapshot of a line's parts. ValueError or zlib.error where they are none."""
    return zlib.decompress(base64.b64decode("".join(parts), validate=True))


def cursor_line(key: StreamKey, seq: int, version: int) -> str:
    """The line of a stream's cursor."""
    return (
        f"cursor,gateway={_id(key.gateway)},sensor={_id(key.sensor)},outbox={_id(key.outbox)}"
        f" seq={seq}i {_versioned(BASE_NS, version)}"
    )


def _json(rollup: Rollup) -> str:
    return msgspec.json.encode(rollup).decode()


def _versioned(start_ns: int, version: int) -> int:
    return rows.whole_second(start_ns) * NS_PER_S + version


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _id(value: str) -> str:
    if not is_id(value):  # one that is needs no escaping
        raise InvariantError("a row is keyed by what is no id.")
    return value
