"""A gateway whose clock leaps: what it misdated is lost, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.units import NS_PER_S
from tests.analytics.hand_worker import BEGIN_NS, HandWorker


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.wear("w1", T4="s4", L5="s5")
    hand.clock_ns = 0
    hand.start()
    yield hand
    hand.close()


@pytest.mark.parametrize("both", [False, True])
def test_an_hour_ahead_and_back_costs_only_what_was_misdated(hand: HandWorker, both: bool) -> None:
    for second in range(40):
        leap_s = 3600 if 20 <= second < 23 else 0
        hand.send("s4", second + leap_s)
        hand.send("s5", second + (leap_s if both else 0))
        hand.turn(1.0)
    frames = hand.store.frames("w1", 0, 2**62)
    seconds = ((frames.start_ns - BEGIN_NS) // NS_PER_S).tolist()
    lost = {20, 21, 22} if both else set()
    assert seconds == [second for second in range(39) if second not in lost]
    (t4,) = [row for row in hand.store.health() if row.sensor == "s4"]
    assert (t4.late_samples, t4.stored_samples, t4.stored_seq) == (150, 2000, 40)
    assert t4.last_sample_ns is not None
    assert t4.last_sample_ns < BEGIN_NS + 40 * NS_PER_S


def test_a_clock_that_stays_ahead_delays_and_loses_nothing(hand: HandWorker) -> None:
    for second in range(10):
        hand.send("s4", second + 600)
        hand.send("s5", second + 600)
        hand.turn(1.0)
    assert hand.store.wearers() == []
    assert hand.store.checkpoint().cursors == {}
    hand.turn(300.0)
    assert len(hand.store.frames("w1", 0, 2**62)) == 9


@pytest.mark.parametrize("leap_s", [600, 3600])
@pytest.mark.parametrize("wrong", [1, 2, 20])
def test_a_clock_that_is_ahead_from_the_first_batch_on_and_set_right(
    hand: HandWorker, leap_s: int, wrong: int
) -> None:
    """Nothing was fed before, so nothing but the clock here says which of both is wrong."""
    for second in range(40):
        for sensor in ("s4", "s5"):
            hand.send(sensor, second + (leap_s if second < wrong else 0))
        hand.turn(1.0)
    frames = hand.store.frames("w1", 0, 2**62)
    seconds = ((frames.start_ns - BEGIN_NS) // NS_PER_S).tolist()
    assert seconds == list(range(wrong, 39))
    assert hand.worker.report()["rejected_by_reason"] == {"time-jumped": 2 * wrong}
