"""What a client agrees to, in words with a version, kept as data beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from store.people_ports import Consent, ConsentKind


@dataclass(frozen=True, slots=True)
class Words:
    """One consent: its version, what is agreed to, and what taking it back means."""

    kind: ConsentKind
    version: str
    title: str
    says: tuple[str, ...]
    withdrawing: str


@cache
def words(kind: ConsentKind) -> Words:
    """The words of a kind, as they are now."""
    data = tomllib.loads(
        files("dashboard.mine").joinpath("consent.toml").read_text(encoding="utf-8")
    )
    entry = data[kind.value]
    return Words(kind, entry["version"], entry["title"], tuple(entry["says"]), entry["withdrawing"])


def in_force(consents: Sequence[Consent], kind: ConsentKind) -> Consent | None:
    """The consent of a kind that was given and not withdrawn, whatever its version."""
    return next((c for c in consents if c.kind is kind and c.withdrawn_ns is None), None)
