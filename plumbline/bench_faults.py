"""Benchmark: seeded days of faults; nothing is lost, no session dies, and how soon links are back."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from contracts.errors import PlumblineError, Reason
from device_gateway.session import READING
from firmware_sim.faults import (
    AdapterGone,
    Corruption,
    Delay,
    Drop,
    DyingBattery,
    FaultPlan,
    Loss,
    OutOfRange,
    Reboot,
    Span,
)
from plumbline.fault_days import Day, Visit, draw_day
from plumbline.fault_run import RATE_HZ, DayResult, Step, run_day

PLANS: Final = 12
#: A link that is lost within so long of a fault's end was lost by it: a session gives a silent one up
#: after ten seconds, and a command after five.
BLAME_S: Final = 20.0
_STARTED: Final = "gateway started"
#: What ends a link, and what may make a gateway give one up.
_CUTTING: Final = (Drop, OutOfRange, Reboot, DyingBattery, AdapterGone)
_TROUBLING: Final = (Loss, Delay, Corruption)
#: Seeds that are named of those that failed.
MAX_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a link that could have been up, and the fault that it followed."""

    fault: str
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a day showed, small enough to be handed from process to process."""

    seed: int
    troubles: tuple[str, ...]
    gaps: tuple[Gap, ...]
    recorded: int
    found: int
    lost: int


def measure_faults(folder: Path, *, plans: int = PLANS, seed: int = 1) -> dict[str, Any]:
    """``plans`` days from ``seed`` on, on every core. INCOMPLETE, with the seeds, where one fails."""
    verdicts = list(_judged(folder, range(seed, seed + plans)))
    failed = [verdict for verdict in verdicts if verdict.troubles]
    if failed:
        named = "; ".join(f"seed {v.seed}: {', '.join(v.troubles)}" for v in failed[:MAX_NAMED])
        raise PlumblineError(
            Reason.INCOMPLETE,
            f"{len(failed)} of {plans} days of faults went wrong: {named}.",
            hint="plumbline bench faults --plans 1 --seed N plays one of them again.",
        )
    return _figures(verdicts)


def _judged(folder: Path, seeds: Iterable[int]) -> Iterator[Verdict]:
    """The verdict of every seed; a process a core, since a day keeps one busy."""
    fresh = get_context("spawn")  # nothing of this process's threads goes along
    with ProcessPoolExecutor(os.cpu_count(), mp_context=fresh, initializer=_hush) as pool:
        yield from pool.map(_judge_in, ((seed, str(folder)) for seed in seeds))


def _hush() -> None:
    """A gateway under faults has much to say, a thousand of them too much."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.ERROR)


def _judge_in(task: tuple[int, str]) -> Verdict:
    seed, folder = task
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return judge(run_day(draw_day(seed), Path(own)))


def judge(result: DayResult) -> Verdict:
    """What was wrong with a day, if anything, and how long links were away that could have been up."""
    accounts = result.accounts.values()
    return Verdict(
        seed=result.day.seed,
        troubles=(*_lost_troubles(result), *_link_troubles(result)),
        gaps=tuple(gap for serial in result.accounts for gap in gaps(result, serial)),
        recorded=sum(one.recorded for one in accounts),
        found=sum(one.found for one in accounts),
        lost=sum(one.overwritten + one.untimed for one in accounts),
    )


def _lost_troubles(result: DayResult) -> Iterator[str]:
    for serial, account in result.accounts.items():
        for what in ("missing", "twice", "invented"):
            if count := getattr(account, what):
                yield f"{serial}: {count} samples {what}"
        if account.untimed != account.counted_untimed:
            yield f"{serial}: {account.untimed} samples untimed, {account.counted_untimed} counted"
        if account.lost != account.counted_lost:
            yield f"{serial}: {account.lost} samples lost, {account.counted_lost} counted"


