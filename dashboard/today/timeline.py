"""The day's timeline as a Vega-Lite chart: a pure function of what is to be drawn.

One view, in lanes from the top: episodes with nudges, posture, activity, trunk flexion. The y scale is
pixels, so that the lanes keep their heights; x is seconds from the start, its labels are the wearer's
clock times, so that a day on which the clocks change is drawn as long as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from contracts.records import Nudge
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, NudgeKind, Posture
from dashboard.look import clock, lanes, text
from dashboard.look.theme import ACTIVITY_COLOUR, POSTURE_COLOUR, Paper
from dashboard.reading.queries import Timeline
from dashboard.reading.runs import Run, gaps

_NUDGES: Final = 20.0
_EPISODES: Final = (26.0, 34.0)
_POSTURE: Final = (38.0, 88.0)
_ACTIVITY: Final = (116.0, 142.0)
_FLEXION: Final = (172.0, 260.0)
HEIGHT_WITH_FLEXION: Final = 268
HEIGHT_WITHOUT_FLEXION: Final = 150
_HATCH_LINES: Final = 100
_LETTER_PX: Final = 7.2
_MIN_TOP_DEG: Final = 30.0
#: How wide a ring is, and the lanes on a phone.
_RING_PX: Final = 8.5
_PHONE_PX: Final = 310.0
_NUDGE: Final = {
    NudgeKind.POSTURE: "Posture nudge",
    NudgeKind.BREAK: "Prompt to get up",
    NudgeKind.GOOD_AGAIN: "Upright again",
}


def timeline(model: Timeline, page: Paper) -> lanes.Spec:
    """The chart. It holds at most some hundred marks a lane, however long the time."""
    layers = [
        _gap_layer(model, page, model.postures, _POSTURE, "posture gaps"),
        _gap_layer(model, page, model.activities, _ACTIVITY, "activity gaps"),
        _band(model, model.postures, _POSTURE, "Posture"),
        _band(model, model.activities, _ACTIVITY, "Activity"),
        _activity_names(model),
        _episode_bars(model, page),
        *([_nudge_marks(model, page)] if model.nudges else []),
        _lane_names(model, page),
    ]
    if model.points:
        layers = [*layers, *_thresholds(model, page), _flexion_line(model, page)]
    return lanes.layered(layers, _height_px(model), page)


def _x(model: Timeline, field: str = "from") -> lanes.Spec:
    marks = clock.ticks(model.start_ns, model.end_ns, model.zone)
    names = {f"{_seconds(model, at_ns):g}": label for at_ns, label in marks}
    return lanes.field(
        f"{field}:Q",
        title=None,
        scale={"domain": [0, _seconds(model, model.end_ns)], "nice": False},
        axis={
            "values": [_seconds(model, at_ns) for at_ns, _ in marks],
            "labelExpr": f"({names})[datum.value]",
            "labelOverlap": "greedy",
            "labelFontSize": 13,
            "labelFlush": True,
            "grid": False,
            "domain": True,
            "ticks": True,
            "labelPadding": 6,
        },
    )


def _y(model: Timeline, field: str = "top") -> lanes.Spec:
    return lanes.y_px(field, _height_px(model))


def _height_px(model: Timeline) -> int:
    return HEIGHT_WITH_FLEXION if model.points else HEIGHT_WITHOUT_FLEXION


def _seconds(model: Timeline, at_ns: int) -> float:
    return (min(max(at_ns, model.start_ns), model.end_ns) - model.start_ns) / NS_PER_S


def _when(model: Timeline, start_ns: int, end_ns: int) -> str:
    fine = end_ns - start_ns < 600 * NS_PER_S
    first = clock.clock_time(start_ns, model.zone, seconds=fine)
    return f"{first} – {clock.clock_time(end_ns, model.zone, seconds=fine)}"


def _span(
    model: Timeline, start_ns: int, end_ns: int, lane: tuple[float, float], name: str
) -> dict[str, Any]:
    when = _when(model, start_ns, end_ns)
    return {
        "from": _seconds(model, start_ns),
        "to": _seconds(model, end_ns),
        "top": lane[0],
        "bottom": lane[1],
        "said": f"{name}, {when}",
        "When": when,
        "Length": text.duration((end_ns - start_ns) / NS_PER_S),
    }


def _band(
    model: Timeline, runs: Sequence[Run], lane: tuple[float, float], title: str
) -> lanes.Spec:
    rows = [
        _span(model, r.start_ns, r.end_ns, lane, _name(r.value))
        | {title: _name(r.value), "colour": _colour(r.value)}
        for r in runs
    ]
    return lanes.layer(
        title.lower(),
        {"type": "rect"},
        rows,
        x=_x(model),
        x2="to:Q",
        y=_y(model),
        y2="bottom:Q",
        color=lanes.field("colour:N", scale=None, legend=None),
        tooltip=[f"{title}:N", "When:N", "Length:N"],
        description="said:N",
    )


def _name(value: Posture | Activity) -> str:
    return text.POSTURE[value] if isinstance(value, Posture) else text.ACTIVITY[value]


def _colour(value: Posture | Activity) -> str:
    return POSTURE_COLOUR[value] if isinstance(value, Posture) else ACTIVITY_COLOUR[value]


def _activity_names(model: Timeline) -> lanes.Spec:
    """The activity's name inside its run, where the run is wide enough for it."""
    rows = [
        {
            "middle": (_seconds(model, r.start_ns) + _seconds(model, r.end_ns)) / 2,
            "long": _seconds(model, r.end_ns) - _seconds(model, r.start_ns),
            "top": sum(_ACTIVITY) / 2,
            "name": _name(r.value) if r.value is not Activity.UNKNOWN else "Not known",
        }
        for r in model.activities
    ]
    span_s = _seconds(model, model.end_ns)
    fits = f"datum.long / {span_s} * width > {_LETTER_PX} * length(datum.name) + 10"
    return lanes.layer(
        "activity names",
        {"type": "text", "aria": False, "baseline": "middle", "fontSize": 13, "color": "#FFFFFF"},
        rows,
        x=_x(model, "middle"),
        y=_y(model),
        text={"condition": lanes.field("name:N", test=fits), "value": ""},
        tooltip=lanes.SILENT,
    )


