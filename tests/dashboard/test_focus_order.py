"""A therapist's words on focus areas, and the order that they make."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dashboard.reading import focus_order
from dashboard.reading.focus_order import Hand, ReviewedArea
from store.people_ports import FocusEdit, Verdict
from tests.dashboard import seed
from tests.dashboard.reviewed import NOW_NS

HAND = Hand("demo-001", "t", NOW_NS)
RULES = ("a", "b", "c", "d")


def areas_of(edits: list[FocusEdit]) -> tuple[ReviewedArea, ...]:
    """Four areas, a the most exposed."""
    episode = seed.day_of([seed.WORKDAY[2]], 0)[1][0]
    focus = tuple(
        msgspec.structs.replace(seed.UPPER, rule=rule, share=1 - n / 5)
        for n, rule in enumerate(RULES)
    )
    return focus_order.reviewed([msgspec.structs.replace(episode, focus=focus)], edits)


def order(areas: tuple[ReviewedArea, ...]) -> str:
    return "".join(area.area.rule for area in areas)


def kept(edits: list[FocusEdit], more: list[FocusEdit]) -> list[FocusEdit]:
    """What the registry has after both: the latest word on each rule."""
    return list({edit.rule: edit for edit in [*edits, *more]}.values())


def test_rejected_areas_go_to_the_end_and_lose_their_place() -> None:
    areas = areas_of([])
    edits = kept([], focus_order.decided(areas, "a", Verdict.REJECTED, HAND))
    assert order(areas_of(edits)) == "bcda"
    edits = kept(edits, focus_order.decided(areas_of(edits), "a", Verdict.OPEN, HAND))
    assert order(areas_of(edits)) == "abcd"


def test_a_moved_area_stays_where_it_was_put() -> None:
    edits = focus_order.reordered(areas_of([]), "d", -2, HAND)
    assert order(areas_of(edits)) == "adbc"
    assert [edit.place for edit in edits] == [1, 2, 3, 4]
    edits = kept(edits, focus_order.decided(areas_of(edits), "b", Verdict.ACCEPTED, HAND))
    assert order(areas_of(edits)) == "adbc"


@given(
    st.lists(
        st.tuples(st.sampled_from(RULES), st.sampled_from(["up", "down", *Verdict])), max_size=12
    )
)
def test_any_words_keep_every_area_once_with_rejected_last_and_can_be_taken_back(
    steps: list[tuple[str, str]],
) -> None:
    edits: list[FocusEdit] = []
    for rule, step in steps:
        areas = areas_of(edits)
        if step in ("up", "down"):
            said = focus_order.reordered(areas, rule, -1 if step == "up" else 1, HAND)
        else:
            said = focus_order.decided(areas, rule, Verdict(step), HAND)
        after = areas_of(kept(edits, said))
        assert sorted(order(after)) == list(RULES)
        verdicts = [area.verdict is Verdict.REJECTED for area in after]
        assert verdicts == sorted(verdicts)
        back = kept(kept(edits, said), focus_order.restored(areas, said, HAND))
        assert order(areas_of(back)) == order(areas)
        edits = kept(edits, said)


def test_a_note_is_cut_to_what_is_kept_and_keeps_verdict_and_place() -> None:
    edits = focus_order.reordered(areas_of([]), "d", -3, HAND)
    (said,) = focus_order.noted(areas_of(edits), "d", "  " + "x" * 600 + " ", HAND)
    assert (len(said.note), said.place, said.verdict) == (500, 1, Verdict.OPEN)
