"""What sensors send ahead of their logs, from the broker to what is shown: never stored as data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts import topics
from contracts.messages import PostureState, Stored
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity
from store.people_ports import Errand, ErrandKind
from tests.analytics.hand_worker import BEGIN_NS, SITE, HandWorker

AWAY_S = 3600


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.clock_ns = 0  # live
    hand.wear("w", T4="t4", L5="l5")
    hand.start()
    yield hand
    hand.close()


def postures(hand: HandWorker) -> list[PostureState]:
    return [m.body for m in hand.published if isinstance(m.body, PostureState)]


def come_back(hand: HandWorker, seconds: int) -> None:
    """Live for half a minute, away for an hour, then ``seconds`` in which a log comes in."""
    for second in range(30):
        for sensor in ("t4", "l5"):
            hand.send(sensor, second, breath=20)
        hand.turn(1.0)
    hand.turn(AWAY_S)
    hand.published.clear()
    for number in range(seconds):
        for sensor in ("t4", "l5"):
            hand.send(sensor, 30 + number, breath=20)
            hand.send(sensor, 30 + AWAY_S + number, breath=20, forward_deg=40.0, ahead=True)
        hand.turn(1.0)


def test_now_is_said_while_the_log_is_stored_in_its_order(hand: HandWorker) -> None:
    come_back(hand, 20)
    now_ns = BEGIN_NS + (30 + AWAY_S + 20) * NS_PER_S
    said = postures(hand)
    assert len(said) >= 17
    starts_s = [(state.start_ns - BEGIN_NS) / NS_PER_S for state in said]
    assert starts_s[1:] == [30 + AWAY_S + second for second in range(len(said) - 1)]
    assert now_ns - said[-1].start_ns <= 3 * NS_PER_S
    assert said[-1].activity is Activity.SITTING
    (kept,) = hand.store.ahead("w").rows()
    assert kept.start_ns == said[-1].start_ns
    assert kept.activity is said[-1].activity
    frames = hand.store.frames("w", BEGIN_NS, now_ns)
    # What is stored is of the log, second by second, and what was acknowledged is too.
    assert np.array_equal(np.diff(frames.start_ns), np.full(len(frames) - 1, NS_PER_S))
    assert frames.start_ns[-1] < BEGIN_NS + 50 * NS_PER_S
    acknowledged = [m.body.seq for m in hand.published if isinstance(m.body, Stored)]
    assert max(acknowledged) <= 50


def test_what_the_sensors_read_is_of_now(hand: HandWorker) -> None:
    come_back(hand, 5)
    for row in hand.store.health():
        assert row.mean_acc_m_s2 is not None
        tilt_deg = np.degrees(np.arctan2(row.mean_acc_m_s2[2], row.mean_acc_m_s2[0]))
        assert tilt_deg == pytest.approx(40.0, abs=0.5)
        assert row.last_sample_ns == BEGIN_NS + (30 + AWAY_S + 4) * NS_PER_S + 980_000_000


def test_after_it_all_is_as_if_nothing_had_been_sent_ahead(tmp_path: Path) -> None:
    stored = []
    for ahead in (True, False):
        folder = tmp_path / str(ahead)
        folder.mkdir()
        hand = HandWorker(folder)
        hand.clock_ns = 0
        hand.wear("w", T4="t4", L5="l5")
        hand.start()
        for second in range(60):
            for sensor in ("t4", "l5"):
                hand.send(sensor, second, breath=20, forward_deg=20.0 * (second > 30))
                if ahead:
                    hand.send(sensor, second + 900, breath=20, forward_deg=60.0, ahead=True)
            hand.turn(1.0)
        stored.append(hand.store.frames("w", BEGIN_NS, BEGIN_NS + 3600 * NS_PER_S))
        hand.close()
    for name in ("start_ns", "posture", "trunk_flexion_deg", "confidence"):
        left, right = (getattr(frames, name) for frames in stored)
        assert np.array_equal(left, right, equal_nan=True)


def test_what_came_ahead_goes_with_its_assignment(hand: HandWorker) -> None:
    come_back(hand, 10)
    now_s = 30 + AWAY_S + 10
    hand.registry.unassign("w", "t4", BEGIN_NS)  # it was never worn there: a mistake
    hand.turn(2.5)
    hand.published.clear()
    for second in range(10):
        hand.send("l5", now_s + 3 + second, breath=20, ahead=True)
        hand.turn(1.0)
    assert len(postures(hand)) >= 8


def test_who_is_erased_meanwhile_leaves_no_second_behind(hand: HandWorker) -> None:
    come_back(hand, 10)
    assert hand.store.count_rows("w")["ahead"] == 1
    hand.registry.people.ask(Errand("r" * 32, ErrandKind.ERASE, "w", "operator", 11))
    for second in range(60):
        for sensor in ("t4", "l5"):
            hand.send(sensor, 30 + AWAY_S + 10 + second, breath=20, ahead=True)
        hand.turn(1.0)
    assert hand.registry.people.receipt("r" * 32) is not None
    assert set(hand.store.count_rows("w").values()) == {0}


def test_strangers_and_garbage_are_refused_and_change_nothing(hand: HandWorker) -> None:
    hand.send("stranger", 1, ahead=True)
    hand.take(topics.ahead(SITE, "gw", "t4"), b"\x00")
    hand.take(topics.ahead(SITE, "gw", "t4"), b"")
    hand.turn(1.0)
    assert postures(hand) == []
    assert hand.worker.report()["rejected"] == 1


def age_s(hand: HandWorker, now_s: float) -> float:
    """How long ago the second began that was said last."""
    return now_s - (postures(hand)[-1].start_ns - BEGIN_NS) / NS_PER_S


def test_who_has_caught_up_first_is_shown_on_with_who_has_not(hand: HandWorker) -> None:
    come_back(hand, 10)
    now_s = 30 + AWAY_S + 10
    for second in range(40, now_s):  # the log of one is in, at once
        hand.send("t4", second, breath=20)
    for number in range(20):
        hand.send("t4", now_s + number, breath=20, forward_deg=40.0)
        hand.send("l5", 40 + number, breath=20)
        hand.send("l5", now_s + number, breath=20, forward_deg=40.0, ahead=True)
        hand.turn(1.0)
        assert age_s(hand, now_s + number + 1) <= 3.0
        (shown,) = hand.store.ahead("w").rows()
        assert not shown.missing


def test_who_is_taken_off_meanwhile_is_not_waited_for(hand: HandWorker) -> None:
    come_back(hand, 5)
    now_s = 30 + AWAY_S + 5
    hand.registry.unassign("w", "l5", BEGIN_NS + now_s * NS_PER_S)
    for number in range(15):
        hand.send("t4", 35 + number, breath=20)
        hand.send("t4", now_s + number, breath=20, forward_deg=40.0, ahead=True)
        hand.turn(1.0)
    assert age_s(hand, now_s + 15) <= 3.0


def test_what_came_of_a_sensor_that_was_never_theirs_is_forgotten(hand: HandWorker) -> None:
    come_back(hand, 5)
    now_s = 30 + AWAY_S + 5
    hand.registry.unassign("w", "l5", BEGIN_NS)  # entered by mistake: it never was theirs
    for number in range(15):
        for sensor in ("t4", "l5"):
            hand.send(sensor, now_s + number, breath=20, ahead=True)
        hand.turn(1.0)
    assert [a.sensor for a in hand.registry.assignments("w")] == ["t4"]
    assert age_s(hand, now_s + 15) <= 3.0


def test_who_is_erased_meanwhile_stays_erased(hand: HandWorker) -> None:
    come_back(hand, 5)
    assert len(hand.store.ahead("w")) == 1
    now_s = 30 + AWAY_S + 5
    hand.registry.people.ask(Errand("r" * 32, ErrandKind.ERASE, "w", "operator", 11))
    for number in range(20):
        for sensor in ("t4", "l5"):
            hand.send(sensor, now_s + number, breath=20, ahead=True)
        hand.turn(1.0)
    assert hand.registry.people.receipt("r" * 32) is not None
    assert not any(hand.store.count_rows("w").values())
    assert len(hand.store.ahead("w")) == 0
