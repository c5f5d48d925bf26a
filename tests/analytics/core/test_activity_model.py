"""The table of the activity model: what it says, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core.activity_model import (
    MAX_EVIDENCE,
    MAX_MODEL_CHARS,
    MAX_WAYS,
    Question,
    Way,
    parse_activity_model,
)
from analytics.core.shipped import shipped_activities
from analytics.core.trunk_motion import FIGURES
from analytics.fitting.activities import activity_model_toml
from contracts.errors import Reason, SettingError
from contracts.vocabulary import Activity, Placement

SHIPPED = activity_model_toml(shipped_activities())
ZERO = (0.0,) * (len(FIGURES) - 1)


def question(*ways: Way) -> Question:
    return Question(
        first=Activity.WALKING, second=Activity.STAIRS, placements=(Placement.STERNUM,), ways=ways
    )


def figures(first: list[float]) -> np.ndarray:
    return np.concatenate([[first], np.zeros((len(FIGURES) - 1, len(first)))])


def test_evidence_is_the_intercept_and_the_weighted_figures_within_bounds() -> None:
    asked = question(Way(name="up", intercept=1.0, weights=(2.0, *ZERO)))
    evidence = asked.evidence(figures([0.0, 0.5, -3.0, 90.0]))
    assert evidence.tolist() == [1.0, 2.0, -5.0, MAX_EVIDENCE]


def test_of_two_ways_the_evidence_is_that_of_either_as_likely() -> None:
    up = Way(name="up", intercept=0.0, weights=(1.0, *ZERO))
    down = Way(name="down", intercept=0.0, weights=(-1.0, *ZERO))
    evidence = question(up, down).evidence(figures([0.0, 2.0]))
    assert evidence.tolist() == pytest.approx([0.0, np.log(np.cosh(2.0))])


def test_the_shipped_model_is_read_and_written_the_same() -> None:
    model = parse_activity_model(SHIPPED)
    assert model == shipped_activities()
    assert activity_model_toml(model) == SHIPPED
    assert model.stairs is not None
    assert [way.name for way in model.stairs.ways] == ["stairs 1", "stairs 2"]


def test_a_model_without_a_question_is_one_too() -> None:
    text = SHIPPED[: SHIPPED.index("[question.stairs]")]
    assert parse_activity_model(text).stairs is None


WAY = SHIPPED[SHIPPED.index("[[question.lying.ways]]") : SHIPPED.index("[question.stairs]")]


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("x" * (MAX_MODEL_CHARS + 1), Reason.TOO_LONG, "too long"),
        ("version = ", Reason.BAD_SETTING, "not an activity model"),
        ("version = 1", Reason.BAD_SETTING, "not an activity model"),
        (SHIPPED.replace("version = 1", "version = 7"), Reason.BAD_SETTING, "version 7"),
        (SHIPPED.replace(FIGURES[2], "luck"), Reason.BAD_SETTING, "wanted 1"),
        (SHIPPED.replace("question.lying", "question.flying"), Reason.BAD_SETTING, "flying"),
        (SHIPPED.replace('"sternum"', '"elbow"', 1), Reason.BAD_SETTING, "elbow"),
        (SHIPPED.replace("intercept = ", "intercept = nan #"), Reason.BAD_SETTING, "no number"),
        (SHIPPED.replace("weights = [", "weights = [1.0, "), Reason.BAD_SETTING, "12 weights"),
        (SHIPPED.replace(WAY, WAY * (MAX_WAYS + 1)), Reason.BAD_SETTING, "5 ways"),
    ],
)  # fmt: skip
def test_what_is_no_model_of_this_version_is_refused(text: str, reason: Reason, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        parse_activity_model(text)
    assert caught.value.reason is reason
    assert "plumbline fit" in str(caught.value.hint)
