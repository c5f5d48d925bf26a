"""Times within a day of faults: for how long links were away, and when nothing may get lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from device_gateway.session import READING, State
from firmware_sim.faults import (
    AdapterGone,
    Corruption,
    Delay,
    Drop,
    DyingBattery,
    Fault,
    FaultPlan,
    Loss,
    OutOfRange,
    Reboot,
    Span,
)
from plumbline.fault_days import Visit, over_s
from plumbline.fault_witness import Step

#: A link that is lost within so long of a fault's end was lost by it: a session gives a silent one up
#: after ten seconds, and a command after five.
BLAME_S: Final = 20.0
STARTED: Final = "gateway started"
RIVAL: Final = "other gateway"
#: What ends a link, and what may make a gateway give one up.
_CUTTING: Final = (Drop, OutOfRange, Reboot, DyingBattery, AdapterGone)
_TROUBLING: Final = (Loss, Delay, Corruption)
#: What was sampled so shortly before a link's end may still have been on its way: seconds of delay, or
#: ten of silence.
ON_THE_WAY_S: Final = 15.0
#: What queued up behind a delay is there so long after it.
CATCH_UP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a link that could have been up, and the fault that it followed."""

    fault: str
    lasts_s: float


def gaps(
    steps: Sequence[Step],
    visits: Sequence[Visit],
    mine: FaultPlan,
    plan: FaultPlan,
    held: Sequence[Span],
) -> Iterator[Gap]:
    """Every time in a visit that a sensor's link was down and could have been up, to its return.

    ``steps`` and ``mine`` are the sensor's, ``held`` when another gateway had it. A time that the visit's
    end cut short is none: nobody knows when the link would have been back.
    """
    impossible = [*mine.unreachable(), *plan.without_adapter(), *held]
    for visit in visits:
        for down in _down(steps, visit):
            possible_s = max([down.start_s, *(s.end_s for s in impossible if _in(down, s.end_s))])
            if any(span.holds(down.end_s) for span in impossible):
                continue
            released = any(span.end_s == possible_s for span in held)
            blamed = RIVAL if released else _blamed(mine, plan, visit, possible_s)
            yield Gap(blamed, down.end_s - possible_s)


def safe_spans(steps: Sequence[Step], visits: Sequence[Visit], mine: FaultPlan) -> list[Span]:
    """When a sensor's link was live on untroubled air: what it sampled then is not to get lost.

    ``steps`` and ``mine`` are the sensor's.
    """
    spans = [
        Span(up.start_s, up.end_s - ON_THE_WAY_S) for visit in visits for up in _live(steps, visit)
    ]
    for fault in mine.kind(*_TROUBLING):
        troubled = Span(fault.at_s - 1.0, fault.end_s + CATCH_UP_S)
        spans = [piece for span in spans for piece in _without(span, troubled)]
    return [span for span in spans if span.end_s > span.start_s]


def _without(span: Span, gone: Span) -> tuple[Span, ...]:
    """What is left of a span, before and after another one."""
    if gone.end_s <= span.start_s or gone.start_s >= span.end_s:
        return (span,)
    return Span(span.start_s, gone.start_s), Span(gone.end_s, span.end_s)


def _live(steps: Sequence[Step], visit: Visit) -> Iterator[Span]:
    """Times from a link's first live moment to its end, within a visit."""
    since_s: float | None = None
    for step in _during(steps, visit):
        if step.state == State.LIVE and since_s is None:
            since_s = step.at_s
        elif step.state not in READING and since_s is not None:
            yield Span(since_s, step.at_s)
            since_s = None
    if since_s is not None:
        yield Span(since_s, visit.end_s)


def _down(steps: Sequence[Step], visit: Visit) -> Iterator[Span]:
    """Times without a link that ended within a visit."""
    since_s: float | None = visit.start_s
    for step in _during(steps, visit):
        if step.state in READING:
            if since_s is not None:
                yield Span(since_s, step.at_s)
            since_s = None
        elif since_s is None:
            since_s = step.at_s


def _during(steps: Sequence[Step], visit: Visit) -> Iterator[Step]:
    return (step for step in steps if visit.span.holds(step.at_s))


def _in(span: Span, at_s: float) -> bool:
    return span.start_s <= at_s <= span.end_s


def _blamed(mine: FaultPlan, plan: FaultPlan, visit: Visit, at_s: float) -> str:
    """The kind of the last fault before a time, else that the gateway had only just started."""
    faults: list[Fault] = [*mine.kind(*_CUTTING, *_TROUBLING), *plan.kind(AdapterGone)]
    recent = [
        (over_s(fault) if isinstance(fault, _CUTTING) else fault.at_s, fault)
        for fault in faults
        if fault.at_s <= at_s <= over_s(fault) + BLAME_S and over_s(fault) >= visit.start_s
    ]
    if not recent or at_s == visit.start_s:
        return STARTED
    fault = max(recent, key=lambda pair: pair[0])[1]
    return str(type(fault).__struct_config__.tag)
