"""My sensors: those that are worn and those that were found, and the calibration. Thin."""

from __future__ import annotations

from typing import Final

import streamlit as st

from contracts.errors import PlumblineError
from contracts.settings import CalibrationPlan
from contracts.vocabulary import Placement
from dashboard.entry.visit import Visit
from dashboard.frame import cards
from dashboard.frame.parts import part
from dashboard.look import figures, text, theme
from dashboard.mine.consent import in_force
from dashboard.reading import doubts, queries
from dashboard.sensors import cards as sensor_cards
from dashboard.sensors import live_angles, wizard, wizard_cards
from dashboard.sensors.guide import guide
from dashboard.sensors.wizard import ENDED, State, Step
from store.people_ports import ConsentKind
from store.ports import Assignment

_LIVE_EVERY_S: Final = 2
#: A countdown that is drawn twice a second misses none of its numbers.
_WIZARD_EVERY_S: Final = 0.5
#: Sensors that most wear; who has them is not asked to pair more.
_KIT: Final = 2
_READ: Final = "calibration read"  # the effective time of the one whose outcome was read
_BEGAN: Final = "calibration began"  # gravity by sensor when it did


def page(visit: Visit) -> None:
    """The client's sensors, live, and the calibration wizard, which has the page to itself once begun.

    Who wears fewer sensors than the kit is led to pairing before.
    """
    st.html(cards.head(visit.client, "My sensors", own=True))
    if _state(visit).step is not Step.PREPARE:
        st.fragment(_calibration, run_every=_WIZARD_EVERY_S)(visit)
        return
    guide(visit)
    worn = len(_sensors(visit))
    # Each part has its own place, so that none moves under the hand while the page is made anew.
    worn_place, pairing_place, calibration_place, more_place = (st.container() for _ in range(4))
    if worn:
        with worn_place:
            st.html(cards.part("Worn"))
            st.fragment(_worn, run_every=_LIVE_EVERY_S)(visit)
    if worn < _KIT:
        with pairing_place:
            st.html(cards.part("Pair a sensor"))
            st.fragment(_pairing, run_every=_LIVE_EVERY_S)(visit)
    with calibration_place:
        st.html(cards.part("Calibration"))
        st.fragment(_calibration, run_every=_WIZARD_EVERY_S)(visit)
        st.fragment(_history, run_every=_LIVE_EVERY_S)(visit)
    with more_place:
        if worn >= _KIT and st.toggle("Pair another sensor", key="pair another"):
            st.fragment(_pairing, run_every=_LIVE_EVERY_S)(visit)


def _paper() -> theme.Paper:
    return theme.paper(st.context.theme.type)


def _sensors(visit: Visit) -> list[queries.Sensor]:
    return queries.sensors(visit.series, visit.registry, visit.client.wearer, visit.clock_ns())


@part
def _worn(visit: Visit) -> None:
    now_ns, zone = visit.clock_ns(), visit.client.zone
    worn = _sensors(visit)
    if visit.kept.trouble is not None:
        st.html(cards.trouble(visit.kept.trouble.error, kept=True))
    doubt = queries.doubt(visit.series, visit.client.wearer)
    if doubt is not None:
        st.html(doubts.card(doubt, zone))
    for first in range(0, len(worn), 2):
        for column, sensor in zip(st.columns(2), worn[first : first + 2], strict=False):
            with column:
                st.html(sensor_cards.worn(sensor, now_ns, zone, _paper()))
                _give_back(visit, sensor)


def _give_back(visit: Visit, sensor: queries.Sensor) -> None:
    name = text.PLACEMENT[sensor.placement]
    with st.popover(f"Give back: {name}", width="content"):
        st.write(
            f"From now on nothing that {sensor.sensor} measures is yours. What you have recorded stays."
        )
        if st.button("Give it back", key=f"give back {sensor.sensor}", type="primary"):
            visit.registry.unassign(visit.client.wearer, sensor.sensor, visit.clock_ns())
            st.rerun(scope="app")


@part
def _pairing(visit: Visit) -> None:
    now_ns, zone = visit.clock_ns(), visit.client.zone
    agreed = in_force(visit.people.consents(visit.client.wearer), ConsentKind.MONITORING)
    if agreed is None and not visit.client.simulated:
        st.html(sensor_cards.AGREE_FIRST)
        return
    health = visit.series.health()
    free = visit.registry.free_sensors([word.sensor for word in health], now_ns)
    found = sensor_cards.found(health, free)
    there = [one.sensor for one in found if one.there]
    if not there:
        st.html(sensor_cards.nothing_found(health, now_ns, zone))
    if found:
        st.html(sensor_cards.listed(found, now_ns, zone))
    if there:
        _pair(visit, there)


def _pair(visit: Visit, free: list[str]) -> None:
    """Which sensor and where. Which one it is, the number printed on it says, or shaking it."""
    taken = tuple(sensor.placement for sensor in _sensors(visit))
    left, right = st.columns([6, 4], gap="medium")
    with left:
        sensor = st.radio(
            "Which sensor? Its number is printed on it; shake it and it says “moving” above.",
            free,
            key="pair sensor",
        )
        place = st.radio(
            "Where do you wear it?",
            sensor_cards.proposed(taken),
            format_func=sensor_cards.place_words,
            key=f"pair place {len(taken)}",
        )
    with right:
        st.html(figures.back(place, _paper(), taken))
    if place in taken:
        st.caption("A sensor sits there already; the new one takes its place.")
    if st.button("Pair", type="primary", key="pair") and sensor and place:
        _assign(visit, sensor, place)