def _link_troubles(result: DayResult) -> Iterator[str]:
    witness = result.witness
    linked = [s for s in result.accounts if witness.at_end.get(s) in READING]
    for serial in sorted(set(result.accounts) - set(linked)):
        yield f"{serial}: {witness.at_end.get(serial, 'never met')} at the end"
    if not len(linked) == witness.links_at_gateway == len(witness.linked_sensors):
        yield (
            f"{len(linked)} sessions linked, {witness.links_at_gateway} slots taken at the gateway, "
            f"{len(witness.linked_sensors)} at the sensors"
        )


def gaps(result: DayResult, serial: str) -> Iterator[Gap]:
    """Every time in a visit that a sensor's link was down and could have been up, to its return.

    One that the visit's end cut short is none: nobody knows when the link would have been back.
    """
    steps = [step for step in result.witness.steps if step.sensor == serial]
    mine = result.day.plan.of(serial, serial.rpartition("-")[2])
    impossible = [*mine.unreachable(), *result.day.plan.without_adapter()]
    for visit in result.day.visits:
        for down in _down(steps, visit):
            possible_s = max([down.start_s, *(s.end_s for s in impossible if _in(down, s.end_s))])
            if not any(span.holds(down.end_s) for span in impossible):
                yield Gap(
                    _blamed(mine, result.day.plan, visit, possible_s), down.end_s - possible_s
                )


def _down(steps: list[Step], visit: Visit) -> Iterator[Span]:
    """Times without a link that ended within a visit."""
    since_s: float | None = visit.start_s
    for step in steps:
        if not visit.start_s <= step.at_s < visit.end_s:
            continue
        if step.state in READING:
            if since_s is not None:
                yield Span(since_s, step.at_s)
            since_s = None
        elif since_s is None:
            since_s = step.at_s


def _in(span: Span, at_s: float) -> bool:
    return span.start_s <= at_s <= span.end_s


def _blamed(mine: FaultPlan, plan: FaultPlan, visit: Visit, at_s: float) -> str:
    """The kind of the last fault before a time, else that the gateway had only just started."""
    faults = [*mine.kind(*_CUTTING, *_TROUBLING), *plan.kind(AdapterGone)]
    recent = [
        (_over_s(fault) if isinstance(fault, _CUTTING) else fault.at_s, fault)
        for fault in faults
        if fault.at_s <= at_s <= _over_s(fault) + BLAME_S and _over_s(fault) >= visit.start_s
    ]
    if not recent or at_s == visit.start_s:
        return _STARTED
    fault = max(recent, key=lambda pair: pair[0])[1]
    return str(type(fault).__struct_config__.tag)


def _over_s(fault: Any) -> float:
    return fault.end_s + fault.off_s if isinstance(fault, DyingBattery) else float(fault.end_s)


def _figures(verdicts: list[Verdict]) -> dict[str, Any]:
    days: list[Day] = [draw_day(verdict.seed) for verdict in verdicts]
    every = [gap for verdict in verdicts for gap in verdict.gaps]
    return {
        "plans": len(verdicts),
        "first seed": verdicts[0].seed,
        "rate Hz": RATE_HZ,
        "simulated h": sum(day.hours for day in days),
        "of them gateway at work h": sum(v.end_s - v.start_s for d in days for v in d.visits)
        / 3600,
        "faults": sum(len(day.plan.faults) for day in days),
        "samples recorded": sum(verdict.recorded for verdict in verdicts),
        "in the outbox, once": sum(verdict.found for verdict in verdicts),
        "overwritten or never timed, counted": sum(verdict.lost for verdict in verdicts),
        "without link": {"every fault": _spread([gap.lasts_s for gap in every])}
        | {
            kind: _spread([gap.lasts_s for gap in every if gap.fault == kind])
            for kind in sorted({gap.fault for gap in every})
        },
    }


def _spread(lasts_s: list[float]) -> dict[str, Any]:
    if not lasts_s:
        return {"times": 0}
    median_s, p99_s = np.percentile(lasts_s, [50, 99])
    return {
        "times": len(lasts_s),
        "median s": float(median_s),
        "p99 s": float(p99_s),
        "longest s": max(lasts_s),
    }
