"""Who wears which sensor now, as the registry has it."""

from __future__ import annotations

from contracts.errors import PlumblineError
from plumbline.settings import Settings
from store import open_registry
from store.ports import Assignment, Registry


def open_assignments(registry: Registry) -> dict[str, Assignment]:
    """The assignments in force until further notice, by sensor."""
    return {a.sensor: a for a in registry.assignments() if a.end_ns is None}


def worn_now(settings: Settings) -> dict[str, Assignment]:
    """The same of the registry of the settings; nobody's where there is none that can be read."""
    try:
        registry = open_registry(settings.people_url, read_only=True)
    except PlumblineError:
        return {}
    try:
        return open_assignments(registry)
    finally:
        registry.close()
