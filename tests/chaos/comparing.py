"""Two runs compared row by row: exactly, or within what a newly estimated sensor clock explains. Pure
but for reading what is handed in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.imu import regular_times_ns
from contracts.messages import ImuMessage
from contracts.records import ANGLES, Episode, Frame, Rollup
from contracts.units import NS_PER_MS, NS_PER_S
from contracts.vocabulary import Posture
from store.ports import SeriesStore

ALWAYS: Final = (0, 2**63 - 1)
#: What a sensor's clock, estimated anew, may move its samples by, and the angles of who holds still.
MAX_SHIFT_NS: Final = 20 * NS_PER_MS
MAX_ANGLE_DEG: Final = 0.2
#: Who moves is elsewhere after that time: it comes on top, at the speed over the second.
MAX_SHIFT_S: Final = MAX_SHIFT_NS / NS_PER_S
#: A sample of each of the two sensors may cross either border of a second.
MAX_SAMPLES: Final = 4
#: By how much the logarithm of a posture's odds changes with one degree, at the most: what is expected of
#: a posture is some 1° wide where it is narrowest, and Student's t of 4 degrees of freedom over 4 angles
#: changes by 8 / 4 over its width there; two postures, one gaining what the other loses.
LOG_ODDS_PER_DEG: Final = 4.0
#: The mean confidence of an episode.
MAX_CONFIDENCE: Final = 0.05
MAX_SHARE: Final = 0.02
CONFIDENCE_STEP: Final = 0.01
MAX_LISTED: Final = 10

Rows = Mapping[Hashable, Any]
#: What makes two rows of a key different, in words; empty where nothing does.
Judge = Callable[[Hashable, Any, Any], list[str]]


@dataclass
class Verdict:
    """Rows of one kind: how many there should be, and which are not as they should."""

    what: str
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0
    worst: float = 0.0  # the largest deviation, in the unit of the kind
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether all rows are there, once, and the same."""
        return self.rows > 0 and not (self.lost or self.doubled or self.different)

    def note(self, text: str) -> None:
        """An example for who has to find out why."""
        if len(self.examples) < MAX_LISTED:
            self.examples.append(text)


def rows_of(store: SeriesStore, wearers: Iterable[str]) -> dict[str, dict[Hashable, Any]]:
    """All rows of the store by kind, each by its key."""
    found: dict[str, dict[Hashable, Any]] = {
        kind: {} for kind in ("frames", "episodes", "minutes", "days")
    }
    for wearer in wearers:
        read: dict[str, Iterable[Any]] = {
            "frames": store.frames(wearer, *ALWAYS).rows(),
            "episodes": store.episodes(wearer, *ALWAYS),
            "minutes": store.minutes(wearer, *ALWAYS),
            "days": store.days(wearer, *ALWAYS),
        }
        for kind, rows in read.items():
            for row in rows:
                key = (wearer, row.start_ns)
                if key in found[kind]:
                    raise AssertionError(f"the store gives {kind} {key} twice")
                found[kind][key] = row
    return found


def compare(what: str, wanted: Rows, found: Rows, judge: Judge) -> Verdict:
    """``found`` against ``wanted``. What is there and should not be counts as doubled."""
    verdict = Verdict(what, rows=len(wanted))
    for key in wanted.keys() - found.keys():
        verdict.lost += 1
        verdict.note(f"lost {key}: {wanted[key]}")
    for key in found.keys() - wanted.keys():
        verdict.doubled += 1
        verdict.note(f"too many {key}: {found[key]}")
    for key in sorted(wanted.keys() & found.keys(), key=str):
        if why := judge(key, wanted[key], found[key]):
            verdict.different += 1
            verdict.note(f"different {key}: {'; '.join(why)}")
        if isinstance(wanted[key], Frame):
            verdict.worst = max(verdict.worst, angle_apart_deg(wanted[key], found[key]))
    return verdict


def exactly(_key: Hashable, wanted: Any, found: Any) -> list[str]:
    """Any difference at all."""
    return [] if wanted == found else [f"{wanted} against {found}"]


