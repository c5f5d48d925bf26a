"""Analyses as Parquet files: one of frames, one of episodes, rows told apart by ``recording``.

Times are seconds from each recording's start.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analytics.offline import Analysis
from contracts.files import in_one_move
from contracts.records import ANGLES, placements_of
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    ACTIVITIES,
    ACTIVITY_SOURCES,
    POSTURES,
    QUALITIES,
)

FRAME_SCHEMA: Final = pa.schema(
    [
        ("recording", pa.string()),
        ("t_s", pa.float64()),
        ("posture", pa.string()),
        ("activity", pa.string()),
        ("activity_source", pa.string()),
        *((name, pa.float64()) for name in ANGLES),
        ("confidence", pa.float64()),
        ("quality", pa.string()),
        ("samples", pa.int32()),
        ("missing", pa.string()),
        ("suspect", pa.string()),
        ("explanation", pa.string()),
    ]
)
EPISODE_SCHEMA: Final = pa.schema(
    [
        ("recording", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("pattern", pa.string()),
        ("activity", pa.string()),
        ("rounded_s", pa.int64()),
        ("mean_flexion_deg", pa.float64()),
        ("peak_flexion_deg", pa.float64()),
        ("confidence", pa.float64()),
        ("explanation", pa.string()),
        ("focus_front", pa.list_(pa.string())),
        ("focus_back", pa.list_(pa.string())),
    ]
)


def frame_table(analysis: Analysis) -> pa.Table:
    """The frames of one analysis. An angle that the placements cannot give is null."""
    frames = analysis.frames
    columns: dict[str, Any] = {
        "recording": [analysis.name] * len(frames),
        "t_s": (frames.start_ns - analysis.recording.start_ns) / NS_PER_S,
        "posture": _names(frames.posture, POSTURES),
        "activity": _names(frames.activity, ACTIVITIES),
        "activity_source": _names(frames.activity_source, ACTIVITY_SOURCES),
        "confidence": frames.confidence,
        "quality": _names(frames.quality, QUALITIES),
        "samples": frames.samples,
        "missing": _placements(frames.missing),
        "suspect": _placements(frames.suspect),
        "explanation": analysis.explanations(),
    }
    for name in ANGLES:
        angle_deg = getattr(frames, name)
        columns[name] = pa.array(angle_deg, mask=np.isnan(angle_deg))
    return pa.table(columns, schema=FRAME_SCHEMA)


def episode_table(analysis: Analysis) -> pa.Table:
    """The episodes of one analysis, with the muscle groups to assess, most exposed first."""
    start_ns = analysis.recording.start_ns
    rows = [
        {
            "recording": analysis.name,
            "start_s": (episode.start_ns - start_ns) / NS_PER_S,
            "end_s": (episode.end_ns - start_ns) / NS_PER_S,
            "pattern": episode.pattern.value,
            "activity": episode.activity.value,
            "rounded_s": episode.rounded_s,
            "mean_flexion_deg": episode.mean_flexion_deg,
            "peak_flexion_deg": episode.peak_flexion_deg,
            "confidence": episode.confidence,
            "explanation": episode.explanation,
            "focus_front": _once(group for area in episode.focus for group in area.front),
            "focus_back": _once(group for area in episode.focus for group in area.back),
        }
        for episode in analysis.episodes
    ]
    return pa.Table.from_pylist(rows, schema=EPISODE_SCHEMA)


def write_table(path: Path, tables: Sequence[pa.Table]) -> None:
    """Write tables of one schema as one Parquet file, in one move. DiskError where it cannot be."""
    with in_one_move(path) as part:
        pq.write_table(pa.concat_tables(tables), part, compression="zstd")


def _names(codes: NDArray[np.uint8], order: Sequence[str]) -> list[str]:
    names = [str(value) for value in order]
    return [names[code] for code in codes.tolist()]


def _placements(masks: NDArray[np.uint8]) -> list[str]:
    return [",".join(placements_of(mask)) for mask in masks.tolist()]


def _once(groups: Any) -> list[str]:
    return list(dict.fromkeys(groups))
