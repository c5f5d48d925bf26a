from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvariantError
from device_gateway.session import (
    BACKOFF_FIRST_S,
    BACKOFF_MOST_S,
    LINKED,
    READING,
    TRANSITIONS,
    Action,
    Event,
    State,
    backoff_s,
    belongs,
    diagram,
    transition,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "session.md"


def test_the_whole_way_of_a_good_session() -> None:
    state = State.ABSENT
    done: list[Action] = []
    for event in (Event.HEARD, Event.CONNECTED, Event.PREPARED, Event.CAUGHT_UP, Event.STOP):
        state, actions = transition(state, event)
        done += actions
    assert state is State.STOPPED
    assert done == [
        Action.CONNECT,
        Action.PREPARE,
        Action.BEGIN,
        Action.FORGET_FAILURES,
        Action.HALT,
        Action.DROP_LINK,
    ]


def test_an_event_that_does_not_belong_is_a_defect() -> None:
    assert not belongs(State.ABSENT, Event.CAUGHT_UP)
    with pytest.raises(InvariantError, match="caught_up"):
        transition(State.ABSENT, Event.CAUGHT_UP)


@pytest.mark.parametrize("state", [s for s in State if s is not State.STOPPED])
def test_every_state_can_be_stopped(state: State) -> None:
    after, actions = transition(state, Event.STOP)
    assert after is State.STOPPED
    assert (Action.DROP_LINK in actions) == (state in LINKED)


@pytest.mark.parametrize("state", sorted(LINKED))
def test_a_lost_link_is_taken_down_and_tried_again_later(state: State) -> None:
    for event in (Event.LINK_LOST, Event.FAILED):
        assert transition(state, event) == (
            State.BACKING_OFF,
            (Action.DROP_LINK, Action.WAIT),
        )


def test_a_link_is_never_left_behind() -> None:
    for (state, _), (after, actions) in TRANSITIONS.items():
        if state in LINKED and after not in LINKED:
            assert Action.DROP_LINK in actions
        if state not in LINKED and after in LINKED:
            assert actions == (Action.CONNECT,)


def test_every_state_is_reached_and_every_event_and_action_used() -> None:
    reached, todo = {State.ABSENT}, [State.ABSENT]
    while todo:
        state = todo.pop()
        for (before, _), (after, _) in TRANSITIONS.items():
            if before is state and after not in reached:
                reached.add(after)
                todo.append(after)
    assert reached == set(State)
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {action for _, actions in TRANSITIONS.values() for action in actions} == set(Action)
    assert READING < LINKED


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_any_events_that_belong_keep_links_and_states_together(events: list[Event]) -> None:
    state, linked = State.ABSENT, False
    for event in events:
        if not belongs(state, event):
            continue
        state, actions = transition(state, event)
        if Action.CONNECT in actions:
            assert not linked
            linked = True
        if Action.DROP_LINK in actions:
            assert linked
            linked = False
        assert linked == (state in LINKED)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_grows_to_its_cap_and_is_never_nothing(failures: int, chance: float) -> None:
    pause_s = backoff_s(failures, chance)
    assert BACKOFF_FIRST_S / 2 <= pause_s <= BACKOFF_MOST_S
    assert pause_s <= backoff_s(failures + 1, chance)
    assert backoff_s(1, 0.0) == BACKOFF_FIRST_S
    assert backoff_s(100, 0.0) == BACKOFF_MOST_S


def test_the_document_shows_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in DOCUMENT.read_text()
