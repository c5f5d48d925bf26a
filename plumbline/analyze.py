"""``plumbline analyze``: recordings through the pipeline, offline."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from analytics.core.calibrating import ACCEPTED
from analytics.offline import Analysis, Choice, analyze
from analytics.service import load_focus_table
from analytics.tables import episode_table, frame_table, write_table
from contracts.doubts import doubts_of
from contracts.errors import SettingError
from contracts.recording import open_recording
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES
from plumbline.fleet import parse_placements
from plumbline.outputs import check_parent


@dataclass(frozen=True, slots=True)
class AnalyzeChoice:
    """What ``plumbline analyze`` was asked to do."""

    recordings: tuple[Path, ...]
    sensors: str = ""
    min_episode_s: float | None = None
    frames: Path | None = None
    episodes: Path | None = None
    as_json: bool = False


def run_analyze(choice: AnalyzeChoice) -> None:
    """Analyse each recording by itself, write the tables and print a line a recording.

    RecordingError, SettingError or DiskError before anything is written where something is wrong.
    """
    for path in (choice.frames, choice.episodes):
        check_parent(path)
    offline = _offline_choice(choice)
    recordings = [open_recording(folder) for folder in choice.recordings]
    console = Console(stderr=True)
    steps = track(
        recordings,
        "Analysing",
        console=console,
        transient=True,
        disable=choice.as_json or not console.is_terminal,
    )
    analyses = [analyze(recording, offline) for recording in steps]
    if choice.frames is not None:
        write_table(choice.frames, [frame_table(analysis) for analysis in analyses])
    if choice.episodes is not None:
        write_table(choice.episodes, [episode_table(analysis) for analysis in analyses])
    summaries = [summarise(analysis) for analysis in analyses]
    if choice.as_json:
        sys.stdout.write(json.dumps(summaries, indent=1) + "\n")
    else:
        Console().print(_table(summaries))
        for found in summaries:
            for refusal in found["calibrations_refused"]:
                Console().print(f"{found['recording']}: calibration refused: {refusal}")
            for note in found["calibration_notes"]:
                Console().print(f"{found['recording']}: calibration {note}")
            for trouble in found["troubles"]:
                Console().print(_line(found["recording"], trouble), highlight=False)


def summarise(analysis: Analysis) -> dict[str, Any]:
    """One recording's result in figures."""
    frames = analysis.frames
    seconds = Counter(POSTURES[code].value for code in frames.posture.tolist())
    return {
        "recording": analysis.name,
        "sensors": [placement.value for placement in analysis.samples],
        "samples": sum(analysis.samples.values()),
        "samples_in_frames": int(frames.samples.sum()),
        "lost": sum(analysis.lost.values()),
        "frames": len(frames),
        "posture_s": dict(seconds.most_common()),
        "episodes": len(analysis.episodes),
        "calibrated": any(result.accepted for result in analysis.calibrations),
        "calibrations_refused": [
            f"{result.message} {result.hint}".strip()
            for result in analysis.calibrations
            if not result.accepted
        ],
        "calibration_notes": [
            result.message
            for result in analysis.calibrations
            if result.accepted and result.message != ACCEPTED
        ],
        "troubles": [
            {
                "quality": doubt.quality.value,
                "sensors": [placement.value for placement in doubt.placements],
                "start_s": (doubt.start_ns - analysis.recording.start_ns) / NS_PER_S,
                "seconds": doubt.seconds,
                "what": doubt.what(doubt.placements),
                "advice": doubt.advice,
            }
            for doubt in doubts_of(frames)
        ],
    }


def _line(recording: str, trouble: dict[str, Any]) -> str:
    """A trouble as a person reads it: what, from when in the recording, for how long, what to do."""
    minutes, seconds = divmod(round(trouble["start_s"]), 60)
    return (
        f"{recording}: {trouble['what']}, from {minutes}:{seconds:02} on "
        f"({trouble['seconds']:,} s). {trouble['advice']}"
    )


def _offline_choice(choice: AnalyzeChoice) -> Choice:
    settings = PostureSettings()
    if choice.min_episode_s is not None:
        try:
            settings = msgspec.structs.replace(settings, episode_s=choice.min_episode_s)
        except SettingError as error:
            hint = "--min-episode is the shortest sustained episode, in seconds."
            raise SettingError(error.reason, error.message, hint=hint) from None
    placements = parse_placements(choice.sensors) if choice.sensors else None
    return Choice(placements=placements, settings=settings, focus_table=load_focus_table())


def _table(summaries: list[dict[str, Any]]) -> Table:
    table = Table("recording", "sensors", "samples", "lost", "frames", "rounded s", "episodes")
    for column in table.columns[2:]:
        column.justify = "right"
    for found in summaries:
        table.add_row(
            found["recording"] + ("" if found["calibrated"] else " (not calibrated)"),
            " ".join(found["sensors"]),
            f"{found['samples']:,}",
            f"{found['lost']:,}",
            f"{found['frames']:,}",
            f"{found['posture_s'].get('rounded', 0):,}",
            f"{found['episodes']:,}",
        )
    return table
