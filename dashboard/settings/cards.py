"""What stands beside a setting: its name, its meaning and its default; and what saving did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from dashboard.look import clock
from dashboard.settings import model
from dashboard.settings.model import Field

YOU: Final = ("You", "How you are named here, and by which clock your days run.")
NAME: Final = ("Name shown", "Who you let look sees it too; it goes nowhere else.")
ZONE: Final = (
    "Time zone",
    (
        "Your days and quiet hours follow its clock, summer time included. Days that were counted before a "
        "change stay as they are."
    ),
)


def field(one: Field, value: float) -> str:
    """A setting's title and meaning, and whether it stands at its default."""
    default = model.default_of(one)
    mark = (
        '<span class="pl-chip">default</span>'
        if value == default
        else f'<span class="quiet num">default: {escape(model.said(one, default))}</span>'
    )
    return named(one.title, one.meaning, mark)


def named(title: str, meaning: str, mark: str = "") -> str:
    """A title with its mark (HTML) and what it means."""
    return (
        f'<div class="pl pl-setting"><div class="top"><b>{escape(title)}</b>{mark}</div>'
        f'<p class="quiet">{escape(meaning)}</p></div>'
    )


def group(title: str, about: str) -> str:
    """The head of some settings."""
    return f'<div class="pl pl-group"><h2>{escape(title)}</h2><p class="quiet">{escape(about)}</p></div>'


def note(words: str) -> str:
    """A quiet word under a field."""
    return f'<div class="pl"><span class="quiet num pl-note">{escape(words)}</span></div>'


def wrong(words: str) -> str:
    """What is wrong with the field above."""
    return f'<div class="pl"><p class="pl-wrong" role="alert">{escape(words)}</p></div>'


def pending(changes: Sequence[str]) -> str:
    """What has been changed and not been saved."""
    if not changes:
        return '<div class="pl pl-pending" role="status"><b>Everything is saved.</b></div>'
    items = "".join(f"<li>{escape(change)}</li>" for change in changes)
    return (
        f'<div class="pl pl-pending" role="status"><b>Not saved yet:</b>'
        f'<ul class="num">{items}</ul></div>'
    )


def saved(at_ns: int, zone: ZoneInfo) -> str:
    """From when it holds what was saved."""
    at = clock.clock_time(at_ns, zone, seconds=True)
    return (
        '<div class="pl"><section class="pl-card pl-saved" role="status">'
        f'<b class="num">Saved at {at}.</b> It holds from now on: what is measured is told by it within '
        "a few seconds. What was told before stays as it is.</section></div>"
    )
