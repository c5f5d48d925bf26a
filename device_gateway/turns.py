"""Whose link it is where there are more sensors than links. Pure: times are arguments, in s."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from device_gateway.session import State

#: A sensor that has caught up keeps its link for a minute: what the others log meanwhile comes in within
#: a second or two of their turn.
TURN_S: Final = 60.0
#: Longer than a scan takes to find who waits, and shorter than anybody would notice.
TURN_PAUSE_S: Final = 5.0
HANDED_ON: Final = "has given its link to another sensor; it keeps what it measures"


@dataclass(slots=True)
class Turn:
    """One sensor's: since when it waits for a link (None: it does not), and since when it has caught up."""

    waiting_since_s: float | None = None
    caught_up_s: float | None = None

    def step(self, before: State, after: State, now_s: float) -> None:
        """Its session went from one state to another."""
        if after is not State.ABSENT:
            self.waiting_since_s = None
        if after is State.LIVE and before is not State.LIVE:
            self.caught_up_s = now_s

    def wait(self, now_s: float) -> None:
        """It advertises, and there is no link for it."""
        if self.waiting_since_s is None:
            self.waiting_since_s = now_s

    def had_s(self, state: State, now_s: float) -> float:
        """For how long it has been live on its link; one that has ended needs it no more."""
        if state is State.ENDED:
            return math.inf
        if state is not State.LIVE or self.caught_up_s is None:
            return 0.0
        return now_s - self.caught_up_s


class Taker(Protocol):
    """What takes turns."""

    @property
    def turn(self) -> Turn:
        """Its turn."""

    def turn_s(self) -> float:
        """For how long it could have handed its link on."""


T = TypeVar("T", bound=Taker)


def hand_on(linked: Iterable[T], waiting: int) -> Sequence[T]:
    """Who hands the link on to ``waiting`` others: those whose turn is over, the longest first."""
    over = [one for one in linked if one.turn_s() >= TURN_S]
    return sorted(over, key=lambda one: -one.turn_s())[:waiting]


def in_turn(since_s: float | None) -> float:
    """The key to sort by who waits: the longest first, who does not wait last."""
    return math.inf if since_s is None else since_s
