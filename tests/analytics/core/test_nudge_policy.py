"""What keeps nudges back and in which order, what is said of it, and what is seen after a nudge."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.nudge_policy import REASONS
from analytics.core.nudges import NudgeDetector, Reminded
from contracts.records import HELD_MOST_S, NudgeAfter
from contracts.settings import MAX_NUDGES_AN_HOUR, NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Afterwards, KeptBack, NudgeKind
from tests.analytics.core.nudging import in_pieces, seconds_of, told

START_S = 1_800_000_000  # 8:00 UTC
QUICK = {"nudge_after_s": 15.0, "nudge_pause_s": 0.0, "nudges_an_hour": 240}
Said = tuple[int, NudgeKind, KeptBack | None]


def said(found: Reminded) -> list[Said]:
    """When, of what kind, and kept back by what."""
    return [(d.at_ns // NS_PER_S - START_S, d.kind, d.kept_back) for d in found.decisions]


def run(text: str, not_now: NotNow | None = None, **settings: float) -> Reminded:
    detector = NudgeDetector(PostureSettings(**QUICK | settings), not_now=not_now)
    return detector.update(told(text, START_S))


def posture(at_s: int, why: KeptBack | None = None) -> Said:
    return at_s, NudgeKind.POSTURE, why


def test_the_reasons_are_in_the_order_of_the_words() -> None:
    assert REASONS == tuple(KeptBack)


@pytest.mark.parametrize(
    ("letter", "activity", "why"),
    [
        ("R", Activity.DRIVING, KeptBack.DRIVING),
        ("R", Activity.WALKING, KeptBack.MOVING),
        ("R", Activity.STAIRS, KeptBack.MOVING),
        ("R", Activity.CARRYING, KeptBack.CARRYING),
        ("R", Activity.LYING, KeptBack.LYING),
        ("N", Activity.SITTING, None),  # nobody is rounded who wears nothing
        ("B", Activity.SITTING, KeptBack.BENDING),
        ("?", Activity.SITTING, KeptBack.UNSURE),
        ("B", Activity.DRIVING, KeptBack.DRIVING),  # the first of two
    ],
)
def test_what_keeps_a_run_back_is_said_once(
    letter: str, activity: Activity, why: KeptBack | None
) -> None:
    detector = NudgeDetector(PostureSettings(**QUICK))
    found = detector.update(told(letter * 60, START_S, activity))
    assert said(found) == ([] if why is None else [posture(15, why)])


def test_a_run_is_nudged_when_nothing_keeps_it_back_any_more() -> None:
    assert said(run("R" * 10 + "B" * 20 + "?" * 5 + "R" * 10)) == [
        posture(15, KeptBack.BENDING),
        posture(36),
    ]


def test_not_now_holds_for_its_minutes() -> None:
    until = NotNow(start_ns=START_S * NS_PER_S, end_ns=(START_S + 30) * NS_PER_S)
    assert said(run("R" * 60, not_now=until)) == [posture(15, KeptBack.NOT_NOW), posture(30)]
    over = NotNow(start_ns=START_S * NS_PER_S, end_ns=(START_S + 15) * NS_PER_S)
    assert said(run("R" * 60, not_now=over)) == [posture(15)]


def test_between_two_there_is_a_pause() -> None:
    slumps = ("R" * 20 + "U" * 10) * 4
    assert said(run(slumps, nudge_pause_s=60.0)) == [
        posture(15),
        posture(45, KeptBack.TOO_SOON),
        posture(75),
        posture(105, KeptBack.TOO_SOON),
    ]


def test_no_more_in_any_hour_than_are_wanted() -> None:
    slump = "R" * 16 + "U" * 884  # four of them an hour
    found = said(run(slump * 9, nudges_an_hour=2, break_after_s=14400))
    assert found[:4] == [posture(15), posture(915)] + [
        posture(at, KeptBack.TOO_MANY) for at in (1815, 2715)
    ]
    given_s = [at for at, _, why in found if why is None]
    assert given_s == [15, 915, 3615, 4515, 7215]


def test_a_prompt_counts_among_them_and_is_never_too_many() -> None:
    found = said(run("." * 285 + "R" * 40, break_after_s=300, nudges_an_hour=1))
    assert found == [
        (300, NudgeKind.BREAK, None),
        posture(300, KeptBack.TOO_MANY),
    ]


def test_what_is_remembered_of_the_hour_has_a_cap() -> None:
    detector = NudgeDetector(PostureSettings(**QUICK))
    detector.load(detector.state() | {"given_s": [START_S - 1] * (2 * MAX_NUDGES_AN_HOUR)})
    detector.update(told("R" * 15, START_S))
    assert len(detector.state()["given_s"]) <= MAX_NUDGES_AN_HOUR


def sequel(after: Afterwards, upright_after_s: int | None = None, held_s: int | None = None):
    return NudgeAfter(
        at_ns=(START_S + 15) * NS_PER_S,
        kind=NudgeKind.POSTURE,
        after=after,
        upright_after_s=upright_after_s,
        held_s=held_s,
    )


@pytest.mark.parametrize(
    ("then", "what"),
    [
        ("R" * 20 + "U" * 10 + "R" * 3 + "U" * 7 + "R" * 4, [(20, None), (20, 20)]),
        ("U" * 4 + "R" * 56, None),  # passing through
        ("R" * 59 + "U" * 30, [(59, None)]),  # the last second that counts
        ("R" * 60 + "U" * 30, None),
        ("U" * 700, [(0, None), (0, HELD_MOST_S)]),
        ("U" * 8 + "NN", [(0, None), (0, 8)]),
        ("U" * 8 + "___U", [(0, None), (0, 8)]),
    ],
)
def test_what_is_seen_after_a_nudge(then: str, what: list[tuple[int, int | None]] | None) -> None:
    found = run("R" * 15 + then)
    if what is None:
        assert found.sequels == [sequel(Afterwards.NOT_UPRIGHT)]
    else:
        assert found.sequels == [sequel(Afterwards.UPRIGHT, *seen) for seen in what]


def test_taken_off_or_ended_before_the_minute_is_over_nothing_is_known() -> None:
    unknown = [sequel(Afterwards.UNKNOWN)]
    assert run("R" * 30 + "N").sequels == unknown
    assert run("R" * 30 + "__R").sequels == unknown
    detector = NudgeDetector(PostureSettings(**QUICK))
    assert detector.update(told("R" * 30, START_S)).sequels == []
    assert detector.end() == unknown
    assert detector.end() == []


def test_the_next_nudge_ends_the_watch_of_the_one_before() -> None:
    found = run("R" * 15 + "." * 6 + "R" * 15 + "U" * 5)
    assert found.sequels[0] == sequel(Afterwards.NOT_UPRIGHT)
    assert found.sequels[1].upright_after_s == 0


def test_a_cue_says_upright_again_only_where_it_is_wanted_and_allowed() -> None:
    text = "R" * 20 + "U" * 20
    assert [kind for _, kind, _ in said(run(text))] == [NudgeKind.POSTURE]
    cued = run(text, nudge_good_again=True)
    assert said(cued) == [posture(15), (25, NudgeKind.GOOD_AGAIN, None)]
    not_now = NotNow(start_ns=(START_S + 20) * NS_PER_S, end_ns=(START_S + 99) * NS_PER_S)
    assert said(run(text, not_now=not_now, nudge_good_again=True)) == [posture(15)]


@given(
    text=st.lists(
        st.tuples(st.sampled_from("RRRUU?B.DN_"), st.integers(1, 90)), min_size=1, max_size=25
    ).map(lambda runs: "U" + "".join(letter * length for letter, length in runs)),
    cuts=st.lists(st.integers(1, 200), min_size=1, max_size=30),
    pause_s=st.sampled_from([0.0, 60.0, 300.0]),
    an_hour=st.integers(1, 10),
)
def test_cut_and_resumed_anywhere_it_says_the_same(
    text: str, cuts: list[int], pause_s: float, an_hour: int
) -> None:
    settings = PostureSettings(
        nudge_after_s=15, nudge_pause_s=pause_s, nudges_an_hour=an_hour, nudge_good_again=True
    )
    seconds = told(text, START_S)
    whole = NudgeDetector(settings).update(seconds)
    lengths = [*cuts, seconds.second.size]
    pieces = in_pieces((NudgeDetector(settings) for _ in lengths), seconds, lengths)
    assert pieces == whole
    nudged = [d.at_ns for d in whole.decisions if d.kind is NudgeKind.POSTURE and not d.kept_back]
    assert {s.at_ns for s in whole.sequels} <= set(nudged)
    for at in range(len(nudged) - an_hour):
        assert nudged[at + an_hour] - nudged[at] >= 3600 * NS_PER_S
    assert all(b - a >= pause_s * NS_PER_S for a, b in pairwise(nudged))


def test_one_second_at_a_time_of_every_column() -> None:
    seconds = told("RU", START_S)
    assert seconds_of(seconds.second, seconds.span_s, seconds.activity).upright.tolist() == [
        False,
        True,
    ]
