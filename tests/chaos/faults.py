"""What is done to a site, and when: drawn from a seed before anything runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Kind(StrEnum):
    """A kind of fault."""

    LINK = "link lost"  # one sensor is out of reach for a moment
    SENSORS = "sensors killed"  # all sensors fall silent; what a sensor keeps in flash stays
    GATEWAY = "gateway killed"
    BROKER = "broker killed"
    ANALYTICS = "analytics killed"
    CUT = "connection cut"  # in the middle of a packet, and refused for a while
    DELAY = "connection slow"  # every piece is held up, a stall at the longest
    DISK = "disk full"  # the outbox's
    CLOCK = "clock stepped"  # the gateway's
    DOUBLE = "messages doubled"  # QoS 1 allows it
    REORDER = "messages reordered"


#: Where the bytes between two parts can be got at.
AIR: Final = "gateway-air"
UPLINK: Final = "gateway-broker"
DOWNLINK: Final = "analytics-broker"
CONNECTIONS: Final = (AIR, UPLINK, DOWNLINK)

#: Seconds between two faults, and how often: in the middle of the trouble before, soon after it, and
#: when most has come up again.
GAPS: Final = (((0.1, 0.6), 0.35), ((0.8, 2.2), 0.45), ((3.0, 5.0), 0.2))
#: Steps of a clock: from what drift would never explain to most of a day. Further back than a day is
#: believed at once, by design (see device_gateway.clock), so that it is no disturbance to recover from.
STEPS_S: Final = (0.4, 3.0, 90.0, 3600.0, 70_000.0)
#: Shorter than the gateway takes to believe that a step is there to stay.
MAX_STEP_S: Final = 2.5
#: A step that comes before the gateway saw the clock right again would confirm the one before it.
CLOCK_REST_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``gap_s`` after the one before, lasting ``lasts_s``.

    ``target``: a connection of CONNECTIONS. ``number`` picks among sensors, by remainder. ``size``:
    the step in seconds, or the seconds by which each piece of a connection is held up.
    """

    kind: Kind
    gap_s: float
    lasts_s: float
    target: str = ""
    number: int = 0
    size: float = 0.0

    def __str__(self) -> str:
        detail = {
            Kind.LINK: f"sensor {self.number}",
            Kind.CUT: self.target,
            Kind.DELAY: f"{self.target}, {self.size:.2f} s a piece",
            Kind.CLOCK: f"{self.size:+g} s",
        }.get(self.kind, "")
        return f"{self.kind}{': ' + detail if detail else ''}"


def schedule(seed: int, count: int) -> list[Fault]:
    """``count`` faults. Every kind comes once in as many as there are, in a new order each time."""
    random = Random(seed)
    faults: list[Fault] = []
    while len(faults) < count:
        deck = list(Kind)
        random.shuffle(deck)
        faults += [_drawn(random, kind) for kind in deck]
    return _spaced(faults[:count])


def _drawn(random: Random, kind: Kind) -> Fault:
    (low_s, high_s), _ = random.choices(GAPS, [weight for _, weight in GAPS])[0]
    gap_s = random.uniform(low_s, high_s)
    match kind:
        case Kind.LINK:
            return Fault(kind, gap_s, 0.0, number=random.randrange(1000))
        case Kind.CUT:
            return Fault(kind, gap_s, random.uniform(0.0, 1.5), random.choice(CONNECTIONS))
        case Kind.DELAY:
            target, size = random.choice(CONNECTIONS), random.choice((0.02, 0.2, 3.0))
            return Fault(kind, gap_s, random.uniform(1.0, 3.0), target, size=size)
        case Kind.CLOCK:
            size = random.choice(STEPS_S) * random.choice((-1, 1))
            return Fault(kind, gap_s, random.uniform(0.5, MAX_STEP_S), size=size)
        case Kind.DISK | Kind.DOUBLE | Kind.REORDER:
            return Fault(kind, gap_s, random.uniform(1.0, 4.0))
        case _:
            return Fault(kind, gap_s, random.uniform(0.0, 1.5))


def _spaced(faults: list[Fault]) -> list[Fault]:
    """Put off clock steps that come too early after the last, or before the clock is known at all."""
    spaced: list[Fault] = []
    waiting: list[Fault] = []
    since_s = 0.0
    for fault in faults:
        (waiting if fault.kind is Kind.CLOCK else spaced).append(fault)
        since_s += fault.gap_s
        if waiting and since_s > CLOCK_REST_S:
            spaced.append(waiting.pop(0))
            since_s = -MAX_STEP_S
    for fault in waiting:
        rest = Fault(fault.kind, CLOCK_REST_S, fault.lasts_s, size=fault.size)
        spaced.append(rest)
    return spaced
