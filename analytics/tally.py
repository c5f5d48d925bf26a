"""What came out for each wearer since the service started, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.core.results import Output


@dataclass(slots=True)
class _Wearer:
    frames: int = 0
    frame_samples: int = 0
    episodes: int = 0
    last_episode_ns: int = -1
    last_frame_ns: int | None = None
    calibration: str | None = None


class Tally:
    """Counters by wearer, and what became of the last calibration."""

    def __init__(self) -> None:
        self._wearers: dict[str, _Wearer] = {}

    def add(self, wearer: str, output: Output) -> None:
        """What a commit held."""
        counted = self._wearers.setdefault(wearer, _Wearer())
        frames = output.frames
        if len(frames):
            counted.frames += len(frames)
            counted.frame_samples += int(frames.samples.sum())
            counted.last_frame_ns = int(frames.start_ns[-1])
        for result in output.calibrations:
            counted.calibration = result.message
        for episode in output.episodes:
            # The same episode is said again as it grows; starts never go back.
            if episode.start_ns > counted.last_episode_ns:
                counted.last_episode_ns = episode.start_ns
                counted.episodes += 1

    def forget(self, wearer: str) -> None:
        """Count a wearer no more."""
        self._wearers.pop(wearer, None)

    def of(self, wearer: str) -> dict[str, Any]:
        """A wearer's counters as plain values."""
        counted = self._wearers.get(wearer, _Wearer())
        return {
            "frames": counted.frames,
            "frame_samples": counted.frame_samples,
            "episodes": counted.episodes,
            "last_frame_ns": counted.last_frame_ns,
            "calibration": counted.calibration,
        }
