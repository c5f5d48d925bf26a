"""What is done to a site, and when: drawn from a seed before anything runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from store.influx_http import ANSWER_TIMEOUT_S


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
    SERVER_KILLED = "store server killed"
    SERVER_STOPPED = "store server stopped"  # in order, as for an update
    SERVER_HUNG = "store server hung"  # takes connections, and says nothing


#: What only a store that is a server has.
SERVER_KINDS: Final = (Kind.SERVER_KILLED, Kind.SERVER_STOPPED, Kind.SERVER_HUNG)

#: Where the bytes between two parts can be got at.
AIR: Final = "gateway-air"
UPLINK: Final = "gateway-broker"
DOWNLINK: Final = "analytics-broker"
STORE: Final = "analytics-store"


class Way(StrEnum):
    """Messages on their way, which may be doubled and reordered: batches there, ``stored`` back."""

    BATCHES_IN = "batches, gateway to broker"
    BATCHES_OUT = "batches, broker to analytics"
    STORED_IN = "stored, analytics to broker"
    STORED_OUT = "stored, broker to gateway"


#: The connection of a way, and whether it leads from who connects to the broker.
WAYS: Final = {
    Way.BATCHES_IN: (UPLINK, True),
    Way.BATCHES_OUT: (DOWNLINK, False),
    Way.STORED_IN: (DOWNLINK, True),
    Way.STORED_OUT: (UPLINK, False),
}

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
#: How long a server hangs: it is only slow; or, each third time, beyond what analytics waits for an
#: answer, so that a write which was given up is carried out after all.
HANG_S: Final = (1.0, 4.0)
LONG_HANG_S: Final = (ANSWER_TIMEOUT_S + 2.0, ANSWER_TIMEOUT_S + 4.0)
LONG_HANG_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``gap_s`` after the one before, lasting ``lasts_s``.

    ``target``: a connection or a way. ``number`` picks among sensors or directions, by remainder.
    ``size``: the step in seconds, or the seconds by which each piece of a connection is held up.
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
            Kind.CUT: f"{self.target}, {'there' if self.onward else 'back'}",
            Kind.DELAY: f"{self.target}, {self.size:.2f} s a piece",
            Kind.CLOCK: f"{self.size:+g} s",
            Kind.DOUBLE: self.target,
            Kind.REORDER: self.target,
            Kind.SERVER_HUNG: f"{self.lasts_s:.0f} s",
        }.get(self.kind, "")
        return f"{self.kind}{': ' + detail if detail else ''}"

    @property
    def onward(self) -> bool:
        """Of a cut: whether it falls on what goes there, rather than on what comes back."""
        return self.number % 2 == 0


def kinds(*, server: bool) -> tuple[Kind, ...]:
    """The kinds of faults that there are; ``server``: the store is one."""
    return tuple(kind for kind in Kind if server or kind not in SERVER_KINDS)


def connections(*, server: bool) -> tuple[str, ...]:
    """The connections that are cut and held up."""
    return (AIR, UPLINK, DOWNLINK, STORE) if server else (AIR, UPLINK, DOWNLINK)


def schedule(seed: int, count: int, *, server: bool) -> list[Fault]:
    """``count`` faults. Every kind comes once in as many as there are, in a new order each time."""
    random = Random(seed)
    faults: list[Fault] = []
    while len(faults) < count:
        deck = list(kinds(server=server))
        random.shuffle(deck)
        faults += [_drawn(random, kind, connections(server=server)) for kind in deck]
    return _spaced(_with_long_hangs(random, faults[:count]))


def _drawn(random: Random, kind: Kind, among: Sequence[str]) -> Fault:
    (low_s, high_s), _ = random.choices(GAPS, [weight for _, weight in GAPS])[0]
    gap_s = random.uniform(low_s, high_s)
    match kind:
        case Kind.LINK:
            return Fault(kind, gap_s, 0.0, number=random.randrange(1000))
        case Kind.CUT:
            target, number = random.choice(among), random.randrange(2)
            return Fault(kind, gap_s, random.uniform(0.0, 1.5), target, number)
        case Kind.DELAY:
            target, size = random.choice(among), random.choice((0.02, 0.2, 3.0))
            return Fault(kind, gap_s, random.uniform(1.0, 3.0), target, size=size)
        case Kind.CLOCK:
            size = random.choice(STEPS_S) * random.choice((-1, 1))
            return Fault(kind, gap_s, random.uniform(0.5, MAX_STEP_S), size=size)
        case Kind.DISK:
            return Fault(kind, gap_s, random.uniform(1.0, 4.0))
        case Kind.DOUBLE | Kind.REORDER:
            return Fault(kind, gap_s, random.uniform(1.0, 4.0), random.choice(list(Way)))
        case Kind.SERVER_HUNG:
            return Fault(kind, gap_s, random.uniform(*HANG_S))
        case _:
            return Fault(kind, gap_s, random.uniform(0.0, 1.5))


def _with_long_hangs(random: Random, faults: Sequence[Fault]) -> list[Fault]:
    """The faults, with each third hang of the server a long one."""
    found, hangs = [], 0
    for fault in faults:
        hangs += fault.kind is Kind.SERVER_HUNG
        long = fault.kind is Kind.SERVER_HUNG and hangs % LONG_HANG_EACH == 0
        found.append(replace(fault, lasts_s=random.uniform(*LONG_HANG_S)) if long else fault)
    return found


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
