"""Figures of confusion: those of scikit-learn, and the same of sums, for intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from analytics.validation.confusion import (
    Confusion,
    accuracy_of,
    balanced_accuracy_of,
    confusion,
    f1_of,
    macro_f1_of,
)

TRUE = ("a", "b", "c")
FOUND = (*TRUE, "none")

codes = st.integers(2, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 2)),
        arrays(np.int64, n, elements=st.integers(0, 3)),
    )
)


@given(codes)
def test_figures_of_sums_are_those_of_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    true, found = pair
    counted = confusion(["one"], [pair], TRUE, FOUND)
    total = counted.total
    assert accuracy_of(total) == pytest.approx(accuracy_score(true, found))
    per_class = f1_score(true, found, labels=[0, 1, 2], average=None, zero_division=np.nan)
    np.testing.assert_allclose(f1_of(total), per_class)
    assert macro_f1_of(total) == pytest.approx(np.nanmean(per_class))
    occurring = np.isin(found, true)  # scikit-learn warns of what is said but never true
    if occurring.all() and np.unique(true).size > 1:
        assert balanced_accuracy_of(total) == pytest.approx(balanced_accuracy_score(true, found))


@given(codes)
def test_the_figure_shown_is_the_one_its_interval_is_made_of(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    counted = confusion(["one"], [pair], TRUE, FOUND)
    assert counted.accuracy().value == pytest.approx(float(accuracy_of(counted.total)))
    assert counted.macro_f1().value == pytest.approx(float(macro_f1_of(counted.total)), nan_ok=True)
    assert counted.balanced_accuracy().value == pytest.approx(
        float(balanced_accuracy_of(counted.total))
    )
    for k, name in enumerate(TRUE):
        f1 = counted.f1()[name].value
        assert f1 == pytest.approx(float(f1_of(counted.total)[k]), nan_ok=True)


def by_hand() -> Confusion:
    """Two people: 8 of 10 right, and 2 of 5, of which one is called none."""
    first = (np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1, 1, 0, 2, 1]))
    second = (np.array([0, 0, 1, 1, 1]), np.array([0, 3, 0, 0, 1]))
    return confusion(["p", "q"], [first, second], TRUE, FOUND)


def test_counts_by_hand() -> None:
    counted = by_hand()
    assert counted.total.tolist() == [[5, 0, 0, 1], [3, 4, 0, 0], [0, 1, 1, 0]]
    assert counted.accuracy().value == pytest.approx(10 / 15)
    assert counted.accuracy_by_person() == pytest.approx({"p": 0.8, "q": 0.4})
    assert counted.mean_accuracy().value == pytest.approx(0.6)
    assert counted.f1()["a"].value == pytest.approx(2 * 5 / (6 + 8))
    assert counted.mistakes("q", most=1) == [("b", "a", 2)]
    assert counted.mistakes("q", most=9) == [("b", "a", 2), ("a", "none", 1)]


def test_two_classes_of_three() -> None:
    pair = by_hand().only(("a", "b"))
    assert pair.found[:2] == ("a", "b")
    assert pair.balanced_accuracy().value == pytest.approx((5 / 6 + 4 / 7) / 2)
    merged = pair.with_as("a", "none")
    assert merged.balanced_accuracy().value == pytest.approx((1 + 4 / 7) / 2)


def test_nothing_is_not_a_good_figure() -> None:
    empty = np.array([], dtype=np.int64)
    nothing = confusion(["p"], [(empty, empty)], TRUE, FOUND)
    assert math.isnan(nothing.accuracy().value)
    assert math.isnan(nothing.macro_f1().value)
    assert all(math.isnan(one.value) for one in nothing.f1().values())


def test_seconds_of_another_truth_are_left_out() -> None:
    counted = confusion(["p"], [(np.array([0, 3]), np.array([0, 3]))], TRUE, FOUND)
    assert counted.seconds.sum() == 1
