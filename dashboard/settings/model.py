"""A client's settings as fields with words: what each means, its value in words, and what was changed. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from contracts.errors import SettingError
from contracts.settings import PostureSettings
from dashboard.look import text

DEFAULTS: Final = PostureSettings()
#: What contracts.checks says of a value outside its range.
_OUTSIDE: Final = re.compile(r"(\w+) is (\S+); allowed is (\S+) to (\S+)\.")
_DAY_MIN: Final = 1440
#: A name longer than this does not fit the head of a page.
MAX_NAME: Final = 60


class Unit(StrEnum):
    """What a setting is counted in; a switch may be on where the setting is off (``not``)."""

    DEG = "deg"
    SECONDS = "s"
    MIN_H = "min_h"
    COUNT = "count"
    SWITCH = "switch"
    NOT = "not"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Field:
    """A setting of :class:`PostureSettings` by name, in the client's words, and what a slider offers of it."""

    name: str
    title: str
    meaning: str
    unit: Unit
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    options: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that are read together. ``more``: seldom changed, and folded away."""

    title: str
    about: str
    fields: tuple[Field, ...]
    more: bool = False


@cache
def groups() -> tuple[Group, ...]:
    """The groups of settings_words.toml, in their order."""
    words = files("dashboard.settings").joinpath("settings_words.toml").read_text(encoding="utf-8")
    return tuple(
        Group(g["title"], g["about"], tuple(map(_field, g["setting"])), g.get("more", False))
        for g in tomllib.loads(words)["group"]
    )


def _field(entry: dict[str, Any]) -> Field:
    options = tuple(float(option) for option in entry.pop("options", ()))
    return Field(**entry | {"unit": Unit(entry["unit"]), "options": options})


@cache
def fields() -> dict[str, Field]:
    """Every field by its name."""
    return {field.name: field for group in groups() for field in group.fields}


def values(settings: PostureSettings) -> dict[str, float]:
    """The settings by name; switches are 0 and 1."""
    return {name: float(value) for name, value in msgspec.structs.asdict(settings).items()}


def options_of(field: Field, value: float) -> list[float]:
    """What a slider of times offers, one's own value among it."""
    return sorted({*field.options, value})


def reach_of(field: Field, value: float) -> tuple[float, float]:
    """From where to where a slider goes, one's own value within."""
    return min(field.low, value), max(field.high, value)


def said(field: Field, value: float) -> str:
    """A value in words: ``12°``, ``2 min``, ``on``, ``22:00``."""
    if field.unit is Unit.DEG:
        return f"{value:g}°"
    if field.unit is Unit.SECONDS:
        return text.duration(value)
    if field.unit is Unit.MIN_H:
        return f"{value:g} min"
    if field.unit is Unit.COUNT:
        return f"{value:g}"
    if field.unit is Unit.CLOCK:
        return "{:02}:{:02}".format(*divmod(int(value), 60))
    return "on" if bool(value) is not (field.unit is Unit.NOT) else "off"


def default_of(field: Field) -> float:
    """The value that holds for who has set none."""
    return float(getattr(DEFAULTS, field.name))


def changed(saved: PostureSettings, wished: Mapping[str, float]) -> list[str]:
    """What of ``wished`` differs, each in words, in the order of the page."""
    before = values(saved)
    return [
        f"{field.title}: {said(field, before[name])} → {said(field, wished[name])}"
        for name, field in fields().items()
        if wished[name] != before[name]
    ]


def made(wished: Mapping[str, float]) -> PostureSettings:
    """The settings that were wished. SettingError where one does not go with the others."""
    kinds = {name: type(value) for name, value in msgspec.structs.asdict(DEFAULTS).items()}
    return PostureSettings(**{name: kinds[name](value) for name, value in wished.items()})


def complaint(error: SettingError) -> tuple[str, str]:
    """The field that a SettingError is about and what it says there; no field where it names none."""
    found = _OUTSIDE.fullmatch(error.message)
    field = None if found is None else fields().get(found[1])
    if found is None or field is None:
        return "", error.message
    value, low, high = (said(field, float(found[i])) for i in (2, 3, 4))
    return field.name, (
        f"{field.title} is {value}; with the others as they are, {low} to {high} is allowed."
    )


def quiet(wished: Mapping[str, float]) -> str:
    """How long the quiet hours are."""
    length_min = (wished["quiet_until_min"] - wished["quiet_from_min"]) % _DAY_MIN
    if not length_min:
        return "No quiet hours."
    past = ", past midnight" if wished["quiet_until_min"] < wished["quiet_from_min"] else ""
    return f"Quiet for {text.duration(60 * length_min)}{past}."


def name_complaint(name: str) -> str:
    """What is wrong with a name to be shown; empty where nothing is."""
    if not name.strip():
        return "A name is needed: it is what you and your therapist see."
    if len(name.strip()) > MAX_NAME:
        return f"At most {MAX_NAME} letters fit."
    if text.is_unwritable(name):
        return "It has signs that no keyboard writes: type it anew."
    return ""
