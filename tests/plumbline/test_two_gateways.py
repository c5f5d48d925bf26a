"""Two gateways that want one sensor, in fast time: who reads what, and what is in which outbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.faults import Delay, Drop, FaultPlan
from plumbline.bench_faults import judge
from plumbline.fault_days import BondReset, Day, Visit
from plumbline.fault_run import DayResult, run_day

#: Ours, the other one while ours is away, ours again; sensors of 1 Hz.
OURS = (Visit(5.0, 45.0), Visit(110.0, 170.0))
RIVAL = (Visit(50.0, 90.0),)
FEW_MIN = 170.0 / 3600.0


def run(folder: Path, day: Day) -> DayResult:
    """A day in which nothing else goes wrong that would be judged."""
    result = run_day(day, folder)
    assert judge(result).troubles == ()
    return result


def test_links_that_end_in_order_leave_no_more_than_a_commit_in_both(tmp_path: Path) -> None:
    result = run(tmp_path, Day(1, FEW_MIN, OURS, FaultPlan(), rival=RIVAL))
    for account in result.accounts.values():
        assert account.both <= 2  # two links ended, each with a sample that was being committed
        assert account.found >= 160
        ours, rival = account.lost
        assert ours.least <= ours.counted  # what the other took is a gap of ours,
        assert 40 <= ours.counted <= 50
        assert rival.counted == 0  # and what ours took first is none of the other's


def test_a_link_that_breaks_leaves_seconds_in_both(tmp_path: Path) -> None:
    killed = (Visit(5.0, 45.3, killed=True), OURS[1])
    result = run(tmp_path, Day(1, FEW_MIN, killed, FaultPlan(), rival=RIVAL))
    assert all(account.both <= 5 for account in result.accounts.values())
    assert any(account.both for account in result.accounts.values())


def test_of_a_sensor_that_bonds_the_other_reads_nothing(tmp_path: Path) -> None:
    plan = FaultPlan(faults=(Drop(at_s=130.0),))
    both = (Visit(50.0, 165.0),)  # there before ours comes back, and when its links break
    result = run(tmp_path, Day(1, FEW_MIN, OURS, plan, rival=both, bonded=True))
    assert {place for place, _ in result.rival.held} == {"T4", "L5"}  # it did ask who they are
    assert all(account.found >= 160 for account in result.accounts.values())
    assert all(account.lost[1].counted == 0 for account in result.accounts.values())


def test_what_keeps_no_log_is_with_who_had_the_link(tmp_path: Path) -> None:
    result = run(tmp_path, Day(1, FEW_MIN, OURS, FaultPlan(), rival=RIVAL, other_make="dot"))
    (stream,) = result.streams.values()
    assert 120 <= stream.found <= 140  # all three visits but for the scans
    assert stream.gone == stream.sampled - stream.found


@pytest.mark.parametrize("drop_s", [113.69, 113.71])
def test_a_bond_that_breaks_half_way_is_no_dead_session(tmp_path: Path, drop_s: float) -> None:
    """It is bonded again on a slow air, which breaks about when the gateway's keys are under way."""
    slow = Delay(at_s=105.0, lasts_s=30.0, delay_s=0.04, sensor="T4")
    plan = FaultPlan(seed=7, faults=(slow, Drop(at_s=drop_s, sensor="T4")))
    told = Visit(50.0, 90.0)
    visits = (OURS[0], told, Visit(110.0, 180.0))
    reset = BondReset(47.0, "T4", told, 95.0)
    result = run(tmp_path, Day(7, 180.0 / 3600.0, visits, plan, bonded=True, reset=reset))
    assert result.accounts["PL-T4"].found >= 170
