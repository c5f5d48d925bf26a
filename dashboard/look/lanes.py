"""What charts of lanes share: several lanes over one axis of time, whose y is pixels. Pure.

Charts are Vega-Lite specifications as plain values. Built by a library that checks each part against the
schema, the timeline of a live page took the server a quarter of a second every time; that what is drawn
fits the schema is tried in the tests instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dashboard.look.theme import Paper

#: A specification, or a part of one.
Spec = dict[str, Any]
#: Room for the labels of x; Streamlit fits lanes and axis together into the height.
_AXIS_PX: Final = 28
_TYPES: Final = {"N": "nominal", "Q": "quantitative"}
#: Channels that take the type of the one they end.
_ENDS: Final = ("x2", "y2")
#: For a layer that says nothing to who points at it.
SILENT: Final[Spec] = {"value": None}


def layered(layers: Sequence[Spec], height_px: int, page: Paper) -> Spec:
    """The layers as one chart, with the labels of x below lanes of ``height_px``."""
    axis = {"domainColor": page.line, "tickColor": page.line, "labelColor": page.quiet}
    return {
        "layer": list(layers),
        "height": height_px + _AXIS_PX,
        "padding": 0,
        "config": {"view": {"stroke": None}, "axis": axis},
    }


def layer(
    name: str, mark: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], **channels: Any
) -> Spec:
    """Marks of one kind, one a row. A channel is ``"field:N"`` or ``"field:Q"``, several, or in full."""
    encoding = {channel: _told(channel, given) for channel, given in channels.items()}
    data = {"values": [dict(row) for row in rows]}
    return {"name": name, "mark": dict(mark), "data": data, "encoding": encoding}


def field(shorthand: str, **more: Any) -> Spec:
    """``"field:N"``, nominal, or ``"field:Q"``, a quantity, as Vega-Lite says it."""
    name, _, kind = shorthand.rpartition(":")
    return {"field": name, "type": _TYPES[kind], **more}


def y_px(name: str, height_px: int) -> Spec:
    """Pixels from the top of lanes of ``height_px``."""
    scale = {"domain": [height_px, 0], "nice": False, "zero": False}
    return field(f"{name}:Q", axis=None, scale=scale)


def names(rows: Iterable[Mapping[str, Any]], page: Paper, *, x: Spec, y: Spec) -> Spec:
    """What each lane is called: ``name`` of a row, written at its place."""
    mark = {
        "type": "text",
        "aria": False,
        "align": "left",
        "baseline": "middle",
        "fontSize": 13,
        "fontWeight": 600,
        "color": page.quiet,
    }
    return layer("lane names", mark, rows, x=x, y=y, text="name:N", tooltip=SILENT)


def _told(channel: str, given: Any) -> Any:
    if isinstance(given, str):
        told = field(given)
        return {"field": told["field"]} if channel in _ENDS else told
    return [field(one) for one in given] if isinstance(given, list) else given
