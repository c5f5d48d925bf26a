"""A sensor's session: one table of states and events. Pure; docs/session.md is made from it.

:func:`transition` gives the next state and the actions that the shell (:mod:`device_gateway.sensor`)
carries out. An event that does not belong to a state is a defect and raises.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.errors import InvariantError


class State(StrEnum):
    """Where a session is. The values are what clients see in a sensor's status."""

    ABSENT = "absent"  # not heard of lately
    CONNECTING = "connecting"
    PREPARING = "preparing"  # who it is, whether it may be read, what it keeps, what its clock says
    SYNCING = "syncing"  # the log comes in
    LIVE = "live"
    ENDED = "ended"  # the sensor stopped sampling; the link stays
    HOLDING = "holding"  # no room in the outbox: the sensor keeps its log
    BACKING_OFF = "backing_off"
    REFUSED = "refused"  # not ours to read; asked again after a long while
    STOPPED = "stopped"


class Event(StrEnum):
    """What happens to a session."""

    HEARD = "heard"
    CONNECTED = "connected"
    PREPARED = "prepared"
    NOT_OURS = "not_ours"
    CAUGHT_UP = "caught_up"
    FELL_BEHIND = "fell_behind"
    HOLE = "hole"
    SAID_END = "said_end"
    SAMPLED_AGAIN = "sampled_again"
    NO_ROOM = "no_room"
    ROOM_AGAIN = "room_again"
    SILENT = "silent"
    FAILED = "failed"
    LINK_LOST = "link_lost"
    TURN_OVER = "turn_over"
    WAITED = "waited"
    STOP = "stop"


class Action(StrEnum):
    """What the shell does on a transition, in the order of the table."""

    CONNECT = "connect"
    PREPARE = "prepare"
    BEGIN = "begin"  # subscribe, start to read what arrives, ask for the log
    ASK_AGAIN = "ask_again"  # stop, look where the log begins, start from what is missing
    HALT = "halt"  # ask the sensor to send nothing
    AWAIT_ROOM = "await_room"
    DROP_LINK = "drop_link"
    WAIT = "wait"  # a short while that grows with every failure
    WAIT_LONG = "wait_long"
    WAIT_TURN = "wait_turn"  # while another sensor takes the link that was given up
    FORGET_FAILURES = "forget_failures"  # the next wait is short again


_S, _E, _A = State, Event, Action
Step = tuple[State, tuple[Action, ...]]

_LOST: Final[Step] = (_S.BACKING_OFF, (_A.DROP_LINK, _A.WAIT))
_STOP_LINK: Final[Step] = (_S.STOPPED, (_A.HALT, _A.DROP_LINK))
_HAND_ON: Final[Step] = (_S.BACKING_OFF, (_A.HALT, _A.DROP_LINK, _A.WAIT_TURN))
_AGAIN: Final[Step] = (_S.SYNCING, (_A.ASK_AGAIN,))
_HOLD: Final[Step] = (_S.HOLDING, (_A.HALT, _A.AWAIT_ROOM))