class Nearly:
    """Judges what a new estimate of the sensors' clocks does not explain.

    ``wanted``, ``found``: the frames of the undisturbed and the disturbed run by (wearer, start): how
    fast everybody moved, and which seconds lie on the border of two postures. ``rollup_s``: how long
    the rollups are that it is to judge.
    """

    def __init__(
        self, wanted: Mapping[Any, Frame], found: Mapping[Any, Frame], rollup_s: int = 0
    ) -> None:
        self._frames = wanted
        self._rollup_ns = rollup_s * NS_PER_S
        self._borders = {
            key: (wanted[key], found[key])
            for key in wanted.keys() & found.keys()
            if self._on_border(key, wanted[key], found[key])
        }

    def __call__(self, key: Any, wanted: Any, found: Any) -> list[str]:
        match wanted:
            case Frame():
                return self._frame(key, wanted, found)
            case Episode():
                return self._episode(key, wanted, found)
            case Rollup():
                return _near_rollups(self._across_borders(key, wanted), found)
        raise TypeError(f"no rows of {type(wanted)} are compared")

    def _frame(self, key: Any, wanted: Frame, found: Frame) -> list[str]:
        same = ("activity", "activity_source", "quality", "missing")
        why = _unequal(wanted, found, same if key in self._borders else ("posture", *same))
        why += _apart(wanted, found, ANGLES, self._most_deg(key))
        most = CONFIDENCE_STEP + _confidence_per_log_odds(wanted, found) * self._most_log_odds(key)
        why += _apart(wanted, found, ("confidence",), most)
        return why + _apart(wanted, found, ("samples",), MAX_SAMPLES)

    def _episode(self, key: Any, wanted: Episode, found: Episode) -> list[str]:
        same = ("end_ns", "pattern", "activity", "rounded_s", "ongoing")
        why = _unequal(wanted, found, same)
        why += _apart(wanted, found, ("mean_flexion_deg",), MAX_ANGLE_DEG)
        seconds = range(wanted.start_ns, wanted.end_ns, NS_PER_S)
        fastest_deg_s = max(self._speed_deg_s((key[0], at)) for at in seconds)
        most_deg = MAX_ANGLE_DEG + MAX_SHIFT_S * fastest_deg_s
        why += _apart(wanted, found, ("peak_flexion_deg",), most_deg)
        why += _apart(wanted, found, ("confidence",), MAX_CONFIDENCE)
        rules = [[area.rule for area in episode.focus] for episode in (wanted, found)]
        if rules[0] != rules[1]:
            return [*why, f"focus {rules[0]} against {rules[1]}"]
        for one, other in zip(wanted.focus, found.focus, strict=True):
            why += _apart(one, other, ("share",), MAX_SHARE)
        return why

    def _most_deg(self, key: Any) -> float:
        """By how much an angle of a second may differ."""
        return MAX_ANGLE_DEG + MAX_SHIFT_S * self._speed_deg_s(key)

    def _most_log_odds(self, key: Any) -> float:
        """By how much the logarithm of its posture's odds may."""
        return LOG_ODDS_PER_DEG * self._most_deg(key)

    def _on_border(self, key: Any, wanted: Frame, found: Frame) -> bool:
        """Whether postures differ that are each no further from even odds than angles may bring them."""
        if wanted.posture == found.posture or wanted.missing or found.missing:
            return False
        return max(_log_odds(wanted), _log_odds(found)) <= self._most_log_odds(key)

    def _across_borders(self, key: Any, wanted: Rollup) -> Rollup:
        """A rollup that counts the seconds on a border as they were found."""
        wearer, start_ns = key
        postures, rounded = Counter(wanted.posture_s), Counter(wanted.rounded_activity_s)
        for (whose, at_ns), frames in self._borders.items():
            if whose == wearer and start_ns <= at_ns < start_ns + self._rollup_ns:
                for frame, count in zip(frames, (-1, 1), strict=True):
                    postures[frame.posture] += count
                    if frame.posture is Posture.ROUNDED:
                        rounded[frame.activity] += count
        return msgspec.structs.replace(
            wanted,
            posture_s={posture: s for posture, s in postures.items() if s},
            rounded_activity_s={activity: s for activity, s in rounded.items() if s},
        )

    def _speed_deg_s(self, key: Any) -> float:
        """The largest change of any angle from the second before to the second after, by way of this one.

        Of both steps together: who moves within this second alone is half-way in its mean, and a sample
        that crosses its border is exchanged for one of its other end. Of any angle: each sensor has a
        clock of its own, so that a difference of two angles that move as one shifts as each of them does.
        """
        wearer, at = key
        now = self._frames.get(key)
        if now is None:
            return 0.0
        around = (self._frames.get((wearer, at + step)) for step in (-NS_PER_S, NS_PER_S))
        return sum(angle_apart_deg(now, other) for other in around if other)


