"""The table of focus areas as it ships, as it may not be, and how a day is ranked."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.focus import DISCLAIMER, TRIGGERS, parse_focus_table, rank_focus
from contracts.errors import SettingError
from contracts.records import Episode, Rollup
from contracts.vocabulary import Activity, Pattern, Posture
from tests.analytics.core.bodies import START_NS, focus_table

TABLE = focus_table()


def episode(minutes: int, **share_of: float) -> Episode:
    return Episode(
        start_ns=START_NS, end_ns=START_NS + minutes * 60 * 10**9, pattern=Pattern.UPPER_THORACIC,
        activity=Activity.SITTING, mean_flexion_deg=20.0, peak_flexion_deg=30.0,
        rounded_s=60 * minutes, confidence=0.9, ongoing=False, explanation="",
        focus=TABLE.areas(share_of),
    )  # fmt: skip


def test_the_table_that_ships_is_whole() -> None:
    assert {rule.trigger for rule in TABLE.rules} == TRIGGERS
    for rule in TABLE.rules:
        assert all((rule.front, rule.back, rule.why, rule.standing, rule.source, rule.pattern))
    by_rule = {rule.rule: rule for rule in TABLE.rules}
    assert "21294015" in by_rule["forward_head"].source
    assert "Proxy only" in by_rule["forward_head"].standing
    assert "not Janda's" in by_rule["lumbar_slump"].standing.replace("Not", "not")
    assert [rule.rule for rule in TABLE.rules if rule.inferred] == ["long_seated"]
    assert "not a diagnosis" in DISCLAIMER


def test_areas_are_ranked_by_share_and_small_ones_left_out() -> None:
    areas = TABLE.areas({"lumbar_slump": 0.6, "upper_thoracic": 0.35, "forward_head": 0.05})
    assert [(a.rule, a.share) for a in areas] == [("lumbar_slump", 0.6), ("upper_thoracic", 0.35)]
    assert "Source: " in areas[0].standing


def test_a_day_weighs_its_episodes_by_their_length_and_adds_what_was_not_rounded() -> None:
    episodes = [episode(30, upper_thoracic=1.0), episode(10, lumbar_slump=0.8, upper_thoracic=0.2)]
    day = Rollup(
        start_ns=START_NS, worn_s=4 * 3600,
        posture_s={Posture.RIGHT_LEAN: 3600, Posture.LEFT_LEAN: 600, Posture.UPRIGHT: 3 * 3600 - 600},
        activity_s={Activity.SITTING: 3 * 3600, Activity.WALKING: 3600}, rounded_activity_s={},
    )  # fmt: skip
    areas = [(a.rule, a.share) for a in rank_focus(TABLE, episodes, day)]
    assert areas == [
        ("upper_thoracic", 0.8), ("long_seated", 0.75), ("lateral_lean", 0.29), ("lumbar_slump", 0.2),
    ]  # fmt: skip
    assert rank_focus(TABLE, []) == ()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[[area]]", "[[area"), "cannot be used"),
        (('trigger = "lumbar_slump"', 'trigger = "kneeling"'), "trigger 'kneeling'"),
        (('rule = "lumbar_slump"', 'rule = "upper_thoracic"'), "same rule"),
        (('rule = "lumbar_slump"', 'rule = "Lumbar slump"'), "lower-case"),
        (('why = "Hips are held flexed; the gluteals are inhibited."', 'why = ""'), "lacks"),
        (('why = "Hips are held flexed; the gluteals are inhibited."', ""), "why"),
        (('["iliopsoas", "rectus_femoris"]', '"iliopsoas"'), "front"),
    ],
)
def test_a_broken_table_is_refused_with_what_is_wrong(
    change: tuple[str, str], complaint: str, text: str
) -> None:
    assert change[0] in text
    with pytest.raises(SettingError, match=complaint):
        parse_focus_table(text.replace(*change, 1))


def test_caps(text: str) -> None:
    for broken in ("", "x = 1", text + "#" * 70_000, text + "\n[[area]]" * 70):
        with pytest.raises(SettingError, match="cannot be used"):
            parse_focus_table(broken)


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_refused(text: str) -> None:
    with suppress(SettingError):
        assert parse_focus_table(text).rules


@pytest.fixture
def text() -> str:
    from importlib.resources import files

    return (files("analytics.core") / "focus_areas.toml").read_text(encoding="utf-8")
