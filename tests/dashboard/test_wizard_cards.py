from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from contracts.records import CalibrationOutcome
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.look.theme import DARK, LIGHT
from dashboard.sensors import wizard, wizard_cards
from dashboard.sensors.live_angles import LiveAngle
from dashboard.sensors.wizard import Due, State
from tests.dashboard.test_calibration_wizard import ACCEPTED, NOW_NS, PLAN, REFUSED, second

BERLIN = ZoneInfo("Europe/Berlin")
STILL = LiveAngle("PL-1", Placement.T4, sends=True, change_deg=3.4, turning_deg_s=1.2)
MOVING = LiveAngle("PL-2", Placement.L5, sends=True, change_deg=11.6, turning_deg_s=14.4)
SILENT = LiveAngle("PL-2", Placement.L5, sends=False)


def at(second_of_plan: float) -> State:
    return wizard.at(PLAN, None, second(second_of_plan))


@pytest.mark.parametrize(
    ("at_s", "words", "count"),
    [
        (1.0, "Sit upright", "5"),
        (9.0, "Hold still", "5"),
        (15.0, "Now let go", "3"),
        (20.0, "Hold still", "6"),
        (27.0, "Now bend forward", "3"),
        (40.0, "Now stand up", "2"),
    ],
)
def test_each_step_says_what_to_do_and_counts_down(at_s: float, words: str, count: str) -> None:
    card = wizard_cards.under_way(at(at_s), second(at_s), LIGHT)
    assert f">{words}<" in card
    assert f">{count}</div>" in card
    assert f"{words}. " in wizard_cards.said(at(at_s))


def test_waiting_counts_nothing_down() -> None:
    card = wizard_cards.under_way(at(51), second(51), DARK)
    assert "Done, you can move" in card
    assert "count" not in card


def test_what_is_said_aloud_changes_once_a_step() -> None:
    spoken = [wizard_cards.said(at(half / 2)) for half in range(100)]
    changes = sum(a != b for a, b in pairwise(spoken))
    assert changes == 7
    assert all('role="alert"' in words for words in spoken)
    assert "8 seconds" in wizard_cards.said(at(9))


def test_who_moves_while_holding_is_told_which_sensor_and_how_fast() -> None:
    assert "Hold still: Low back (L5) turns by 14° a second." in wizard_cards.advice(
        at(9), [STILL, MOVING]
    )
    for fine in (wizard_cards.advice(at(9), [STILL]), wizard_cards.advice(at(15), [MOVING])):
        assert "Hold still" not in fine


def test_a_sensor_that_falls_silent_is_said_at_once() -> None:
    assert "Low back (L5) sends nothing just now." in wizard_cards.advice(at(15), [STILL, SILENT])


def test_the_live_row_says_tilt_and_stillness_in_words() -> None:
    rows = wizard_cards.live([STILL, MOVING, SILENT])
    for words in ("3°", "still, 1° a second", "12°", "moving, 14° a second", "sends nothing"):
        assert words in rows


def test_accepted_says_what_was_learned() -> None:
    state = wizard.at(PLAN, ACCEPTED, second(60))
    card = wizard_cards.accepted(state, {"rounded": 24.4, "bend": 41.0})
    for words in ("Accepted", "it curls the trunk by 24°", "by 41° at the low back", "standing"):
        assert words in card


def test_accepted_without_a_sensor_says_so() -> None:
    outcome = CalibrationOutcome(
        effective_ns=PLAN.effective_ns, accepted=True, message="accepted without T12: <too little>"
    )
    card = wizard_cards.accepted(wizard.at(PLAN, outcome, second(60)), {})
    assert "Accepted without T12" in card
    assert "&lt;too little&gt;" in card
    assert "°" not in card


def test_refused_says_why_and_what_to_do() -> None:
    card = wizard_cards.refused(REFUSED)
    for words in ("Not accepted", "T4 moved by 11°", "Hold the pose still for 10 s", "in force"):
        assert words in card


def test_no_answer_blames_the_silent_sensor_first_then_the_service() -> None:
    assert "Low back (L5) has stopped sending" in wizard_cards.unanswered([Placement.L5], "full")
    assert "The disk is full." in wizard_cards.unanswered([], "The disk is full.")
    assert "analytics service has not answered" in wizard_cards.unanswered([], "")


@pytest.mark.parametrize("why", Due)
def test_every_reason_to_calibrate_has_words(why: Due) -> None:
    assert "Calibrate" in wizard_cards.proposal(why, None, NOW_NS, BERLIN)


def test_what_was_calibrated_lately_needs_nothing() -> None:
    card = wizard_cards.proposal(None, NOW_NS - 3600 * NS_PER_S, NOW_NS, BERLIN)
    assert "Today, 3 March, 17:30. Nothing needs doing." in card


def test_the_history_tells_all_outcomes_latest_first_and_is_capped() -> None:
    plans = [
        wizard.plan_from(NOW_NS + i * 3600 * NS_PER_S, bend=False, standing=False)
        for i in range(25)
    ]
    outcomes = [ACCEPTED]
    table = wizard_cards.history([*plans[1:], PLAN], outcomes, plans[-1].complete_ns, BERLIN)
    assert table.count("<tr>") == 21
    assert "… and 5 before." in table
    short = wizard_cards.history([PLAN], [REFUSED], second(60), BERLIN)
    assert "Upright, seated · Usual slump · Bent forward · Upright, standing" in short
    assert "<b>Refused.</b> T4 moved by 11° in the upright window. Hold the pose" in short


def test_nothing_can_start_without_a_sensor_or_with_a_silent_one() -> None:
    assert "Pair a sensor first" in wizard_cards.cannot_start(())
    both = wizard_cards.cannot_start((Placement.T4, Placement.L5))
    assert "Upper back (T4) and Low back (L5) send nothing just now" in both


def test_every_pose_of_the_wizard_has_a_picture_in_both_papers() -> None:
    for page in (LIGHT, DARK):
        pictures = wizard_cards.poses(page, bend=True, standing=True)
        assert pictures.count("<img ") == 4
        for words in ("Sitting upright", "Sitting slumped", "bent forward", "Standing upright"):
            assert words in pictures
