"""Reminders are stored with whether the wearer was told, and told as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import Reason, StoreError
from contracts.messages import NudgeEvent
from contracts.records import Nudge
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import NudgeKind
from tests.analytics.hand_worker import BEGIN_NS, HandWorker

EVER = (0, 2**63 - 1)
UPRIGHT_S, ROUNDED_S = 20, 45


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.wear("w", T4="s1", L5="s2")
    hand.registry.add_calibration(
        "w",
        CalibrationPlan(
            effective_ns=BEGIN_NS, upright_ns=(BEGIN_NS + NS_PER_S, BEGIN_NS + 9 * NS_PER_S)
        ),
    )
    hand.registry.set_settings("w", PostureSettings(nudge_after_s=20.0))
    yield hand
    hand.close()


def slump(hand: HandWorker) -> None:
    """Upright, then rounded for longer than the wearer wants, a second a turn."""
    for second in range(UPRIGHT_S + ROUNDED_S):
        forward_deg = 0.0 if second < UPRIGHT_S else 30.0
        hand.send("s2", second)
        hand.send("s1", second, forward_deg=forward_deg)
        hand.turn(1.0)


def told(hand: HandWorker) -> list[NudgeEvent]:
    return [m.body for m in hand.published if isinstance(m.body, NudgeEvent)]


def test_a_nudge_in_time_is_given_and_stored_so(hand: HandWorker) -> None:
    hand.clock_ns = 0  # live
    hand.start()
    slump(hand)
    (event,) = told(hand)
    stored = hand.store.nudges("w", *EVER)
    assert stored == [
        Nudge(
            at_ns=event.at_ns,
            kind=NudgeKind.POSTURE,
            held_for_s=round(event.rounded_for_s),
            given=True,
        )
    ]
    assert BEGIN_NS + (UPRIGHT_S + 20) * NS_PER_S <= event.at_ns
    assert event.at_ns <= BEGIN_NS + (UPRIGHT_S + ROUNDED_S) * NS_PER_S


def test_one_out_of_a_backlog_is_stored_and_not_given(hand: HandWorker) -> None:
    hand.start()
    slump(hand)
    assert told(hand) == []
    assert [nudge.given for nudge in hand.store.nudges("w", *EVER)] == [False]


def test_one_that_the_store_kept_waiting_is_not_given(
    hand: HandWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.clock_ns = 0
    hand.start()
    commit = hand.store.commit
    away = StoreError(Reason.STORE_UNREACHABLE, "It is away.")

    def refuse_nudges(new) -> None:
        if any(rows.nudges for rows in new.wearers):
            raise away
        commit(new)

    monkeypatch.setattr(hand.store, "commit", refuse_nudges)
    slump(hand)
    assert hand.store.nudges("w", *EVER) == []
    monkeypatch.setattr(hand.store, "commit", commit)
    hand.turn(30.0)
    assert [nudge.given for nudge in hand.store.nudges("w", *EVER)] == [False]
    assert told(hand) == []
