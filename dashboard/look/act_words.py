"""What pages and changes are called: in the navigation, in the audit, in a client's list of who looked. Pure.

One table, by the acts of the audit (:mod:`dashboard.entry.access` and :mod:`dashboard.entry.door`): what the
menu calls a page, the audit calls it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ActWords:
    """One act. ``did``, ``do``, ``what``: "looked at the day", "wanted to look at the day".

    ``title``: what the navigation calls a page, and ``of_others`` what it does for who looks at somebody
    else's; None for what is no page.
    """

    did: str
    do: str
    what: str
    title: str | None = None
    of_others: str | None = None

    def named(self, *, own: bool) -> str:
        """The title, or for what is no page what is done: ``Change the settings``."""
        if self.title is None:
            words = f"{self.do} {self.what}"
            return words[:1].upper() + words[1:]
        return self.title if own else self.of_others or self.title


def _page(title: str, what: str, *, of_others: str | None = None) -> ActWords:
    return ActWords("looked", "look", f"at {what}", title, of_others)


ACT_WORDS: Final = {
    "today": _page("Today", "the day"),
    "week": _page("Week", "the week"),
    "my-body": _page("My body", "the body figure", of_others="Body"),
    "my-sensors": _page("My sensors", "the sensors"),
    "settings": _page("Settings", "the settings"),
    "my-data": _page("My data", "My data"),
    "clients": _page("Clients", "the list of clients"),
    "week-review": _page("Week review", "the week review"),
    "session-sheet": ActWords("opened", "open", "the session sheet", "Session sheet"),
    "people": _page("People", "the accounts"),
    "all-sensors": _page("Sensors", "who wears which sensor"),
    "audit": _page("Audit", "the audit"),
    "team": _page("Team", "the team’s weeks"),
    "export": ActWords("downloaded", "download", "data"),
    "change-settings": ActWords("changed", "change", "the settings"),
    "pair-sensor": ActWords("paired or gave back", "pair or give back", "a sensor"),
    "calibrate": ActWords("began", "begin", "a calibration"),
    "tap-pain": ActWords("wrote", "write", "in the pain diary"),
    "consent": ActWords("gave or took back", "give or take back", "a consent"),
    "grant": ActWords("changed", "change", "who may look"),
    "erase": ActWords("asked", "ask", "to erase everything"),
    "edit-focus": ActWords("noted", "note", "a focus area"),
    "note-session": ActWords("noted or took back", "note or take back", "a session"),
    "ask-replay": ActWords("asked", "ask", "what another mark would say"),
    "manage-people": ActWords("changed", "change", "the account"),
    "sign-in": ActWords("signed", "sign", "in"),
    "sign-out": ActWords("signed", "sign", "out"),
    "password": ActWords("changed", "change", "the password"),
}


def words_of(act: str) -> ActWords:
    """The words of an act; of one that this version does not know, its own."""
    return ACT_WORDS.get(act, ActWords("did", "do", act.replace("-", " ")))
