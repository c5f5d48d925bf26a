from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from contracts.vocabulary import Activity, ActivitySource, Pattern, Placement, Posture
from dashboard.look import text
from dashboard.look.safety import muscle, safety

FOCUS_TABLE = Path(__file__).parents[2] / "analytics" / "core" / "focus_areas.toml"


def test_every_word_of_the_vocabulary_has_a_name() -> None:
    assert set(text.POSTURE) == set(Posture)
    assert set(text.ACTIVITY) == set(Activity)
    assert set(text.SOURCE) == set(ActivitySource)
    assert set(text.PATTERN) == set(Pattern)
    assert set(text.PLACEMENT) == set(Placement)


def test_every_muscle_and_rule_of_the_focus_table_has_a_name() -> None:
    rules = tomllib.loads(FOCUS_TABLE.read_text(encoding="utf-8"))["area"]
    keys = {key for rule in rules for key in (*rule["front"], *rule["back"])}
    assert keys
    assert [key for key in keys if not muscle(key).where] == []
    known = {p.value for p in Pattern} | set(text.RULE)
    assert {rule["rule"] for rule in rules} <= known


def test_a_muscle_that_the_glossary_lacks_is_still_shown() -> None:
    assert muscle("teres_minor").name == "Teres minor"


def test_the_safety_words_are_whole() -> None:
    words = safety()
    for wanted in ("not a diagnosis", "licensed therapist", "not claimed to cause pain"):
        assert wanted in words.standing
    assert [w.level for w in words.warnings] == ["urgent", "refer", "screen", "caution"]
    everything = " ".join(item for w in words.warnings for item in w.items)
    for wanted in (
        *("saddle", "bladder", "leg weakness", "chest pain"),
        *("accident", "fever", "weight loss", "cancer", "night pain", "arm"),
        *("DVT", "stroke", "carotid", "thinners", "osteoporosis", "pregnancy", "surgery"),
        *("front of the neck", "posterior triangle", "axilla", "psoas"),
    ):
        assert wanted in everything


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"), (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"),
        (599, "9 min 59 s"), (960, "16 min"), (3570, "1 h"), (3600, "1 h"), (15000, "4 h 10 min"),
    ],
)  # fmt: skip
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("deg", "words"), [(None, "–"), (18.4, "18°"), (-0.3, "0°"), (-3.2, "−3°"), (-10.0, "−10°")]
)
def test_angles(deg: float | None, words: str) -> None:
    assert text.degrees(deg) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(0, 0, "–"), (0, 9, "0 %"), (1, 900, "<1 %"), (37, 100, "37 %")]
)
def test_shares(part: float, whole: float, words: str) -> None:
    assert text.percent(part, whole) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 3, 3), "Today, 3 March"),
        (date(2026, 3, 2), "Yesterday, 2 March"),
        (date(2026, 3, 1), "Sunday, 1 March"),
        (date(2025, 12, 31), "Wednesday, 31 December 2025"),
    ],
)
def test_days(day: date, words: str) -> None:
    assert text.day_name(day, date(2026, 3, 3)) == words


def test_counts_and_confidence() -> None:
    assert (text.count(1, "episode"), text.count(2, "episode")) == ("1 episode", "2 episodes")
    assert [text.confidence(c) for c in (0.9, 0.7, 0.5)] == ["sure", "fairly sure", "unsure"]
    assert text.pattern("something_new") == "Something new"
