"""Postures of made-up seconds: what is named, for every set of sensors, and what does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.angles import Angles
from analytics.core.calibration import Calibration
from analytics.core.postures import Postures, PostureTeller
from analytics.core.runs import follows
from analytics.core.shipped import shipped_postures
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Placement, Posture
from tests.analytics.core.wearers import NAN, angles_at, calibrated

C7, T4, T12, L5 = Placement.C7, Placement.T4, Placement.T12, Placement.L5
KIT = (T4, L5)


def teller(**settings: float) -> PostureTeller:
    return PostureTeller(shipped_postures(), PostureSettings(**settings))


def told(
    angles: Angles, calibration: Calibration | None, *, one: PostureTeller | None = None
) -> Postures:
    """Each second by itself: there is a gap between any two."""
    size = angles.thorax_flexion_deg.size
    chances = {
        p: np.full(size, 0.5) for p in (calibration.two_fold if calibration is not None else ())
    }
    return (one or teller()).update(
        np.arange(size) * 100, angles, calibration, np.zeros(size, bool), chances
    )


def names(postures: Postures) -> list[str]:
    return [POSTURES[code].value for code in postures.posture]


@pytest.mark.parametrize(
    ("thorax", "pelvis", "lateral", "posture"),
    [
        (0.0, 0.0, 0.0, "upright"),
        (3.0, -4.0, 0.0, "upright"),
        (24.0, 2.0, 0.0, "rounded"),
        (21.0, 0.0, 0.0, "rounded"),
        (40.0, 4.0, 0.0, "rounded"),  # more of the same
        (22.0, -15.0, 0.0, "rounded"),  # the pelvis rolls back further
        (18.0, 16.0, 0.0, "forward_lean"),
        (60.0, 45.0, 0.0, "forward_lean"),  # a deep bend at the hip
        (-18.0, -38.0, 0.0, "reclined"),
        (-40.0, -60.0, 0.0, "reclined"),
        (22.0, 3.0, 14.0, "right_lean"),
        (22.0, 3.0, -14.0, "left_lean"),
        (NAN, NAN, NAN, "unknown"),
        (NAN, 15.0, NAN, "unknown"),
        (NAN, -40.0, NAN, "reclined"),
        (25.0, NAN, 0.0, "rounded"),
        (0.0, NAN, 0.0, "upright"),
    ],
)
def test_the_kit_on_a_usual_wearer(
    thorax: float, pelvis: float, lateral: float, posture: str
) -> None:
    seconds = angles_at(
        {T4: [thorax], L5: [pelvis]},
        {T4: [lateral], L5: [0.0 if np.isnan(lateral) else lateral / 2]},
    )
    assert names(told(seconds, calibrated(*KIT))) == [posture]


@pytest.mark.parametrize("placements", [(T4,), (T4, L5), (T4, T12), (C7, T4), (C7, T4, T12, L5)])
@pytest.mark.parametrize("own", [True, False])
def test_any_set_of_placements(placements: tuple[Placement, ...], own: bool) -> None:
    usual = {C7: 20.0, T4: 24.0, T12: 16.0, L5: 2.0}
    reclined = {C7: -15.0, T4: -18.0, T12: -30.0, L5: -38.0}
    seconds = angles_at({p: [0.0, usual[p], reclined[p]] for p in placements})
    wearer = calibrated(*placements) if own else calibrated(*placements, slump=None)
    assert names(told(seconds, wearer)) == ["upright", "rounded", "reclined"]


def test_the_sternum_stands_for_the_upper_trunk() -> None:
    at_t4 = told(angles_at({T4: [0.0, 24.0], L5: [0.0, 2.0]}), calibrated(*KIT))
    sternum = Placement.STERNUM
    at_front = told(angles_at({sternum: [0.0, 24.0], L5: [0.0, 2.0]}), calibrated(sternum, L5))
    assert names(at_front) == names(at_t4) == ["upright", "rounded"]
    np.testing.assert_array_equal(at_front.confidence, at_t4.confidence)


def test_the_head_alone_says_nothing_and_changes_nothing() -> None:
    head = Placement.HEAD
    with_head = told(angles_at({head: [50.0], T4: [24.0], L5: [2.0]}), calibrated(head, T4, L5))
    without = told(angles_at({T4: [24.0], L5: [2.0]}), calibrated(*KIT))
    assert names(with_head) == names(without) == ["rounded"]
    assert names(told(angles_at({head: [50.0]}), calibrated(head))) == ["unknown"]


def test_without_a_calibration_no_posture_is_named() -> None:
    found = told(angles_at({T4: [24.0], L5: [2.0]}), None)
    assert names(found) == ["unknown"]
    assert found.confidence.tolist() == [0.0]


def test_a_pelvis_beyond_the_hip_bend_is_never_rounded() -> None:
    seconds = angles_at({T4: [24.0, 60.0], L5: [2.0, 25.0]})
    own = calibrated(*KIT)
    assert names(told(seconds, own))[1] == "forward_lean"
    # who slumps with the pelvis tipped that far still slumps
    tipped = calibrated(*KIT, slump={T4: 40.0, L5: 24.0})
    assert names(told(angles_at({T4: [40.0], L5: [24.0]}), tipped)) == ["rounded"]


def test_a_stricter_setting_asks_for_more_rounding() -> None:
    seconds = angles_at({T4: [18.0, 35.0], L5: [1.0, 3.0]})
    own = calibrated(*KIT)
    usual, strict = teller(), teller(rounded_warn_deg=18.0, rounded_high_deg=30.0)
    assert names(told(seconds, own, one=usual)) == ["rounded", "rounded"]
    assert names(told(seconds, own, one=strict))[0] != "rounded"
    assert names(told(seconds, own, one=strict))[1] == "rounded"


def least_rounded_share(**settings: float) -> float:
    """The least share of the own slump that is called rounded, of seconds seen first of all."""
    for share in np.arange(0.0, 1.0, 0.01).tolist():
        seconds = angles_at({T4: [24.0 * share], L5: [2.0 * share]})
        if names(told(seconds, calibrated(*KIT), one=teller(**settings))) == ["rounded"]:
            return float(share)
    raise AssertionError("the own slump is never rounded")


def test_once_rounded_it_takes_more_to_leave_until_a_gap() -> None:
    below = least_rounded_share() - 0.01
    seconds = angles_at({T4: [24.0, 24 * below, 24 * below], L5: [2.0, 2 * below, 2 * below]})
    second = np.array([10, 11, 30])
    found = teller().update(second, seconds, calibrated(*KIT), follows(second, 9), {})
    assert names(found)[:2] == ["rounded", "rounded"]
    assert names(found)[2] != "rounded"
    without = teller(hysteresis_deg=0.0)
    found = without.update(second, seconds, calibrated(*KIT), follows(second, 9), {})
    assert names(found)[1] != "rounded"


def test_a_front_that_is_not_known_counts_both_ways() -> None:
    seconds = angles_at({T4: [0.0, 24.0, -18.0], L5: [0.0, -2.0, 38.0]})
    mounted = calibrated(*KIT, slump={T4: 24.0, L5: -2.0}, two_fold=(L5,))
    known = calibrated(*KIT)
    both = told(seconds, mounted)
    mirrored = told(angles_at({T4: [0.0, 24.0, -18.0], L5: [0.0, 2.0, -38.0]}), known)
    assert names(both) == names(mirrored) == ["upright", "rounded", "reclined"]
    # upright and the own slump are as they are either way
    assert both.confidence[0] == pytest.approx(mirrored.confidence[0], abs=0.02)


def test_a_sensor_that_says_nonsense_is_outvoted_by_three() -> None:
    slump = {p: [v] for p, v in {C7: -60.0, T4: 24.0, T12: 16.0, L5: 2.0}.items()}
    assert names(told(angles_at(slump), calibrated(C7, T4, T12, L5))) == ["rounded"]


SECONDS = st.lists(
    st.tuples(*[st.one_of(st.just(NAN), st.floats(-90, 90))] * 3), min_size=1, max_size=30
)


@given(SECONDS)
def test_total_and_confident_within_bounds(rows: list[tuple[float, float, float]]) -> None:
    thorax, pelvis, lateral = (list(column) for column in zip(*rows, strict=True))
    found = told(angles_at({T4: thorax, L5: pelvis}, {T4: lateral}), calibrated(*KIT))
    unknown = found.posture == POSTURES.index(Posture.UNKNOWN)
    assert (found.confidence[unknown] == 0).all()
    assert ((found.confidence[~unknown] >= 0) & (found.confidence[~unknown] <= 0.99)).all()
    blind = np.isnan(thorax) & np.isnan(pelvis)
    assert unknown[blind].all()


@given(SECONDS)
def test_left_is_right_mirrored(rows: list[tuple[float, float, float]]) -> None:
    thorax, pelvis, lateral = (list(column) for column in zip(*rows, strict=True))
    one = told(angles_at({T4: thorax, L5: pelvis}, {T4: lateral}), calibrated(*KIT))
    other = told(angles_at({T4: thorax, L5: pelvis}, {T4: [-v for v in lateral]}), calibrated(*KIT))
    swap = {"left_lean": "right_lean", "right_lean": "left_lean"}
    mirrored = [swap.get(name, name) for name in names(other)]
    doubtful = one.confidence < 0.52  # left and right are equally likely where nothing leans
    assert all(a == b or d for a, b, d in zip(names(one), mirrored, doubtful, strict=True))


@given(
    st.lists(
        st.tuples(st.floats(-40, 60), st.floats(-50, 40), st.floats(-30, 30)),
        min_size=2,
        max_size=60,
    ),
    st.lists(st.integers(1, 7), min_size=1, max_size=10),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
def test_where_it_was_cut_does_not_matter(
    rows: list[tuple[float, float, float]], cuts: list[int], steps: list[int]
) -> None:
    rows = rows * 4
    second = np.cumsum([1 if i % 3 else steps[i % len(steps)] for i in range(len(rows))]) + 1000
    thorax, pelvis, lateral = (list(column) for column in zip(*rows, strict=True))
    own = calibrated(*KIT)

    def part(first: int, last: int) -> Angles:
        return angles_at(
            {T4: thorax[first:last], L5: pelvis[first:last]}, {T4: lateral[first:last]}
        )

    whole = teller().update(second, part(0, len(rows)), own, follows(second, -1), {})
    one, pieces, first = teller(), [], 0
    while first < len(rows):
        last = min(len(rows), first + cuts[first % len(cuts)])
        piece = second[first:last]
        connected = follows(piece, int(second[first - 1]) if first else -1)
        pieces.append(one.update(piece, part(first, last), own, connected, {}))
        resumed = teller()
        resumed.load(one.state())
        one, first = resumed, last
    np.testing.assert_array_equal(np.concatenate([p.posture for p in pieces]), whole.posture)
    np.testing.assert_array_equal(np.concatenate([p.confidence for p in pieces]), whole.confidence)
