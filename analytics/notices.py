"""What analytics cannot do, put where the dashboard reads it: into the registry, on every change of it.

A store that is full or refuses to be written to may well be read, so that a page would see no more
than that nothing new comes.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from contracts.errors import PlumblineError
from store.ports import Notice, Registry

SERVICE = "analytics"

log = structlog.get_logger(__name__)


class NoticeBoard:
    """Keeps one notice up to date. :meth:`show` is called often; it writes what changed."""

    def __init__(self, registry: Registry, clock_ns: Callable[[], int]) -> None:
        self._registry = registry
        self._clock_ns = clock_ns
        self._since_ns: int | None = None
        self._shown: str | None = "unknown"  # a predecessor that was killed may have left one

    def show(self, error: PlumblineError | None) -> None:
        """Say what is wrong now, or that nothing is."""
        reason = None if error is None else error.reason.value
        if error is None:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = self._clock_ns()
        if reason == self._shown:
            return
        try:
            if error is None or self._since_ns is None:
                self._registry.clear_notice(SERVICE)
            else:
                self._registry.put_notice(
                    Notice(SERVICE, error.reason.value, error.message, self._since_ns)
                )
            self._shown = reason
        except PlumblineError as refused:
            log.debug("the registry takes no notice", reason=refused.reason.value)
