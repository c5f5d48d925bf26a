"""A calibration as the person goes through it: one table of steps and events. Pure; time is an argument.

Nothing is kept of a calibration under way but the plan in the registry and what analytics answered:
:func:`at` plays the events that have happened since through the table, so a page that is opened again
goes on where it was. docs/calibration.md is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.doubts import Doubt
from contracts.errors import InvariantError
from contracts.records import CalibrationOutcome, FrameBlock
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Quality
from dashboard.reading.calibrations import CALIBRATION_LASTS_NS
from store.ports import Assignment

#: From pressing Start to holding upright: time to sit up, and for analytics to read the plan.
GET_READY_S: Final = 6
#: How long each pose is held, s; at least 5 whole seconds have to be in it.
HOLD_S: Final = {"upright": 8, "rounded": 8, "bend": 6, "standing": 8}
#: From the pose before to this one, s.
REACH_S: Final = {"rounded": 4, "bend": 4, "standing": 6}
#: What is measured waits for the plan from so long before the first pose.
EFFECTIVE_BEFORE_S: Final = 1
#: Analytics answers within seconds of the last pose; after so long something is wrong.
ANSWER_WITHIN_NS: Final = 20 * NS_PER_S
#: A calibration whose last pose is this old is history, whatever became of it.
SHOWN_FOR_NS: Final = 600 * NS_PER_S
_MOVED: Final = frozenset({Quality.SLIPPED, Quality.SWAPPED})


class Step(StrEnum):
    """Where the person is."""

    PREPARE = "prepare"
    GET_READY = "get_ready"
    UPRIGHT = "upright"
    TO_SLUMP = "to_slump"
    SLUMP = "slump"
    TO_BEND = "to_bend"
    BEND = "bend"
    TO_STANDING = "to_standing"
    STANDING = "standing"
    WAITING = "waiting"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Event(StrEnum):
    """What happens on the way."""

    START = "start"
    HOLD = "hold"
    SLUMP = "slump"  # the next pose is this one
    BEND = "bend"
    STAND = "stand"
    DONE = "done"  # the last pose has been held
    LATE = "late"
    ACCEPT = "accept"
    REFUSE = "refuse"
    AGAIN = "again"


TRANSITIONS: Final[dict[tuple[Step, Event], Step]] = {
    (Step.PREPARE, Event.START): Step.GET_READY,
    (Step.GET_READY, Event.HOLD): Step.UPRIGHT,
    (Step.UPRIGHT, Event.SLUMP): Step.TO_SLUMP,
    (Step.UPRIGHT, Event.BEND): Step.TO_BEND,
    (Step.UPRIGHT, Event.STAND): Step.TO_STANDING,
    (Step.UPRIGHT, Event.DONE): Step.WAITING,
    (Step.TO_SLUMP, Event.HOLD): Step.SLUMP,
    (Step.SLUMP, Event.BEND): Step.TO_BEND,
    (Step.SLUMP, Event.STAND): Step.TO_STANDING,
    (Step.SLUMP, Event.DONE): Step.WAITING,
    (Step.TO_BEND, Event.HOLD): Step.BEND,
    (Step.BEND, Event.STAND): Step.TO_STANDING,
    (Step.BEND, Event.DONE): Step.WAITING,
    (Step.TO_STANDING, Event.HOLD): Step.STANDING,
    (Step.STANDING, Event.DONE): Step.WAITING,
    (Step.WAITING, Event.LATE): Step.UNANSWERED,
    (Step.WAITING, Event.ACCEPT): Step.ACCEPTED,
    (Step.WAITING, Event.REFUSE): Step.REFUSED,
    (Step.UNANSWERED, Event.ACCEPT): Step.ACCEPTED,
    (Step.UNANSWERED, Event.REFUSE): Step.REFUSED,
    (Step.UNANSWERED, Event.AGAIN): Step.PREPARE,
    (Step.ACCEPTED, Event.AGAIN): Step.PREPARE,
    (Step.REFUSED, Event.AGAIN): Step.PREPARE,
}
HOLDING: Final = {
    Step.UPRIGHT: "upright",
    Step.SLUMP: "rounded",
    Step.BEND: "bend",
    Step.STANDING: "standing",
}
MOVING: Final = frozenset({Step.GET_READY, Step.TO_SLUMP, Step.TO_BEND, Step.TO_STANDING})
ENDED: Final = frozenset({Step.ACCEPTED, Step.REFUSED, Step.UNANSWERED})
#: Poses in the order in which they are asked for, and the event that leads to each.
_LEADS_TO: Final = {"rounded": Event.SLUMP, "bend": Event.BEND, "standing": Event.STAND}


@dataclass(frozen=True, slots=True)
class State:
    """The step and its time, [start_ns, end_ns); ``end_ns`` None: until something happens."""

    step: Step
    start_ns: int = 0
    end_ns: int | None = None
    plan: CalibrationPlan | None = None
    outcome: CalibrationOutcome | None = None

    @property
    def under_way(self) -> bool:
        """Whether the person is busy with it, or waits for the answer."""
        return self.step is not Step.PREPARE and self.step not in ENDED

    def left_s(self, now_ns: int) -> int:
        """Seconds that are left of the step, counted as one counts down: the last is 1."""
        return 0 if self.end_ns is None else max(0, -(-(self.end_ns - now_ns) // NS_PER_S))


def after(step: Step, event: Event) -> Step:
    """The step that follows. InvariantError for an event that does not belong to the step."""
    try:
        return TRANSITIONS[step, event]
    except KeyError:
        raise InvariantError(f"{event} does not belong to {step} of the calibration") from None


def plan_from(now_ns: int, *, bend: bool, standing: bool) -> CalibrationPlan:
    """The plan of somebody who presses Start now: upright, slump, and the poses that are wished."""
    poses = ["upright", "rounded", *(["bend"] if bend else []), *(["standing"] if standing else [])]
    at_ns = (-(-now_ns // NS_PER_S) + GET_READY_S) * NS_PER_S
    effective_ns = at_ns - EFFECTIVE_BEFORE_S * NS_PER_S
    windows: dict[str, tuple[int, int]] = {}
    for pose in poses:
        start_ns = at_ns + REACH_S.get(pose, 0) * NS_PER_S
        at_ns = start_ns + HOLD_S[pose] * NS_PER_S
        windows[pose] = (start_ns, at_ns)
    return CalibrationPlan(
        effective_ns=effective_ns,
        upright_ns=windows["upright"],
        rounded_ns=windows["rounded"],
        bend_ns=windows.get("bend"),
        standing_ns=windows.get("standing"),
    )


def at(plan: CalibrationPlan | None, outcome: CalibrationOutcome | None, now_ns: int) -> State:
    """Where somebody with this plan is now. ``outcome``: what analytics made of it, where it has."""
    if plan is None:
        return State(Step.PREPARE)
    events = _events(plan, outcome)
    step, start_ns = Step.PREPARE, plan.effective_ns
    for index, (at_ns, event) in enumerate(events):
        if index and at_ns > now_ns:
            return State(step, start_ns, at_ns, plan, outcome)
        step, start_ns = after(step, event), at_ns
    return State(step, start_ns, None, plan, outcome)


def _events(plan: CalibrationPlan, outcome: CalibrationOutcome | None) -> list[tuple[int, Event]]:
    """What has happened and will, in order; the first, pressing Start, lies behind whoever asks."""
    windows = plan.windows
    first_ns, end_ns = windows["upright"]
    events = [(plan.effective_ns, Event.START), (first_ns, Event.HOLD)]
    for pose, event in _LEADS_TO.items():
        if pose in windows:
            events += [(end_ns, event), (windows[pose][0], Event.HOLD)]
            end_ns = windows[pose][1]
    events.append((end_ns, Event.DONE))
    if outcome is not None:
        events.append((end_ns, Event.ACCEPT if outcome.accepted else Event.REFUSE))
    else:
        events.append((end_ns + ANSWER_WITHIN_NS, Event.LATE))
    return events


def in_order(plan: CalibrationPlan) -> bool:
    """Whether the poses follow one another as the page asks for them; plans from elsewhere may not."""
    windows = [plan.windows[p] for p in ("upright", *_LEADS_TO) if p in plan.windows]
    return all(a[1] <= b[0] for a, b in pairwise(windows))


def current(
    plans: Sequence[CalibrationPlan],
    outcomes: Sequence[CalibrationOutcome],
    now_ns: int,
    *,
    read_ns: int | None = None,
) -> State:
    """Where a wearer is: in the latest calibration, or before the next.

    ``read_ns``: the effective time of the one whose outcome was read, which is no longer shown.
    """
    recent = [p for p in plans if p.complete_ns + SHOWN_FOR_NS > now_ns and in_order(p)]
    if not recent:
        return State(Step.PREPARE)
    plan = max(recent, key=lambda p: p.effective_ns)
    outcome = next((o for o in outcomes if o.effective_ns == plan.effective_ns), None)
    state = at(plan, outcome, now_ns)
    if state.step in ENDED and read_ns is not None and read_ns >= plan.effective_ns:
        return State(after(state.step, Event.AGAIN))
    return state


def learned(held: Mapping[str, FrameBlock]) -> dict[str, float]:
    """The middle angle in degrees of each held pose, from the frames of its window, by pose.

    Trunk flexion of the slump and pelvis flexion of the bend; a pose whose angle the worn sensors cannot
    give is left out.
    """
    columns = {"rounded": "trunk_flexion_deg", "bend": "pelvis_flexion_deg"}
    found: dict[str, float] = {}
    for pose in columns.keys() & held.keys():
        angles = getattr(held[pose], columns[pose])
        angles = angles[~np.isnan(angles)]
        if angles.size:
            found[pose] = float(np.median(angles))
    return found


class Due(StrEnum):
    """Why a calibration is proposed."""

    NEVER = "never"
    MOVED = "moved"  # a sensor slipped, or two changed places
    OTHER_SENSORS = "other_sensors"
    OLD = "old"


def due(
    outcomes: Sequence[CalibrationOutcome],
    worn: Sequence[Assignment],
    doubt: Doubt | None,
    now_ns: int,
) -> Due | None:
    """Why the person should calibrate, if they should.

    The rule: there is no accepted calibration; or since the last a sensor slipped or two changed places,
    or a sensor was put on; or the last is over ``CALIBRATION_LASTS_NS`` old.
    """
    accepted = [o.effective_ns for o in outcomes if o.accepted]
    if not accepted:
        return Due.NEVER
    last_ns = max(accepted)
    if doubt is not None and doubt.quality in _MOVED and doubt.end_ns > last_ns:
        return Due.MOVED
    if any(a.start_ns > last_ns for a in worn):
        return Due.OTHER_SENSORS
    return Due.OLD if now_ns - last_ns > CALIBRATION_LASTS_NS else None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Step.PREPARE}"]
    lines += [f"    {step} --> {following}: {e}" for (step, e), following in TRANSITIONS.items()]
    return "\n".join(lines)
