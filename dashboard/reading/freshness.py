"""How fresh the picture is, and the posture of this moment: said plainly, and never better than known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from contracts.records import FRAME_NS, Frame, FrameBlock, SensorHealth
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity
from dashboard.look.clock import clock_time, day_of
from dashboard.look.text import day_name, duration
from store.ports import Notice

#: A frame this old is still 'now': a radio's retries and one missed refresh fit in.
LIVE_WITHIN_NS: Final = 15 * NS_PER_S
#: Data of later than this from now is of a clock that was wrong: it is not live.
AHEAD_NS: Final = 3600 * NS_PER_S
_AHEAD: Final = "That is still to come: a gateway’s clock was ahead when it came in"
_SET_CLOCK: Final = (
    "Set the gateway’s clock. What is measured from then on shows under its own day."
)
#: A gateway tells what changes. While samples flow something does every few seconds, so silence for
#: this long means that the word no longer holds; out of reach, nothing changes and none is due.
SILENT_NS: Final = 60 * NS_PER_S
_FLOWING: Final = frozenset({"connecting", "preparing", "syncing", "live", "holding"})
#: Why nothing comes, by the state of a session or of its gateway; the first that applies is said.
_WHY: Final = {
    "offline": "Gateway offline",
    "stopped": "Gateway stopped",
    "refused": "Sensor refused",
    "holding": "The gateway has no room left; the sensors keep their readings",
    "connecting": "Connecting to the sensors",
    "preparing": "Connecting to the sensors",
    "syncing": "Waiting for the next reading",
    "live": "Waiting for the next reading",
    "ended": "Sensors switched off",
}
#: What a person can do about it, by the same states; in each of them the readings are kept.
_DO: Final = {
    "offline": "See that the gateway has power and its network.",
    "stopped": "Start the gateway again.",
    "refused": "Look at My sensors, and charge or restart the sensor.",
    "holding": "Make room on the gateway’s disk.",
    "ended": "Switch the sensors on.",
}
_DO_NEAR: Final = "Bring the sensors near the gateway, and charge them if they are low."
_KEPT: Final = "The sensors keep their readings meanwhile; they come in by themselves."
#: Fewer samples than this are the tail of a live link, not a backlog.
BACKLOG_SAMPLES: Final = 500


def current(end_ns: int, now_ns: int) -> bool:
    """Whether a second that ended then may be called now."""
    return -AHEAD_NS <= now_ns - end_ns <= LIVE_WITHIN_NS


def heard(health: SensorHealth, now_ns: int) -> bool:
    """Whether its state still holds: in one in which readings flow, something is heard every few seconds."""
    last_ns = max(health.at_ns, health.last_sample_ns or 0)
    return health.state not in _FLOWING or now_ns - last_ns <= SILENT_NS


def when(at_ns: int, now_ns: int, zone: ZoneInfo) -> str:
    """``just now``, or the time, with the day where it is another."""
    if 0 <= now_ns - at_ns <= LIVE_WITHIN_NS:
        return "just now"
    day, today = day_of(at_ns, zone), day_of(now_ns, zone)
    time_of_day = clock_time(at_ns, zone)
    return time_of_day if day == today else f"{day_name(day, today)}, {time_of_day}"


class Freshness(StrEnum):
    """What kind of news the latest data is."""

    LIVE = "live"
    AHEAD = "ahead"  # of this moment, while what was measured before still comes in
    SYNCING = "syncing"
    CATCHING_UP = "catching-up"
    STALE = "stale"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class News:
    """How fresh the data is, in words. ``progress`` is 0 to 1 while a backlog comes in.

    ``advice``: what to do where nothing comes; empty where nothing can be done here.
    """

    kind: Freshness
    headline: str
    detail: str = ""
    progress: float | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """The latest second and for how long its posture has been held.

    ``current``: recent enough to call it now. ``at_least``: held since before the frames looked at.
    ``held_s`` is None where what came before that second is not there yet.
    """

    frame: Frame
    current: bool
    worn: bool
    held_s: float | None
    at_least: bool


def news(
    latest_ns: int | None,
    health: Sequence[SensorHealth],
    *,
    now_ns: int,
    zone: ZoneInfo,
    rate_hz: float | None = None,
    unread: bool = False,
    notice: Notice | None = None,
    ahead: bool = False,
) -> News:
    """What to say of the data's age. ``latest_ns`` is the end of the last frame; None: no frame yet.

    ``rate_hz`` of one sensor turns a backlog of samples into hours. ``unread``: the store cannot be read
    now, so what is known of the sensors is of before. ``notice``: why analytics stores nothing. ``ahead``:
    a second of this moment was computed ahead of the frames.
    """
    if latest_ns is not None and latest_ns - now_ns > AHEAD_NS:
        return _stale(latest_ns, now_ns, zone, _AHEAD, _SET_CLOCK)
    if latest_ns is not None and now_ns - latest_ns <= LIVE_WITHIN_NS:
        return News(Freshness.LIVE, "Live")
    heard = [h for h in health if now_ns - h.at_ns <= SILENT_NS]
    waiting = [h for h in heard if h.backlog > BACKLOG_SAMPLES and h.backlog_total]
    if ahead:
        until = "" if latest_ns is None else _when(latest_ns, now_ns, zone)
        return _ahead(waiting, until, _advice_on_some(health))
    if unread:
        return _stale(latest_ns, now_ns, zone, "The store cannot be read just now")
    if notice is not None:
        since = _when(notice.since_ns, now_ns, zone)
        why = f"Nothing could be stored since {since}: {notice.message}"
        return _stale(latest_ns, now_ns, zone, why)
    if waiting:
        return _syncing(waiting, rate_hz)
    until = "" if latest_ns is None else f"Read up to {_when(latest_ns, now_ns, zone)}"
    if any(h.outbox_batches for h in heard):
        return News(
            Freshness.CATCHING_UP, "Catching up", until or "The first readings are coming in"
        )
    return _stale(latest_ns, now_ns, zone, _why_silent(health, now_ns, zone), _advice(health))


def _stale(latest_ns: int | None, now_ns: int, zone: ZoneInfo, why: str, advice: str = "") -> News:
    if latest_ns is None:
        return News(Freshness.EMPTY, "No data yet", why, advice=advice)
    return News(Freshness.STALE, f"Last data {_when(latest_ns, now_ns, zone)}", why, advice=advice)


def _ahead(waiting: Sequence[SensorHealth], read_up_to: str, advice: str) -> News:
    if waiting:
        done, total = _progress(waiting)
        here = f"{100 * done / total:.0f} % of the earlier data is here"
        until = f", read up to {read_up_to}" if read_up_to else ""
        return News(Freshness.AHEAD, "Live", f"Catching up: {here}{until}", done / total, advice)
    here = f"is here up to {read_up_to}; the rest follows" if read_up_to else "is still arriving"
    return News(Freshness.AHEAD, "Live", f"Earlier data {here}", advice=advice)


def _progress(waiting: Sequence[SensorHealth]) -> tuple[int, int]:
    """Samples of a backlog that have come, and all of it, of the sensor that has most to do."""
    slowest = min(waiting, key=lambda h: 1.0 - h.backlog / h.backlog_total)
    return max(0, slowest.backlog_total - slowest.backlog), slowest.backlog_total


def _syncing(waiting: Sequence[SensorHealth], rate_hz: float | None) -> News:
    done, total = _progress(waiting)
    share = min(1.0, done / total)
    detail = ""
    if rate_hz:
        detail = f"{duration(done / rate_hz)} of {duration(total / rate_hz)} in"
    return News(Freshness.SYNCING, f"Syncing {100 * share:.0f} %", detail, share)


def _why_silent(health: Sequence[SensorHealth], now_ns: int, zone: ZoneInfo) -> str:
    if not health:
        return "No sensor has been heard yet"
    heard_ns = max(h.at_ns for h in health)
    states = {h.state for h in health}
    state = next((s for s in _WHY if s in states), None)
    if state in _FLOWING and now_ns - heard_ns > SILENT_NS:
        return f"Nothing heard since {_when(heard_ns, now_ns, zone)}; do gateway and analytics run?"
    if state == "offline":
        return f"Gateway offline since {_when(heard_ns, now_ns, zone)}"
    return "Sensors out of reach or switched off" if state is None else _WHY[state]


def _advice(health: Sequence[SensorHealth]) -> str:
    """What to do about sensors of which nothing comes; of sensors never heard others say it."""
    if not health:
        return ""
    states = {h.state for h in health}
    state = next((s for s in _WHY if s in states), None)
    if state in _FLOWING - {"holding"}:
        return ""
    return f"{_DO_NEAR if state is None else _DO[state]} {_KEPT}"


def _advice_on_some(health: Sequence[SensorHealth]) -> str:
    """What to do about sensors of which nothing comes while others send: frames wait for all."""
    away = [h for h in health if h.state not in _FLOWING]
    return _advice(away) if len(away) < len(health) else ""


def _when(at_ns: int, now_ns: int, zone: ZoneInfo) -> str:
    day = day_of(at_ns, zone)
    time_of_day = clock_time(at_ns, zone)
    if day == day_of(now_ns, zone):
        return time_of_day
    return f"{day.day} {day:%b}, {time_of_day}"


def moment(frames: FrameBlock, *, now_ns: int, bridge_s: float) -> Moment | None:
    """The last frame and how long its posture has been held; None without frames.

    Another posture for up to ``bridge_s`` does not end the holding; a gap of more does.
    """
    if not len(frames):
        return None
    last = next(tail(frames, 1).rows())
    first_ns = _held_since_ns(frames, int(bridge_s) * NS_PER_S)
    end_ns = last.start_ns + FRAME_NS
    return Moment(
        frame=last,
        current=current(end_ns, now_ns),
        worn=last.activity is not Activity.NOT_WORN,
        held_s=(end_ns - first_ns) / NS_PER_S,
        at_least=first_ns == int(frames.start_ns[0]),
    )


def tail(frames: FrameBlock, size: int) -> FrameBlock:
    """The last ``size`` frames."""
    return FrameBlock(**{f.name: getattr(frames, f.name)[-size:] for f in fields(FrameBlock)})


def _held_since_ns(frames: FrameBlock, bridge_ns: int) -> int:
    """Start of the last frame's posture, looking back over what ``bridge_ns`` allows."""
    same = frames.start_ns[frames.posture == frames.posture[-1]]
    far = np.flatnonzero(np.diff(same) > FRAME_NS + bridge_ns)
    return int(same[far[-1] + 1]) if far.size else int(same[0])
