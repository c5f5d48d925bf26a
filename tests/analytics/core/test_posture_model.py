"""The model's numbers: read, refused, and what they are expected to mean for one wearer, by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.stats import multivariate_t

from analytics.core.likelihood import Likelihood, shares
from analytics.core.posture_model import (
    CLASS,
    CLASSES,
    FORMAT,
    MAX_KEPT,
    MAX_MODEL_BYTES,
    MODEL_PLACEMENTS,
    SIZE,
    ClassNumbers,
    PostureModel,
    PostureNumbers,
)
from analytics.core.shipped import shipped_postures
from contracts.errors import SettingError
from contracts.vocabulary import Placement, Posture

T4, L5 = Placement.T4, Placement.L5


def rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def numbers(**changes: object) -> PostureNumbers:
    """Everyone holds every posture at 10°, 2° apart, and half of the own pose's difference shows."""
    one = ClassNumbers(
        mean_deg=(10.0,) * SIZE,
        covariance_deg2=rows(4.0 * np.eye(SIZE)),
        own_pose_mean_deg=(20.0,) * SIZE,
        own_pose_covariance_deg2=rows(3.0 * np.eye(SIZE)),
        with_own_pose_deg2=rows(2.0 * np.eye(SIZE)),
    )
    plain = PostureNumbers(
        format=FORMAT, version="t", fitted_on=("one",),
        placements=tuple(p.value for p in MODEL_PLACEMENTS), degrees_of_freedom=4.0, ridge_deg2=(1.0, 1.0),
        shrink=0.25, outlier_rates={"L5": 0.02}, outlier_width_deg=25.0,
        classes={posture.value: one for posture in CLASSES},
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_what_is_shipped_can_be_read_and_written_alike() -> None:
    model = shipped_postures()
    assert PostureModel.decode(model.encode()).encode() == model.encode()
    assert len(model.numbers.fitted_on) == 29
    assert len(model.encode()) < 100_000


@pytest.mark.parametrize(
    "changes",
    [
        {"format": FORMAT + 1},
        {"placements": ("T4", "L5")},
        {"classes": {}},
        {"classes": {p.value: msgspec.structs.replace(
            numbers().classes["upright"], covariance_deg2=rows(-np.eye(SIZE))) for p in CLASSES}},
        {"classes": {p.value: msgspec.structs.replace(
            numbers().classes["upright"], mean_deg=(1.0,)) for p in CLASSES}},
    ],
    ids=["format", "placements", "no classes", "not a covariance", "too short"],
)  # fmt: skip
def test_numbers_that_do_not_fit_together_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="posture model"):
        PostureModel.of(numbers(**changes))


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b"x" * (MAX_MODEL_BYTES + 1)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SettingError, match="posture model"):
        PostureModel.decode(data)


def test_expectations_with_an_own_pose_by_hand() -> None:
    model = PostureModel.of(numbers())
    expected = model.expected((T4,), np.array([24.0, 18.0]))
    # gain 2 / (3 + 1); 10 + gain (own - 20); what the own pose leaves: 4 - 2 · ½ · 2 + ½² · 3
    upright = expected[CLASS[Posture.UPRIGHT]]
    np.testing.assert_allclose(upright.mean_deg, [12.0, 9.0])
    np.testing.assert_allclose(upright.covariance_deg2, np.diag([2.75, 2.75]))
    rounded = expected[CLASS[Posture.ROUNDED]]
    np.testing.assert_allclose(rounded.mean_deg, [36.0, 27.0])


def test_expectations_without_one_by_hand() -> None:
    expected = PostureModel.of(numbers()).expected((T4, L5), None)
    np.testing.assert_allclose(expected[CLASS[Posture.UPRIGHT]].mean_deg, [10.0] * 4)
    np.testing.assert_allclose(expected[CLASS[Posture.UPRIGHT]].covariance_deg2, 4.0 * np.eye(4))
    np.testing.assert_allclose(expected[CLASS[Posture.ROUNDED]].mean_deg, [30.0] * 4)
    # of a sum: both variances and twice their covariance
    np.testing.assert_allclose(expected[CLASS[Posture.ROUNDED]].covariance_deg2, 11.0 * np.eye(4))


def test_likelihoods_are_those_of_scipy() -> None:
    model = shipped_postures()
    placements = (T4, L5)
    expected = model.expected(placements, np.array([24.0, 2.0, 0.0, 1.0]))
    seconds = np.array([[0.0, 0, 0, 0], [24, 2, 0, 1], [18, 16, 1, 1], [5, 30, -7, 2]])
    found = Likelihood.of(model, placements, expected).logs(seconds)
    freedom = model.numbers.degrees_of_freedom
    for code, posture in enumerate(expected):
        mean, shape = posture.mean_deg, posture.covariance_deg2
        whole = multivariate_t(mean, shape, df=freedom).logpdf(seconds)
        upper = [0, 2]  # L5 left out, at its rate, and anywhere in its width
        part = multivariate_t(mean[upper], shape[np.ix_(upper, upper)], df=freedom)
        left_out = (
            part.logpdf(seconds[:, upper])
            + np.log(model.numbers.outlier_rates["L5"])
            - 2 * np.log(50.0)
        )
        np.testing.assert_allclose(found[:, code], np.logaddexp(whole, left_out), atol=1e-5)


def test_shares_add_up_to_one() -> None:
    logs = np.array([[0.0, -1000.0, 0.0, -2000.0, -5.0, 3.0]])
    probability = shares(logs)
    assert probability.sum() == pytest.approx(1.0)
    assert probability[0, 0] == pytest.approx(1 / (2 + np.exp(-5) + np.exp(3)))


def test_what_is_the_same_for_all_wearers_is_made_once_and_kept_for_so_many() -> None:
    model = PostureModel.of(numbers())
    one, other = (model.expected((T4,), np.array([own, 18.0])) for own in (24.0, 30.0))
    assert all(a.covariance_deg2 is b.covariance_deg2 for a, b in zip(one, other, strict=True))
    assert one[0].mean_deg[0] != other[0].mean_deg[0]
    for _ in range(MAX_KEPT + 1):
        PostureModel.of(numbers()).expected((T4,), None)
    again = model.expected((T4,), np.array([24.0, 18.0]))
    assert again[0].covariance_deg2 is not one[0].covariance_deg2
    np.testing.assert_array_equal(again[0].covariance_deg2, one[0].covariance_deg2)
