"""What a client, or a program of theirs, wishes of nudges by MQTT. JSON, as :mod:`contracts.messages`."""

from __future__ import annotations

from contracts.checks import check_range, check_utc_ns
from contracts.messages import JsonMessage
from contracts.settings import MAX_NOT_NOW_MIN


class NotNowWish(JsonMessage, frozen=True, kw_only=True):
    """No nudges for so many minutes from ``at_ns``, or from when it arrives; 0 minutes: nudges again."""

    minutes: int
    at_ns: int | None = None

    def check(self, now_ns: int | None) -> None:
        check_range("minutes", self.minutes, 0, MAX_NOT_NOW_MIN)
        if self.at_ns is not None:
            check_utc_ns("at_ns", self.at_ns, now_ns=now_ns)