#: (state, event) → (next state, actions). What is not here does not belong.
TRANSITIONS: Final[dict[tuple[State, Event], Step]] = {
    (_S.ABSENT, _E.HEARD): (_S.CONNECTING, (_A.CONNECT,)),
    (_S.ABSENT, _E.STOP): (_S.STOPPED, ()),
    (_S.CONNECTING, _E.CONNECTED): (_S.PREPARING, (_A.PREPARE,)),
    (_S.CONNECTING, _E.NOT_OURS): (_S.REFUSED, (_A.DROP_LINK, _A.WAIT_LONG)),
    (_S.CONNECTING, _E.FAILED): _LOST,
    (_S.CONNECTING, _E.LINK_LOST): _LOST,
    (_S.CONNECTING, _E.STOP): (_S.STOPPED, (_A.DROP_LINK,)),
    (_S.PREPARING, _E.PREPARED): (_S.SYNCING, (_A.BEGIN,)),
    (_S.PREPARING, _E.NOT_OURS): (_S.REFUSED, (_A.DROP_LINK, _A.WAIT_LONG)),
    (_S.PREPARING, _E.FAILED): _LOST,
    (_S.PREPARING, _E.LINK_LOST): _LOST,
    (_S.PREPARING, _E.STOP): (_S.STOPPED, (_A.DROP_LINK,)),
    (_S.SYNCING, _E.CAUGHT_UP): (_S.LIVE, (_A.FORGET_FAILURES,)),
    (_S.SYNCING, _E.SAID_END): (_S.ENDED, (_A.FORGET_FAILURES,)),
    (_S.SYNCING, _E.HOLE): _AGAIN,
    (_S.SYNCING, _E.NO_ROOM): _HOLD,
    (_S.SYNCING, _E.SILENT): _LOST,
    (_S.SYNCING, _E.FAILED): _LOST,
    (_S.SYNCING, _E.LINK_LOST): _LOST,
    (_S.SYNCING, _E.STOP): _STOP_LINK,
    (_S.LIVE, _E.FELL_BEHIND): (_S.SYNCING, ()),
    (_S.LIVE, _E.SAID_END): (_S.ENDED, ()),
    (_S.LIVE, _E.HOLE): _AGAIN,
    (_S.LIVE, _E.NO_ROOM): _HOLD,
    (_S.LIVE, _E.TURN_OVER): _HAND_ON,
    (_S.LIVE, _E.SILENT): _LOST,
    (_S.LIVE, _E.FAILED): _LOST,
    (_S.LIVE, _E.LINK_LOST): _LOST,
    (_S.LIVE, _E.STOP): _STOP_LINK,
    (_S.ENDED, _E.SAMPLED_AGAIN): (_S.SYNCING, ()),
    (_S.ENDED, _E.HOLE): _AGAIN,
    (_S.ENDED, _E.NO_ROOM): _HOLD,
    (_S.ENDED, _E.TURN_OVER): _HAND_ON,
    (_S.ENDED, _E.FAILED): _LOST,
    (_S.ENDED, _E.LINK_LOST): _LOST,
    (_S.ENDED, _E.STOP): _STOP_LINK,
    (_S.HOLDING, _E.ROOM_AGAIN): _AGAIN,
    (_S.HOLDING, _E.FAILED): _LOST,
    (_S.HOLDING, _E.LINK_LOST): _LOST,
    (_S.HOLDING, _E.STOP): _STOP_LINK,
    (_S.BACKING_OFF, _E.WAITED): (_S.ABSENT, ()),
    (_S.BACKING_OFF, _E.STOP): (_S.STOPPED, ()),
    (_S.REFUSED, _E.WAITED): (_S.ABSENT, ()),
    (_S.REFUSED, _E.STOP): (_S.STOPPED, ()),
}

#: States in which a link is up or being made: what the cap on links counts.
LINKED: Final = frozenset({_S.CONNECTING, _S.PREPARING, _S.SYNCING, _S.LIVE, _S.ENDED, _S.HOLDING})
#: States in which samples are taken as they arrive.
READING: Final = frozenset({_S.SYNCING, _S.LIVE, _S.ENDED})


def transition(state: State, event: Event) -> Step:
    """The next state and what to do. InvariantError where the event does not belong."""
    step = TRANSITIONS.get((state, event))
    if step is None:
        raise InvariantError(f"The event {event} does not belong to a session that is {state}.")
    return step


def belongs(state: State, event: Event) -> bool:
    """Whether a session in ``state`` can meet ``event``."""
    return (state, event) in TRANSITIONS


#: A sensor that dropped out of range is often back within a second; a dead one must not keep the
#: adapter busy. So: half a second, doubled up to half a minute (a person who comes back to the desk
#: waits no longer), and spread by half so that many sensors do not come back in step.
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 30.0
BACKOFF_JITTER: Final = 0.5


def backoff_s(failures: int, chance: float) -> float:
    """How long to wait after ``failures`` in a row, from 1 on; ``chance`` in [0, 1) spreads it."""
    doublings = min(max(0, failures - 1), 16)
    pause_s = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0**doublings)
    return pause_s * (1.0 - BACKOFF_JITTER * chance)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.ABSENT}"]
    for (state, event), (after, actions) in TRANSITIONS.items():
        done = f" / {', '.join(actions)}" if actions else ""
        lines.append(f"    {state} --> {after}: {event}{done}")
    lines.append(f"    {State.STOPPED} --> [*]")
    return "\n".join(lines)
