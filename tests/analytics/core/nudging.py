"""Seconds as reminders are decided on, and detectors over them: whole, and cut and resumed anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from analytics.core.nudge_policy import NudgeSeconds
from analytics.core.nudges import NudgeDetector, Reminded
from contracts.vocabulary import ACTIVITIES, Activity


def seconds_of(
    second: np.ndarray, span_s: np.ndarray, activity: np.ndarray, **others: np.ndarray
) -> NudgeSeconds:
    """With what is not given as of somebody sure who sits straight at the hip, upright where not rounded."""
    size = second.size
    plain = {
        "sure": np.ones(size, np.bool_),
        "upright": span_s == 0,
        "bent": np.zeros(size, np.bool_),
    }
    return NudgeSeconds(second=second, span_s=span_s, activity=activity, **plain | others)


def told(text: str, start_s: int, activity: Activity = Activity.SITTING) -> NudgeSeconds:
    """A letter a second: R rounded, ? rounded and not sure, B rounded and bent, U upright, . another
    posture, D drives rounded, N not worn, _ no second at all."""
    second, span_s, codes, run_from = [], [], [], -1
    doing = {"D": Activity.DRIVING, "N": Activity.NOT_WORN}
    kept = [(start_s + at, letter) for at, letter in enumerate(text) if letter != "_"]
    for at_s, letter in kept:
        rounded = letter in "R?BD"
        if not rounded or (second and second[-1] != at_s - 1):
            run_from = -1
        run_from = at_s if rounded and run_from < 0 else run_from
        second.append(at_s)
        span_s.append(at_s + 1 - run_from if rounded else 0)
        codes.append(ACTIVITIES.index(doing.get(letter, activity)))
    letters = np.array([letter for _, letter in kept])
    return seconds_of(
        np.array(second, np.int64),
        np.array(span_s, np.int32),
        np.array(codes, np.uint8),
        sure=letters != "?",
        upright=letters == "U",
        bent=letters == "B",
    )


def part(of: NudgeSeconds, first: int, stop: int) -> NudgeSeconds:
    """Seconds [first, stop) of a block, by index."""
    return NudgeSeconds(**{f.name: getattr(of, f.name)[first:stop] for f in fields(NudgeSeconds)})


def in_pieces(
    detectors: Iterable[NudgeDetector], of: NudgeSeconds, cuts: Iterable[int]
) -> Reminded:
    """What comes out where the block is cut into such lengths, each piece by a detector that is resumed."""
    found, at, state = Reminded([], []), 0, None
    for detector, length in zip(detectors, cuts, strict=False):
        if at >= of.second.size:
            break
        if state is not None:
            detector.load(state)
        some = detector.update(part(of, at, at + length))
        found.decisions.extend(some.decisions)
        found.sequels.extend(some.sequels)
        state, at = detector.state(), at + length
    return found
