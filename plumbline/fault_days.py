"""Days on which much goes wrong, drawn from a seed before anything runs. Pure.

The sensors measure all day; the gateway is at work in visits, as at a desk that its wearer comes back
to, and what is measured in between waits in the sensors' logs. Most faults strike in visits, some
between them, and the last visit ends in peace, so that all that is to be had can be had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from firmware_sim.faults import (
    AdapterGone,
    AnyFault,
    Corruption,
    Delay,
    DriftingClock,
    Drop,
    DyingBattery,
    FaultPlan,
    Loss,
    OutOfRange,
    Reboot,
    Span,
)

DAY_H: Final = 24.0
#: One day in ten is longer than a sensor's log, and nobody reads it before the end.
LONG_DAY_H: Final = (25.0, 30.0)
LONG_DAY_SHARE: Final = 0.1
VISITS: Final = (4, 8)
VISIT_S: Final = (40.0, 140.0)
#: The last visit: faults in its first part, then peace that is longer than every wait of a gateway
#: (half a minute of backing off, ten seconds between scans, and a day's log to fetch).
LAST_TROUBLE_S: Final = 60.0
PEACE_S: Final = 150.0
FAULTS_A_VISIT: Final = (0, 4)
#: Faults of the hours between: nobody sees them happen.
FAULTS_BETWEEN: Final = (0, 3)
SENSORS: Final = ("T4", "L5")


@dataclass(frozen=True, slots=True)
class Visit:
    """The gateway is at work in [start_s, end_s). ``killed``: it gets no chance to end in order."""

    start_s: float
    end_s: float
    killed: bool = False

    @property
    def span(self) -> Span:
        """When it is."""
        return Span(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Day:
    """A day: its seed, how long, when the gateway is at work, and what goes wrong."""

    seed: int
    hours: float
    visits: tuple[Visit, ...]
    plan: FaultPlan


def draw_day(seed: int) -> Day:
    """The day of a seed: the same one every time."""
    random = Random(seed)
    long = random.random() < LONG_DAY_SHARE
    hours = random.uniform(*LONG_DAY_H) if long else DAY_H
    end_s = hours * 3600.0
    last = Visit(end_s - LAST_TROUBLE_S - PEACE_S, end_s)
    early = () if long else _early_visits(random, last.start_s)
    faults: list[AnyFault] = []
    for visit in early:
        faults += _faults(random, visit.span, FAULTS_A_VISIT)
    trouble = Span(last.start_s, last.start_s + LAST_TROUBLE_S)
    faults += _faults(random, trouble, FAULTS_A_VISIT)
    faults += _faults(random, Span(0.0, last.start_s), FAULTS_BETWEEN, longest_s=3 * 3600.0)
    plan = FaultPlan(seed=seed, faults=tuple(_within(fault, trouble.end_s) for fault in faults))
    return Day(seed, hours, (*early, last), plan)


def _early_visits(random: Random, before_s: float) -> tuple[Visit, ...]:
    """Visits in time order, each in a part of the day of its own."""
    count = random.randint(*VISITS)
    part_s = before_s / count
    visits = []
    for number in range(count):
        lasts_s = random.uniform(*VISIT_S)
        start_s = number * part_s + random.uniform(0.0, part_s - lasts_s)
        visits.append(Visit(start_s, start_s + lasts_s, random.random() < 0.5))
    return tuple(visits)


def _faults(
    random: Random, span: Span, most: tuple[int, int], longest_s: float = 40.0
) -> list[AnyFault]:
    return [
        random.choice(_KINDS)(random, random.uniform(span.start_s, span.end_s), longest_s)
        for _ in range(random.randint(*most))
    ]


def _sensor(random: Random) -> str:
    return random.choice(("", *SENSORS))


def _lasts_s(random: Random, longest_s: float) -> float:
    return random.uniform(0.5, longest_s)


def _drop(random: Random, at_s: float, longest_s: float) -> AnyFault:
    del longest_s
    return Drop(at_s=at_s, sensor=_sensor(random))


def _out_of_range(random: Random, at_s: float, longest_s: float) -> AnyFault:
    return OutOfRange(at_s=at_s, sensor=_sensor(random), lasts_s=_lasts_s(random, longest_s))


def _loss(random: Random, at_s: float, longest_s: float) -> AnyFault:
    lasts_s, share = _lasts_s(random, longest_s), random.uniform(0.02, 0.7)
    return Loss(at_s=at_s, sensor=_sensor(random), lasts_s=lasts_s, share=share)


def _delay(random: Random, at_s: float, longest_s: float) -> AnyFault:
    return Delay(
        at_s=at_s,
        sensor=_sensor(random),
        lasts_s=_lasts_s(random, longest_s),
        delay_s=random.choice((0.03, 0.3, 2.0, 6.0)) * random.random(),
        jitter_s=random.choice((0.0, 0.1, 1.0)),
    )


def _corruption(random: Random, at_s: float, longest_s: float) -> AnyFault:
    lasts_s, share = _lasts_s(random, longest_s), random.uniform(0.02, 0.7)
    return Corruption(at_s=at_s, sensor=_sensor(random), lasts_s=lasts_s, share=share)


def _reboot(random: Random, at_s: float, longest_s: float) -> AnyFault:
    lasts_s = _lasts_s(random, min(longest_s, 20.0))
    return Reboot(at_s=at_s, sensor=_sensor(random), lasts_s=lasts_s)


def _flat(random: Random, at_s: float, longest_s: float) -> AnyFault:
    return DyingBattery(
        at_s=at_s,
        sensor=random.choice(SENSORS),
        lasts_s=_lasts_s(random, 30.0),
        off_s=_lasts_s(random, longest_s),
    )


def _drift(random: Random, at_s: float, longest_s: float) -> AnyFault:
    ppm = random.uniform(-60.0, 60.0)
    lasts_s = _lasts_s(random, 100 * longest_s)
    return DriftingClock(at_s=at_s, sensor=_sensor(random), lasts_s=lasts_s, ppm=ppm)


def _adapter(random: Random, at_s: float, longest_s: float) -> AnyFault:
    return AdapterGone(at_s=at_s, lasts_s=_lasts_s(random, min(longest_s, 60.0)))


_KINDS: Final[tuple[Callable[[Random, float, float], AnyFault], ...]] = (
    _drop,
    _drop,
    _out_of_range,
    _loss,
    _delay,
    _corruption,
    _reboot,
    _flat,
    _drift,
    _adapter,
)


def _within(fault: AnyFault, end_s: float) -> AnyFault:
    """The fault, over by ``end_s``; how a clock drifts need not end."""
    at_s = min(fault.at_s, end_s - 2.0)
    if isinstance(fault, Drop):
        return msgspec.structs.replace(fault, at_s=at_s)
    lasts_s = min(fault.lasts_s, end_s - at_s)
    if isinstance(fault, DyingBattery):
        half_s = (end_s - at_s) / 2
        return msgspec.structs.replace(
            fault,
            at_s=at_s,
            lasts_s=min(lasts_s, half_s),
            off_s=min(fault.off_s, end_s - at_s - min(lasts_s, half_s)),
        )
    return msgspec.structs.replace(fault, at_s=at_s, lasts_s=lasts_s)
