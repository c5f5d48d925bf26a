"""Who wears what when, at a glance, is what the assignments say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.roster import WearerPlan
from contracts.settings import PostureSettings
from contracts.vocabulary import Placement
from store.ports import Assignment

TIMES = st.integers(0, 12)


@given(
    st.lists(
        st.tuples(st.sampled_from([Placement.T4, Placement.L5]), TIMES, st.none() | TIMES),
        max_size=6,
    ),
    TIMES,
)
def test_worn_is_what_the_assignments_cover(
    spans: list[tuple[Placement, int, int | None]], time_ns: int
) -> None:
    assignments = tuple(
        Assignment(f"s{number}", "w", place, start_ns, end_ns)
        for number, (place, start_ns, end_ns) in enumerate(spans)
    )
    plan = WearerPlan("w", "UTC", (), PostureSettings(), (), assignments)
    assert plan.worn(time_ns) == {
        place
        for place, start_ns, end_ns in spans
        if start_ns <= time_ns and (end_ns is None or time_ns < end_ns)
    }
