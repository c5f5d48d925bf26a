"""Rates, medians and intervals of worn days, by hand and as properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.week.day_statistics import (
    MAX_DAYS,
    MIN_DAY_S,
    DaySeconds,
    difference,
    middle,
    rate_interval,
    rate_min_h,
    worn_days,
)

DAYS = st.lists(
    st.integers(MIN_DAY_S, 50_000).flatmap(
        lambda worn_s: st.builds(
            DaySeconds, st.just(worn_s), st.integers(0, worn_s), told=st.just(True)
        )
    ),
    min_size=3,
    max_size=30,
)


def test_a_day_weighs_as_much_as_it_was_worn() -> None:
    long, short = DaySeconds(9 * 3600, 9 * 600), DaySeconds(3600, 3600)
    assert rate_min_h([long]) == 10.0
    assert rate_min_h([long, short]) == 15.0  # 150 rounded minutes in 10 worn hours
    assert rate_min_h([]) is None
    assert rate_min_h([DaySeconds(0, 0)]) is None


def test_a_day_hardly_worn_is_no_worn_day() -> None:
    assert worn_days([DaySeconds(1799, 0), DaySeconds(1800, 0), DaySeconds(0, 0)]) == 1
    hardly = DaySeconds(600, 600)
    assert rate_interval([DaySeconds(3600, 600)] * 2 + [hardly]) is None
    assert rate_interval([DaySeconds(3600, 600)] * 3) == (10.0, 10.0)


def test_the_median_is_of_what_is_known() -> None:
    assert middle([None, 3.0, 1.0, float("nan"), 2.0]) == 2.0
    assert middle([4.0, 1.0]) == 2.5
    assert middle([None, None]) is middle([]) is None


@given(days=DAYS)
def test_an_interval_lies_among_the_days_and_holds_their_rate_more_often_than_not(
    days: list[DaySeconds],
) -> None:
    interval = rate_interval(days)
    assert interval is not None
    rates = [60 * day.rounded_s / day.worn_s for day in days]
    assert min(rates) - 1e-9 <= interval.low <= interval.high <= max(rates) + 1e-9
    assert rate_interval(days) == interval  # the same days, the same interval


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = random.Random(5)
    held = 0
    for _ in range(200):
        days = [DaySeconds(28_800, round(28_800 * chance.uniform(0.1, 0.5))) for _ in range(14)]
        interval = rate_interval(days)
        assert interval is not None
        held += interval.low <= 60 * 0.3 <= interval.high
    assert 0.86 <= held / 200 <= 0.99


@given(before=DAYS, after=DAYS)
def test_a_difference_turns_its_sign_with_its_sides(
    before: list[DaySeconds], after: list[DaySeconds]
) -> None:
    there, back = difference(before, after), difference(after, before)
    assert there is not None
    assert back is not None
    assert there.min_h == pytest.approx(-back.min_h)
    assert there.interval is not None
    assert there.interval.low <= there.interval.high
    assert there.may_be_chance == (there.interval.low <= 0 <= there.interval.high)


def test_few_days_may_always_be_chance() -> None:
    calm, worse = [DaySeconds(3600, 60)] * 2, [DaySeconds(3600, 3000)] * 9
    found = difference(calm, worse)
    assert found is not None
    assert (found.before_min_h, found.after_min_h) == (1.0, 50.0)
    assert (found.before_days, found.after_days, found.interval) == (2, 9, None)
    assert found.may_be_chance
    assert difference(calm, []) is None


def test_a_clear_difference_is_more_than_chance_and_none_is_not() -> None:
    calm = [DaySeconds(3600, 300 + 10 * n) for n in range(6)]
    worse = [DaySeconds(3600, 1200 + 10 * n) for n in range(6)]
    found, same = difference(calm, worse), difference(calm, list(reversed(calm)))
    assert found is not None
    assert not found.may_be_chance
    assert found.min_h == pytest.approx(15.0)
    assert same is not None
    assert same.may_be_chance
    assert same.min_h == 0.0


def test_only_the_latest_days_are_looked_at() -> None:
    old, new = [DaySeconds(3600, 3600)] * 50, [DaySeconds(3600, 600)] * MAX_DAYS
    assert rate_interval([*old, *new]) == (10.0, 10.0)
