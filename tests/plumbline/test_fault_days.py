"""Days of faults in fast time, and that a day that went wrong would be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

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
from firmware_sim.faults import AdapterGone, Drop, FaultPlan, Loss, OutOfRange, Reboot, Span
from firmware_sim.firmware import FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from plumbline.bench_faults import Verdict, gaps_of, judge, measure_faults
from plumbline.fault_account import Account, Lost, StreamAccount, account
from plumbline.fault_days import DAY_H, ENROLMENT, BondReset, Day, Visit, draw_day, over_s
from plumbline.fault_run import DayResult, run_day
from plumbline.fault_times import Gap, safe_spans
from plumbline.fault_witness import Step, Witness

#: Days with something of each kind in them, from the first seed on.
DAYS, FIRST = 4, 6


def short(day: Day) -> Day:
    """The day with its first visit and its last, where there is a first."""
    return replace(day, visits=tuple(dict.fromkeys((day.visits[0], day.visits[-1]))))


@pytest.mark.timeout(600)
def test_some_days_lose_nothing_and_leave_no_session_behind(tmp_path: Path) -> None:
    figures = measure_faults(tmp_path, plans=DAYS, seed=FIRST)
    assert figures["plans"] == DAYS
    assert all(figures["days with"].values())
    counted = figures["in the outbox, once"] + figures["overwritten or never timed, counted"]
    assert counted >= figures["samples recorded"] - 4 * DAYS  # the last seconds are on their way
    assert figures["without a log"]["in the outbox, once"] > 100
    assert figures["without link"]["every fault"]["times"] >= DAYS


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DayResult:
    """One day, run."""
    return run_day(short(draw_day(1)), tmp_path_factory.mktemp("day"))


def test_the_same_seed_is_the_same_day(result: DayResult, tmp_path: Path) -> None:
    again = run_day(short(draw_day(1)), tmp_path)
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
        ({"lost": (Lost(2, 4, 5),)}, "2 to 4 samples lost, 5 counted"),
    ],
)
def test_what_became_of_samples_is_judged(
    result: DayResult, wrong: dict[str, Any], said: str
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
        found = account(SimulatedSensor("PL-T4", Placement.T4, firmware), [outbox])
    assert found == Account(
        recorded=95,
        found=83,
        twice=5,
        both=0,
        invented=0,
        overwritten=0,
        untimed=0,
        counted_untimed=0,
        missing=10,
        lost=(Lost(5, 5, 5),),
    )


def test_what_two_gateways_took_of_every_sample_by_hand(tmp_path: Path) -> None:
    config = FirmwareConfig(serial="PL-T4", power_on_ns=BEGIN_NS, synced_at_power_on=True)
    plan = FaultPlan(faults=(Reboot(at_s=20.0, lasts_s=5.0),))
    source = CountingSource(1.0, DEFAULT_SCALE)
    firmware = faulted_firmware(config, source, DeviceClock(BEGIN_NS), plan, BEGIN_NS)
    firmware.advance(BEGIN_NS + 99 * NS_PER_S)
    sensor, clock = SimulatedSensor("PL-T4", Placement.T4, firmware), GatewayClock(1)
    with (
        Outbox(tmp_path / "ours.db", cap_bytes=2**24) as ours,
        Outbox(tmp_path / "rival.db", cap_bytes=2**24) as rival,
    ):
        taken = [batch(0, 20), batch(60, 90, lost_before=40)]
        ours.write([Append("PL-T4", taken, Position(1, 90), ended=False, clock=clock)])
        taken = [batch(25, 62), batch(90, 98, lost_before=28)]
        rival.write([Append("PL-T4", taken, Position(1, 98), ended=False, clock=clock)])
        found = account(sensor, [ours, rival])
    assert (found.found, found.both, found.twice, found.missing) == (93, 2, 0, 0)
    # Ours lacks [20, 60); the rival's [62, 90), and maybe what was lost before it began.
    assert found.lost == (Lost(40, 40, 40), Lost(28, 33, 28))


def told(plan: FaultPlan, steps: list[tuple[float, str]], visit: Visit) -> list[Gap]:
    day = Day(1, DAY_H, (visit,), plan)
    witness = Witness(steps=[Step(at_s, "PL-T4", state) for at_s, state in steps])
    rival = Witness(held=[("T4", Span(160.0, 190.0)), ("L5", Span(100.0, 400.0))])
    return list(gaps_of(DayResult(day, {}, witness, rival=rival), "PL-T4"))


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
        (155.0, "backing_off"),  # it had no reason, and the other gateway was quicker
        (192.0, "live"),
        (200.0, "backing_off"),
        (234.0, "syncing"),
        (300.0, "backing_off"),
        (321.0, "live"),
        (400.0, "backing_off"),  # the visit ends before it is back
    ]
    assert told(plan, steps, Visit(100.0, 450.0)) == [
        Gap("gateway started", 3.0),
        Gap("drop", 1.5),
        Gap("other gateway", 2.0),
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


def test_the_other_gateway_bonds_and_resets_keep_to_their_part_of_the_day() -> None:
    days = [draw_day(seed) for seed in range(200)]
    for day in days:
        ends_s = day.reset.at_s if day.reset else day.visits[-1].start_s + 60.0
        assert all(a.end_s < b.start_s for a, b in zip(day.rival, day.rival[1:], strict=False))
        assert all(visit.start_s < visit.end_s <= ends_s for visit in day.rival)
        if day.bonded:
            assert (day.visits[0].start_s, day.visits[0].end_s) == ENROLMENT
            assert all(fault.at_s >= ENROLMENT[1] for fault in day.plan.faults)
            assert all(visit.start_s >= ENROLMENT[1] for visit in day.rival)
        if day.reset:
            told = day.reset.told
            assert told in day.visits[1:-1]
            assert day.reset.at_s <= told.start_s < told.end_s <= day.reset.forgotten_s
            assert all(
                fault.at_s >= told.end_s or over_s(fault) <= told.start_s
                for fault in day.plan.faults
            )
    assert min(sum(map(bool, (day.rival for day in days))), sum(d.bonded for d in days)) > 40
    assert {day.other_make for day in days} == {"", "dot", "movesense", "witmotion"}


def test_when_nothing_may_get_lost_by_hand() -> None:
    steps = [
        Step(10.0, "X", "syncing"),
        Step(12.0, "X", "live"),
        Step(60.0, "X", "syncing"),
        Step(61.0, "X", "live"),
        Step(100.0, "X", "backing_off"),
        Step(110.0, "X", "live"),  # and so shortly that all of it may have been on its way
        Step(120.0, "X", "backing_off"),
        Step(130.0, "X", "live"),
    ]
    plan = FaultPlan(faults=(Loss(at_s=40.0, lasts_s=5.0, share=0.5), Drop(at_s=100.0)))
    spans = safe_spans(steps, [Visit(5.0, 200.0)], plan)
    assert spans == [Span(12.0, 39.0), Span(55.0, 85.0), Span(130.0, 185.0)]


def test_what_a_sensor_without_a_log_lost_is_judged(result: DayResult) -> None:
    stream = StreamAccount(sampled=100, found=50, twice=1, invented=0, missing=2, gone=50)
    troubles = judge(replace(result, streams={"DOT-1": stream})).troubles
    assert "DOT-1: 2 samples missing" in troubles
    assert "DOT-1: 1 samples twice" in troubles


def bond_day(reset: BondReset | None = None) -> DayResult:
    day = Day(1, DAY_H, (), FaultPlan(), bonded=True, reset=reset)
    good = Account(5, 5, 0, 0, 0, 0, 0, 0, 0, ())
    return DayResult(day, {"PL-T4": good}, Witness())


def test_a_rival_that_reads_a_bonded_sensor_is_judged() -> None:
    rival = Witness(steps=[Step(9.0, "PL-T4", "syncing")])
    troubles = judge(replace(bond_day(), rival=rival)).troubles
    assert "PL-T4: read by a gateway that it is not bonded with" in troubles


def test_a_reset_that_nobody_tells_or_that_is_read_is_judged() -> None:
    result = bond_day(BondReset(10.0, "T4", Visit(20.0, 60.0), 70.0))
    silent, telling = Step(25.0, "PL-T4", "live"), "The sensor no longer knows this gateway: reset."
    wrong = judge(replace(result, witness=Witness(steps=[silent]))).troubles
    assert "PL-T4: read although it was reset" in wrong
    assert "PL-T4: reset, and nobody said so" in wrong
    good = Witness(steps=[Step(25.0, "PL-T4", "refused", telling), Step(75.0, "PL-T4", "live")])
    assert not [one for one in judge(replace(result, witness=good)).troubles if "reset" in one]
