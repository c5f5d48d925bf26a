"""My sensors as Streamlit runs it, on real stores, without a browser."""

from __future__ import annotations

import msgspec
import numpy as np
from streamlit.testing.v1 import AppTest

from contracts.records import CalibrationOutcome, FrameBlock
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Quality
from dashboard.entry.access import Act
from dashboard.pages import sensors
from dashboard.reading.sources import Sources
from dashboard.sensors import wizard
from store.people_ports import Consent, ConsentKind
from store.ports import Assignment, Commit, Wearer, WearerRows
from tests.dashboard import seed, visits
from tests.dashboard.conftest import EVENING_NS, Clock


def run(found: Sources, clock: Clock) -> AppTest:
    return visits.run(sensors.page, lambda: visits.visit(found, Act.SENSORS, clock_ns=clock))


def hear(found: Sources, clock: Clock, *names: str, **changes: object) -> None:
    usual = {"last_sample_ns": clock.now_ns, "mean_acc_m_s2": (9.8, 0.0, 0.0), "turning_rad_s": 0.0}
    words = [seed.health_of(name, clock.now_ns, **(usual | changes)) for name in names]
    found.series.commit(Commit(health=words))


def registered(found: Sources, *, agreed: bool = True, worn: bool = True) -> None:
    if worn:
        seed.register(found.registry)
    else:
        found.registry.put_wearer(Wearer(seed.WEARER, "Demo client"))
    if agreed:
        consent = Consent(seed.WEARER, ConsentKind.MONITORING, "1", given_ns=1)
        found.registry.people.give_consent(consent)


def answer(found: Sources, plan: CalibrationPlan, *, accepted: bool = True) -> None:
    outcome = CalibrationOutcome(
        effective_ns=plan.effective_ns,
        accepted=accepted,
        message="accepted" if accepted else "T4 moved by 11° in the upright window.",
        hint="" if accepted else "Hold the pose still for 10 s and try again.",
    )
    frames, _ = seed.day_of(
        [seed.Stretch(0.5, seed.S, posture=seed.R, flexion_deg=24)], plan.upright_ns[1]
    )
    rows = WearerRows(
        seed.WEARER, frames if accepted else FrameBlock.concat([]), calibrations=[outcome]
    )
    found.series.commit(Commit(wearers=[rows]))


def test_nothing_is_paired_before_somebody_agrees(sources: Sources, clock: Clock) -> None:
    registered(sources, agreed=False, worn=False)
    hear(sources, clock, "PL-7")
    page = visits.shown(run(sources, clock))
    assert "First say what you agree to" in page
    assert "PL-7" not in page


def test_without_a_sensor_in_sight_the_page_says_what_to_do(sources: Sources, clock: Clock) -> None:
    registered(sources, worn=False)
    hear(sources, clock, "PL-7", state="offline")
    page = visits.shown(run(sources, clock))
    assert "Gateway home is offline since" in page
    assert "Charge a sensor" in page


def test_a_found_sensor_is_paired_where_it_is_worn_and_given_back(
    sources: Sources, clock: Clock
) -> None:
    registered(sources, worn=False)
    hear(sources, clock, "PL-7", "PL-8")
    app = run(sources, clock)
    app.radio(key="pair sensor").set_value("PL-8")
    app.radio(key="pair place 0").set_value(Placement.L5).run()
    app.button(key="pair").click().run()
    assert not app.exception
    expected = Assignment("PL-8", seed.WEARER, Placement.L5, EVENING_NS)
    assert sources.registry.assignments(seed.WEARER) == [expected]
    assert "Low back (L5)" in visits.shown(app)
    clock.now_ns += 60 * NS_PER_S
    app.button(key="give back PL-8").click().run()
    (ended,) = sources.registry.assignments(seed.WEARER)
    assert ended.end_ns == clock.now_ns
    looks = sources.registry.people.looks(wearer=seed.WEARER)
    assert [look.act for look in looks if look.act == Act.PAIR] == [Act.PAIR] * 2


def test_somebody_elses_sensor_is_not_among_those_found(sources: Sources, clock: Clock) -> None:
    registered(sources, worn=False)
    sources.registry.put_wearer(Wearer("other", "Other"))
    sources.registry.assign(Assignment("PL-8", "other", Placement.T4, start_ns=0))
    hear(sources, clock, "PL-7", "PL-8")
    app = run(sources, clock)
    assert app.radio(key="pair sensor").options == ["PL-7"]
    assert "PL-8" not in visits.shown(app)


