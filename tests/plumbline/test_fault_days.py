"""A dozen days of faults in fast time, and that a day that went wrong would be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.errors import PlumblineError, Reason
from contracts.gatt import Position
from contracts.imu import DEFAULT_SCALE
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.batches import Append, Batch
from device_gateway.clock import DeviceClock as GatewayClock
from device_gateway.outbox import Outbox
from firmware_sim.clock import DeviceClock
from firmware_sim.counting import CountingSource
from firmware_sim.fast_time import BEGIN_NS
from firmware_sim.faulted import faulted_firmware
from firmware_sim.faults import AdapterGone, Drop, FaultPlan, OutOfRange, Reboot
from firmware_sim.firmware import FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from plumbline.bench_faults import Gap, Verdict, gaps, judge, measure_faults
from plumbline.fault_days import DAY_H, Day, Visit, draw_day
from plumbline.fault_run import Account, DayResult, Step, Witness, account, run_day

DOZEN = 12


def short(day: Day) -> Day:
    """The day with its first visit and its last, where there is a first."""
    return replace(day, visits=tuple(dict.fromkeys((day.visits[0], day.visits[-1]))))


@pytest.mark.timeout(600)
def test_a_dozen_days_lose_nothing_and_leave_no_session_behind(tmp_path: Path) -> None:
    figures = measure_faults(tmp_path, plans=DOZEN, seed=1)
    assert figures["plans"] == DOZEN
    counted = figures["in the outbox, once"] + figures["overwritten or never timed, counted"]
    assert counted >= figures["samples recorded"] - 4 * DOZEN  # the last seconds are on their way
    assert figures["without link"]["every fault"]["times"] >= DOZEN


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DayResult:
    """One day, run."""
    return run_day(short(draw_day(4)), tmp_path_factory.mktemp("day"))


def test_the_same_seed_is_the_same_day(result: DayResult, tmp_path: Path) -> None:
    again = run_day(short(draw_day(4)), tmp_path)
    assert again.accounts == result.accounts
    assert again.witness.steps == result.witness.steps
    assert not judge(result).troubles


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"missing": 3}, "3 samples missing"),
        ({"twice": 1}, "1 samples twice"),
        ({"invented": 2}, "2 samples invented"),
        ({"untimed": 5}, "5 samples untimed, 0 counted"),
        ({"counted_lost": 10**6}, "1000000 counted"),
    ],
)
def test_what_became_of_samples_is_judged(
    result: DayResult, wrong: dict[str, int], said: str
) -> None:
    accounts = result.accounts | {"PL-T4": replace(result.accounts["PL-T4"], **wrong)}
    troubles = judge(replace(result, accounts=accounts)).troubles
    assert any(trouble.startswith("PL-T4") and said in trouble for trouble in troubles)


def test_a_dead_session_and_a_leaked_slot_are_judged(result: DayResult) -> None:
    dead = replace(result.witness, at_end={"PL-T4": "backing_off", "PL-L5": "live"})
    assert "PL-T4: backing_off at the end" in judge(replace(result, witness=dead)).troubles
    leaked = replace(result.witness, links_at_gateway=3)
    (trouble,) = judge(replace(result, witness=leaked)).troubles
    assert "3 slots taken at the gateway" in trouble


def batch(first: int, stop: int, lost_before: int = 0) -> Batch:
    """Counted samples [first, stop)."""
    readings = np.zeros((stop - first, 6), "<i2")
    readings[:, 0] = np.arange(first, stop)
    t0_ns = BEGIN_NS + first * NS_PER_S
    return Batch(t0_ns, NS_PER_S, 1.0, DEFAULT_SCALE, readings.tobytes(), lost_before, 0)


def test_what_became_of_every_sample_by_hand(tmp_path: Path) -> None:
    config = FirmwareConfig(serial="PL-T4", power_on_ns=BEGIN_NS, synced_at_power_on=True)
    plan = FaultPlan(faults=(Reboot(at_s=20.0, lasts_s=5.0),))
    source = CountingSource(1.0, DEFAULT_SCALE)
    firmware = faulted_firmware(config, source, DeviceClock(BEGIN_NS), plan, BEGIN_NS)
    firmware.advance(BEGIN_NS + 99 * NS_PER_S)
    batches = [batch(0, 20), batch(25, 40, lost_before=5), batch(50, 60), batch(55, 98)]
    with Outbox(tmp_path / "outbox.db", cap_bytes=2**24) as outbox:
        clock = GatewayClock(1)
        outbox.write([Append("PL-T4", batches, Position(1, 98), ended=False, clock=clock)])
        found = account(SimulatedSensor("PL-T4", Placement.T4, firmware), outbox, 0)
    assert found == Account(
        recorded=95,
        found=88,
        twice=5,
        invented=0,
        overwritten=0,
        untimed=0,
        counted_untimed=0,
        missing=10,
        lost=5,
        counted_lost=5,
    )


def told(plan: FaultPlan, steps: list[tuple[float, str]], visit: Visit) -> list[Gap]:
    day = Day(1, DAY_H, (visit,), plan)
    witness = Witness(steps=[Step(at_s, "PL-T4", state) for at_s, state in steps])
    return list(gaps(DayResult(day, {}, witness), "PL-T4"))


def test_times_without_a_link_by_hand() -> None:
    plan = FaultPlan(
        faults=(
            Drop(at_s=150.0),
            OutOfRange(at_s=200.0, lasts_s=30.0, sensor="T4"),
            AdapterGone(at_s=300.0, lasts_s=20.0),
            OutOfRange(at_s=400.0, lasts_s=90.0),
        )
    )
    steps = [
        (102.0, "connecting"),
        (103.0, "syncing"),
        (104.0, "live"),
        (150.0, "backing_off"),
        (151.5, "syncing"),
        (200.0, "backing_off"),
        (234.0, "syncing"),
        (300.0, "backing_off"),
        (321.0, "live"),
        (400.0, "backing_off"),  # the visit ends before it is back
    ]
    assert told(plan, steps, Visit(100.0, 450.0)) == [
        Gap("gateway started", 3.0),
        Gap("drop", 1.5),
        Gap("out-of-range", 4.0),
        Gap("adapter-gone", 1.0),
    ]


def test_a_bench_that_fails_names_the_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plumbline.bench_faults._judged", lambda _folder, seeds: bad(seeds))
    with pytest.raises(
        PlumblineError, match=r"1 of 3 days.*seed 8: PL-T4: 1 samples twice"
    ) as failed:
        measure_faults(tmp_path, plans=3, seed=7)
    assert failed.value.reason is Reason.INCOMPLETE


def bad(seeds: range) -> list[Verdict]:
    troubles = {8: ("PL-T4: 1 samples twice",)}
    return [Verdict(seed, troubles.get(seed, ()), (), 1, 1, 0) for seed in seeds]


def test_days_differ_stay_within_bounds_and_end_in_peace() -> None:
    days = [draw_day(seed) for seed in range(200)]
    assert len({msgspec.json.encode(day.plan) for day in days}) == 200
    for day in days:
        assert all(a.end_s <= b.start_s for a, b in zip(day.visits, day.visits[1:], strict=False))
        assert day.visits[-1].end_s == day.hours * 3600
        trouble_end_s = day.visits[-1].start_s + 60.0
        over = [*day.plan.of("PL-T4", "T4").unreachable(), *day.plan.without_adapter()]
        assert all(span.end_s <= trouble_end_s + 1e-6 for span in over)
    assert 5 <= sum(day.hours > DAY_H for day in days) <= 40
