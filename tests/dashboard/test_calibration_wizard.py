from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.doubts import Doubt
from contracts.errors import InvariantError, Reason
from contracts.records import CalibrationOutcome, FrameBlock
from contracts.settings import MIN_CALIBRATION_WINDOW_NS, CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Quality
from dashboard.sensors import wizard
from dashboard.sensors.wizard import HOLDING, TRANSITIONS, Due, Event, State, Step
from store.ports import Assignment
from tests.conftest import REPOSITORY
from tests.dashboard import seed

#: 2026-03-03 17:30:00.4 UTC
NOW_NS = 1_772_559_000 * NS_PER_S + 400_000_000
DAY_NS = 86400 * NS_PER_S
PLAN = wizard.plan_from(NOW_NS, bend=True, standing=True)
ACCEPTED = CalibrationOutcome(
    effective_ns=PLAN.effective_ns, accepted=True, message="accepted", hint=""
)
REFUSED = CalibrationOutcome(
    effective_ns=PLAN.effective_ns,
    accepted=False,
    message="T4 moved by 11° in the upright window.",
    hint="Hold the pose still for 10 s and try again.",
    reason=Reason.CALIBRATION_MOVED,
)


def second(plan_s: float) -> int:
    """UTC ns, ``plan_s`` after the whole second that follows NOW_NS."""
    return 1_772_559_001 * NS_PER_S + round(plan_s * NS_PER_S)


def test_the_plan_of_pressing_start_by_hand() -> None:
    assert PLAN == CalibrationPlan(
        effective_ns=second(5),
        upright_ns=(second(6), second(14)),
        rounded_ns=(second(18), second(26)),
        bend_ns=(second(30), second(36)),
        standing_ns=(second(42), second(50)),
    )
    short = wizard.plan_from(NOW_NS, bend=False, standing=False)
    assert short.windows.keys() == {"upright", "rounded"}
    assert short.rounded_ns == (second(18), second(26))


@pytest.mark.parametrize(
    ("at_s", "step", "left_s"),
    [
        (-0.6, Step.GET_READY, 7),
        (0.0, Step.GET_READY, 6),
        (5.9, Step.GET_READY, 1),
        (6.0, Step.UPRIGHT, 8),
        (13.999, Step.UPRIGHT, 1),
        (14.0, Step.TO_SLUMP, 4),
        (18.0, Step.SLUMP, 8),
        (26.0, Step.TO_BEND, 4),
        (30.0, Step.BEND, 6),
        (36.0, Step.TO_STANDING, 6),
        (42.0, Step.STANDING, 8),
        (50.0, Step.WAITING, 20),
        (69.9, Step.WAITING, 1),
        (70.0, Step.UNANSWERED, 0),
    ],
)
def test_the_step_and_the_countdown_follow_from_the_plan_and_the_clock(
    at_s: float, step: Step, left_s: int
) -> None:
    state = wizard.at(PLAN, None, second(at_s))
    assert (state.step, state.left_s(second(at_s))) == (step, left_s)
    assert state.under_way == (step is not Step.UNANSWERED)


def test_the_answer_ends_it_also_where_it_is_late() -> None:
    assert wizard.at(PLAN, ACCEPTED, second(51)).step is Step.ACCEPTED
    assert wizard.at(PLAN, REFUSED, second(51)).outcome == REFUSED
    assert wizard.at(PLAN, REFUSED, second(300)).step is Step.REFUSED


def test_an_answer_before_the_last_pose_by_this_clock_waits_for_it() -> None:
    assert wizard.at(PLAN, ACCEPTED, second(49)).step is Step.STANDING


plans = st.builds(
    wizard.plan_from,
    st.integers(NOW_NS, NOW_NS + 10 * NS_PER_S),
    bend=st.booleans(),
    standing=st.booleans(),
)


@given(plan=plans, at_s=st.floats(-1.0, 80.0), answered=st.sampled_from([None, True, False]))
def test_a_pose_is_held_exactly_within_its_window(
    plan: CalibrationPlan, at_s: float, answered: bool | None
) -> None:
    now_ns = plan.effective_ns + round(at_s * NS_PER_S)
    outcome = None
    if answered is not None:
        outcome = msgspec.structs.replace(ACCEPTED, accepted=answered)
    state = wizard.at(plan, outcome, now_ns)
    inside = [n for n, (start, end) in plan.windows.items() if start <= now_ns < end]
    assert [HOLDING[state.step]] == inside if state.step in HOLDING else not inside
    assert state.end_ns is None or state.end_ns > now_ns
    assert state.step is not Step.PREPARE


