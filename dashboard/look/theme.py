"""Colours and styles. A posture has one colour everywhere, on light and on dark paper alike.

The posture colours were searched for: each stands out from both papers by 3 to 1 (WCAG 1.4.11), and
any two are at least 14 apart in CIELAB for the full-colour, protan, deutan and tritan eye; upright and
rounded, the pair that matters, at least 40. tests/dashboard holds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from contracts.vocabulary import Activity, Posture

POSTURE_COLOUR: Final = {
    Posture.UPRIGHT: "#0B7BC1",
    Posture.ROUNDED: "#D55E00",
    Posture.FORWARD_LEAN: "#795F1D",
    Posture.RECLINED: "#15A468",
    Posture.LEFT_LEAN: "#B574AA",
    Posture.RIGHT_LEAN: "#8B47F0",
    Posture.UNKNOWN: "#6F7075",
}
#: Activities are quiet: they are read by their names, and must not be taken for postures.
ACTIVITY_COLOUR: Final = {
    Activity.SITTING: "#5E6C84",
    Activity.TYPING: "#47566E",
    Activity.DRIVING: "#6F5B49",
    Activity.STANDING: "#667A52",
    Activity.WALKING: "#4C7A5A",
    Activity.STAIRS: "#3C6656",
    Activity.LYING: "#736C8E",
    Activity.CARRYING: "#85604F",
    Activity.UNKNOWN: "#7B8088",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """The colours of a page: what is drawn on, ink, quiet ink, and hairlines."""

    background: str
    ink: str
    quiet: str
    line: str
    hatch: str


LIGHT: Final = Paper("#FFFFFF", "#1B2430", "#5A6472", "#D9DEE5", "#C3CAD4")
DARK: Final = Paper("#10151C", "#E8ECF1", "#A3ADBA", "#2E3743", "#414C5A")
_PRIMARY: Final = {"light": "#0A6CAA", "dark": "#4AA8E8"}
_DARK_ACCENT: Final = (
    '[data-testid^="stBaseButton-primary"]:enabled, '
    '[data-testid^="stBaseButton-primary"]:enabled * '
    f"{{ color: {DARK.background}; }}"
)
_SECOND: Final = {"light": "#F3F5F8", "dark": "#19212B"}


def paper(theme: str | None) -> Paper:
    """The paper of Streamlit's ``light`` or ``dark`` theme; light where it is not told."""
    return DARK if theme == "dark" else LIGHT


def css(theme: str | None = None) -> str:
    """The style sheet of the cards, then those of the parts by name, as a ``<style>`` element.

    On ``dark`` paper the accent is light, and what is written on it dark: Streamlit writes white on both.
    """
    room = files("dashboard")
    parts = [part for part in room.joinpath("styles").iterdir() if part.name.endswith(".css")]
    sheets = [room.joinpath("style.css"), *sorted(parts, key=lambda part: part.name)]
    text = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return f"<style>{text}{_DARK_ACCENT if theme == 'dark' else ''}</style>"


def streamlit_options() -> dict[str, str]:
    """Streamlit's own theme in the same colours, as configuration options."""
    options = {"theme.baseRadius": "10px"}
    for name, page in (("light", LIGHT), ("dark", DARK)):
        options |= {
            f"theme.{name}.primaryColor": _PRIMARY[name],
            f"theme.{name}.backgroundColor": page.background,
            f"theme.{name}.secondaryBackgroundColor": _SECOND[name],
            f"theme.{name}.textColor": page.ink,
            f"theme.{name}.borderColor": page.line,
        }
    return options
