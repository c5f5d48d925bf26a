"""Samples in and out at every hop, from what the parts report. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hops:
    """Counts of samples over the sensors of one run.

    ``recorded`` by the sensors, ``received`` into the gateway's outbox, ``stored`` taken by analytics
    and committed, ``in_frames`` of the wearer's frames; ``late`` came after their second was closed;
    ``lost`` the sensors themselves never had; ``ended``: every sensor is switched off.
    """

    recorded: int = 0
    received: int = 0
    stored: int = 0
    in_frames: int = 0
    late: int = 0
    lost: int = 0
    ended: bool = False

    def complete(self) -> bool:
        """Whether every sample that the sensors recorded, all of them ended, is in frames."""
        return self.ended and 0 < self.recorded == self.received == self.stored == self.in_frames

    def progress(self, waiting: int) -> int:
        """A number that changes as long as anything of what waited (or of all, where 0) moves on."""
        counts = (self.received, self.stored, self.in_frames)
        return sum(min(count, waiting) if waiting else count for count in counts)

    def missing(self, waiting: int) -> list[str]:
        """What is missing of ``waiting`` samples, hop by hop, in words; nothing where all is there."""
        hops = (
            ("the sensors have recorded", self.recorded),
            ("the gateway has received", self.received),
            ("analytics has stored", self.stored),
            ("the frames hold", self.in_frames),
        )
        words = [
            f"{who} {count:,} of {waiting:,} samples" for who, count in hops if count < waiting
        ]
        if self.ended and self.received > self.recorded:
            words.append(f"the gateway received {self.received - self.recorded:,} samples too many")
        if self.late:
            words.append(f"{self.late:,} samples came after their second was closed")
        return words


def count_hops(
    serials: Collection[str], wearer: str, sim: Report, gateway: Report, analytics: Report
) -> Hops:
    """The counts in the parts' reports, for the sensors of one run. What is not there yet is 0."""

    def total(report: Report, field: str) -> int:
        sensors = report.get("sensors", {})
        return sum(int(sensors.get(serial, {}).get(field, 0)) for serial in serials)

    simulated = sim.get("sensors", {})
    return Hops(
        recorded=total(sim, "recorded"),
        received=total(gateway, "received"),
        stored=total(analytics, "samples"),
        in_frames=int(analytics.get("wearers", {}).get(wearer, {}).get("frame_samples", 0)),
        late=total(analytics, "late"),
        lost=total(sim, "lost"),
        ended=all(simulated.get(serial, {}).get("ended", False) for serial in serials),
    )
