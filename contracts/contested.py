"""Two services under one MQTT client id throw each other off the broker; how one of them notices.

MQTT 3.1.1 ends the older connection without a word. What can be seen is a connection that ends soon
after it began, again and again. Pure.
"""

from __future__ import annotations

from typing import Final

#: A connection that ends within this of its beginning was hardly a broker's restart.
SOON_S: Final = 5.0
#: So many of them in a row are no chance.
TIMES: Final = 4
#: Who notices lets the other one work, and looks again after this.
PAUSE_S: Final = 30.0


class Contest:
    """Counts connections that ended soon, one after another. ``client_id`` is what they were made as."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._up_since_s: float | None = None
        self._ended_soon = 0

    def up(self, now_s: float) -> None:
        """The broker accepted a connection."""
        self._up_since_s = now_s

    def down(self, now_s: float) -> None:
        """It ended. One that never came up says nothing about others."""
        since_s, self._up_since_s = self._up_since_s, None
        if since_s is None:
            return
        self._ended_soon = min(self._ended_soon + 1, TIMES) if now_s - since_s < SOON_S else 0

    @property
    def said(self) -> str:
        """What is going on, in words; empty where nothing is."""
        if self._ended_soon < TIMES:
            return ""
        return (
            "thrown off soon after each connection; does another service run under the id "
            f"{self._client_id}?"
        )