def _episode_bars(model: Timeline, page: Paper) -> lanes.Spec:
    rows = [
        _span(model, e.start_ns, e.end_ns, _EPISODES, f"Episode: {text.pattern(e.pattern)}")
        | {
            "Episode": text.pattern(e.pattern) + (" (going on)" if e.ongoing else ""),
            "Mean flexion": text.degrees(e.mean_flexion_deg),
        }
        for e in model.episodes
    ]
    return lanes.layer(
        "episodes",
        {
            "type": "rect",
            "color": page.ink,
            "cornerRadius": 2,
            "stroke": page.background,
            "strokeWidth": 0.5,
        },
        rows,
        x=_x(model),
        x2="to:Q",
        y=_y(model),
        y2="bottom:Q",
        tooltip=["Episode:N", "When:N", "Length:N", "Mean flexion:N"],
        description="said:N",
    )


def _nudge_marks(model: Timeline, page: Paper) -> lanes.Spec:
    """A ring for each nudge, above the episodes' bars; a full one for several too close to tell apart."""
    return lanes.layer(
        "nudges",
        {"type": "point", "shape": "circle", "size": 34, "opacity": 1, "strokeWidth": 1.6},
        [_ring(group, model, page) for group in _groups(model)],
        x=_x(model),
        y=_y(model),
        fill=lanes.field("fill:N", scale=None, legend=None),
        stroke=lanes.field("stroke:N", scale=None, legend=None),
        tooltip=["Nudge:N", "At:N", "After:N"],
        description="said:N",
    )


def _groups(model: Timeline) -> list[list[Nudge]]:
    """Nudges by time, together where a phone would draw one ring over the other."""
    apart_ns = (model.end_ns - model.start_ns) * _RING_PX / _PHONE_PX
    groups: list[list[Nudge]] = []
    for nudge in sorted(model.nudges, key=lambda nudge: nudge.at_ns):
        if groups and nudge.at_ns - groups[-1][0].at_ns < apart_ns:
            groups[-1].append(nudge)
        else:
            groups.append([nudge])
    return groups


def _ring(group: Sequence[Nudge], model: Timeline, page: Paper) -> dict[str, Any]:
    first, last = (clock.clock_time(n.at_ns, model.zone) for n in (group[0], group[-1]))
    if len(group) == 1:
        what, at, after = _NUDGE[group[0].kind], first, text.duration(group[0].held_for_s)
    else:
        counted = Counter(_NUDGE[nudge.kind] for nudge in group)
        what = ", ".join(f"{n} × {name.lower()}" for name, n in counted.items())
        at, after = f"{first} – {last}", "–"
    return {
        "from": _seconds(model, group[0].at_ns),
        "top": _NUDGES,
        "fill": page.background if len(group) == 1 else page.ink,
        "stroke": page.ink,
        "said": f"{what} at {at}",
        "Nudge": what,
        "At": at,
        "After": after,
    }


