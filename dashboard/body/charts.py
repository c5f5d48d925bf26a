"""Pain over the last weeks with rounding under it, as a Vega-Lite chart. Pure.

Two lanes over one axis of days; y is pixels, so that the lanes keep their heights. That they stand
together says nothing about one leading to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from contracts.vocabulary import Posture
from dashboard.body.figure import inks
from dashboard.body.model import PainDay
from dashboard.look import lanes, text
from dashboard.look.theme import POSTURE_COLOUR, Paper
from dashboard.week.day_statistics import MIN_DAY_S, rate_min_h

_PAIN: Final = (24.0, 104.0)
_ROUNDED: Final = (140.0, 210.0)
HEIGHT: Final = 216
_MAX_SCORE: Final = 10
#: The least that the exposure's lane reaches up to, so that a calm month does not look like a bad one.
_MIN_TOP_MIN_H: Final = 20.0
_BAR_PART: Final = 0.62


def pain_and_rounding(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    """The strongest pain of each day, and the rounded minutes a worn hour of that day below it."""
    layers = [
        _lane_names(page),
        _grid(days, page),
        _unknown(days, page),
        _bars(days),
        _stems(days, page),
        _scores(days, page),
        _numbers(days, page),
    ]
    return lanes.layered(layers, HEIGHT, page)


def _x(days: Sequence[PainDay], field: str = "at") -> lanes.Spec:
    """Days are numbered; Mondays and today carry their dates."""
    names = {
        str(at): "Today" if at == len(days) - 1 else f"{day.day.day} {day.day:%b}"
        for at, day in enumerate(days)
        if day.day.weekday() == 0 or at == len(days) - 1
    }
    return lanes.field(
        f"{field}:Q",
        title=None,
        scale={"domain": [-0.5, len(days) - 0.5], "nice": False, "zero": False},
        axis={
            "values": [int(at) for at in names],
            "labelExpr": f"({names})[datum.value]",
            "labelOverlap": "greedy",
            "labelFontSize": 13,
            "grid": False,
            "labelPadding": 6,
        },
    )


def _y(field: str = "top") -> lanes.Spec:
    return lanes.y_px(field, HEIGHT)


def _pain_y(score: int) -> float:
    top, bottom = _PAIN
    return bottom - (bottom - top) * score / _MAX_SCORE


def _most_min_h(days: Sequence[PainDay]) -> float:
    return max([rate_min_h([day.seconds]) or 0.0 for day in days] + [_MIN_TOP_MIN_H])


def _rounded_y(min_h: float, days: Sequence[PainDay]) -> float:
    top, bottom = _ROUNDED
    return round(bottom - (bottom - top) * min_h / _most_min_h(days), 1)


def _row(at: int, day: PainDay) -> dict[str, Any]:
    rate = rate_min_h([day.seconds])
    told = "none told" if day.strongest is None else f"{day.strongest} of 10"
    return {
        "at": at,
        "from": at - _BAR_PART / 2,
        "to": at + _BAR_PART / 2,
        "Day": f"{day.day:%A} {day.day.day} {day.day:%B}",
        "Strongest pain": told,
        "Rounded a worn hour": "not known" if rate is None else f"{rate:.0f} min",
        "Worn": text.duration(day.seconds.worn_s),
    }


_TOLD: Final = ["Day:N", "Strongest pain:N", "Rounded a worn hour:N", "Worn:N"]


def _bars(days: Sequence[PainDay]) -> lanes.Spec:
    """Hollow where the day was hardly worn."""
    rows = []
    for at, day in enumerate(days):
        rate = rate_min_h([day.seconds])
        if rate is not None:
            row = _row(at, day) | {"top": _rounded_y(rate, days), "bottom": _ROUNDED[1]}
            row["filled"] = 1.0 if day.seconds.worn_s >= MIN_DAY_S else 0.0
            row["said"] = f"{row['Day']}: {row['Rounded a worn hour']} rounded a worn hour"
            rows.append(row)
    return lanes.layer(
        "rounded",
        {
            "type": "rect",
            "color": POSTURE_COLOUR[Posture.ROUNDED],
            "stroke": POSTURE_COLOUR[Posture.ROUNDED],
        },
        rows,
        x=_x(days, "from"),
        x2="to:Q",
        y=_y(),
        y2="bottom:Q",
        fillOpacity=lanes.field("filled:Q", scale=None, legend=None),
        tooltip=_TOLD,
        description="said:N",
    )


def _unknown(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    """A dash where nothing was worn: blank would look like a calm day."""
    rows = [
        {"from": at - _BAR_PART / 2, "to": at + _BAR_PART / 2, "top": _ROUNDED[1] - 3}
        for at, day in enumerate(days)
        if not day.seconds.worn_s
    ]
    return lanes.layer(
        "not worn",
        {
            "type": "rule",
            "aria": False,
            "color": page.hatch,
            "strokeWidth": 1.5,
            "strokeDash": [2, 2],
        },
        rows,
        x=_x(days, "from"),
        x2="to:Q",
        y=_y(),
        tooltip=lanes.SILENT,
    )


def _stems(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    rows = [
        {"at": at, "top": _pain_y(day.strongest), "bottom": _PAIN[1]}
        for at, day in enumerate(days)
        if day.strongest is not None
    ]
    return lanes.layer(
        "pain stems",
        {"type": "rule", "aria": False, "color": inks(page).pain, "strokeWidth": 1.5},
        rows,
        x=_x(days),
        y=_y(),
        y2="bottom:Q",
        tooltip=lanes.SILENT,
    )


def _scores(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    """Diamonds, as on the figure."""
    rows = []
    for at, day in enumerate(days):
        if day.strongest is not None:
            row = _row(at, day) | {"top": _pain_y(day.strongest)}
            row["said"] = f"{row['Day']}: pain {day.strongest} of 10"
            rows.append(row)
    return lanes.layer(
        "pain",
        {
            "type": "point",
            "shape": "diamond",
            "filled": True,
            "size": 110,
            "opacity": 1,
            "color": inks(page).pain,
            "stroke": page.background,
            "strokeWidth": 1,
        },
        rows,
        x=_x(days),
        y=_y(),
        tooltip=_TOLD,
        description="said:N",
    )


def _numbers(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    """Each day's score above its diamond, and what the top of the lower lane stands for."""
    rows = [
        {"at": at, "top": _pain_y(day.strongest) - 12, "number": str(day.strongest)}
        for at, day in enumerate(days)
        if day.strongest is not None
    ]
    most = f"up to {_most_min_h(days):.0f} min"
    rows.append({"at": len(days) - 1.2, "top": _ROUNDED[0] - 12, "number": most})
    return lanes.layer(
        "numbers",
        {
            "type": "text",
            "aria": False,
            "baseline": "middle",
            "fontSize": 13,
            "fontWeight": 600,
            "color": page.ink,
        },
        rows,
        x=_x(days),
        y=_y(),
        text="number:N",
        tooltip=lanes.SILENT,
    )


def _grid(days: Sequence[PainDay], page: Paper) -> lanes.Spec:
    rows = [
        {"from": -0.5, "to": len(days) - 0.5, "top": top}
        for top in (_pain_y(0), _pain_y(5), _pain_y(10), _ROUNDED[1])
    ]
    return lanes.layer(
        "grid",
        {"type": "rule", "aria": False, "color": page.line, "strokeWidth": 1},
        rows,
        x=_x(days, "from"),
        x2="to:Q",
        y=_y(),
        tooltip=lanes.SILENT,
    )


def _lane_names(page: Paper) -> lanes.Spec:
    rows = [
        {"name": "Pain, 0 to 10, the strongest of the day", "top": _PAIN[0] - 12},
        {"name": "Rounded minutes a worn hour", "top": _ROUNDED[0] - 12},
    ]
    return lanes.names(rows, page, x={"value": 0}, y=_y())
