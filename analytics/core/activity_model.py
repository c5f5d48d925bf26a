"""The fitted part of telling activities apart: three weighted sums, read from a table.

A *question* is between two activities. Its evidence of a second is a weighted sum of the figures of
:mod:`analytics.core.trunk_motion`, in nats for the second activity against the first: what linear
discriminant analysis gives. Where the second activity has several ways of being done (stairs up and
down), each has weights and the evidence is that of their mixture.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.core.trunk_motion import FIGURES
from contracts.errors import Reason, SettingError
from contracts.vocabulary import Activity, Placement

#: Grows whenever the figures, or what is made of them, change.
MODEL_VERSION: Final = 1
MAX_MODEL_CHARS: Final = 65_536
MAX_WAYS: Final = 4
#: No single second says more than this, in nats: a figure far out is a thing never seen.
MAX_EVIDENCE: Final = 8.0
_HINT: Final = "Make it anew with: plumbline fit"

Floats = NDArray[np.float64]


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way in which the second activity is done: its weights in the order of FIGURES."""

    name: str
    intercept: float
    weights: tuple[float, ...]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of the sensor at one of ``placements``, and how its evidence is weighed."""

    first: Activity
    second: Activity
    placements: tuple[Placement, ...]
    ways: tuple[Way, ...]

    def evidence(self, figures: Floats) -> Floats:
        """(n,) nats for the second activity, of (len(FIGURES), n) figures."""
        scores = [_score(way, figures) for way in self.ways]
        mixed = scores[0]
        for score in scores[1:]:
            mixed = np.logaddexp(mixed, score)
        evidence: Floats = np.clip(mixed - np.log(len(scores)), -MAX_EVIDENCE, MAX_EVIDENCE)
        return evidence


@dataclass(frozen=True, slots=True)
class ActivityModel:
    """Three questions; without one, the first activity is always said.

    ``fitted_on`` names the recordings that the weights come from.
    """

    standing: Question | None = None
    lying: Question | None = None
    stairs: Question | None = None
    fitted_on: tuple[str, ...] = ()


def parse_activity_model(text: str) -> ActivityModel:
    """The model in a TOML table; SettingError where it is none of this version."""
    if len(text) > MAX_MODEL_CHARS:
        raise SettingError(
            Reason.TOO_LONG, f"an activity model of {len(text)} characters is too long.", hint=_HINT
        )
    try:
        table = tomllib.loads(text)
        version, figures = table["version"], table["figures"]
        questions = msgspec.convert(table["question"], dict[str, Question])
        fitted_on = msgspec.convert(table["fitted_on"], tuple[str, ...])
        model = ActivityModel(**questions, fitted_on=fitted_on)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, LookupError, TypeError) as error:
        raise _refused(f"not an activity model: {str(error)[:200]}") from None
    if version != MODEL_VERSION or tuple(figures) != FIGURES:
        raise _refused(f"an activity model of version {version!r}, wanted {MODEL_VERSION}")
    for name, question in questions.items():
        _check(name, question)
    return model


def activity_model_table(model: ActivityModel) -> dict[str, Any]:
    """The model as plain values, for writing it as TOML."""
    questions = {"standing": model.standing, "lying": model.lying, "stairs": model.stairs}
    return {
        "version": MODEL_VERSION,
        "fitted_on": list(model.fitted_on),
        "figures": list(FIGURES),
        "question": {k: msgspec.to_builtins(q) for k, q in questions.items() if q is not None},
    }


def _score(way: Way, figures: Floats) -> Floats:
    # term by term: a BLAS product may differ with the number of rows
    score = np.full(figures.shape[1], way.intercept)
    for weight, figure in zip(way.weights, figures, strict=True):
        score += weight * figure
    return score


def _check(name: str, question: Question) -> None:
    if not 1 <= len(question.ways) <= MAX_WAYS:
        raise _refused(f"question {name} has {len(question.ways)} ways, wanted are 1 to {MAX_WAYS}")
    for way in question.ways:
        if len(way.weights) != len(FIGURES):
            raise _refused(f"question {name}, {way.name} has {len(way.weights)} weights")
        if not np.all(np.isfinite([way.intercept, *way.weights])):
            raise _refused(f"question {name}, {way.name} has a weight that is no number")


def _refused(what: str) -> SettingError:
    return SettingError(Reason.BAD_SETTING, f"{what}.", hint=_HINT)
