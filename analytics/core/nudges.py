"""When the wearer should be reminded: of a rounded posture held on, and of a break; and what came after.

A rounded run is nudged once. One that is kept back is said so once, with why, and is nudged as soon as
nothing keeps it back any more; a break prompt that is kept back waits for its next turn. Prompts count
among the nudges of an hour, but are themselves never too many: they are at least five minutes apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.focus import SEATED
from analytics.core.nudge_policy import REASONS, NudgePolicy, NudgeSeconds
from analytics.core.nudge_sequels import STEADY_S, SequelWatch
from analytics.core.results import NudgeDecision
from analytics.core.runs import Flags, follows, run_length
from contracts.records import NudgeAfter
from contracts.settings import NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity, KeptBack, NudgeKind

#: Getting up for less is no break.
MIN_BREAK_S: Final = 60
_SEATED: Final = np.array([activity in SEATED for activity in ACTIVITIES])
_NOT_WORN: Final = ACTIVITIES.index(Activity.NOT_WORN)


@dataclass(frozen=True, slots=True)
class Reminded:
    """Decisions of a block, kept back ones too, by time; and what came after earlier ones."""

    decisions: list[NudgeDecision]
    sequels: list[NudgeAfter]


@dataclass(frozen=True, slots=True, eq=False)
class _Due:
    """What is due at the end of each second of a block, (n,), and what keeps it back."""

    of: NudgeSeconds
    connected: Flags
    seated_s: NDArray[np.int64]
    rounded: Flags
    a_break: Flags
    reasons: NDArray[np.uint8]


class NudgeDetector:
    """Seconds in, decisions out. ``zone``: the wearer's, in which the quiet hours are."""

    def __init__(
        self, settings: PostureSettings, zone: tzinfo = UTC, not_now: NotNow | None = None
    ) -> None:
        self._settings = settings
        self._policy = NudgePolicy(settings, zone, not_now)
        self._sequels = SequelWatch(math.ceil(settings.candidate_s))
        self._nudge_after_s = math.ceil(settings.nudge_after_s)
        self._break_after_s = math.ceil(settings.break_after_s)
        self._nudged_run_s = -1  # start of the run that was nudged last
        self._kept_run_s = -1  # start of the run that was said to be kept back last
        self._seated_s = 0  # without a break
        self._away_s = 0  # not seated
        self._previous_s = -1

    def update(self, of: NudgeSeconds) -> Reminded:
        """What a non-empty block says."""
        due = self._due(of)
        found = Reminded([], [])
        waiting = np.flatnonzero(due.rounded | due.a_break)
        i = 0
        while i < of.second.size:
            if self._sequels.idle:  # on to the next that is due
                at = int(np.searchsorted(waiting, i))
                if at == waiting.size:
                    break
                i = int(waiting[at])
            else:
                self._watch(due, i, found)
            if due.a_break[i]:
                self._prompt(due, i, found)
            if due.rounded[i]:
                self._nudge(due, i, found)
            i += 1
        self._previous_s = int(of.second[-1])
        return found

    def end(self) -> list[NudgeAfter]:
        """The wearer's data stops here."""
        return list(self._sequels.end(self._previous_s + 1))

    def _due(self, of: NudgeSeconds) -> _Due:
        connected = follows(of.second, self._previous_s)
        seated = _SEATED[of.activity]
        away_s = run_length(~seated, connected, self._away_s)
        seated_s = run_length(away_s < MIN_BREAK_S, connected, self._seated_s)
        self._seated_s, self._away_s = int(seated_s[-1]), int(away_s[-1])
        on = self._settings.nudges
        rounded = on & (of.span_s >= self._nudge_after_s)
        rounded &= of.second + 1 - of.span_s != self._nudged_run_s
        a_break = on & (seated_s > 0) & (seated_s % self._break_after_s == 0)
        asked = not self._sequels.idle or bool((rounded | a_break).any())
        reasons = self._policy.reasons(of) if asked else np.zeros(of.second.size, np.uint8)
        return _Due(of, connected, seated_s, rounded, a_break, reasons)

    def _watch(self, due: _Due, i: int, found: Reminded) -> None:
        """What second ``i`` says of the nudge before it."""
        of = due.of
        second = int(of.second[i])
        if not due.connected[i]:
            before_s = int(of.second[i - 1]) if i else self._previous_s
            sequels = self._sequels.end(before_s + 1)
        elif of.activity[i] == _NOT_WORN:
            sequels = self._sequels.end(second)
        else:
            sequels = self._sequels.second(
                second, upright=bool(of.upright[i]), rounded=bool(of.span_s[i])
            )
        for sequel in sequels:
            found.sequels.append(sequel)
            if sequel.upright_after_s is not None and sequel.held_s is None:
                self._cue(due, i, found)

    def _cue(self, due: _Due, i: int, found: Reminded) -> None:
        """Upright again, and that is said, where it is wanted and nothing keeps it back."""
        if self._settings.nudges and self._settings.nudge_good_again and not due.reasons[i]:
            found.decisions.append(
                NudgeDecision(
                    at_ns=(int(due.of.second[i]) + 1) * NS_PER_S,
                    kind=NudgeKind.GOOD_AGAIN,
                    held_for_s=STEADY_S,
                    reason="upright again",
                )
            )

    def _prompt(self, due: _Due, i: int, found: Reminded) -> None:
        at_s, seated_s = int(due.of.second[i]) + 1, int(due.seated_s[i])
        kept_back = _reason(due.reasons[i])
        if kept_back is None:
            self._policy.given(at_s)
        words = f"seated for {seated_s // 60} min without a break"
        found.decisions.append(
            NudgeDecision(at_s * NS_PER_S, NudgeKind.BREAK, seated_s, words, kept_back)
        )

    def _nudge(self, due: _Due, i: int, found: Reminded) -> None:
        """The run of second ``i`` is nudged, or said to be kept back, each once."""
        at_s, span_s = int(due.of.second[i]) + 1, int(due.of.span_s[i])
        start_s = at_s - span_s
        if start_s == self._nudged_run_s:
            return
        unsure = None if due.of.sure[i] else KeptBack.UNSURE
        kept_back = _reason(due.reasons[i]) or unsure or self._policy.crowded(at_s)
        if kept_back is None:
            self._nudged_run_s = start_s
            self._policy.given(at_s)
            found.sequels.extend(self._sequels.begin(at_s))
        elif start_s == self._kept_run_s:
            return
        else:
            self._kept_run_s = start_s
        words = f"rounded for {span_s} s"
        found.decisions.append(
            NudgeDecision(at_s * NS_PER_S, NudgeKind.POSTURE, span_s, words, kept_back)
        )

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "nudged_run_s": self._nudged_run_s,
            "kept_run_s": self._kept_run_s,
            "seated_s": self._seated_s,
            "away_s": self._away_s,
            "previous_s": self._previous_s,
            "given_s": self._policy.state(),
            "sequels": self._sequels.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`; one of version 2 knows of no reminders before it."""
        self._nudged_run_s = state["nudged_run_s"]
        self._kept_run_s = state.get("kept_run_s", -1)
        self._seated_s = state["seated_s"]
        self._away_s = state["away_s"]
        self._previous_s = state["previous_s"]
        self._policy.load(state.get("given_s", ()))
        self._sequels.load(state.get("sequels"))


def _reason(code: int) -> KeptBack | None:
    return REASONS[code - 1] if code else None
