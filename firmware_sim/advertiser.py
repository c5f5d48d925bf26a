"""A controller's legacy advertising, which costs nothing while nobody can hear it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bumble.controller import LegacyAdvertiser

if TYPE_CHECKING:
    from firmware_sim.air import VirtualController


class Advertiser(LegacyAdvertiser):
    """bumble's, which sends nothing while its controller is out of reach, or nobody listens.

    What it leaves out costs nothing, and it goes on at the moment when it would have sent anyway.
    """

    controller: VirtualController
    began_s: float = 0.0

    def start(self) -> None:
        """Switch it on."""
        super().start()
        self.began_s = asyncio.get_running_loop().time()
        if not self.controller.in_reach:
            self.pause()

    def pause(self) -> None:
        """Send nothing for now; it is still switched on."""
        if self.timer_handle is not None:
            self.timer_handle.cancel()
            self.timer_handle = None

    def go_on(self) -> None:
        """Send again when the next one is due."""
        if self.enabled and self.timer_handle is None and self.controller.in_reach:
            loop = asyncio.get_running_loop()
            interval_s = self.advertising_interval_min / 1000.0
            left_s = interval_s - (loop.time() - self.began_s) % interval_s
            self.timer_handle = loop.call_later(left_s, self._on_timer_fired)

    def _on_timer_fired(self) -> None:
        if self.controller.air.listened_to(self.controller):
            super()._on_timer_fired()
        else:
            self.timer_handle = None
