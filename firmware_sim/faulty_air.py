"""A fault plan on the air: what becomes of packets, and who is within reach when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol, TypeVar

import structlog
from bumble import att

from contracts.units import NS_PER_S
from firmware_sim.air import VirtualController
from firmware_sim.faults import (
    Change,
    Corruption,
    Delay,
    FaultPlan,
    Loss,
    Moment,
    SlowLink,
    check_plan,
    moments,
)

log = structlog.get_logger(__name__)

S = TypeVar("S", Loss, Corruption)

#: Where an ATT opcode is in an ACL packet: type, handle, length, L2CAP length, channel come before.
_OPCODE_AT: Final = 9
_VALUE_AT: Final = 12
_NOTIFY: Final = int(att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION)
#: The longest sleep between looks at the clock, which may be set meanwhile.
MAX_SLEEP_S: Final = 60.0


class Port(Protocol):
    """Where gateways reach the air: a dongle of this process, or a TCP port."""

    def pull_out(self) -> None:
        """Its dongles are gone, and with them every link."""

    def put_in(self) -> None:
        """They can be opened again."""


class PlannedConditions:
    """The air round one sensor by its plan. ``now_s``: seconds from the simulation's start."""

    def __init__(self, plan: FaultPlan, random: Random, now_s: Callable[[], float]) -> None:
        self._loss = plan.kind(Loss)
        self._delay = plan.kind(Delay)
        self._slow = plan.kind(SlowLink)
        self._free_s = 0.0  # when a slow link has carried all that was sent
        self._corruption = plan.kind(Corruption)
        self._random = random
        self._now_s = now_s
        self.lost_on_purpose = 0
        self.damaged_on_purpose = 0

    @property
    def calm(self) -> bool:
        """Whether nothing will ever happen to a packet."""
        return not (self._loss or self._delay or self._slow or self._corruption)

    def passed(self, packet: bytes, *, from_sensor: bool) -> tuple[bytes | None, float]:
        """An ACL packet as it arrives, None where it never does, and after how many seconds."""
        now_s = self._now_s()
        delay_s = sum(
            fault.delay_s + fault.jitter_s * self._random.random()
            for fault in self._delay
            if fault.at_s <= now_s < fault.end_s
        )
        delay_s += self._carried_s(len(packet), now_s)
        if not from_sensor or len(packet) <= _VALUE_AT or packet[_OPCODE_AT] != _NOTIFY:
            return packet, delay_s
        if self._strikes(self._loss, now_s):
            self.lost_on_purpose += 1
            return None, delay_s
        damage = self._strikes(self._corruption, now_s)
        if damage is not None:
            self.damaged_on_purpose += 1
            packet = self._damaged(packet, damage.how)
        return packet, delay_s

    def _carried_s(self, size: int, now_s: float) -> float:
        """How long a slow link takes for what was sent before and ``size`` bytes more."""
        for fault in self._slow:
            if fault.at_s <= now_s < fault.end_s:
                self._free_s = max(self._free_s, now_s) + size / fault.bytes_per_s
                return self._free_s - now_s
        return 0.0

    def _strikes(self, faults: Sequence[S], now_s: float) -> S | None:
        for fault in faults:
            if fault.at_s <= now_s < fault.end_s and self._random.random() < fault.share:
                return fault
        return None

    def _damaged(self, packet: bytes, how: str) -> bytes:
        if how == "flip":
            bit = self._random.randrange(8 * (len(packet) - _VALUE_AT))
            damaged = bytearray(packet)
            damaged[_VALUE_AT + bit // 8] ^= 1 << bit % 8
            return bytes(damaged)
        kept = self._random.randrange(len(packet) - _VALUE_AT)
        pdu_bytes = 3 + kept
        lengths = (pdu_bytes + 4).to_bytes(2, "little") + pdu_bytes.to_bytes(2, "little")
        return packet[:3] + lengths + packet[7 : _VALUE_AT + kept]


#: A sensor on the air: the names that it goes by, and its controller.
Named = tuple[Sequence[str], VirtualController]


def set_conditions(
    plan: FaultPlan, sensors: Sequence[Named], now_s: Callable[[], float]
) -> list[PlannedConditions]:
    """Let the packets of every sensor fare as its plan has it; each has chances of its own.

    SettingError for a plan that names a sensor there is not.
    """
    check_plan(plan, [names for names, _ in sensors])
    every = []
    for number, (names, controller) in enumerate(sensors):
        chance = Random(f"{plan.seed}/{number}")
        conditions = PlannedConditions(plan.of(*names), chance, now_s)
        controller.conditions = None if conditions.calm else conditions
        every.append(conditions)
    return every


async def play_faults(
    plan: FaultPlan,
    sensors: Sequence[Named],
    ports: Sequence[Port],
    *,
    start_ns: int,
    clock_ns: Callable[[], int],
) -> None:
    """Do to the air what the plan says, when it says so. Returns after the last change.

    What was due before now is done at once, in order. ``start_ns``: true UTC of the plan's second 0.
    """
    for moment in moments(plan, [names for names, _ in sensors]):
        due_ns = start_ns + round(moment.at_s * NS_PER_S)
        while (left_ns := due_ns - clock_ns()) > 0:  # noqa: ASYNC110 - a clock has no event
            await asyncio.sleep(min(MAX_SLEEP_S, left_ns / NS_PER_S))
        _do(moment, sensors, ports)


def _do(moment: Moment, sensors: Sequence[Named], ports: Sequence[Port]) -> None:
    log.debug("air.fault", change=moment.change, sensor=moment.sensor, at_s=moment.at_s)
    if moment.sensor is None:
        for port in ports:
            port.pull_out() if moment.change is Change.PULL_OUT else port.put_in()
        return
    controller = sensors[moment.sensor][1]
    if moment.change is Change.DROP:
        controller.lose_links()
    else:
        controller.set_in_reach(moment.change is Change.IN_REACH)
