"""The words on the screen: postures, activities, patterns, lengths of time. Plain, and never a verdict."""

from __future__ import annotations

import unicodedata
from datetime import date
from string import punctuation
from typing import Final

from contracts.vocabulary import Activity, ActivitySource, Pattern, Placement, Posture

POSTURE: Final = {
    Posture.UNKNOWN: "Not known",
    Posture.UPRIGHT: "Upright",
    Posture.ROUNDED: "Rounded",
    Posture.FORWARD_LEAN: "Leaning forward",
    Posture.RECLINED: "Reclined",
    Posture.LEFT_LEAN: "Leaning left",
    Posture.RIGHT_LEAN: "Leaning right",
}
ACTIVITY: Final = {
    Activity.UNKNOWN: "Activity not known",
    Activity.SITTING: "Sitting",
    Activity.TYPING: "Typing",
    Activity.DRIVING: "Driving",
    Activity.STANDING: "Standing",
    Activity.WALKING: "Walking",
    Activity.STAIRS: "On stairs",
    Activity.LYING: "Lying",
    Activity.CARRYING: "Carrying",
    Activity.NOT_WORN: "Not worn",
}
SOURCE: Final = {
    ActivitySource.NONE: "",
    ActivitySource.TRUNK: "seen by the trunk sensors",
    ActivitySource.CLIENT: "marked by the client",
    ActivitySource.AGENT: "reported by a linked device",
}
PATTERN: Final = {
    Pattern.UPPER_THORACIC: "Upper back rounding",
    Pattern.FORWARD_HEAD: "Head tilted forward",
    Pattern.COLLAPSED_CHEST: "Collapsed chest",
    Pattern.LUMBAR_SLUMP: "Low back slump",
    Pattern.UNSPECIFIED: "Rounded, region not known",
}
PATTERN_NOTE: Final = {
    Pattern.FORWARD_HEAD: "A proxy from tilt: a head that glides forward without tilting is not seen.",
    Pattern.UNSPECIFIED: "The sensors worn cannot say which part of the trunk was rounded.",
}
#: Focus rules that no pattern of rounding names.
RULE: Final = {
    "long_seated": "Long seated or driving time",
    "lateral_lean": "Leaning mostly to one side",
}
PLACEMENT: Final = {
    Placement.HEAD: "Head",
    Placement.C7: "Neck base (C7)",
    Placement.T4: "Upper back (T4)",
    Placement.T12: "Mid back (T12)",
    Placement.L5: "Low back (L5)",
    Placement.STERNUM: "Breastbone",
}
#: Marks of direction that reach beyond the words that they stand in.
_TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
#: What makes arrows, dashes and icons, kept apart by U+2060, the word joiner, which is not seen.
_DRAWN: Final = ":-<>=~"
_APART: Final = "\u2060"


def sentence(key: str) -> str:
    """A key of the data as words: ``long_seated`` → ``Long seated``."""
    return key.replace("_", " ").strip().capitalize()


def pattern(key: str) -> str:
    """The name of an episode's pattern or of a focus rule."""
    try:
        return PATTERN[Pattern(key)]
    except ValueError:
        return RULE.get(key) or sentence(key)


def duration(seconds: float) -> str:
    """``45 s``, ``3 min 20 s`` (under ten minutes), ``16 min``, ``4 h 10 min``. Never negative."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(whole / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def minutes(value: float) -> str:
    """``12 min``; ``<1 min`` for a little. Whole minutes: a rate is not known more exactly."""
    return "<1 min" if 0 < value < 0.5 else f"{value:.0f} min"


def percent(part: float, whole: float) -> str:
    """``37 %``; ``<1 %`` for a little, ``–`` of nothing."""
    if whole <= 0:
        return "–"
    share = 100.0 * part / whole
    return "<1 %" if 0 < share < 1 else f"{share:.0f} %"


def degrees(value: float | None) -> str:
    """``18°``; ``–`` where there is none. Whole degrees: the sensors are good to 3 to 5."""
    return "–" if value is None else f"{value:.0f}°".replace("-0°", "0°").replace("-", "−")


def day_name(day: date, today: date) -> str:
    """``Today, 3 March``, ``Yesterday, …``, ``Monday, …``; of another year, with the year."""
    ahead = (today - day).days
    weekday = ("Today", "Yesterday")[ahead] if ahead in (0, 1) else f"{day:%A}"
    words = f"{weekday}, {day.day} {day:%B}"
    return words if day.year == today.year else f"{words} {day.year}"


def is_unwritable(name: str) -> bool:
    """Whether a name has control characters, or marks that turn the order of what stands beside it."""
    return any(unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING for c in name)


def literal(words: str) -> str:
    """What somebody wrote, for a label that is Markdown: shown letter by letter, on one line.

    A backslash alone does not do: Streamlit makes icons and arrows of ``:x:`` and ``->`` after that was read.
    """
    return "".join(_literal(letter) for letter in " ".join(words.split()))


def _literal(letter: str) -> str:
    if letter in _DRAWN:
        return f"\\{letter}{_APART}"
    return f"\\{letter}" if letter in punctuation else letter


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 episode``, ``3 episodes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def confidence(value: float) -> str:
    """How sure the reading is, in words."""
    if value >= 0.85:
        return "sure"
    return "fairly sure" if value >= 0.65 else "unsure"
