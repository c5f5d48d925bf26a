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
from plumbline.fault_account import Account, StreamAccount
from plumbline.fault_days import OTHER_MAKE_AT, SENSORS, BondReset, Day, draw_day
from plumbline.fault_run import RATE_HZ, DayResult, run_day
from plumbline.fault_times import Gap, gaps

PLANS: Final = 12
#: Seeds that are named of those that failed.
MAX_NAMED: Final = 20
#: What a gateway says of a sensor that was reset.
UNKNOWN_TO_IT: Final = "no longer knows this gateway"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a day showed, small enough to be handed from process to process.

    ``recorded`` to ``both``: samples of the native sensors; ``streamed`` and ``gone`` of the others.
    """

    seed: int
    troubles: tuple[str, ...]
    gaps: tuple[Gap, ...]
    recorded: int
    found: int
    lost: int
    both: int = 0
    streamed: int = 0
    gone: int = 0


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
    accounts, streams = result.accounts.values(), result.streams.values()
    return Verdict(
        seed=result.day.seed,
        troubles=(
            *_lost_troubles(result),
            *_stream_troubles(result),
            *_bond_troubles(result),
            *_link_troubles(result),
        ),
        gaps=tuple(gap for sensor in _sensors(result) for gap in gaps_of(result, sensor)),
        recorded=sum(one.recorded for one in accounts),
        found=sum(one.found for one in accounts),
        lost=sum(one.overwritten + one.untimed for one in accounts),
        both=sum(one.both for one in accounts),
        streamed=sum(one.found for one in streams),
        gone=sum(one.gone for one in streams),
    )


def _sensors(result: DayResult) -> list[str]:
    return [*result.accounts, *result.streams]


def gaps_of(result: DayResult, sensor: str) -> Iterator[Gap]:
    """The times that a sensor's link was away from our gateway and could have been up."""
    place = _placement(sensor)
    return gaps(
        [step for step in result.witness.steps if step.sensor == sensor],
        result.day.visits,
        result.day.plan.of(place),
        result.day.plan,
        [span for held, span in result.rival.held if held == place],
    )


def _placement(sensor: str) -> str:
    """Where a sensor of a day is worn: only the one without a log does not say so in its id."""
    place = sensor.rpartition("-")[2]
    return place if place in SENSORS else OTHER_MAKE_AT


def _lost_troubles(result: DayResult) -> Iterator[str]:
    for serial, account in result.accounts.items():
        yield from _counted(serial, account, "missing", "twice", "invented")
        # What two gateways both took, both count.
        once = account.untimed == account.counted_untimed
        if not once and not (result.day.rival and account.counted_untimed > account.untimed):
            yield f"{serial}: {account.untimed} samples untimed, {account.counted_untimed} counted"
        for lost in account.lost:
            if not lost.least <= lost.counted <= lost.most:
                yield f"{serial}: {lost.least} to {lost.most} samples lost, {lost.counted} counted"


def _stream_troubles(result: DayResult) -> Iterator[str]:
    for sensor, stream in result.streams.items():
        yield from _counted(sensor, stream, "missing", "twice", "invented")


def _counted(sensor: str, account: Account | StreamAccount, *wrong: str) -> Iterator[str]:
    for what in wrong:
        if count := getattr(account, what):
            yield f"{sensor}: {count} samples {what}"


def _bond_troubles(result: DayResult) -> Iterator[str]:
    """Who is not bonded reads nothing, and who no longer is says so."""
    if not result.day.bonded:
        return
    for step in result.rival.steps:
        if step.sensor in result.accounts and step.state in READING:
            yield f"{step.sensor}: read by a gateway that it is not bonded with"
    if result.day.reset is not None:
        yield from _reset_troubles(result, result.day.reset)


def _reset_troubles(result: DayResult, reset: BondReset) -> Iterator[str]:
    (serial,) = (one for one in result.accounts if _placement(one) == reset.sensor)
    steps = [
        step
        for step in result.witness.steps
        if step.sensor == serial and reset.at_s <= step.at_s < reset.forgotten_s
    ]
    if any(step.state in READING for step in steps):
        yield f"{serial}: read although it was reset"
    if not any(UNKNOWN_TO_IT in step.reason for step in steps):
        yield f"{serial}: reset, and nobody said so"


def _link_troubles(result: DayResult) -> Iterator[str]:
    witness, sensors = result.witness, _sensors(result)
    linked = [sensor for sensor in sensors if witness.at_end.get(sensor) in READING]
    for sensor in sorted(set(sensors) - set(linked)):
        yield f"{sensor}: {witness.at_end.get(sensor, 'never met')} at the end"
    if not len(linked) == witness.links_at_gateway == len(witness.linked_sensors):
        yield (
            f"{len(linked)} sessions linked, {witness.links_at_gateway} slots taken at the gateway, "
            f"{len(witness.linked_sensors)} at the sensors"
        )


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
        "days with": {
            "another gateway": sum(bool(day.rival) for day in days),
            "bonds": sum(day.bonded for day in days),
            "a bond reset": sum(day.reset is not None for day in days),
            "a sensor without a log": sum(bool(day.other_make) for day in days),
        },
        "samples recorded": sum(verdict.recorded for verdict in verdicts),
        "in the outbox, once": sum(verdict.found for verdict in verdicts),
        "of them also in another gateway's": sum(verdict.both for verdict in verdicts),
        "overwritten or never timed, counted": sum(verdict.lost for verdict in verdicts),
        "without a log": {
            "in the outbox, once": sum(verdict.streamed for verdict in verdicts),
            "gone, no link": sum(verdict.gone for verdict in verdicts),
        },
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
