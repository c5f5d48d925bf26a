"""What people change in the registry while the service runs, mistakes included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from contracts.errors import Reason
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store.ports import Assignment
from tests.analytics.hand_worker import BEGIN_NS, HandWorker


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.wear("w1", T4="s4", L5="s5")
    hand.start()
    yield hand
    hand.close()


def edit(tmp_path: Path, statement: str) -> None:
    """Change the registry behind its own back, as a mistaken hand or a later version does."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/registry.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE revision SET value = value + 1")
    engine.dispose()


def test_a_corrected_placement_takes_what_was_not_analysed_yet(hand: HandWorker) -> None:
    for second in range(6):
        hand.send("s4", second)
    hand.turn()
    hand.registry.assign(Assignment("s4", "w1", Placement.T12, BEGIN_NS))
    hand.turn()
    assert any(getattr(m.body, "resend", False) for m in hand.published), "asked for anew"
    for second in range(6):
        hand.send("s4", second, seq=second + 1)
        hand.send("s5", second)
    hand.turn()
    assert hand.samples("s4") == hand.samples("s5") == 300
    frames = hand.store.frames("w1", 0, 2**62)
    assert frames.samples.tolist() == [100] * 5
    hand.start()
    hand.turn()


def test_a_sensor_that_passes_on_takes_its_queue_along(hand: HandWorker) -> None:
    for second in range(4):
        hand.send("s4", second)
    hand.turn()
    hand.wear("w2", T4="s4")
    hand.turn()
    for second in range(4):
        hand.send("s4", second, seq=second + 1)
    hand.turn()
    assert len(hand.store.frames("w2", 0, 2**62)) == 3
    assert len(hand.store.frames("w1", 0, 2**62)) == 0


def test_two_sensors_swapped_within_the_day_lose_no_sample(hand: HandWorker) -> None:
    swapped_ns = BEGIN_NS + 20 * NS_PER_S + NS_PER_S // 2
    for second in range(40):
        if second == 15:
            hand.registry.assign(Assignment("s4", "w1", Placement.L5, swapped_ns))
            hand.registry.assign(Assignment("s5", "w1", Placement.T4, swapped_ns))
        hand.send("s4", second)
        hand.send("s5", second)
        hand.turn(1.0)
        hand.resend()
    hand.turn()
    assert hand.store.frames("w1", 0, 2**62).samples.tolist() == [100] * 39
    assert hand.samples("s4") == hand.samples("s5") == 2000
    assert all(row.late_samples == row.unworn_samples == 0 for row in hand.store.health())


def test_one_wearers_unusable_entry_stops_nobody_else(hand: HandWorker, tmp_path: Path) -> None:
    hand.wear("a-first", T4="s-a")
    hand.wear("z-last", T4="s-z")
    edit(tmp_path, "UPDATE wearer SET timezone = 'Mars/Base' WHERE wearer = 'a-first'")
    hand.turn()
    report = hand.worker.report()
    assert "Mars/Base" in report["unusable"]["a-first"]
    assert report["trouble"] is None
    for second in range(3):
        hand.send("s-a", second)
        hand.send("s-z", second)
    hand.turn()
    assert hand.samples("s-z") == 150
    assert hand.worker.report()["rejected"] == 3, "its gateway keeps what nobody can analyse"
    hand.start()
    edit(tmp_path, "UPDATE wearer SET timezone = 'UTC' WHERE wearer = 'a-first'")
    hand.turn()
    assert hand.worker.report()["unusable"] == {}
    for second in range(3):
        hand.send("s-a", second, seq=second + 1)
    hand.turn()
    assert hand.samples("s-a") == 150


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO posture_settings (wearer_id, body) VALUES (1, '{\"bridge_s\": null}')",
        "UPDATE assignment SET placement = 'knee' WHERE wearer_id = 1",
        (
            "INSERT INTO calibration (wearer_id, effective_ns, upright_start_ns, upright_end_ns)"
            " VALUES (1, 5, 9, 8)"
        ),
    ],
)
def test_a_damaged_row_is_that_wearers_own(hand: HandWorker, tmp_path: Path, damage: str) -> None:
    hand.wear("w2", T4="s-2")
    edit(tmp_path, damage)
    hand.start()
    assert list(hand.worker.report()["unusable"]) == ["w1"]
    hand.send("s-2", 0)
    hand.turn()
    assert hand.samples("s-2") == 50


