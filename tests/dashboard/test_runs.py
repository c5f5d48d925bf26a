from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.records import FrameBlock, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture
from dashboard.reading import runs
from dashboard.reading.runs import Cells, Run
from tests.dashboard import seed

U, R, L = Posture.UPRIGHT, Posture.ROUNDED, Posture.RECLINED


def minute(at_min: int, posture_s: dict[Posture, int], **changes: object) -> Rollup:
    usual = {
        "start_ns": at_min * runs.MINUTE_NS,
        "worn_s": sum(posture_s.values()),
        "posture_s": posture_s,
        "activity_s": {Activity.SITTING: sum(posture_s.values())},
        "rounded_activity_s": {},
    }
    return Rollup(**(usual | changes))  # type: ignore[arg-type]


def seconds(starts_s: list[int], codes: list[int]) -> Cells:
    values = np.array(codes, dtype=np.int64)
    starts = np.array(starts_s, dtype=np.int64) * NS_PER_S
    return Cells(NS_PER_S, starts, values, np.zeros_like(values), values.astype(float))


def test_minutes_become_runs_and_gaps_stay_gaps() -> None:
    cells = runs.cells_of_minutes(
        [
            minute(0, {U: 60}),
            minute(1, {U: 31, R: 29}),
            minute(2, {R: 59, U: 1}),
            minute(5, {R: 60}),
            minute(6, {}, activity_s={Activity.NOT_WORN: 60}),
        ]
    )
    found = runs.posture_runs(cells)
    at = runs.MINUTE_NS
    assert found == [Run(0, 2 * at, U), Run(2 * at, 3 * at, R), Run(5 * at, 6 * at, R)]
    assert runs.gaps(found, 0, 7 * at) == [(3 * at, 5 * at), (6 * at, 7 * at)]
    assert runs.activity_runs(cells) == [
        Run(0, 3 * at, Activity.SITTING),
        Run(5 * at, 6 * at, Activity.SITTING),
    ]


def test_seconds_not_worn_are_left_out() -> None:
    frames, _ = seed.day_of(
        [
            seed.Stretch(1, Activity.SITTING),
            seed.Stretch(1, Activity.NOT_WORN),
            seed.Stretch(1, Activity.SITTING),
        ],
        0,
    )
    cells = runs.cells_of_frames(frames)
    found = runs.activity_runs(cells)
    assert [(r.start_ns // NS_PER_S, r.end_ns // NS_PER_S) for r in found] == [(0, 60), (120, 180)]
    assert len({p.stretch for p in runs.trace(cells)}) == 2


def test_the_thorax_stands_in_where_there_is_no_trunk_angle() -> None:
    frames, _ = seed.day_of([seed.Stretch(1, Activity.SITTING)], 0)
    rows = [
        type(row)(
            **{**{f: getattr(row, f) for f in row.__struct_fields__}, "trunk_flexion_deg": None}
        )
        for row in frames.rows()
    ]
    cells = runs.cells_of_frames(FrameBlock.from_rows(rows))
    assert np.array_equal(cells.flexion_deg, frames.thorax_flexion_deg)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, len(POSTURES) - 1)), max_size=200).map(
        lambda steps: (np.cumsum([s for s, _ in steps]).astype(int).tolist(), [c for _, c in steps])
    )
)
def test_runs_say_exactly_what_the_seconds_said(steps: tuple[list[int], list[int]]) -> None:
    starts_s, codes = steps
    found = runs.posture_runs(seconds(starts_s, codes))
    spelled = [
        (second, POSTURES.index(run.value))  # type: ignore[arg-type]
        for run in found
        for second in range(run.start_ns // NS_PER_S, run.end_ns // NS_PER_S)
    ]
    assert spelled == list(zip(starts_s, codes, strict=True))
    for before, after in itertools.pairwise(found):
        assert before.end_ns <= after.start_ns
        assert before.end_ns < after.start_ns or before.value is not after.value


def test_a_flickering_day_still_sends_few_marks() -> None:
    day = list(range(24 * 3600))
    restless = seconds(day, [second % 2 for second in day])
    assert 0 < len(runs.posture_runs(restless)) <= runs.MAX_RUNS
    assert len(runs.trace(restless)) <= runs.MAX_POINTS
    scattered = seconds([7 * second for second in day], [second % 7 for second in day])
    assert len(runs.posture_runs(scattered)) <= runs.MAX_RUNS
    assert len(runs.trace(scattered)) <= 2 * runs.MAX_POINTS + 1


def test_the_line_breaks_where_nothing_was_measured() -> None:
    points = runs.trace(seconds([0, 1, 2, 60, 61], [10, 10, 10, 20, 20]))
    assert [(p.deg, p.stretch) for p in points] == [(10, 0), (10, 0), (10, 0), (20, 1), (20, 1)]
    assert points[0].at_ns == NS_PER_S // 2


def test_nothing_gives_nothing() -> None:
    nothing = seconds([], [])
    assert runs.posture_runs(nothing) == runs.activity_runs(nothing) == runs.trace(nothing) == []
    assert runs.cells_of_minutes([]).start_ns.size == 0
    assert runs.gaps([], 5, 9) == [(5, 9)]


def test_the_first_of_equals_wins() -> None:
    assert runs.most({R: 30, U: 30}, L) is R
    assert runs.most({R: 0}, L) is L
    assert ACTIVITIES[0] is Activity.UNKNOWN
