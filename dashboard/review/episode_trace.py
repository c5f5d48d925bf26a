"""What was around an episode, second by second: what to draw of it, and the drawing. Pure over the store."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from contracts.records import FRAME_NS, Episode
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from dashboard.look import clock, drawn, text
from dashboard.look.theme import POSTURE_COLOUR, Paper
from dashboard.reading import runs
from dashboard.reading.queries import FRAMES_UP_TO_NS, Person, Reading, Timeline

#: So much before and after an episode is shown with it.
AROUND_NS: Final = 120 * NS_PER_S
_WIDE: Final = 1000.0
_HIGH: Final = 100.0
_BAND: Final = 16.0
_GAP: Final = 5.0
_MIN_TOP_DEG: Final = 30.0
_TICKS: Final = 6


def around(
    series: Reading, person: Person, episode: Episode, settings: PostureSettings
) -> Timeline | None:
    """The episode with two minutes on either side; None where nothing of it is kept.

    From seconds up to an hour, where they are kept still, else from minutes.
    """
    start_ns, end_ns = episode.start_ns - AROUND_NS, episode.end_ns + AROUND_NS
    cells = None
    if end_ns - start_ns <= FRAMES_UP_TO_NS:
        frames = series.frames(person.wearer, start_ns, end_ns)
        cells = runs.cells_of_frames(frames) if len(frames) else None
    if cells is None:
        minutes = series.minutes(person.wearer, start_ns - runs.MINUTE_NS, end_ns)
        cells = runs.cells_of_minutes(
            [m for m in minutes if m.start_ns + runs.MINUTE_NS > start_ns]
        )
    if not cells.start_ns.size:
        return None
    return Timeline(
        start_ns=min(start_ns, int(cells.start_ns[0])),
        end_ns=max(end_ns, int(cells.start_ns[-1]) + FRAME_NS),
        zone=person.zone,
        postures=tuple(runs.posture_runs(cells)),
        activities=(),
        points=tuple(runs.trace(cells)),
        episodes=(episode,),
        warn_deg=settings.rounded_warn_deg,
        high_deg=settings.rounded_high_deg,
    )


def trace(model: Timeline, page: Paper) -> str:
    """The postures as a band, hatched where nothing was measured, and the trunk's flexion as a line under it."""
    marks_deg = (0.0, model.warn_deg, model.high_deg)
    top_deg = max([p.deg for p in model.points] + [model.high_deg + 5.0, _MIN_TOP_DEG])
    bottom_deg = min([p.deg for p in model.points] + [-5.0])
    span_ns = model.end_ns - model.start_ns

    def x(at_ns: int) -> float:
        return _WIDE * (min(max(at_ns, model.start_ns), model.end_ns) - model.start_ns) / span_ns

    def y(deg: float) -> float:
        room = _HIGH - _BAND - _GAP
        return _HIGH - (deg - bottom_deg) / (top_deg - bottom_deg) * room

    band = [
        drawn.hatch("h", page.hatch),
        f"<rect width='{_WIDE:g}' height='{_BAND:g}' fill='url(#h)'/>",
        *(_run(x(run.start_ns), x(run.end_ns), _colour(run)) for run in model.postures),
    ]
    if not model.points:
        return _band_alone(model, x, band)
    parts = [
        *band,
        *(
            _level(y(deg), page.quiet if deg == 0.0 else _colour(Posture.ROUNDED))
            for deg in marks_deg
        ),
        _edges(model, x, page),
        _line(model, x, y, page),
    ]
    drawing = drawn.image(drawn.stretched(_WIDE, _HIGH, *parts), _said(model), "under")
    degrees = "".join(
        f'<span class="degree num" style="bottom:{_HIGH - y(deg):.1f}%">{deg:.0f}°</span>'
        for deg in marks_deg
    )
    return (
        '<div class="pl pl-figure"><figure class="pl-chart trace"><figcaption class="pl-label">Posture, and trunk flexion in '
        f'degrees below it</figcaption><div class="plot">{drawing}{degrees}</div>{_times(model, x)}'
        f"</figure>{_legend(model)}</div>"
    )


def _band_alone(model: Timeline, x: Callable[[int], float], band: list[str]) -> str:
    """Where no angle of the trunk is known: the postures, and that it is so."""
    drawing = drawn.image(drawn.stretched(_WIDE, _BAND, *band), _said(model), "under")
    return (
        '<div class="pl pl-figure"><figure class="pl-chart trace flat"><figcaption class="pl-label">Posture; trunk flexion is not '
        f'known here, it takes two sensors</figcaption><div class="plot">{drawing}</div>'
        f"{_times(model, x)}</figure>{_legend(model, marked=False)}</div>"
    )


def _colour(value: runs.Run | Posture) -> str:
    posture = value.value if isinstance(value, runs.Run) else value
    return POSTURE_COLOUR[posture] if isinstance(posture, Posture) else ""


def _run(left: float, right: float, colour: str) -> str:
    return f"<rect x='{left:.1f}' width='{right - left:.1f}' height='{_BAND:g}' fill='{colour}'/>"


def _level(at: float, colour: str) -> str:
    return (
        f"<path d='M0 {at:.1f}H{_WIDE:g}' stroke='{colour}' stroke-width='1' stroke-dasharray='3 3' "
        "vector-effect='non-scaling-stroke'/>"
    )


def _edges(model: Timeline, x: Callable[[int], float], page: Paper) -> str:
    """Where the episode begins and ends."""
    edges = "".join(
        f"M{x(at_ns):.1f} 0V{_HIGH:g}" for e in model.episodes for at_ns in (e.start_ns, e.end_ns)
    )
    return f"<path d='{edges}' stroke='{page.quiet}' stroke-width='1' vector-effect='non-scaling-stroke'/>"


def _line(
    model: Timeline, x: Callable[[int], float], y: Callable[[float], float], page: Paper
) -> str:
    path, stretch = [], None
    for point in model.points:
        path.append(
            f"{'L' if point.stretch == stretch else 'M'}{x(point.at_ns):.1f} {y(point.deg):.1f}"
        )
        stretch = point.stretch
    return (
        f"<path d='{''.join(path)}' fill='none' stroke='{page.ink}' stroke-width='1.4' "
        "vector-effect='non-scaling-stroke'/>"
    )


def _times(model: Timeline, x: Callable[[int], float]) -> str:
    ticks = "".join(
        f'<span style="left:{x(at_ns) / _WIDE:.1%}">{escape(name)}</span>'
        for at_ns, name in clock.ticks(model.start_ns, model.end_ns, model.zone, limit=_TICKS)
    )
    return f'<div class="times num" aria-hidden="true">{ticks}</div>'


def _said(model: Timeline) -> str:
    first, last = (clock.clock_time(at_ns, model.zone) for at_ns in (model.start_ns, model.end_ns))
    degs = [point.deg for point in model.points]
    flexion = f", trunk flexion {min(degs):.0f}° to {max(degs):.0f}°" if degs else ""
    return f"From {first} to {last}{flexion}"


def _legend(model: Timeline, *, marked: bool = True) -> str:
    seen = {run.value for run in model.postures}
    keys = "".join(
        f'<li><span class="pl-swatch" style="background:{colour}"></span>{text.POSTURE[posture]}</li>'
        for posture, colour in POSTURE_COLOUR.items()
        if posture in seen
    )
    marks = "<li>Dashed: upright, and the client’s two marks</li>" if marked else ""
    return (
        f'<ul class="pl-legend">{keys}<li><span class="pl-swatch none"></span>No data or not worn</li>'
        f"{marks}</ul>"
    )
