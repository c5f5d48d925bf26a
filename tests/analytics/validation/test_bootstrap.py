"""Intervals over people: reproducible, by whole people, and as wide as they must be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.validation.bootstrap import (
    DRAWS,
    divided,
    draw_weights,
    estimate,
    mean_over_people,
)


def share(sums: np.ndarray) -> np.ndarray:
    return divided(sums[..., 0], sums[..., 1])


def test_every_draw_is_of_as_many_people() -> None:
    weights = draw_weights(7)
    assert weights.shape == (DRAWS, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert np.array_equal(weights, draw_weights(7))


def test_the_vectorised_draws_are_those_of_a_loop() -> None:
    sums = np.array([[9.0, 10.0], [5.0, 10.0], [20.0, 20.0], [1.0, 4.0]])
    found = estimate(share, sums)
    drawn = []
    for weights in draw_weights(4):
        people = np.repeat(np.arange(4), weights.astype(int))
        drawn.append(sums[people, 0].sum() / sums[people, 1].sum())
    assert found.value == pytest.approx(35 / 44)
    assert found.low == pytest.approx(np.quantile(drawn, 0.025))
    assert found.high == pytest.approx(np.quantile(drawn, 0.975))


def test_the_interval_of_a_mean_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(3).normal(0.8, 0.1, 200)
    found = mean_over_people(values)
    error = values.std() / np.sqrt(values.size)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.2 * error)


def test_one_person_has_no_interval_and_nobody_no_figure() -> None:
    alone = estimate(share, np.array([[9.0, 10.0]]))
    assert alone.value == 0.9
    assert math.isnan(alone.low)
    nobody = estimate(share, np.zeros((0, 2)))
    assert math.isnan(nobody.value)
    assert math.isnan(estimate(share, np.zeros((3, 2))).low)
    assert mean_over_people(np.array([np.nan, 0.5, 0.7])).value == pytest.approx(0.6)
