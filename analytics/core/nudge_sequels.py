"""What came after a posture nudge: upright within a minute, and for how long. What was seen, no more.

==========  =======================================  ===================================================
state       goes on                                  ends
==========  =======================================  ===================================================
none        –                                        with a nudge: watching
watching    not upright for STEADY_S yet             STEADY_S upright from within WITHIN_S on: held, said;
                                                     WITHIN_S over: none, said as not upright
held        until rounded for ``candidate_s``        then, or after HELD_MOST_S: none, said with how long
==========  =======================================  ===================================================

A gap, the sensors taken off and the end of the data end either: watching as unknown, held as it is. So
does the next nudge, watching as not upright.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from contracts.records import HELD_MOST_S, NudgeAfter
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, NudgeKind

#: Who was upright later was so by themselves.
WITHIN_S: Final = 60
#: Passing through is not sitting up.
STEADY_S: Final = 5


@dataclass(slots=True)
class _Watch:
    """A nudge at ``at_s`` and the seconds since; ``held_from_s`` -1 while the wearer is not upright yet."""

    at_s: int
    held_from_s: int = -1
    upright_s: int = 0  # in a row
    rounded_s: int = 0  # in a row


class SequelWatch:
    """One second at a time in, what came after nudges out; watches one nudge at a time."""

    def __init__(self, candidate_s: int) -> None:
        self._candidate_s = candidate_s
        self._watch: _Watch | None = None

    @property
    def idle(self) -> bool:
        """Whether there is nothing to watch."""
        return self._watch is None

    def begin(self, at_s: int) -> Iterator[NudgeAfter]:
        """A posture nudge was decided at ``at_s``."""
        yield from self.end(at_s, Afterwards.NOT_UPRIGHT)
        self._watch = _Watch(at_s)

    def second(self, second: int, *, upright: bool, rounded: bool) -> Iterator[NudgeAfter]:
        """The second after the one before, with the sensors worn."""
        watch = self._watch
        if watch is None:
            return
        watch.upright_s = watch.upright_s + 1 if upright else 0
        watch.rounded_s = watch.rounded_s + 1 if rounded else 0
        end_s = second + 1
        if watch.held_from_s < 0:
            if watch.upright_s >= STEADY_S:
                watch.held_from_s = end_s - watch.upright_s
                yield _said(watch, Afterwards.UPRIGHT)
            elif end_s - watch.at_s >= WITHIN_S and not watch.upright_s:
                yield from self.end(end_s, Afterwards.NOT_UPRIGHT)
        elif watch.rounded_s >= self._candidate_s or end_s - watch.held_from_s >= HELD_MOST_S:
            yield from self.end(end_s)

    def end(self, end_s: int, so_far: Afterwards = Afterwards.UNKNOWN) -> Iterator[NudgeAfter]:
        """No more is seen from ``end_s`` on; ``so_far``: what is said of who was not upright yet."""
        watch, self._watch = self._watch, None
        if watch is None:
            return
        if watch.held_from_s < 0:
            yield _said(watch, so_far)
            return
        held_s = end_s - watch.rounded_s - watch.held_from_s
        yield _said(watch, Afterwards.UPRIGHT, held_s=min(held_s, HELD_MOST_S))

    def state(self) -> dict[str, Any] | None:
        """All there is to know to go on, as plain values."""
        return None if self._watch is None else asdict(self._watch)

    def load(self, state: dict[str, Any] | None) -> None:
        """Go on from :meth:`state`."""
        self._watch = None if state is None else _Watch(**state)


def _said(watch: _Watch, after: Afterwards, held_s: int | None = None) -> NudgeAfter:
    upright = after is Afterwards.UPRIGHT
    return NudgeAfter(
        at_ns=watch.at_s * NS_PER_S,
        kind=NudgeKind.POSTURE,
        after=after,
        upright_after_s=watch.held_from_s - watch.at_s if upright else None,
        held_s=held_s,
    )