def test_a_calibration_from_start_to_what_was_learned(sources: Sources, clock: Clock) -> None:
    registered(sources)
    hear(sources, clock, *seed.SENSORS)
    app = run(sources, clock)
    assert "Calibrate to begin" in visits.shown(app)
    app.toggle(key="calibrate standing").set_value(False).run()
    app.button(key="start calibration").click().run()
    (plan,) = sources.registry.calibrations(seed.WEARER)
    assert plan == wizard.plan_from(EVENING_NS, bend=False, standing=False)
    assert ">Sit upright<" in visits.shown(app)

    clock.now_ns = plan.upright_ns[0]
    hear(sources, clock, "PL-0001-T4", mean_acc_m_s2=(9.65, 0.0, 1.70), turning_rad_s=0.2)
    app.run()
    page = visits.shown(app)
    for words in (">Hold still<", ">8</div>", "10°", "Upper back (T4) turns by 11° a second"):
        assert words in page

    # The page is opened again: it goes on where it was.
    clock.now_ns = plan.upright_ns[1] + NS_PER_S
    again = run(sources, clock)
    assert ">Now let go<" in visits.shown(again)
    assert not again.button

    clock.now_ns = plan.complete_ns + NS_PER_S
    answer(sources, plan)
    again.run()
    assert plan.rounded_ns is not None
    slump = sources.series.frames(seed.WEARER, *plan.rounded_ns).trunk_flexion_deg
    assert slump.size == 8
    learned = f"Your usual slump: it curls the trunk by {np.median(slump):.0f}°."
    assert learned in visits.shown(again)
    again.button(key="close calibration").click().run()
    hear(sources, clock, *seed.SENSORS)
    again.run()
    page = visits.shown(again)
    assert "Nothing needs doing." in page
    assert "<b>Accepted</b>" in page
    assert "start calibration" not in {button.key for button in again.button}
    again.toggle(key="calibrate again").set_value(True).run()
    assert not again.button(key="start calibration").disabled


def test_a_refused_calibration_says_why_and_is_tried_again(sources: Sources, clock: Clock) -> None:
    registered(sources)
    hear(sources, clock, *seed.SENSORS)
    app = run(sources, clock)
    app.button(key="start calibration").click().run()
    (plan,) = sources.registry.calibrations(seed.WEARER)
    clock.now_ns = plan.complete_ns + NS_PER_S
    answer(sources, plan, accepted=False)
    app.run()
    page = visits.shown(app)
    assert "T4 moved by 11° in the upright window." in page
    assert "Hold the pose still for 10 s and try again." in page
    hear(sources, clock, *seed.SENSORS)
    app.button(key="close calibration").click().run()
    app.run()
    assert not app.button(key="start calibration").disabled


def test_a_silent_sensor_is_said_before_and_nothing_starts(sources: Sources, clock: Clock) -> None:
    registered(sources)
    hear(sources, clock, "PL-0001-T4")
    hear(sources, clock, "PL-0001-L5", last_sample_ns=EVENING_NS - 60 * NS_PER_S)
    app = run(sources, clock)
    assert "Low back (L5) sends nothing just now." in visits.shown(app)
    assert app.button(key="start calibration").disabled


def test_without_an_answer_the_notice_of_analytics_is_passed_on(
    sources: Sources, clock: Clock
) -> None:
    registered(sources)
    plan = wizard.plan_from(EVENING_NS, bend=False, standing=False)
    sources.registry.add_calibration(seed.WEARER, plan)
    clock.now_ns = plan.complete_ns + wizard.ANSWER_WITHIN_NS
    hear(sources, clock, *seed.SENSORS)
    app = run(sources, clock)
    assert "analytics service has not answered" in visits.shown(app)
    answer(sources, plan)
    clock.now_ns += 5 * NS_PER_S
    app.run()
    assert "Accepted" in visits.shown(app)


def test_a_slipped_sensor_proposes_a_calibration(sources: Sources, clock: Clock) -> None:
    registered(sources)
    seed.fill(sources.series, EVENING_NS)
    plan = wizard.plan_from(EVENING_NS - 9 * 3600 * NS_PER_S, bend=False, standing=False)
    sources.registry.add_calibration(seed.WEARER, plan)
    outcome = CalibrationOutcome(effective_ns=plan.effective_ns, accepted=True, message="accepted")
    last = next(sources.series.latest_frame(seed.WEARER).rows())
    slipped = msgspec.structs.replace(
        last,
        start_ns=last.start_ns + NS_PER_S,
        quality=Quality.SLIPPED,
        suspect=(Placement.T4,),
    )
    rows = WearerRows(seed.WEARER, FrameBlock.from_rows([slipped]), calibrations=[outcome])
    sources.series.commit(Commit(wearers=[rows]))
    hear(sources, clock, *seed.SENSORS)
    page = visits.shown(run(sources, clock))
    assert "A sensor seems to have moved since the last calibration" in page
    assert "Upper back (T4) seems to have slipped" in page
