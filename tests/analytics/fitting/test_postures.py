"""The fit of postures: what it refuses, what it must give, and people who were not in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.core.likelihood import Likelihood
from analytics.core.posture_model import CLASS, CLASSES, SIZE, PostureModel, indices
from analytics.fitting.held import Held, held
from analytics.fitting.postures import MIN_PEOPLE, fit_postures
from analytics.validation.truth import read_truth
from contracts.errors import RecordingError
from contracts.recording import open_recording
from contracts.vocabulary import Placement, Posture

KIT = (Placement.T4, Placement.L5)
PLAIN = {
    Posture.UPRIGHT: (0.0, 0.0),
    Posture.ROUNDED: (24.0, 0.0),
    Posture.FORWARD_LEAN: (18.0, 0.0),
    Posture.RECLINED: (-20.0, 0.0),
    Posture.LEFT_LEAN: (20.0, -12.0),
    Posture.RIGHT_LEAN: (20.0, 12.0),
}


def somebody(number: int) -> Held:
    """Half a minute of each posture, everybody's a little otherwise."""
    chance = np.random.default_rng(number)
    trials = []
    for posture, (flexion, lateral) in PLAIN.items():
        mean = np.repeat([flexion, lateral], SIZE // 2) + chance.normal(0, 2, SIZE)
        trials.append((posture, mean + chance.normal(0, 0.5, (30, SIZE))))
    own = trials[1][1].mean(axis=0)
    return Held(f"one-{number}", own, tuple(trials))


PEOPLE = [somebody(number) for number in range(12)]


def test_the_same_people_give_the_same_bytes() -> None:
    assert fit_postures(PEOPLE, "1").encode() == fit_postures(PEOPLE, "1").encode()
    assert PostureModel.decode(fit_postures(PEOPLE, "1").encode()).numbers.version == "1"


def test_left_is_right_mirrored() -> None:
    model = fit_postures(PEOPLE, "1")
    left, right = (CLASS[p] for p in (Posture.LEFT_LEAN, Posture.RIGHT_LEAN))
    mirror = np.repeat([1.0, -1.0], SIZE // 2)
    np.testing.assert_allclose(model.mean_deg[left], model.mean_deg[right] * mirror, atol=2e-3)
    np.testing.assert_allclose(
        model.covariance_deg2[left],
        model.covariance_deg2[right] * np.outer(mirror, mirror),
        atol=2e-3,
    )
    np.testing.assert_allclose(model.mean_deg[CLASS[Posture.UPRIGHT]][4:], 0.0, atol=2e-3)


def test_means_are_those_that_were_held() -> None:
    model = fit_postures(PEOPLE, "1")
    for posture in (Posture.FORWARD_LEAN, Posture.RECLINED, Posture.RIGHT_LEAN):
        wanted = np.repeat(PLAIN[posture], SIZE // 2)
        np.testing.assert_allclose(model.mean_deg[CLASS[posture]], wanted, atol=1.5)
    # of rounded: the difference from the own rounded pose, which here is the trial itself
    np.testing.assert_allclose(model.mean_deg[CLASS[Posture.ROUNDED]], 0.0, atol=0.2)


def test_a_trial_that_was_held_otherwise_counts_little() -> None:
    odd = PEOPLE[0]
    trials = [
        (posture, np.full((30, SIZE), -40.0) if posture is Posture.FORWARD_LEAN else values)
        for posture, values in odd.trials
    ]
    crooked = fit_postures([replace(odd, trials=tuple(trials)), *PEOPLE[1:]], "1")
    straight = fit_postures(PEOPLE, "1")
    moved = crooked.mean_deg - straight.mean_deg
    code = CLASS[Posture.FORWARD_LEAN]
    assert np.abs(moved[code]).max() < 58 / 12 / 2  # less than half of what a plain mean would
    assert np.abs(np.delete(moved, code, axis=0)).max() == 0.0


def test_too_few_people_or_a_posture_that_nobody_held() -> None:
    with pytest.raises(RecordingError, match="too few"):
        fit_postures(PEOPLE[: MIN_PEOPLE - 1], "1")
    without = [
        replace(p, trials=tuple(t for t in p.trials if t[0] is not Posture.RECLINED))
        for p in PEOPLE
    ]
    with pytest.raises(RecordingError, match="reclined"):
        fit_postures(without, "1")


def people_of(data_dir: Path) -> list[Held]:
    folders = sorted((data_dir / "recordings").glob("sitting-*"))
    return [
        held(
            open_recording(folder),
            [(i.start_s, i.end_s, i.posture) for i in read_truth(folder)],
        )
        for folder in folders
    ]


def test_people_who_were_not_in_the_fit(data_dir: Path) -> None:
    people = people_of(data_dir)
    right = total = 0
    for person in people:
        model = fit_postures([p for p in people if p is not person], "1")
        at = indices(KIT)
        likelihood = Likelihood.of(model, KIT, model.expected(KIT, person.own_deg[at]))
        for posture, values in person.trials:
            named = likelihood.logs(values[:, at]).argmax(axis=1)
            right += int((named == CLASS[posture]).sum())
            total += len(values)
    assert len(people) == 29
    assert {posture for person in people for posture, _ in person.trials} == set(CLASSES)
    assert right / total > 0.93


def test_a_recording_without_the_placements_or_a_calibration_is_refused(data_dir: Path) -> None:
    with pytest.raises(RecordingError, match="has no sensor C7, T12"):
        held(open_recording(data_dir / "recordings" / "driving-04"), [])
