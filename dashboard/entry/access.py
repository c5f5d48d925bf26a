"""Who may see and do what: one table of role × act × whose data. Pure.

Every page and every change is an act. :func:`allowed` decides; :mod:`dashboard.entry.gate` asks it before
anything is read or written, and notes what was refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store.people_ports import Role


class Act(StrEnum):
    """What somebody wants; the values stand in the audit. Pages first, then changes."""

    TODAY = "today"
    WEEK = "week"
    BODY = "my-body"
    SENSORS = "my-sensors"
    SETTINGS = "settings"
    DATA = "my-data"
    CLIENTS = "clients"
    REVIEW = "week-review"
    SHEET = "session-sheet"
    EXPORT = "export"
    PEOPLE = "people"
    ALL_SENSORS = "all-sensors"
    AUDIT = "audit"
    TEAM = "team"

    CHANGE_SETTINGS = "change-settings"
    PAIR = "pair-sensor"
    CALIBRATE = "calibrate"
    TAP_PAIN = "tap-pain"
    CONSENT = "consent"
    GRANT = "grant"
    ERASE = "erase"
    EDIT_FOCUS = "edit-focus"
    NOTE_SESSION = "note-session"
    ASK_REPLAY = "ask-replay"
    MANAGE = "manage-people"


class Relation(StrEnum):
    """Whose data it is, as seen by who wants it."""

    OWN = "own"
    GRANTED = "granted"
    FOREIGN = "foreign"
    NOBODY = "nobody"  # about no one person


_OWN: Final = frozenset({Relation.OWN})
_GRANTED: Final = frozenset({Relation.GRANTED})
_NOBODY: Final = frozenset({Relation.NOBODY})

#: role → act → whose data it may be. What is not here is refused.
ALLOWED: Final[dict[Role, dict[Act, frozenset[Relation]]]] = {
    Role.CLIENT: dict.fromkeys(
        (
            Act.TODAY,
            Act.WEEK,
            Act.BODY,
            Act.SENSORS,
            Act.SETTINGS,
            Act.DATA,
            Act.EXPORT,
            Act.CHANGE_SETTINGS,
            Act.PAIR,
            Act.CALIBRATE,
            Act.TAP_PAIN,
            Act.CONSENT,
            Act.GRANT,
            Act.ERASE,
        ),
        _OWN,
    ),
    Role.THERAPIST: {
        Act.CLIENTS: _NOBODY,
        **dict.fromkeys(
            (
                Act.TODAY,
                Act.WEEK,
                Act.BODY,
                Act.REVIEW,
                Act.SHEET,
                Act.EXPORT,
                Act.EDIT_FOCUS,
                Act.NOTE_SESSION,
                Act.ASK_REPLAY,
            ),
            _GRANTED,
        ),
    },
    Role.ADMINISTRATOR: dict.fromkeys(
        (Act.PEOPLE, Act.ALL_SENSORS, Act.AUDIT, Act.MANAGE), _NOBODY
    ),
    Role.EMPLOYER: {Act.TEAM: _NOBODY},
}


#: Acts that are pages of their own, in the order of the navigation.
PAGES: Final = (
    Act.CLIENTS,
    Act.REVIEW,
    Act.SHEET,
    Act.TODAY,
    Act.WEEK,
    Act.BODY,
    Act.SENSORS,
    Act.SETTINGS,
    Act.DATA,
    Act.PEOPLE,
    Act.ALL_SENSORS,
    Act.AUDIT,
    Act.TEAM,
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in. ``granted``: the wearers whose data it may see now, by grants in force."""

    account: str
    name: str
    roles: frozenset[Role]
    wearer: str | None = None
    granted: frozenset[str] = frozenset()
    must_change: bool = False


def relation(viewer: Viewer, wearer: str | None) -> Relation:
    """Whose data a wearer's is to a viewer."""
    if wearer is None:
        return Relation.NOBODY
    if wearer == viewer.wearer:
        return Relation.OWN
    return Relation.GRANTED if wearer in viewer.granted else Relation.FOREIGN


def allowed(viewer: Viewer, act: Act, wearer: str | None) -> bool:
    """Whether the viewer may do ``act`` with that wearer's data (None: with nobody's)."""
    to = relation(viewer, wearer)
    return any(to in ALLOWED[role].get(act, ()) for role in viewer.roles)


def pages(viewer: Viewer) -> list[Act]:
    """The pages that the viewer may open for somebody, in the order of the navigation."""
    return [page for page in PAGES if any(page in ALLOWED[role] for role in viewer.roles)]
