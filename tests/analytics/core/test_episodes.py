"""Dwell, bridging, gaps, growth, patterns and focus of episodes; nudges along with them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.angles import Angles
from analytics.core.episodes import SURE_ALONE_C, SURE_C, EpisodeDetector, RoundedSeconds
from analytics.core.nudges import NudgeDetector
from analytics.core.patterns import PATTERNS, patterns_of
from contracts.records import Episode
from contracts.settings import PostureSettings
from contracts.vocabulary import ACTIVITIES, Activity, NudgeKind, Pattern
from tests.analytics.core.bodies import START_S, focus_table, latest
from tests.analytics.core.nudging import in_pieces, seconds_of

SITTING = ACTIVITIES.index(Activity.SITTING)
SETTINGS = PostureSettings()


def block(
    text: str, *, activity: Activity = Activity.SITTING, pattern: Pattern = Pattern.UPPER_THORACIC
) -> RoundedSeconds:
    """``R`` a rounded second, ``.`` another one, ``_`` a second without data."""
    there = np.array([c != "_" for c in text])
    second = START_S + np.flatnonzero(there)
    rounded = np.array([c == "R" for c in text])[there]
    size = second.size
    return RoundedSeconds(
        second=second.astype(np.int64),
        rounded=rounded,
        flexion_cdeg=np.where(rounded, 2000 + np.arange(size) % 7, 0).astype(np.int64),
        confidence_c=np.full(size, 90, np.int64),
        sure_c=np.full(size, SURE_C, np.int64),
        possible=np.array([c in "Rp" for c in text])[there],
        activity=np.full(size, ACTIVITIES.index(activity), np.uint8),
        pattern=np.full(size, PATTERNS.index(pattern), np.uint8),
    )


def episodes(text: str, settings: PostureSettings = SETTINGS) -> list[Episode]:
    """All episodes of a text, as they are at its end."""
    detector = EpisodeDetector(settings, focus_table())
    said = [episode for _, episode in detector.update(block(text))[0]] + detector.end()
    return list(latest(said).values())


def spans(text: str, settings: PostureSettings = SETTINGS) -> list[tuple[int, int]]:
    return [
        (e.start_ns // 10**9 - START_S, e.end_ns // 10**9 - START_S)
        for e in episodes(text, settings)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("." * 5 + "R" * 60 + "." * 9, [(5, 65)]),
        ("." * 5 + "R" * 59 + "." * 9, []),
        ("R" * 40 + "." * 4 + "R" * 40, [(0, 84)]),
        ("R" * 40 + "." * 5 + "R" * 40, []),
        ("R" * 70 + "." * 5 + "R" * 70, [(0, 70), (75, 145)]),
        ("R" * 40 + "_" + "R" * 40, []),
        ("R" * 70 + "..__.." + "R" * 70, [(0, 70), (76, 146)]),
        ("R" * 3 + "." + "R" * 60, [(4, 64)]),
        ("R" * 4 + "." + "R" * 60, [(0, 65)]),
        ("RR.." * 40, []),
        ("R" * 70 + "." * 4, [(0, 70)]),
        ("..pp" + "R" * 58 + "..", [(2, 62)]),  # on the way into it
        ("p" * 9 + "R" * 56 + "..", [(5, 65)]),  # no longer than that
        ("pp." + "R" * 59, []),
        ("pp_" + "R" * 60, [(3, 63)]),
        ("R" * 40 + "pp" + "R" * 40, [(0, 82)]),
        ("ppRR.." * 20, []),  # a lead is no dwell
    ],
)
def test_dwell_bridging_and_gaps(text: str, expected: list[tuple[int, int]]) -> None:
    assert spans(text) == expected


def doubtful(text: str, confidence_c: list[int], sure_c: int) -> list[Episode]:
    """All episodes of a text of one piece, with this confidence a second."""
    rounded = replace(
        block(text), confidence_c=np.array(confidence_c), sure_c=np.full(len(text), sure_c)
    )
    detector = EpisodeDetector(SETTINGS, focus_table())
    said = [episode for _, episode in detector.update(rounded)[0]] + detector.end()
    return list(latest(said).values())


def test_a_run_that_is_not_sure_on_the_whole_is_no_episode() -> None:
    text = "R" * 80
    assert doubtful(text, [SURE_C - 1] * 80, SURE_C) == []
    assert len(doubtful(text, [SURE_C] * 80, SURE_C)) == 1
    # one sensor cannot be sure of rounding, and is not asked to be
    assert len(doubtful(text, [SURE_ALONE_C] * 80, SURE_ALONE_C)) == 1


def test_a_run_that_becomes_sure_is_said_when_it_is_looked_at_again() -> None:
    confidence_c = [40] * 60 + [90] * 60
    rounded = replace(block("R" * 120), confidence_c=np.array(confidence_c))
    detector = EpisodeDetector(SETTINGS, focus_table())
    said, _ = detector.update(rounded)
    # 60 · 40 + n · 90 reaches 60 · (60 + n) at n = 40; looked at every 5 s from 60 s on
    assert [second - START_S for second, _ in said] == [99]
    assert said[0][1].start_ns == START_S * 10**9


def test_settings_decide() -> None:
    quick = PostureSettings(episode_s=10, bridge_s=0, candidate_s=2)
    assert spans("R" * 10 + "." + "R" * 12, quick) == [(0, 10), (11, 23)]


def test_a_bridge_made_shorter_within_a_return_ends_it_at_the_next_second() -> None:
    patient = EpisodeDetector(PostureSettings(bridge_s=60), focus_table())
    patient.update(block("R" * 100 + "." * 30))
    strict = EpisodeDetector(PostureSettings(bridge_s=5), focus_table())
    strict.load(patient.state())
    said, _ = strict.update(block("_" * 130 + "."))
    assert [(at - START_S, e.ongoing) for at, e in said] == [(130, False)]


def test_an_episode_is_said_when_recognised_as_it_grows_and_when_it_ends() -> None:
    detector = EpisodeDetector(SETTINGS, focus_table())
    said, runs = detector.update(block("R" * 200 + "." * 8))
    span_s = runs.span_s
    assert [(at - START_S, e.ongoing, (e.end_ns - e.start_ns) // 10**9) for at, e in said] == [
        (59, True, 60), (119, True, 120), (179, True, 180), (204, False, 200),
    ]  # fmt: skip
    assert span_s[:3].tolist() == [1, 2, 3]
    assert span_s[199] == 200
    assert not span_s[200:].any()


def test_what_an_episode_says_of_itself() -> None:
    (episode,) = episodes("R" * 70 + "." * 3 + "R" * 7 + "." * 9)
    assert episode.rounded_s == 77
    assert episode.peak_flexion_deg == 20.06
    assert episode.mean_flexion_deg == pytest.approx(20.03, abs=0.01)
    assert (episode.confidence, episode.activity) == (0.9, Activity.SITTING)
    assert episode.explanation == (
        "Rounded for 1 min 20 s while sitting, by 20° on average and 20° at most, mostly in the upper "
        "back; short returns of 3 s in all are bridged."
    )
    assert [(a.rule, a.share) for a in episode.focus] == [("upper_thoracic", 1.0)]


def test_the_way_into_an_episode_is_no_short_return() -> None:
    (episode,) = episodes("ppp" + "R" * 70)
    assert episode.rounded_s == 70
    assert episode.explanation.startswith("Rounded for 1 min 13 s")
    assert "bridged" not in episode.explanation


def test_long_seated_rounding_points_to_the_hips_as_inferred() -> None:
    (episode,) = episodes("R" * 320, PostureSettings(break_after_s=300))
    assert [(a.rule, a.inferred) for a in episode.focus] == [
        ("upper_thoracic", False), ("long_seated", True),
    ]  # fmt: skip


@given(
    st.text(alphabet="RRRRRpp.._", min_size=1, max_size=150),
    st.lists(st.integers(1, 149), max_size=6),
    st.lists(st.integers(40, 80), min_size=1, max_size=30),
)
def test_cut_anywhere_it_says_the_same(text: str, cuts: list[int], sure: list[int]) -> None:
    settings = PostureSettings(episode_s=8, candidate_s=2, bridge_s=3)
    if not text.strip("_"):
        return
    whole = EpisodeDetector(settings, focus_table())
    full = block(text)
    full = replace(full, confidence_c=np.resize(np.array(sure, np.int64), full.second.size))
    everything = whole.update(full)[0]
    pieces = EpisodeDetector(settings, focus_table())
    said = []
    edges = sorted({0, full.second.size, *(c for c in cuts if c < full.second.size)})
    for start, stop in pairwise(edges):
        part = RoundedSeconds(
            full.second[start:stop], full.rounded[start:stop], full.flexion_cdeg[start:stop],
            full.confidence_c[start:stop], full.sure_c[start:stop], full.possible[start:stop],
            full.activity[start:stop], full.pattern[start:stop],
        )  # fmt: skip
        said += pieces.update(part)[0]
        resumed = EpisodeDetector(settings, focus_table())
        resumed.load(pieces.state())
        pieces = resumed
    assert said == everything
    assert pieces.end() == whole.end()


def angles(size: int = 1, **values: float) -> Angles:
    names = (
        "thorax_flexion_deg", "pelvis_flexion_deg", "trunk_flexion_deg", "lateral_deg",
        "head_flexion_deg", "lower_thoracic_deg", "pelvis_lateral_deg",
    )  # fmt: skip
    return Angles(*(np.full(size, values.get(n.removesuffix("_deg"), np.nan)) for n in names))


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"thorax_flexion": 25, "pelvis_flexion": 2, "trunk_flexion": 23}, Pattern.UPPER_THORACIC),
        (
            {"thorax_flexion": 15, "pelvis_flexion": -15, "trunk_flexion": 30},
            Pattern.UPPER_THORACIC,
        ),
        ({"thorax_flexion": 5, "pelvis_flexion": -20, "trunk_flexion": 25}, Pattern.LUMBAR_SLUMP),
        ({"thorax_flexion": 14}, Pattern.UPPER_THORACIC),
        ({"thorax_flexion": 14, "head_flexion": 30}, Pattern.FORWARD_HEAD),
        (
            {"thorax_flexion": 25, "pelvis_flexion": 0, "trunk_flexion": 25, "lower_thoracic": 18},
            Pattern.COLLAPSED_CHEST,
        ),
        ({}, Pattern.UNSPECIFIED),
    ],
)
def test_the_most_marked_pattern(values: dict[str, float], pattern: Pattern) -> None:
    assert PATTERNS[patterns_of(angles(**values))[0]] is pattern


def nudges(text: str, activity: list[Activity], settings: PostureSettings) -> list[tuple[int, str]]:
    detector = EpisodeDetector(settings, focus_table())
    b = block(text)
    _, runs = detector.update(b)
    codes = np.array([ACTIVITIES.index(a) for a in activity], np.uint8)
    found = NudgeDetector(settings).update(seconds_of(b.second, runs.span_s, codes))
    given = [d for d in found.decisions if d.kept_back is None]
    return [(d.at_ns // 10**9 - START_S, d.kind.value) for d in given]


def test_one_nudge_a_dwell() -> None:
    settings = PostureSettings(nudge_after_s=30, nudge_pause_s=0)
    text = "R" * 100 + "." * 10 + "R" * 40
    assert nudges(text, [Activity.SITTING] * 150, settings) == [(30, "posture"), (140, "posture")]


def test_no_nudge_while_driving_or_walking_but_after() -> None:
    settings = PostureSettings(nudge_after_s=30)
    activity = [Activity.DRIVING] * 50 + [Activity.WALKING] * 20 + [Activity.SITTING] * 30
    assert nudges("R" * 100, activity, settings) == [(71, "posture")]
    assert nudges("R" * 100, [Activity.DRIVING] * 100, settings) == []


def test_a_break_is_due_after_long_sitting() -> None:
    settings = PostureSettings(break_after_s=300)
    up_briefly = [Activity.SITTING] * 250 + [Activity.WALKING] * 20 + [Activity.SITTING] * 630
    assert nudges("." * 900, up_briefly, settings) == [(k, "break") for k in (300, 600, 900)]
    a_break = [Activity.SITTING] * 250 + [Activity.WALKING] * 70 + [Activity.SITTING] * 580
    assert nudges("." * 900, a_break, settings) == [(620, "break")]
    gap = "." * 200 + "_" + "." * 200
    assert nudges(gap, [Activity.SITTING] * 400, settings) == []


def test_nudges_resumed_say_the_same() -> None:
    settings = PostureSettings(nudge_after_s=20, break_after_s=300, nudge_good_again=True)
    b = block("R" * 200 + "." * 200 + "R" * 300)
    _, runs = EpisodeDetector(settings, focus_table()).update(b)
    seconds = seconds_of(b.second, runs.span_s, b.activity)
    whole = NudgeDetector(settings).update(seconds)
    pieces = in_pieces((NudgeDetector(settings) for _ in range(100)), seconds, [7] * 100)
    assert pieces == whole
    assert {d.kind for d in whole.decisions} == {NudgeKind.POSTURE, NudgeKind.BREAK}