def _log_odds(frame: Frame) -> float:
    """Of the second's posture against all others, at least: its confidence is their probability."""
    probability = max(frame.confidence - CONFIDENCE_STEP / 2, CONFIDENCE_STEP)
    return math.log(probability / (1.0 - probability))


def _confidence_per_log_odds(*frames: Frame) -> float:
    return max(frame.confidence * (1.0 - frame.confidence) for frame in frames)


def _near_rollups(wanted: Rollup, found: Rollup) -> list[str]:
    same = ("worn_s", "posture_s", "activity_s", "rounded_activity_s", "episodes")
    why = _unequal(wanted, found, (*same, "longest_episode_s"))
    return why + _apart(wanted, found, ("mean_trunk_flexion_deg",), MAX_ANGLE_DEG)


def _unequal(wanted: Any, found: Any, names: Sequence[str]) -> list[str]:
    return [
        f"{name} {getattr(wanted, name)} against {getattr(found, name)}"
        for name in names
        if getattr(wanted, name) != getattr(found, name)
    ]


def _apart(wanted: Any, found: Any, names: Sequence[str], most: float) -> list[str]:
    why = []
    for name in names:
        one, other = getattr(wanted, name), getattr(found, name)
        if (one is None) != (other is None):
            why.append(f"{name} {one} against {other}")
        elif one is not None and abs(one - other) > most + 1e-9:
            why.append(f"{name} {one} against {other}, over {most} apart")
    return why


def angle_apart_deg(wanted: Frame, found: Frame) -> float:
    """The largest difference of an angle."""
    pairs = [(getattr(wanted, name), getattr(found, name)) for name in ANGLES]
    return max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=0.0)


@dataclass(frozen=True)
class Taken:
    """What a gateway took from one sensor: ``utc_ns`` (n,), ``readings`` (n, 6) int16.

    ``clock_error_ns``: the largest that the gateway itself said its times may be off by.
    """

    utc_ns: NDArray[np.int64]
    readings: NDArray[np.int16]
    lost: int
    clock_error_ns: int = 0


def taken(messages: Iterable[ImuMessage]) -> Taken:
    """All batches of a sensor, in order."""
    times, readings, lost = [np.zeros(0, np.int64)], [np.zeros((0, 6), np.int16)], 0
    error_ns = 0
    for message in messages:
        error_ns = max(error_ns, message.clock_error_ns)
        times.append(regular_times_ns(message.t0_ns, message.period_ns, message.count))
        readings.append(message.raw())
        lost += message.lost_before
    return Taken(np.concatenate(times), np.concatenate(readings), lost, error_ns)


def compare_samples(wanted: Mapping[str, Taken], found: Mapping[str, Taken]) -> Verdict:
    """Every reading once, in order, with the same losses and at nearly the same time.

    ``worst`` is the largest shift in ms.
    """
    verdict = Verdict("samples in the outbox", rows=sum(len(t.utc_ns) for t in wanted.values()))
    for sensor, one in wanted.items():
        other = found[sensor]
        more = len(other.utc_ns) - len(one.utc_ns)
        verdict.lost += max(0, -more)
        verdict.doubled += max(0, more)
        if more or other.lost != one.lost:
            verdict.note(f"{sensor}: {more:+d} samples, {other.lost} lost against {one.lost}")
        if more:
            continue
        verdict.different += abs(other.lost - one.lost)
        unlike = (one.readings != other.readings).any(axis=1)
        shift_ns = np.abs(one.utc_ns - other.utc_ns)
        verdict.different += int((unlike | (shift_ns > MAX_SHIFT_NS)).sum())
        verdict.worst = max(verdict.worst, float(shift_ns.max(initial=0)) / NS_PER_MS)
        if unlike.any() or (shift_ns > MAX_SHIFT_NS).any():
            at = np.flatnonzero(unlike | (shift_ns > MAX_SHIFT_NS))
            verdict.note(
                f"{sensor}: {int(unlike.sum())} other readings, {int((shift_ns > MAX_SHIFT_NS).sum())}"
                f" shifted by up to {shift_ns.max() / NS_PER_MS:.1f} ms, samples {at[0]} to {at[-1]};"
                f" the gateways said that they may be {other.clock_error_ns / NS_PER_MS:.1f} and"
                f" {one.clock_error_ns / NS_PER_MS:.1f} ms off"
            )
    return verdict