@given(plan=plans)
def test_a_plan_can_be_entered_before_its_first_pose_and_is_held_long_enough(
    plan: CalibrationPlan,
) -> None:
    ordered = sorted(plan.windows.values())
    assert list(plan.windows.values()) == ordered
    assert all(end - start >= MIN_CALIBRATION_WINDOW_NS + NS_PER_S for start, end in ordered)
    assert ordered[0][0] - plan.effective_ns == NS_PER_S
    assert wizard.in_order(plan)


def test_every_step_is_reached_and_every_event_used() -> None:
    reached, todo = {Step.PREPARE}, [Step.PREPARE]
    while todo:
        step = todo.pop()
        for (before, _), following in TRANSITIONS.items():
            if before is step and following not in reached:
                reached.add(following)
                todo.append(following)
    assert reached == set(Step)
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_an_event_that_does_not_belong_is_a_defect() -> None:
    with pytest.raises(InvariantError, match="accept does not belong to upright"):
        wizard.after(Step.UPRIGHT, Event.ACCEPT)


def test_the_page_in_the_docs_shows_the_table() -> None:
    page = (REPOSITORY / "docs" / "calibration.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{wizard.diagram()}\n```" in page


def test_the_latest_of_several_plans_is_the_one_under_way() -> None:
    earlier = wizard.plan_from(NOW_NS - 30 * NS_PER_S, bend=False, standing=False)
    state = wizard.current([PLAN, earlier], [], second(7))
    assert (state.step, state.plan) == (Step.UPRIGHT, PLAN)


def test_an_outcome_that_was_read_is_not_shown_again_and_an_old_one_never() -> None:
    at_ns = second(60)
    assert wizard.current([PLAN], [ACCEPTED], at_ns).step is Step.ACCEPTED
    read = wizard.current([PLAN], [ACCEPTED], at_ns, read_ns=PLAN.effective_ns)
    assert read == State(Step.PREPARE)
    old_ns = PLAN.complete_ns + wizard.SHOWN_FOR_NS
    assert wizard.current([PLAN], [ACCEPTED], old_ns - 1).step is Step.ACCEPTED
    assert wizard.current([PLAN], [ACCEPTED], old_ns).step is Step.PREPARE


def test_a_plan_in_another_order_is_no_business_of_the_page() -> None:
    foreign = CalibrationPlan(
        effective_ns=second(0),
        upright_ns=(second(20), second(30)),
        standing_ns=(second(0), second(10)),
    )
    assert not wizard.in_order(foreign)
    assert wizard.current([foreign], [], second(5)).step is Step.PREPARE


def worn(start_ns: int) -> list[Assignment]:
    return [Assignment("PL-0001-T4", seed.WEARER, Placement.T4, start_ns)]


def test_when_a_calibration_is_proposed() -> None:
    at_ns, before = ACCEPTED.effective_ns, worn(ACCEPTED.effective_ns)

    def moved(quality: Quality, until_ns: int) -> Doubt:
        return Doubt(quality, (Placement.T4,), until_ns - NS_PER_S, until_ns, 1)

    assert wizard.due([], before, None, at_ns) is Due.NEVER
    assert wizard.due([REFUSED], before, None, at_ns) is Due.NEVER
    assert wizard.due([ACCEPTED], before, None, at_ns + 30 * DAY_NS) is None
    assert wizard.due([ACCEPTED], before, None, at_ns + 30 * DAY_NS + 1) is Due.OLD
    assert wizard.due([ACCEPTED], worn(at_ns + 1), None, at_ns + 2) is Due.OTHER_SENSORS
    for quality in (Quality.SLIPPED, Quality.SWAPPED):
        assert wizard.due([ACCEPTED], before, moved(quality, at_ns + 1), at_ns + 2) is Due.MOVED
        assert wizard.due([ACCEPTED], before, moved(quality, at_ns), at_ns + 2) is None
    assert wizard.due([ACCEPTED], before, moved(Quality.STUCK, at_ns + 1), at_ns + 2) is None


def test_what_was_learned_is_the_middle_of_what_is_known_of_a_pose() -> None:
    frames, _ = seed.day_of([seed.Stretch(0.1, seed.S, posture=seed.R)], PLAN.effective_ns)
    columns = {name: getattr(frames, name) for name in FrameBlock.__dataclass_fields__}
    angles = np.array([5.0, 30.0, np.nan, 25.0, 24.0, 26.0])
    held = FrameBlock(**columns | {"trunk_flexion_deg": angles})
    unknown = FrameBlock(**columns | {"pelvis_flexion_deg": np.full(6, np.nan)})
    assert wizard.learned({"rounded": held, "bend": unknown, "upright": held}) == {"rounded": 25.0}
