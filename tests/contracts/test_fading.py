"""How much later nudges come: bounded, by whole days, never sooner than was set."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.fading import FADING_DAYS, FEWEST, MOST_TIMES, faded, fading_window_ns
from contracts.records import Nudge
from contracts.settings import MAX_NUDGE_AFTER_S, MIN_NUDGE_AFTER_S
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, NudgeKind

BERLIN = ZoneInfo("Europe/Berlin")
UP, NOT = Afterwards.UPRIGHT, Afterwards.NOT_UPRIGHT


def nudge(after: Afterwards | None, kind: NudgeKind = NudgeKind.POSTURE, given: bool = True):
    return Nudge(at_ns=0, kind=kind, held_for_s=120, given=given, after=after)


@pytest.mark.parametrize(
    ("up", "down", "after_s"),
    [
        (9, 0, 120.0),  # too few to tell
        (5, 5, 120.0),
        (15, 5, 240.0),
        (10, 0, 360.0),
        (0, 20, 120.0),
    ],
)
def test_the_delay_grows_with_the_share(up: int, down: int, after_s: float) -> None:
    found = faded(120.0, [nudge(UP)] * up + [nudge(NOT)] * down)
    assert (found.after_s, found.followed, found.known) == (after_s, up, up + down)


def test_only_nudges_that_were_given_and_whose_sequel_is_known_count() -> None:
    others = [
        nudge(None),
        nudge(Afterwards.UNKNOWN),
        nudge(UP, given=False),
        nudge(UP, NudgeKind.BREAK),
    ]
    assert faded(120.0, others * FEWEST).known == 0


@given(
    own_s=st.floats(MIN_NUDGE_AFTER_S, MAX_NUDGE_AFTER_S),
    seen=st.lists(st.sampled_from(Afterwards), max_size=60),
)
def test_it_is_bounded(own_s: float, seen: list[Afterwards]) -> None:
    after_s = faded(own_s, [nudge(after) for after in seen]).after_s
    assert own_s <= after_s <= MAX_NUDGE_AFTER_S
    assert after_s <= MOST_TIMES * own_s + 1


@given(st.integers(1_609_459_200, 1_893_456_000))
def test_the_days_before_today_count_and_today_does_not(now_s: int) -> None:
    now_ns = now_s * NS_PER_S
    start_ns, end_ns = fading_window_ns(now_ns, BERLIN)
    first, end = (datetime.fromtimestamp(at // NS_PER_S, BERLIN) for at in (start_ns, end_ns))
    assert (first.hour, first.minute, end.hour, end.minute) == (0, 0, 0, 0)
    assert end.date() == datetime.fromtimestamp(now_s, BERLIN).date()
    assert (end.date() - first.date()).days == FADING_DAYS
    assert end_ns <= now_ns
