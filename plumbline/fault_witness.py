"""What the sessions of a gateway did in a day of faults, noted where a broker would have heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.messages import SensorStatus
from contracts.units import NS_PER_S
from device_gateway.outbox import Outbox
from device_gateway.session import State
from firmware_sim.fast_time import BEGIN_NS, clock_ns
from firmware_sim.faults import Span
from plumbline.unanswered import Unanswered


@dataclass(frozen=True, slots=True)
class Step:
    """A session's state from a time on, s from the day's start; ``reason``: why it was refused."""

    at_s: float
    sensor: str
    state: str
    reason: str = ""


@dataclass(slots=True)
class Witness:
    """What one gateway's sessions did in a day, and how they were when its last visit ended."""

    steps: list[Step] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    unplaced: dict[str, int] = field(default_factory=dict)  # said by gateways that have ended
    at_end: dict[str, str] = field(default_factory=dict)
    links_at_gateway: int = 0
    linked_sensors: tuple[str, ...] = ()
    held: list[tuple[str, Span]] = field(default_factory=list)  # links that it had, by placement


class Watched(Unanswered):
    """Analytics that never answers. It notes what sessions do."""

    def __init__(self, witness: Witness, outbox: Outbox) -> None:
        super().__init__()
        self._witness = witness
        self._outbox = outbox
        self._unplaced_before = dict(witness.unplaced)

    def status(self, sensor: str, status: SensorStatus) -> None:
        """Note a change, and what could not be placed in time."""
        unplaced = status.dropped - self._outbox.state(sensor).lost
        before = self._unplaced_before.get(sensor, 0)
        self._witness.unplaced[sensor] = before + unplaced
        if self._witness.states.get(sensor) != status.state:
            self._witness.states[sensor] = status.state
            reason = status.reason if status.state == State.REFUSED else ""
            self._witness.steps.append(Step(day_s(), sensor, status.state, reason))


def day_s() -> float:
    """Seconds since the day's start."""
    return (clock_ns() - BEGIN_NS) / NS_PER_S
