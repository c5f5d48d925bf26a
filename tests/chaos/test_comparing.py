"""The comparison sees what it is for: a lost row, one too many, one that differs by too much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from contracts.records import Frame, Rollup
from contracts.units import NS_PER_MS, NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, Placement, Posture, Quality
from tests.chaos.comparing import (
    MAX_ANGLE_DEG,
    Nearly,
    Taken,
    compare,
    compare_samples,
    exactly,
)

FRAME = Frame(
    start_ns=0,
    posture=Posture.UPRIGHT,
    activity=Activity.SITTING,
    activity_source=ActivitySource.TRUNK,
    confidence=0.9,
    quality=Quality.OK,
    samples=100,
    thorax_flexion_deg=10.0,
)
KEY = ("wearer", 0)
TAKEN = Taken(np.arange(4) * 20 * NS_PER_MS, np.arange(24, dtype=np.int16).reshape(4, 6), 2)


def changed(**values: Any) -> Frame:
    return msgspec.structs.replace(FRAME, **values)


def test_the_same_rows_are_good() -> None:
    assert compare("frames", {KEY: FRAME}, {KEY: FRAME}, exactly).good
    assert not compare("frames", {}, {}, exactly).good  # nothing compared is nothing shown


def test_lost_and_surplus_rows_are_counted() -> None:
    verdict = compare("frames", {1: FRAME, 2: FRAME}, {2: FRAME, 3: FRAME}, exactly)
    assert (verdict.lost, verdict.doubled, verdict.different) == (1, 1, 0)
    assert not verdict.good


@pytest.mark.parametrize(
    "row",
    [
        changed(posture=Posture.ROUNDED),
        changed(samples=95),
        changed(thorax_flexion_deg=10.0 + MAX_ANGLE_DEG + 0.01),
        changed(thorax_flexion_deg=None),
        changed(confidence=0.7),
    ],
)
def test_what_no_clock_explains_is_different(row: Frame) -> None:
    assert (
        compare("frames", {KEY: FRAME}, {KEY: row}, Nearly({KEY: FRAME}, {KEY: row})).different == 1
    )


def test_what_a_clock_explains_is_the_same_nearly_and_not_exactly() -> None:
    row = changed(samples=98, thorax_flexion_deg=10.0 + MAX_ANGLE_DEG)
    verdict = compare("frames", {KEY: FRAME}, {KEY: row}, Nearly({KEY: FRAME}, {KEY: row}))
    assert verdict.good
    assert verdict.worst == pytest.approx(MAX_ANGLE_DEG)
    assert compare("frames", {KEY: FRAME}, {KEY: row}, exactly).different == 1


def test_who_moves_may_be_elsewhere_after_the_shift() -> None:
    moving = {KEY: FRAME, ("wearer", NS_PER_S): changed(start_ns=NS_PER_S, thorax_flexion_deg=40.0)}
    judge = Nearly(moving, moving)  # 30° a second: 0.6° in 20 ms
    within, beyond = (changed(thorax_flexion_deg=10.0 + more_deg) for more_deg in (0.79, 0.81))
    assert compare("frames", {KEY: FRAME}, {KEY: within}, judge).good
    assert compare("frames", {KEY: FRAME}, {KEY: beyond}, judge).different == 1


def test_who_moves_within_one_second_is_half_way_in_its_mean() -> None:
    before, after = ("wearer", -NS_PER_S), ("wearer", NS_PER_S)
    moving = {
        before: changed(start_ns=-NS_PER_S, thorax_flexion_deg=0.0),
        KEY: FRAME,
        after: changed(start_ns=NS_PER_S, thorax_flexion_deg=20.0),
    }
    judge = Nearly(moving, moving)  # a sample in fifty of 20°: 0.4°
    within, beyond = (changed(thorax_flexion_deg=10.0 + more_deg) for more_deg in (0.59, 0.61))
    assert compare("frames", {KEY: FRAME}, {KEY: within}, judge).good
    assert compare("frames", {KEY: FRAME}, {KEY: beyond}, judge).different == 1


def rollup(**posture_s: int) -> Rollup:
    return Rollup(
        start_ns=0,
        worn_s=60,
        posture_s={Posture(name): seconds for name, seconds in posture_s.items()},
        activity_s={Activity.SITTING: 60},
        rounded_activity_s={Activity.SITTING: posture_s.get("rounded", 0)},
    )


def test_a_second_on_the_border_of_two_postures_may_be_either() -> None:
    wanted = {KEY: changed(confidence=0.55)}
    other = changed(posture=Posture.ROUNDED, confidence=0.6, thorax_flexion_deg=10.1)
    found = {KEY: other}
    assert compare("frames", wanted, found, Nearly(wanted, found)).good
    minutes = {KEY: rollup(upright=40, rounded=20)}, {KEY: rollup(upright=39, rounded=21)}
    assert compare("minutes", *minutes, Nearly(wanted, found, 60)).good
    elsewhere = {("wearer", NS_PER_S * 60): wanted[KEY]}, {("wearer", NS_PER_S * 60): other}
    assert not compare("minutes", *minutes, Nearly(*elsewhere, 60)).good
    assert not compare("minutes", minutes[0], minutes[0], Nearly(wanted, found, 60)).good


@pytest.mark.parametrize(
    "row",
    [
        changed(posture=Posture.ROUNDED, confidence=0.75),  # three to one: 0.27° off, 0.2° allowed
        changed(posture=Posture.ROUNDED, confidence=0.6, thorax_flexion_deg=10.3),
        changed(posture=Posture.ROUNDED, confidence=0.6, missing=(Placement.T4,)),
    ],
)
def test_a_posture_that_is_not_on_the_border_is_different(row: Frame) -> None:
    wanted, found = {KEY: changed(confidence=0.55)}, {KEY: row}
    assert compare("frames", wanted, found, Nearly(wanted, found)).different == 1


def test_samples_are_compared_one_by_one() -> None:
    fewer = Taken(TAKEN.utc_ns[:-1], TAKEN.readings[:-1], 2)
    other = TAKEN.readings.copy()
    other[2, 3] += 1
    assert compare_samples({"S": TAKEN}, {"S": TAKEN}).good
    assert compare_samples({"S": TAKEN}, {"S": fewer}).lost == 1
    assert compare_samples({"S": fewer}, {"S": TAKEN}).doubled == 1
    assert compare_samples({"S": TAKEN}, {"S": replace(TAKEN, readings=other)}).different == 1
    assert compare_samples({"S": TAKEN}, {"S": replace(TAKEN, lost=3)}).different == 1


def test_samples_may_shift_by_as_much_as_a_clock_explains() -> None:
    near = replace(TAKEN, utc_ns=TAKEN.utc_ns + 20 * NS_PER_MS)
    far = replace(TAKEN, utc_ns=TAKEN.utc_ns + 21 * NS_PER_MS)
    assert compare_samples({"S": TAKEN}, {"S": near}).good
    assert compare_samples({"S": TAKEN}, {"S": far}).different == 4
