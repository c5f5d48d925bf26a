"""Reminders are stored with whether the wearer was told, and told as they are stored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.core.results import NO_FRAMES
from analytics.pulses import MAX_WAITING, UNANSWERED, Pulse, Pulses
from contracts import topics
from contracts.errors import Reason, StoreError
from contracts.messages import GatewayCommand, GatewayReply, NudgeEvent
from contracts.records import Nudge
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, KeptBack, NudgeKind, Posture
from contracts.wishes import NotNowWish
from store.ports import Commit, WearerRows
from tests.analytics.hand_worker import BEGIN_NS, SITE, HandWorker

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
    hold(hand, 0, UPRIGHT_S, 0.0)
    hold(hand, UPRIGHT_S, UPRIGHT_S + ROUNDED_S, 30.0)


def hold(hand: HandWorker, first_s: int, end_s: int, forward_deg: float) -> None:
    """The upper trunk so far forward for some seconds, a second a turn; nobody sits quite still."""
    for second in range(first_s, end_s):
        sway_deg = math.sin(0.7 * second)
        hand.send("s2", second, forward_deg=sway_deg - forward_deg / 4, breath=20)
        hand.send("s1", second, forward_deg=forward_deg + 2 * sway_deg, breath=20)
        hand.turn(1.0)


def reply(hand: HandWorker, *, ok: bool, reason: str = "") -> None:
    """The gateway's word on the last pulse."""
    command = next(m.body for m in hand.published[::-1] if isinstance(m.body, GatewayCommand))
    answer = GatewayReply(id=command.id, ok=ok, reason=reason)
    hand.take(topics.reply(SITE, "gw"), answer.encode())
    hand.turn(2.0)


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
            felt=False,
            felt_why=UNANSWERED,
        )
    ]
    assert BEGIN_NS + (UPRIGHT_S + 20) * NS_PER_S <= event.at_ns
    assert event.at_ns <= BEGIN_NS + (UPRIGHT_S + ROUNDED_S) * NS_PER_S


def test_one_out_of_a_backlog_is_stored_and_not_given(hand: HandWorker) -> None:
    hand.start()
    slump(hand)
    assert told(hand) == []
    (stored,) = hand.store.nudges("w", *EVER)
    assert (stored.given, stored.kept_back) == (False, KeptBack.BACKLOG)


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
    assert [n.kept_back for n in hand.store.nudges("w", *EVER)] == [KeptBack.BACKLOG]
    assert told(hand) == []


@pytest.mark.parametrize(("ok", "reason"), [(True, ""), (False, "the sensor is not connected")])
def test_what_the_gateway_replied_is_stored(hand: HandWorker, ok: bool, reason: str) -> None:
    hand.clock_ns = 0
    hand.start()
    hold(hand, 0, UPRIGHT_S, 0.0)
    hold(hand, UPRIGHT_S, UPRIGHT_S + 25, 30.0)
    reply(hand, ok=ok, reason=reason)
    (stored,) = hand.store.nudges("w", *EVER)
    assert (stored.given, stored.felt, stored.felt_why) == (True, ok, reason)
    hand.turn(60.0)  # long after the wait for a reply
    assert hand.store.nudges("w", *EVER) == [stored]


def test_a_reply_to_somebody_elses_command_is_nothing(hand: HandWorker) -> None:
    hand.start()
    answer = GatewayReply(id="mine", ok=True)
    hand.take(topics.reply(SITE, "gw"), answer.encode())
    hand.turn()
    assert hand.store.nudges("w", *EVER) == []
    assert hand.worker.report()["rejected"] == 0


def test_what_came_after_is_stored(hand: HandWorker) -> None:
    hand.clock_ns = 0
    hand.start()
    slump(hand)
    hold(hand, UPRIGHT_S + ROUNDED_S, UPRIGHT_S + ROUNDED_S + 20, 0.0)
    (stored,) = hand.store.nudges("w", *EVER)
    (first,) = told(hand)
    upright_ns = next(
        frame.start_ns
        for frame in hand.store.frames("w", *EVER).rows()
        if frame.start_ns >= first.at_ns and frame.posture is Posture.UPRIGHT
    )
    assert stored.after is Afterwards.UPRIGHT
    assert stored.upright_after_s == (upright_ns - first.at_ns) // NS_PER_S
    assert stored.held_s is None  # it goes on


def wish(hand: HandWorker, minutes: int) -> None:
    hand.take(topics.not_now(SITE, "w"), NotNowWish(minutes=minutes).encode())


def test_after_not_now_none_are_given_until_it_is_over(hand: HandWorker) -> None:
    hand.clock_ns = 0
    hand.start()
    wish(hand, 1)
    slump(hand)
    until_ns = hand.registry.not_now()["w"].end_ns
    (kept,) = (n for n in hand.store.nudges("w", *EVER) if not n.given)
    assert kept.kept_back is KeptBack.NOT_NOW
    assert [event.at_ns for event in told(hand)] == [until_ns]


def test_not_now_is_taken_back_with_no_minutes(hand: HandWorker) -> None:
    hand.clock_ns = 0
    hand.start()
    wish(hand, 60)
    hand.turn(1.0)
    assert set(hand.registry.not_now()) == {"w"}
    wish(hand, 0)
    hand.turn(1.0)
    assert hand.registry.not_now() == {}
    hand.take(topics.not_now(SITE, "nobody"), NotNowWish(minutes=5).encode())
    assert hand.worker.report()["rejected"] == 1


def test_the_delay_fades_with_the_nudges_of_the_week_before(hand: HandWorker) -> None:
    hand.clock_ns = 0
    followed = [
        Nudge(
            at_ns=BEGIN_NS - (2 * 86_400 + 600 * n) * NS_PER_S,
            kind=NudgeKind.POSTURE,
            held_for_s=20,
            given=True,
            after=Afterwards.UPRIGHT,
        )
        for n in range(10)
    ]
    hand.store.commit(Commit([WearerRows("w", NO_FRAMES, nudges=followed)]))
    hand.registry.set_settings("w", PostureSettings(nudge_after_s=20.0, nudge_fading=True))
    hand.start()
    slump(hand)
    assert told(hand) == []  # after 60 s instead of 20
    end_s = UPRIGHT_S + ROUNDED_S
    hold(hand, end_s, end_s + 20, 30.0)
    (event,) = told(hand)
    assert event.rounded_for_s == 60.0


def test_pulses_that_wait_for_a_reply_have_a_cap() -> None:
    pulses = Pulses()
    for number in range(MAX_WAITING + 5):
        pulses.asked(f"c{number}", Pulse("w", number, NudgeKind.POSTURE), 0.0)
    assert len(pulses.unanswered(60.0)) == MAX_WAITING
    assert pulses.replied(GatewayReply(id="c0", ok=True)) is None
