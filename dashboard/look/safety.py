"""Words of safety and names of muscles, kept as data beside this file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from dashboard.look.text import sentence


@dataclass(frozen=True, slots=True)
class Caution:
    """Signs under one heading; ``level`` is urgent, refer, screen or caution."""

    title: str
    level: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Safety:
    """What must be readable wherever a suggestion is."""

    standing: str
    warnings: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class Muscle:
    """A muscle group in the therapist's word and in everyday words."""

    name: str
    where: str


@cache
def safety() -> Safety:
    """The words of safety.toml."""
    data = _load("safety.toml")
    return Safety(
        data["standing"],
        tuple(Caution(w["title"], w["level"], tuple(w["items"])) for w in data["warnings"]),
    )


def muscle(key: str) -> Muscle:
    """The muscle group of that key; one that the glossary lacks gets its key as a name."""
    entry = _muscles().get(key)
    return Muscle(sentence(key), "") if entry is None else Muscle(entry["name"], entry["where"])


@cache
def _muscles() -> dict[str, dict[str, str]]:
    return _load("muscles.toml")


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files("dashboard.look").joinpath(name).read_text(encoding="utf-8"))
