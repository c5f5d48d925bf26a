"""The one bumble device of a Bluetooth controller, shared by its scanner and all of its clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import structlog
from bleak.exc import BleakError
from bumble import core, hci
from bumble.device import (
    Advertisement,
    Connection,
    ConnectionParametersPreferences,
    Device,
    DeviceConfiguration,
)
from bumble.pairing import PairingConfig
from bumble.transport.common import Transport

from contracts.errors import RadioError, Reason
from device_gateway.radio.host import GatewayHost
from device_gateway.radio.keys import KeyFile

log = structlog.get_logger(__name__)

#: A controller answers its first commands within milliseconds; one that does not is none.
POWER_ON_TIMEOUT_S: Final = 10.0
#: How long a controller may take to give up a connect or a link before it is left to itself.
CLEAN_UP_TIMEOUT_S: Final = 2.0
#: Short intervals are what makes a flash log come in fast; a sensor silent for 4 s is gone.
_PARAMETERS: Final = ConnectionParametersPreferences(
    connection_interval_min=7.5,
    connection_interval_max=15,
    max_latency=0,
    supervision_timeout=4000,
    min_ce_length=0,
    max_ce_length=0,
)


class HciAdapter:
    """The one bumble device of a transport, shared by its scanner and all of its clients."""

    def __init__(self, spec: str, transport: Transport, keys: KeyFile) -> None:
        self.spec = spec
        self.keys = keys
        self.host = GatewayHost()
        self.host.set_packet_source(transport.source)
        self.host.set_packet_sink(transport.sink)
        self.device = Device(
            config=DeviceConfiguration(name="Plumbline gateway", address=keys.address),
            host=self.host,
        )
        self.device.keystore = keys
        # Sensors have neither screen nor keys: encryption, and no word of a person on both ends.
        self.device.pairing_config_factory = lambda _: PairingConfig(mitm=False)
        self.lost = asyncio.ensure_future(_ended(transport))
        self._transport = transport
        self._answers = True  # the last clean-up did not time out
        self._busy = asyncio.Lock()
        self._dropping: set[asyncio.Future[None]] = set()
        self.device.on(Device.EVENT_CONNECTION, self._on_connection)

    async def power_on(self) -> None:
        """Reset the controller and learn what it can do. RadioError where nothing sensible answers."""
        try:
            async with asyncio.timeout(POWER_ON_TIMEOUT_S):
                await self._unless_lost(self.device.power_on())
        except (TimeoutError, hci.HCI_Error, core.BaseBumbleError, BleakError) as error:
            raise RadioError(
                Reason.RADIO_UNREACHABLE,
                f"What answers at {self.spec} does not behave as a Bluetooth controller.",
                hint="Check that the address is that of the simulator or of a Bluetooth dongle.",
            ) from error

    async def close(self) -> None:
        """Drop the links and close the transport."""
        if self._answers:
            await asyncio.gather(*map(self.drop, list(self.device.connections.values())))
        self.host.on_transport_lost()
        await self._transport.close()
        await asyncio.wait({self.lost}, timeout=CLEAN_UP_TIMEOUT_S)
        self.lost.cancel()

    def check(self) -> None:
        """RadioError once the transport is lost."""
        if self.lost.done():
            raise RadioError(
                Reason.RADIO_UNREACHABLE,
                f"The Bluetooth controller at {self.spec} is gone.",
                hint="Plug it in or start the simulator again; the gateway then finds it by itself.",
            )

    @contextlib.asynccontextmanager
    async def scanning(self, heard: Callable[[Advertisement], None]) -> AsyncIterator[None]:
        """Scan for as long as the context lasts."""
        async with self._busy:
            self.check()
            self.device.on(Device.EVENT_ADVERTISEMENT, heard)
            try:
                try:
                    await self._unless_lost(self.device.start_scanning(filter_duplicates=False))
                except (core.BaseBumbleError, hci.HCI_Error) as error:
                    raise BleakError(f"The controller does not scan: {error}.") from error
                yield
            finally:
                self.device.remove_listener(Device.EVENT_ADVERTISEMENT, heard)
                if not self.lost.done():
                    await self._bounded(self.device.stop_scanning())

    async def connect(self, address: hci.Address) -> Connection:
        """An LE connection to ``address``. Cancelling it leaves none behind, pending or made."""
        async with self._busy:
            self.check()
            preferences = {hci.Phy.LE_1M: _PARAMETERS}
            connecting = asyncio.ensure_future(
                self.device.connect_le(
                    address, connection_parameters_preferences=preferences, timeout=None
                )
            )
            try:
                await asyncio.wait({connecting, self.lost}, return_when=asyncio.FIRST_COMPLETED)
                self._raise_if_gone(connecting)
                return connecting.result()
            except (core.BaseBumbleError, hci.HCI_Error) as error:
                # one that an earlier attempt could not take back would be in the way for ever
                await self._bounded(self._cancel_pending())
                raise BleakError(f"{address} did not take the connection: {error}.") from error
            except asyncio.CancelledError:
                await self._give_up(connecting)
                raise
            finally:
                await _reap(connecting)

    async def drop(self, connection: Connection) -> None:
        """End a connection; one that is gone already is fine."""
        if self.device.connections.get(connection.handle) is connection and not self.lost.done():
            await self._bounded(connection.disconnect())

    async def _give_up(self, connecting: asyncio.Future[Connection]) -> None:
        """Take a pending connect back, or the connection if it was made meanwhile."""
        if not connecting.done() and not self.lost.done():
            await self._bounded(self._cancel_pending())
            await asyncio.wait({connecting}, timeout=CLEAN_UP_TIMEOUT_S)
        if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
            await self.drop(connecting.result())

    async def _cancel_pending(self) -> None:
        await self.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())

    def _on_connection(self, connection: Connection) -> None:
        """A connection that nobody waits for any more would hold a slot for good: end it."""
        if not self._busy.locked():
            task = asyncio.ensure_future(self.drop(connection))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)

    def _raise_if_gone(self, work: asyncio.Future[Any]) -> None:
        """Bumble cancels what waits when the controller goes; that is no cancelling of ours."""
        if work.cancelled() or not work.done():
            raise BleakError(f"The Bluetooth controller at {self.spec} is gone.")

    async def _bounded(self, work: Awaitable[object]) -> None:
        """Clean up as far as the controller lets us; what it refuses is gone already."""
        try:
            async with asyncio.timeout(CLEAN_UP_TIMEOUT_S):
                await self._unless_lost(work)
            self._answers = True
        except (TimeoutError, core.BaseBumbleError, hci.HCI_Error, BleakError) as error:
            self._answers = not isinstance(error, TimeoutError)
            log.debug("radio.clean_up_refused", error=str(error))

    async def _unless_lost(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_gone(task)
            task.result()
        finally:
            await _reap(task)


async def _reap(task: asyncio.Future[Any]) -> None:
    """End a task and take note of how it ended, so that nobody complains that nobody did."""
    while not task.done():  # before Python 3.12 asyncio.wait_for may swallow a cancellation
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
    if not task.cancelled():
        task.exception()


async def _ended(transport: Transport) -> None:
    with contextlib.suppress(Exception):
        await asyncio.shield(transport.source.terminated)