def test_settings_that_change_within_a_run_hold_from_there_on(hand: HandWorker) -> None:
    for second in range(5):
        hand.send("s4", second, forward_deg=30.0)
        hand.send("s5", second)
    hand.turn()
    hand.registry.set_settings("w1", PostureSettings(bridge_s=0.0, episode_s=5.0))
    hand.turn()
    for second in range(5, 9):
        hand.send("s4", second)
        hand.send("s5", second)
    hand.turn()
    assert hand.store.latest_frame("w1").start_ns.tolist() == [BEGIN_NS + 7 * NS_PER_S]


def calibration(upright_s: int, rounded_s: int) -> CalibrationPlan:
    """Ten seconds upright, ten rounded, asked for at ``upright_s``."""

    def window_ns(start_s: int) -> tuple[int, int]:
        return BEGIN_NS + start_s * NS_PER_S, BEGIN_NS + (start_s + 10) * NS_PER_S

    return CalibrationPlan(
        effective_ns=window_ns(upright_s)[0],
        upright_ns=window_ns(upright_s),
        rounded_ns=window_ns(rounded_s),
    )


def wear_live(hand: HandWorker, seconds: range) -> None:
    """Live data, second by second: upright but for 26 s to 40 s (the filter needs a few)."""
    for second in seconds:
        hand.send("s4", second, forward_deg=30.0 if 26 <= second < 40 else 0.0)
        hand.send("s5", second)
        hand.turn(1.0)


def test_a_calibration_asked_for_while_worn_is_taken_up_in_time(hand: HandWorker) -> None:
    wear_live(hand, range(12))
    hand.registry.add_calibration("w1", calibration(15, 30))
    wear_live(hand, range(12, 45))
    (outcome,) = hand.store.calibrations("w1")
    assert (outcome.accepted, outcome.reason) == (True, None)
    assert hand.worker.report()["wearers"]["w1"]["calibration"] == "accepted"
    frames = hand.store.frames("w1", 0, 2**62)
    first = BEGIN_NS + 15 * NS_PER_S
    assert np.isnan(frames.thorax_flexion_deg[frames.start_ns < first]).all()
    assert not np.isnan(frames.thorax_flexion_deg[frames.start_ns >= first]).any()


def test_a_calibration_asked_for_too_late_is_refused_where_a_person_sees_it(
    hand: HandWorker,
) -> None:
    wear_live(hand, range(45))
    hand.registry.add_calibration("w1", calibration(15, 30))
    wear_live(hand, range(45, 52))
    (outcome,) = hand.store.calibrations("w1")
    assert not outcome.accepted
    assert outcome.reason is Reason.CALIBRATION_TOO_SHORT
    assert "its time had passed" in outcome.message
    assert outcome.hint
    assert "its time had passed" in hand.worker.report()["wearers"]["w1"]["calibration"]


def test_samples_that_are_nobodys_are_counted_once(hand: HandWorker) -> None:
    for second in (-3, -2, -0.5, 1):
        hand.send("s4", second)
    hand.turn()
    assert hand.worker.report()["sensors"]["s4"]["unworn"] == 100, "the third waits for L5"
    for second in (0, 1):
        hand.send("s5", second)
    hand.turn()
    hand.start()
    hand.turn()
    (t4,) = [row for row in hand.store.health() if row.sensor == "s4"]
    assert (t4.unworn_samples, t4.stored_samples, t4.stored_seq) == (125, 75, 4)