def _assign(visit: Visit, sensor: str, place: Placement) -> None:
    try:
        visit.registry.assign(Assignment(sensor, visit.client.wearer, place, visit.clock_ns()))
    except PlumblineError as error:
        st.error(str(error))
        return
    st.rerun(scope="app")


def _state(visit: Visit) -> State:
    return wizard.current(
        visit.registry.calibrations(visit.client.wearer),
        visit.series.calibrations(visit.client.wearer),
        visit.clock_ns(),
        read_ns=st.session_state.get(_READ),
    )


@part
def _calibration(visit: Visit) -> None:
    now_ns, worn, state = visit.clock_ns(), _sensors(visit), _state(visit)
    angles = live_angles.live_angles(worn, _gravity_at_first(worn, now_ns), now_ns)
    if state.under_way:
        st.html(wizard_cards.said(state))
        st.html(wizard_cards.under_way(state, now_ns, _paper()))
        st.html(wizard_cards.advice(state, angles))
        st.html(wizard_cards.live(angles))
    elif state.step in ENDED:
        _result(visit, state, angles)
    else:
        _prepare(visit, angles)


def _gravity_at_first(worn: list[queries.Sensor], now_ns: int) -> dict[str, live_angles.Vector]:
    """Gravity by sensor as this page first read it since it was opened, or since Start was pressed."""
    began: dict[str, live_angles.Vector] = st.session_state.setdefault(_BEGAN, {})
    for sensor, gravity in live_angles.gravity_of(worn, now_ns).items():
        began.setdefault(sensor, gravity)
    return began


def _prepare(visit: Visit, angles: list[live_angles.LiveAngle]) -> None:
    now_ns, wearer = visit.clock_ns(), visit.client.wearer
    outcomes = visit.series.calibrations(wearer)
    worn = [a for a in visit.registry.assignments(wearer) if a.end_ns is None]
    doubt = queries.doubt(visit.series, visit.client.wearer)
    why = wizard.due(outcomes, worn, None if doubt is None else doubt.doubt, now_ns)
    last_ns = max((o.effective_ns for o in outcomes if o.accepted), default=None)
    st.html(wizard_cards.proposal(why, last_ns, now_ns, visit.client.zone))
    if not angles:
        st.html(wizard_cards.cannot_start(()))
        return
    if why is None and not st.toggle("Calibrate again", key="calibrate again"):
        return
    st.html(wizard_cards.WHAT_IT_IS)
    standing = st.toggle(
        "Stand upright too: standing and sitting differ, so each gets its own upright",
        value=True,
        key="calibrate standing",
    )
    bend = st.toggle(
        "Bend forward too: for a sensor that sits in an unusual way", key="calibrate bend"
    )
    st.html(wizard_cards.poses(_paper(), bend=bend, standing=standing))
    st.html(wizard_cards.live(angles))
    silent = [angle.placement for angle in angles if not angle.sends]
    if silent:
        st.html(wizard_cards.cannot_start(silent))
    pressed = st.button("Start", type="primary", key="start calibration", disabled=bool(silent))
    if pressed and not silent:
        _start(visit, wizard.plan_from(now_ns, bend=bend, standing=standing))


def _start(visit: Visit, plan: CalibrationPlan) -> None:
    visit.registry.add_calibration(visit.client.wearer, plan)
    st.session_state.pop(_BEGAN, None)
    st.rerun(scope="app")


def _result(visit: Visit, state: State, angles: list[live_angles.LiveAngle]) -> None:
    plan, outcome = state.plan, state.outcome
    if state.step is Step.ACCEPTED and plan is not None:
        learned = wizard.learned(
            {name: visit.series.frames(visit.client.wearer, *w) for name, w in plan.windows.items()}
        )
        st.html(wizard_cards.accepted(state, learned))
    elif state.step is Step.REFUSED and outcome is not None:
        st.html(wizard_cards.refused(outcome))
    else:
        notice = next((n.message for n in visit.registry.notices()), "")
        silent = [angle.placement for angle in angles if not angle.sends]
        st.html(wizard_cards.unanswered(silent, notice))
    words = "Done" if state.step is Step.ACCEPTED else "Try again"
    if st.button(words, type="primary", key="close calibration") and plan is not None:
        st.session_state[_READ] = plan.effective_ns
        st.session_state.pop(_BEGAN, None)
        st.rerun(scope="app")


@part
def _history(visit: Visit) -> None:
    wearer = visit.client.wearer
    plans, outcomes = visit.registry.calibrations(wearer), visit.series.calibrations(wearer)
    now_ns = visit.clock_ns()
    past = [plan for plan in plans if plan.complete_ns <= now_ns]
    if past or outcomes:
        with st.expander("Earlier calibrations"):
            st.html(wizard_cards.history(past, outcomes, now_ns, visit.client.zone))
