"""The day's goal and its nudges: hand-computed."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.fading import Fading
from contracts.records import Episode, Nudge, Rollup
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Afterwards, KeptBack, NudgeKind, Posture
from dashboard.today import goal, nudged
from dashboard.today.goal import Progress, Standing
from dashboard.today.nudged import After
from tests.dashboard import seed

MINUTE_NS = 60 * NS_PER_S
#: 2026-03-03 09:00 UTC, a whole minute.
NINE_NS = 1_772_528_400 * NS_PER_S


@pytest.mark.parametrize(
    ("worn_s", "rounded_s", "standing", "words"),
    [
        (0, 0, Standing.EARLY, "Too early to tell"),
        (1799, 1799, Standing.EARLY, "Too early to tell"),
        (1800, 0, Standing.WITHIN, "Within the goal so far"),
        (3600, 600, Standing.WITHIN, "Within the goal so far"),
        (3600, 14.8 * 60, Standing.AT, "At the goal so far"),
        (3600, 15.4 * 60, Standing.AT, "At the goal so far"),
        (3600, 18 * 60, Standing.OVER, "3 min an hour over the goal so far"),
        (7200, 60 * 60, Standing.OVER, "15 min an hour over the goal so far"),
    ],
)
def test_a_day_against_its_goal(
    worn_s: int, rounded_s: float, standing: Standing, words: str
) -> None:
    progress = Progress(worn_s, int(rounded_s), 15.0)
    assert progress.standing is standing
    assert goal.headline(progress, over=False) == words


def test_little_worn_is_never_called_within_the_goal() -> None:
    for over in (False, True):
        card = goal.card(Progress(1200, 0, 15.0), over=over)
        assert "Within" not in card
        assert 'class="bar"' not in card
        assert "Worn 20 min" in card
    assert "Too little worn to tell" in goal.card(Progress(1200, 0, 15.0), over=True)


def test_the_bar_says_its_figures_and_marks_the_goal_in_the_middle() -> None:
    card = goal.card(Progress(7200, 20 * 60, 15.0))
    assert "10 min rounded in an hour worn, over 2 h worn." in card
    assert 'aria-label="10 min rounded in an hour worn; the goal is at most 15 min"' in card
    assert 'class="fill" style="width:33.3%"' in card
    assert 'class="tick" style="left:50.0%"' in card


@given(
    st.integers(0, 86_400).flatmap(lambda w: st.tuples(st.just(w), st.integers(0, w))),
    st.floats(1, 60),
)
def test_the_bar_stays_within_its_ends(seconds: tuple[int, int], wanted_min_h: float) -> None:
    card = goal.card(Progress(*seconds, wanted_min_h))
    assert all(0 <= float(share) <= 100 for share in re.findall(r":([\d.]+)%", card))


def episode(start_ns: int, seconds: int, *, ongoing: bool = False) -> Episode:
    frames, _ = seed.day_of([seed.Stretch(seconds / 60, Activity.SITTING, posture=Posture.ROUNDED,
                                          pattern=seed.Pattern.LUMBAR_SLUMP)], start_ns)  # fmt: skip
    made = seed._episode(seed.WORKDAY[2], frames, start_ns, seconds)
    return msgspec.structs.replace(made, ongoing=ongoing)


def minutes(*postures: Posture | None) -> dict[int, Rollup]:
    """A minute each from NINE_NS on; None is not worn."""
    return {
        NINE_NS + i * MINUTE_NS: Rollup(
            start_ns=NINE_NS + i * MINUTE_NS,
            worn_s=60,
            posture_s={posture: 60},
            activity_s={},
            rounded_activity_s={},
        )
        for i, posture in enumerate(postures)
        if posture is not None
    }


R, U, X = Posture.ROUNDED, Posture.UPRIGHT, Posture.UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "ongoing", "seen", "after"),
    [
        (179, False, minutes(R, R, R, U), After.CHANGED),
        (180, False, minutes(R, R, R, U), After.CHANGED),
        (181, False, minutes(R, R, R, R, U), After.WENT_ON),
        (900, True, minutes(*[R] * 15), After.WENT_ON),
        (170, False, minutes(R, R, R), After.UNKNOWN),  # taken off
        (170, False, minutes(R, R, R, X), After.UNKNOWN),
        (150, True, minutes(R, R, R), After.UNKNOWN),  # the minute is not over
    ],
)
def test_what_came_within_a_minute_after_a_nudge(
    seconds: int, *, ongoing: bool, seen: dict[int, Rollup], after: After
) -> None:
    nudge = Nudge(at_ns=NINE_NS + 2 * MINUTE_NS, kind=NudgeKind.POSTURE, held_for_s=120, given=True)
    run = episode(NINE_NS, seconds, ongoing=ongoing)
    assert nudged.after(nudge, [run], seen) is after
    assert nudged.after(nudge, [], seen) is After.UNKNOWN


def test_an_episode_under_way_is_written_once_a_minute() -> None:
    nudge = Nudge(
        at_ns=NINE_NS + 150 * NS_PER_S, kind=NudgeKind.POSTURE, held_for_s=150, given=True
    )
    run = episode(NINE_NS, 120, ongoing=True)
    assert nudged.after(nudge, [run], minutes(R, R)) is After.UNKNOWN


def test_only_nudges_that_were_given_count() -> None:
    run = episode(NINE_NS, 170)
    kept = minutes(R, R, R, U)
    at_ns = NINE_NS + 2 * MINUTE_NS
    told = Nudge(at_ns=at_ns, kind=NudgeKind.POSTURE, held_for_s=120, given=True)
    late = msgspec.structs.replace(told, at_ns=at_ns + NS_PER_S, given=False)
    lost = msgspec.structs.replace(told, at_ns=at_ns + 3600 * NS_PER_S)
    up = msgspec.structs.replace(told, at_ns=at_ns + 5, kind=NudgeKind.BREAK)
    found = nudged.nudged([told, late, lost, up], [run], list(kept.values()))
    assert found == nudged.Nudged(changed=1, went_on=0, unknown=1, breaks=1)
    card = nudged.card(found, on=True)
    for words in (
        "2 nudges so far",
        "Rounding ended within a minute after 1. What came after 1 is not known.",
        "1 prompt to get up.",
    ):
        assert words in card


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ((0, 5, 0), "Rounding went on for more than a minute after 5."),
        ((3, 1, 0), "Rounding ended within a minute after 3 and went on after 1."),
        ((0, 0, 2), "What came after 2 is not known."),
    ],
)
def test_what_came_after_is_one_sentence(seen: tuple[int, int, int], words: str) -> None:
    assert f">{words}<" in nudged.card(nudged.Nudged(*seen, breaks=0), on=True)


@pytest.mark.parametrize(
    ("on", "over", "words"),
    [(True, False, "None so far"), (False, False, "Nudges are off"), (False, True, ">None<")],
)
def test_a_day_without_nudges(on: bool, over: bool, words: str) -> None:
    assert words in nudged.card(nudged.nudged([], [], []), on=on, over=over)


def test_none_so_far_beside_a_backlog_says_why() -> None:
    none = nudged.nudged([], [], [])
    assert "it is too late" in nudged.card(none, on=True, late=True)
    assert "too late" not in nudged.card(none, on=True)
    assert "too late" not in nudged.card(none, on=False, late=True)


def _nudge(after: Afterwards | None = None, **facts: object) -> Nudge:
    fields = {"at_ns": NINE_NS, "kind": NudgeKind.POSTURE, "held_for_s": 120, "given": True}
    return Nudge(**fields | {"after": after} | facts)


def test_who_was_seen_upright_is_said_so_without_an_episode() -> None:
    assert nudged.after(_nudge(Afterwards.UPRIGHT), [], {}) is After.CHANGED
    assert nudged.after(_nudge(Afterwards.NOT_UPRIGHT), [], {}) is After.UNKNOWN


def test_what_was_kept_back_and_what_did_not_arrive_is_said() -> None:
    kept = [
        _nudge(given=False, kept_back=why)
        for why in (KeptBack.DRIVING, KeptBack.QUIET, KeptBack.QUIET)
    ]
    found = nudged.nudged(
        [_nudge(Afterwards.UPRIGHT, held_s=240), _nudge(felt=False, felt_why="gone"), *kept], [], []
    )
    card = nudged.card(found, on=True, fading="And so on.")
    for words in (
        "2 nudges so far",
        "Upright for 4 min after a nudge (median).",
        "1 pulse did not reach the sensor.",
        "Not given: 2 in quiet hours, 1 while driving. And so on.",
    ):
        assert words in card


def test_every_reason_has_words() -> None:
    for why in KeptBack:
        found = nudged.nudged([_nudge(given=False, kept_back=why)], [], [])
        assert "Not given: 1 " in nudged.card(found, on=True)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Fading(120.0, 3, 4), "do not fade yet: that takes 10"),
        (Fading(120.0, 5, 12), "come after 2 min, as set."),
        (
            Fading(240.0, 15, 20),
            "come after 4 min today instead of 2 min: upright again within a minute after 15 of 20",
        ),
    ],
)
def test_how_nudges_fade_is_explained(found: Fading, words: str) -> None:
    assert words in nudged.fading_words(PostureSettings(nudge_fading=True), found)
    assert nudged.fading_words(PostureSettings(), found) == ""
