"""Who needs attention, and the words that say why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import CalibrationOutcome
from dashboard.clients.attention import DAY_NS, Standing, change_min_h, concerns, points
from dashboard.reading.calibrations import CALIBRATION_LASTS_NS, CalibrationState, calibration_state
from dashboard.week.day_statistics import DaySeconds

NOW_NS = 20_000 * DAY_NS
FINE = CalibrationState(NOW_NS - DAY_NS, None)
#: Eight hours a day, ten rounded minutes an hour.
WELL = Standing(
    now_ns=NOW_NS,
    week=[DaySeconds(28_800, 4_800)] * 5,
    before=[DaySeconds(28_800, 4_800)] * 20,
    last_ns=NOW_NS - 3_600,
    calibration=FINE,
)


def words(standing: Standing) -> list[str]:
    return [concern.words for concern in concerns(standing)]


def test_where_all_is_well_nothing_is_said() -> None:
    assert concerns(WELL) == ()
    assert points(()) == 0


def outcome(day: int, *, accepted: bool) -> CalibrationOutcome:
    return CalibrationOutcome(effective_ns=NOW_NS + day * DAY_NS, accepted=accepted, message="said")


@pytest.mark.parametrize(
    ("change", "said", "worth"),
    [
        ({"before": [DaySeconds(28_800, 1_920)] * 20}, "+6 min an hour against the 4 weeks before", 6.0),
        ({"before": [], "week": [DaySeconds(28_800, 12_000)] * 5}, "rounded 25 min a worn hour", 5.0),
        ({"week": [DaySeconds(7_200, 1_200)]}, "worn 2 h in 7 days", 4.8),
        ({"week": [DaySeconds(1_500, 100)]}, "worn 25 min in 7 days", 6 * (1 - 1500 / 36_000)),
        ({"week": []}, "not worn in 7 days", 6.0),
        ({"calibration": CalibrationState(None, None)}, "not calibrated", 6.0),
        ({"calibration": CalibrationState(NOW_NS - 45 * DAY_NS, None)}, "calibrated 45 days ago: due again", 3.0),
        ({"calibration": CalibrationState(NOW_NS, outcome(0, accepted=False))}, "last calibration refused", 4.0),
        ({"doubted": "Upper back (T4) seems to have slipped"}, "Upper back (T4) seems to have slipped", 5.0),
        ({"refused": True}, "a sensor is refused", 3.0),
        ({"last_ns": NOW_NS - 4 * DAY_NS}, "no data for 4 days", 3.0),
        ({"last_ns": NOW_NS - 400 * DAY_NS}, "no data for 400 days", 7.0),
        ({"last_ns": None}, "no data yet", 4.0),
    ],
)  # fmt: skip
def test_each_reason_has_its_words_and_its_points(
    change: dict[str, object], said: str, worth: float
) -> None:
    (found,) = concerns(replace(WELL, **change))
    assert (found.words, found.points) == (said, pytest.approx(worth))


def test_the_weightiest_reason_comes_first_and_all_are_summed() -> None:
    worse = replace(
        WELL,
        week=[DaySeconds(28_800, 12_000)] * 5,
        calibration=CalibrationState(None, None),
        last_ns=NOW_NS - 2 * DAY_NS,
    )
    assert words(worse) == [
        "+15 min an hour against the 4 weeks before",
        "not calibrated",
        "rounded 25 min a worn hour",
        "no data for 2 days",
    ]
    assert points(concerns(worse)) == pytest.approx(15 + 6 + 5 + 1)


def test_a_fall_takes_nothing_away() -> None:
    better = replace(WELL, week=[DaySeconds(28_800, 480)] * 5)
    assert concerns(better) == ()
    assert change_min_h(better.week, better.before) == pytest.approx(-9)


def test_a_change_of_days_hardly_worn_is_not_told() -> None:
    two = [DaySeconds(28_800, 28_800)] * 2
    assert change_min_h(two, WELL.before) is None
    assert change_min_h([*two, DaySeconds(600, 600)], WELL.before) is None
    assert change_min_h([*two, DaySeconds(1_800, 600)], WELL.before) is not None


@given(st.lists(st.integers(0, 28_800), min_size=5, max_size=7), st.integers(0, 6))
def test_more_rounding_never_needs_less_attention(rounded_s: list[int], at: int) -> None:
    before = [DaySeconds(28_800, s) for s in rounded_s]
    at %= len(before)
    more = [DaySeconds(28_800, 28_800) if n == at else day for n, day in enumerate(before)]
    first, second = (points(concerns(replace(WELL, week=week))) for week in (before, more))
    assert first <= second + 1e-9


def test_the_calibration_in_force_is_the_last_that_was_accepted() -> None:
    assert calibration_state([]) == CalibrationState(None, None)
    old, new, bad = (
        outcome(-9, accepted=True),
        outcome(-3, accepted=True),
        outcome(-1, accepted=False),
    )
    assert calibration_state([new, old]) == CalibrationState(new.effective_ns, None)
    assert calibration_state([bad, new, old]) == CalibrationState(new.effective_ns, bad)
    state = CalibrationState(NOW_NS, None)
    assert not state.due(NOW_NS + CALIBRATION_LASTS_NS)
    assert state.due(NOW_NS + CALIBRATION_LASTS_NS + 1)
