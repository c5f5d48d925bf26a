"""Reliability: bins by whole hundredths, and an error that is nought where the confidence is true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.validation.confidence import BINS, reliability


def of(confidence: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(confidence), np.array(right)


def test_the_table_by_hand() -> None:
    found = reliability([of([0.95] * 10 + [0.55] * 4, [True] * 9 + [False] + [True] * 4)])
    filled = [row for row in found.rows if row.seconds]
    assert [(row.low, row.seconds, row.right) for row in filled] == [(0.5, 4, 1.0), (0.9, 10, 0.9)]
    assert filled[1].mean_confidence == pytest.approx(0.95)
    assert found.expected_error.value == pytest.approx((10 * 0.05 + 4 * 0.45) / 14)
    assert math.isnan(found.rows[0].right)


@given(st.integers(0, 100))
def test_a_hundredth_falls_into_its_own_bin(hundredths: int) -> None:
    found = reliability([of([hundredths / 100], [True])])
    (row,) = [row for row in found.rows if row.seconds]
    assert row.low <= hundredths / 100 <= row.high
    assert hundredths == 100 or hundredths // 10 == round(row.low * BINS)


def test_a_confidence_that_is_true_has_no_error() -> None:
    half = of([0.5] * 4, [True, False, True, False])
    found = reliability([half, half])
    assert found.expected_error.value == pytest.approx(0.0)
    assert found.expected_error.high == pytest.approx(0.0)
