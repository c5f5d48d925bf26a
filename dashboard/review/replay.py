"""'What would this week look like at 15°?': the wish, how far it is, and the answer as HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from contracts.errands import MAX_REPLAY_NS, ErrandFailure, ReplayDay, ReplayResult, ReplayWish
from contracts.units import NS_PER_S
from dashboard.frame import cards
from dashboard.look import clock, text
from dashboard.look.weeks import IsoWeek
from dashboard.review.charts import short
from dashboard.review.words import min_h
from dashboard.week.day_statistics import DaySeconds, rate_min_h
from store.people_ports import Errand, ErrandKind, ErrandState
from store.ports import Notice

#: What the slider offers, degrees.
MARKS_DEG: Final = (8, 30)
#: Analytics looks for errands every second or two; longer than this it is probably not running.
LATE_S: Final = 20.0
_HALF_DAY_NS: Final = 12 * 3600 * NS_PER_S

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Replay:
    """The latest replay that was asked for a week: waiting while ``result`` and ``failure`` are None."""

    mark_deg: float
    asked_ns: int
    result: ReplayResult | None = None
    failure: ErrandFailure | None = None

    @property
    def waiting(self) -> bool:
        """Whether analytics has not answered yet."""
        return self.result is None and self.failure is None


def wish(week: IsoWeek, zone: ZoneInfo, mark_deg: float, now_ns: int) -> ReplayWish | None:
    """The week, as far as it has come, at that mark; None where its seconds are not kept any more."""
    start_ns, end_ns = week.bounds_ns(zone)
    if now_ns - start_ns > MAX_REPLAY_NS or now_ns - start_ns < NS_PER_S:
        return None
    return ReplayWish(start_ns=start_ns, end_ns=min(end_ns, now_ns), mark_deg=mark_deg)


def latest(errands: Sequence[Errand], week: IsoWeek, zone: ZoneInfo) -> Replay | None:
    """The replay of that week that was asked for last. What cannot be read counts as failed."""
    start_ns, _ = week.bounds_ns(zone)
    found = None
    for errand in sorted(errands, key=lambda errand: errand.asked_ns):
        if errand.kind is ErrandKind.REPLAY:
            wished = _decoded(errand.body, ReplayWish)
            if wished is not None and wished.start_ns == start_ns:
                found = _replay(errand, wished)
    return found


def _replay(errand: Errand, wished: ReplayWish) -> Replay:
    if errand.state is ErrandState.ASKED:
        return Replay(wished.mark_deg, errand.asked_ns)
    if errand.state is ErrandState.DONE:
        result = _decoded(errand.result, ReplayResult)
        if result is not None:
            return Replay(wished.mark_deg, errand.asked_ns, result=result)
    failure = _decoded(errand.result, ErrandFailure) or ErrandFailure(
        message="The answer cannot be read.", hint="Ask again."
    )
    return Replay(wished.mark_deg, errand.asked_ns, failure=failure)


def _decoded(body: str, kind: type[S]) -> S | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None


def waiting(found: Replay, now_ns: int, notices: Sequence[Notice]) -> str:
    """What is waited for, and what to do where it takes long."""
    for_s = (now_ns - found.asked_ns) / NS_PER_S
    title = f"Looking at the week again at {found.mark_deg:.0f}°"
    notice = next((n for n in notices if n.service == "analytics"), None)
    if notice is not None:
        return cards.empty(title, f"The analytics service waits itself: {notice.message}")
    if for_s < LATE_S:
        return cards.empty(title, "The answer comes in some seconds; go on reading meanwhile.")
    return cards.empty(
        title,
        f"The analytics service has not answered for {text.duration(for_s)}. It is busy or not running.",
        "Whoever keeps the machine starts it with `plumbline analytics`; the answer shows here by itself.",
    )


def failed(found: Replay) -> str:
    """Why there is no answer, and what to do."""
    failure = found.failure or ErrandFailure(message="")
    return cards.empty(
        f"The week could not be looked at again at {found.mark_deg:.0f}°",
        failure.message,
        failure.hint,
    )


def gone() -> str:
    """A week whose seconds are forgotten."""
    return cards.empty(
        "Too long ago for this",
        "Seconds are kept for a month; what is older is kept by minutes and days only.",
    )


def answer(result: ReplayResult, zone: ZoneInfo) -> str:
    """The days at the wished mark beside those at the client's own, and as they were told."""
    return (
        f'<div class="pl"><section class="pl-card pl-replay"><p class="said">{escape(said(result))}</p>'
        f"{_table(result, zone)}"
        '<p class="pl-source">By angle alone is less than what Plumbline weighs: it tells a bend at the '
        "hip, a recline or a slipped sensor from rounding, one angle cannot. Compare the two columns by "
        "angle with one another, not with the last.</p></section></div>"
    )


def said(result: ReplayResult) -> str:
    """The difference that the mark makes, in a sentence."""
    wished, own = _rate(result.wished), _rate(result.own)
    if wished is None or own is None:
        return (
            "Nothing of this week can be looked at again: no second of it was worn and calibrated."
        )
    more = round(wished) - round(own)
    against = "as much as" if not more else f"{abs(more)} min {'more' if more > 0 else 'less'} than"
    return (
        f"At {result.mark_deg:.0f}° and by angle alone the week has {wished:.0f} rounded minutes a worn "
        f"hour, {against} at the client’s own {result.own_mark_deg:.0f}°."
    )


def _rate(days: Sequence[ReplayDay]) -> float | None:
    return rate_min_h([DaySeconds(day.worn_s, day.rounded_s) for day in days])


def _table(result: ReplayResult, zone: ZoneInfo) -> str:
    heads = (
        "Day",
        f"At {result.mark_deg:.0f}°, by angle",
        f"At {result.own_mark_deg:.0f}°, by angle",
        "As told",
        "Episodes",
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    own = {day.start_ns: day for day in result.own}
    told = {day.start_ns: day for day in result.told}
    rows = "".join(
        _row(_name(day, zone), day, own.get(day.start_ns), told.get(day.start_ns))
        for day in result.wished
    )
    total = "".join(
        f'<td class="num">{min_h(_rate(days))}</td>'
        for days in (result.wished, result.own, result.told)
    )
    counts = " → ".join(
        str(sum(day.episodes for day in days)) for days in (result.own, result.wished)
    )
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody><tfoot><tr>"
        f'<th scope="row">Week</th>{total}<td class="num">{counts}</td></tr></tfoot></table>'
    )


def _name(day: ReplayDay, zone: ZoneInfo) -> str:
    on = clock.day_of(day.start_ns + _HALF_DAY_NS, zone)
    return f"{on:%a} {short(on)}"


def _row(name: str, wished: ReplayDay, own: ReplayDay | None, told: ReplayDay | None) -> str:
    rates = "".join(
        f'<td class="num">{min_h(_rate([day] if day else []))}</td>' for day in (wished, own, told)
    )
    episodes = f"{own.episodes} → {wished.episodes}" if own else f"{wished.episodes}"
    return f'<tr><th scope="row">{escape(name)}</th>{rates}<td class="num">{episodes}</td></tr>'