def _gap_layer(
    model: Timeline, page: Paper, runs: Sequence[Run], lane: tuple[float, float], name: str
) -> lanes.Spec:
    """Diagonal lines where there is no data: blank would look like a calm time."""
    step_s = _seconds(model, model.end_ns) / _HATCH_LINES
    top, bottom = lane
    rows = []
    for start_ns, end_ns in gaps(runs, model.start_ns, model.end_ns):
        at_s, end_s = _seconds(model, start_ns), _seconds(model, end_ns)
        while at_s < end_s:
            reach = min(1.0, (end_s - at_s) / (2 * step_s))
            rows.append(
                {
                    "from": at_s,
                    "to": at_s + reach * 2 * step_s,
                    "top": bottom,
                    "bottom": bottom - reach * (bottom - top),
                }
            )
            at_s += step_s
    return lanes.layer(
        name,
        {"type": "rule", "aria": False, "color": page.hatch, "strokeWidth": 1},
        rows,
        x=_x(model),
        x2="to:Q",
        y=_y(model),
        y2="bottom:Q",
        tooltip=lanes.SILENT,
    )


def _lane_names(model: Timeline, page: Paper) -> lanes.Spec:
    above = ["episodes"] * bool(model.episodes) + ["nudges ○"] * bool(model.nudges)
    marked = f"Posture – {' and '.join(above)} marked above" if above else "Posture"
    if any(len(group) > 1 for group in _groups(model)):
        marked = f"Posture – above: {', '.join(above)}, several ●"
    names = [
        (marked, _NUDGES - 13 if model.nudges else _EPISODES[0] - 8),
        ("Activity", _ACTIVITY[0] - 9),
    ]
    if model.points:
        names.append(("Trunk flexion, degrees", _FLEXION[0] - 9))
    rows = [{"name": name, "top": top, "from": 0} for name, top in names]
    return lanes.names(rows, page, x=_x(model), y=_y(model))


def _flexion_y(model: Timeline, deg: float) -> float:
    top_deg = max([p.deg for p in model.points] + [model.high_deg + 5.0, _MIN_TOP_DEG])
    bottom_deg = min([p.deg for p in model.points] + [-5.0])
    top, bottom = _FLEXION
    return bottom - (deg - bottom_deg) / (top_deg - bottom_deg) * (bottom - top)


def _flexion_line(model: Timeline, page: Paper) -> lanes.Spec:
    rows = [
        {
            "from": _seconds(model, p.at_ns),
            "top": round(_flexion_y(model, p.deg), 1),
            "stretch": p.stretch,
            "Trunk flexion": text.degrees(p.deg),
            "At": clock.clock_time(p.at_ns, model.zone),
        }
        for p in model.points
    ]
    return lanes.layer(
        "flexion",
        {
            "type": "line",
            "aria": False,
            "color": page.ink,
            "strokeWidth": 1.4,
            "interpolate": "linear",
        },
        rows,
        x=_x(model),
        y=_y(model),
        detail="stretch:N",
        tooltip=["Trunk flexion:N", "At:N"],
    )


def _thresholds(model: Timeline, page: Paper) -> list[lanes.Spec]:
    """Lines at upright and at the person's marks, their degrees in the margin."""
    levels = (
        (0.0, page.quiet),
        (model.warn_deg, POSTURE_COLOUR[Posture.ROUNDED]),
        (model.high_deg, POSTURE_COLOUR[Posture.ROUNDED]),
    )
    rows = [
        {
            "from": 0,
            "to": _seconds(model, model.end_ns),
            "top": _flexion_y(model, deg),
            "name": f"{deg:.0f}°",
            "colour": colour,
        }
        for deg, colour in levels
    ]
    lines = lanes.layer(
        "thresholds",
        {"type": "rule", "aria": False, "strokeDash": [3, 3], "strokeWidth": 1},
        rows,
        x=_x(model),
        x2="to:Q",
        y=_y(model),
        color=lanes.field("colour:N", scale=None, legend=None),
        tooltip=lanes.SILENT,
    )
    names = lanes.layer(
        "threshold names",
        {
            "type": "text",
            "aria": False,
            "align": "left",
            "baseline": "middle",
            "dx": 6,
            "fontSize": 12,
            "color": page.quiet,
        },
        rows,
        x=_x(model, "to"),
        y=_y(model),
        text="name:N",
        tooltip=lanes.SILENT,
    )
    return [lines, names]
