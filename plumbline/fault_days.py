"""Days on which much goes wrong, drawn from a seed before anything runs. Pure.

The sensors measure all day; the gateway is at work in visits, as at a desk that its wearer comes back
to, and what is measured in between waits in the sensors' logs. Most faults strike in visits, some
between them, and the last visit ends in peace, so that all that is to be had can be had.

Some days have more to them: another gateway that wants the same sensors, sensors that bond, one of them
reset, a sensor of a make that keeps no log.
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
    Fault,
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
#: In so many days another gateway comes and goes, mostly while ours is at work;
RIVAL_SHARE: Final = 0.4
RIVAL_STAYS_AWAY: Final = 0.3
RIVAL_TOGETHER: Final = 0.7
RIVAL_BEFORE_S: Final = 60.0
#: in so many the native sensors bond, with ours in a minute of peace at the day's beginning,
BONDED_SHARE: Final = 0.4
ENROLMENT: Final = (5.0, 45.0)
#: and in so many of those one of them is reset while the gateway is away, its bond forgotten after
#: the next visit. That visit is one of peace, so that the gateway is sure to have said it.
RESET_SHARE: Final = 0.5
#: In so many the sensor at OTHER_MAKE_AT keeps no log.
OTHER_MAKE_SHARE: Final = 0.25
OTHER_MAKES: Final = ("dot", "movesense", "witmotion")
OTHER_MAKE_AT: Final = "L5"


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
class BondReset:
    """At ``at_s`` the sensor at a placement forgets its bond, the gateway its at ``forgotten_s``.

    In between it visits at ``told``, and says that the sensor no longer knows it.
    """

    at_s: float
    sensor: str
    told: Visit
    forgotten_s: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day: its seed, how long, when the gateway is at work, and what goes wrong.

    ``rival``: when another gateway is at work; ``bonded``: whether the native sensors bond;
    ``other_make``: that of the sensor at OTHER_MAKE_AT where it is not the native one.
    """

    seed: int
    hours: float
    visits: tuple[Visit, ...]
    plan: FaultPlan
    rival: tuple[Visit, ...] = ()
    bonded: bool = False
    reset: BondReset | None = None
    other_make: str = ""


def draw_day(seed: int) -> Day:
    """The day of a seed: the same one every time."""
    random = Random(seed)
    long = random.random() < LONG_DAY_SHARE
    hours = random.uniform(*LONG_DAY_H) if long else DAY_H
    bonded = random.random() < BONDED_SHARE
    enrolled = (Visit(*ENROLMENT),) if bonded else ()
    begin_s = ENROLMENT[1] if bonded else 0.0
    end_s = hours * 3600.0
    last = Visit(end_s - LAST_TROUBLE_S - PEACE_S, end_s)
    early = () if long else _early_visits(random, begin_s, last.start_s)
    trouble = Span(last.start_s, last.start_s + LAST_TROUBLE_S)
    other_make = random.choice(OTHER_MAKES) if random.random() < OTHER_MAKE_SHARE else ""
    native = [sensor for sensor in SENSORS if sensor != OTHER_MAKE_AT or not other_make]
    reset = _reset(random, (*early, last), native) if bonded and not long else None
    quiet = reset.told.span if reset else None
    rival_until_s = reset.at_s if reset else trouble.end_s
    wanted = not long and random.random() < RIVAL_SHARE
    return Day(
        seed,
        hours,
        (*enrolled, *early, last),
        FaultPlan(seed=seed, faults=_all_faults(random, early, begin_s, trouble, quiet)),
        rival=_rival(random, (*early, last), begin_s, rival_until_s) if wanted else (),
        bonded=bonded,
        reset=reset,
        other_make=other_make,
    )


def _all_faults(
    random: Random, early: tuple[Visit, ...], begin_s: float, trouble: Span, quiet: Span | None
) -> tuple[AnyFault, ...]:
    """Those of every early visit, of the last one's trouble and between; none that reaches ``quiet``."""
    faults: list[AnyFault] = []
    for visit in early:
        faults += _faults(random, visit.span, FAULTS_A_VISIT)
    faults += _faults(random, trouble, FAULTS_A_VISIT)
    between = Span(begin_s, trouble.start_s)
    faults += _faults(random, between, FAULTS_BETWEEN, longest_s=3 * 3600.0)
    ended = [_within(fault, trouble.end_s) for fault in faults]
    return tuple(fault for fault in ended if quiet is None or not _reaches(fault, quiet))


def _reaches(fault: AnyFault, span: Span) -> bool:
    return fault.at_s < span.end_s and over_s(fault) > span.start_s


def over_s(fault: Fault) -> float:
    """When a fault is over, a battery charged again."""
    return fault.end_s + fault.off_s if isinstance(fault, DyingBattery) else fault.end_s


def _reset(random: Random, visits: tuple[Visit, ...], native: list[str]) -> BondReset | None:
    """The reset of a native sensor's bond between two visits, in some of the days."""
    if random.random() >= RESET_SHARE:
        return None
    told = random.randrange(1, len(visits) - 1)
    before, visit, following = visits[told - 1 : told + 2]
    return BondReset(
        random.uniform(before.end_s, visit.start_s),
        random.choice(native),
        visit,
        random.uniform(visit.end_s, following.start_s),
    )


def _rival(
    random: Random, visits: tuple[Visit, ...], from_s: float, until_s: float
) -> tuple[Visit, ...]:
    """Visits of the other gateway in [from_s, until_s), in time order and apart."""
    found: list[Visit] = []
    for visit in visits:
        if random.random() < RIVAL_STAYS_AWAY:
            continue
        if random.random() < RIVAL_TOGETHER:
            start_s = random.uniform(visit.start_s - RIVAL_BEFORE_S, visit.end_s)
        else:
            start_s = random.uniform(from_s, visit.start_s)
        end_s = min(start_s + random.uniform(*VISIT_S), until_s)
        free_s = max(from_s, found[-1].end_s + 1.0) if found else from_s
        if start_s >= free_s and end_s - start_s >= VISIT_S[0] / 2:
            found.append(Visit(start_s, end_s, random.random() < 0.5))
    return tuple(found)


def _early_visits(random: Random, from_s: float, before_s: float) -> tuple[Visit, ...]:
    """Visits in time order, each in a part of the day of its own."""
    count = random.randint(*VISITS)
    part_s = (before_s - from_s) / count
    visits = []
    for number in range(count):
        lasts_s = random.uniform(*VISIT_S)
        start_s = from_s + number * part_s + random.uniform(0.0, part_s - lasts_s)
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
