"""What a sensor reads reaches the store at once: worn or not, fed or waiting, and it is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics.health import HealthBook
from analytics.readings import readings_of
from contracts.messages import ImuMessage
from contracts.records import SensorHealth
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from tests.analytics.hand_worker import BEGIN_NS, HandWorker


def message(raw: list[list[int]], *, rate_hz: float = 4.0, seq: int = 1) -> ImuMessage:
    samples = np.array(raw, "<i2").reshape(-1, 6)
    return ImuMessage(
        v=1,
        outbox="o",
        seq=seq,
        t0_ns=BEGIN_NS,
        period_ns=round(NS_PER_S / rate_hz),
        rate_hz=rate_hz,
        accel_range_g=2,
        gyro_range_deg_s=250,
        samples=samples.tobytes(),
    )


def test_readings_by_hand() -> None:
    # ±2 g over 32768: 16384 is 1 g; ±250°/s: 32768 would be 4.363323 rad/s, 16384 half of it
    still = [16384, 0, 0, 0, 0, 0]
    turned = [0, -8192, 0, 16384, 0, 0]
    assert readings_of(message([turned] * 9 + [still] * 4)).mean_acc_m_s2 == (9.807, 0.0, 0.0)
    found = readings_of(message([still] * 2 + [turned] * 2))
    assert found.mean_acc_m_s2 == (4.903, -2.452, 0.0)
    assert found.turning_rad_s == pytest.approx(2.181662 / 2**0.5, abs=5e-4)
    both = readings_of(message([[0, 0, 0, 3277, -3277, 0]]))  # 25.0°/s about each of two axes
    assert both.turning_rad_s == pytest.approx(np.radians(25.0) * 2**0.5, abs=1e-3)
    assert readings_of(message([])) is None


def test_sensors_that_are_heard_of_are_capped() -> None:
    known = [SensorHealth(gateway="gw", sensor=f"k{i}", at_ns=0, state="live") for i in range(3)]
    book = HealthBook(known, max_sensors=5)
    for name in ("k0", "n1", "n2", "n3", "n1"):
        book.heard("gw", name, message([[16384, 0, 0, 0, 0, 0]]), BEGIN_NS)
    assert [row.sensor for row in book.take_changed()] == ["k0", "n1", "n2"]
    assert not book.changed
    assert len(book.rows()) == 5


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.clock_ns = 0  # live
    yield hand
    hand.close()


def seen(hand: HandWorker) -> dict[str, SensorHealth]:
    return {row.sensor: row for row in hand.store.health()}


def test_a_sensor_that_nobody_wears_shows_how_it_is_held(hand: HandWorker) -> None:
    hand.start()
    for second in range(4):
        hand.send("found", second, forward_deg=20.0 * second)
        hand.turn(1.0)
        row = seen(hand)["found"]
        assert row.mean_acc_m_s2 is not None
        tilt_deg = np.degrees(np.arctan2(row.mean_acc_m_s2[2], row.mean_acc_m_s2[0]))
        assert tilt_deg == pytest.approx(20.0 * second, abs=0.1)
        assert row.turning_rad_s == 0.0
        assert row.last_sample_ns == BEGIN_NS + second * NS_PER_S + 980_000_000
    assert row.stored_samples == 0
    assert hand.store.wearers() == []


def test_it_does_so_while_frames_wait_for_a_calibration(hand: HandWorker) -> None:
    hand.wear("w", T4="s1", L5="s2")
    plan = CalibrationPlan(
        effective_ns=BEGIN_NS, upright_ns=(BEGIN_NS + 2 * NS_PER_S, BEGIN_NS + 300 * NS_PER_S)
    )
    hand.registry.add_calibration("w", plan)
    hand.start()
    for second in range(20):
        for sensor in ("s1", "s2"):
            hand.send(sensor, second, forward_deg=float(second))
        hand.turn(1.0)
    assert hand.store.wearers() == []  # no frame yet
    for row in seen(hand).values():
        assert row.mean_acc_m_s2 is not None
        assert row.mean_acc_m_s2[2] / row.mean_acc_m_s2[0] == pytest.approx(
            np.tan(np.radians(19.0)), abs=2e-3
        )


def test_it_does_so_while_the_other_sensor_is_late(hand: HandWorker) -> None:
    hand.wear("w", T4="s1", L5="s2")
    hand.start()
    for second in range(12):
        hand.send("s1", second)
        hand.turn(1.0)
    row = seen(hand)["s1"]
    assert row.last_sample_ns == BEGIN_NS + 11 * NS_PER_S + 980_000_000
    assert row.stored_samples < 600  # most of it waits


def test_a_live_sensor_is_written_within_a_second(hand: HandWorker) -> None:
    hand.start()
    for tenth in range(100):
        if tenth % 10 == 0:
            hand.send("found", tenth / 10)
        hand.turn(0.1)
        if tenth % 10 == 6:
            assert seen(hand)["found"].last_sample_ns > BEGIN_NS + tenth // 10 * NS_PER_S


def test_a_backlog_does_not_say_that_a_sensor_is_heard_now(hand: HandWorker) -> None:
    hand.clock_ns = BEGIN_NS + 3600 * NS_PER_S
    hand.start()
    hand.send("found", 5.0)
    hand.turn(1.0)
    row = seen(hand)["found"]
    assert row.mean_acc_m_s2 is not None
    assert row.last_sample_ns is None
