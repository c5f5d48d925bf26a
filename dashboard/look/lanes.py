"""What charts of lanes share: several lanes over one axis of time, whose y is pixels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import altair as alt

from dashboard.look.theme import Paper

#: Room for the labels of x; Streamlit fits lanes and axis together into the height.
_AXIS_PX: Final = 28


def layered(layers: Sequence[alt.Chart], height_px: int, page: Paper) -> alt.LayerChart:
    """The layers as one chart, with the labels of x below lanes of ``height_px``."""
    drawn: alt.LayerChart = (
        alt.LayerChart(layer=layers)
        .properties(height=height_px + _AXIS_PX, padding=0)
        .configure_view(stroke=None)
        .configure_axis(domainColor=page.line, tickColor=page.line, labelColor=page.quiet)
    )
    return drawn


def encode(chart: alt.Chart, **channels: Any) -> alt.Chart:
    """``chart.encode``, whose result has no type."""
    encoded: alt.Chart = chart.encode(**channels)
    return encoded


def data(rows: Iterable[dict[str, Any]]) -> alt.InlineData:
    """Rows as a chart's data."""
    return alt.InlineData(values=list(rows))


def y_px(field: str, height_px: int) -> alt.Y:
    """Pixels from the top of lanes of ``height_px``."""
    scale = alt.Scale(domain=[height_px, 0], nice=False, zero=False)
    return alt.Y(f"{field}:Q", axis=None, scale=scale)


def names(rows: Iterable[dict[str, Any]], page: Paper, *, x: Any, y: alt.Y) -> alt.Chart:
    """What each lane is called: ``name`` of a row, written at its place."""
    return encode(
        alt.Chart(data(rows), name="lane names").mark_text(
            aria=False,
            align="left",
            baseline="middle",
            fontSize=13,
            fontWeight=600,
            color=page.quiet,
        ),
        x=x,
        y=y,
        text="name:N",
        tooltip=alt.value(None),
    )
