"""The gateway as a service: scanning, a session a sensor, the publisher, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any, Final

import structlog
from bleak.exc import BleakError

from contracts import gatt
from contracts.checks import EARLIEST_UTC_NS
from contracts.errors import PlumblineError, RadioError, Reason, SettingError
from contracts.imu import period_ns_of
from contracts.messages import GatewayCommand, GatewayReply, SensorStatus
from device_gateway.batches import SensorState
from device_gateway.config import GatewayConfig
from device_gateway.makes import is_native, may_connect, profile_of, services_heard
from device_gateway.outbox import Outbox
from device_gateway.radio import Advertisement, open_radio
from device_gateway.recorder import write_kept_recording
from device_gateway.sensor import SensorSession
from device_gateway.session import LINKED, State
from device_gateway.surroundings import Surroundings
from device_gateway.turns import hand_on, in_turn
from device_gateway.uplink import GatewayParts
from device_gateway.writer import Writer

log = structlog.get_logger(__name__)

REPORT_INTERVAL_S: Final = 0.5
#: Long enough to hear a sensor that advertises once a second,
SCAN_S: Final = 1.2
#: with a pause in which links have the radio to themselves; longer where nobody is missing.
SCAN_PAUSE_S: Final = 0.5
SCAN_PAUSE_CALM_S: Final = 10.0
RADIO_FIRST_S: Final = 0.5
RADIO_MOST_S: Final = 10.0
#: Addresses that are remembered. Those that nothing is known of give way to new ones.
MAX_SESSIONS: Final = 256
#: A disk takes a commit well within this; what it does not is asked of the sensors again.
WRITER_STOP_TIMEOUT_S: Final = 10.0
#: What a broker has not confirmed by then is in the outbox.
PUBLISHER_STOP_TIMEOUT_S: Final = 3.0


async def run_gateway(
    config: GatewayConfig,
    *,
    clock_ns: Callable[[], int],
    report: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
    parts: GatewayParts | None = None,
) -> None:
    """Read sensors and publish what they say until ``stop``; then end cleanly.

    ``clock_ns`` tells UTC in ns, ``report`` gets the counts about twice a second and once more at the
    end. PlumblineError when it cannot start: no radio, no broker, no outbox. ``parts`` is for who has
    a radio or a way to analytics of their own.
    """
    if clock_ns() < EARLIEST_UTC_NS:
        raise SettingError(
            Reason.TIME_BEFORE_2020,
            "This machine's clock says that it is before 2020.",
            hint="Set it, best by NTP: what sensors measure is placed by it.",
        )
    keep = None if config.keep_recording is None else str(config.keep_recording.resolve())
    with Outbox(config.outbox_path, cap_bytes=config.outbox_cap_bytes, keep=keep) as outbox:
        try:
            await _Gateway(config, outbox, clock_ns, report, parts or GatewayParts()).run(stop)
        finally:
            if config.keep_recording is not None:
                write_kept_recording(
                    outbox,
                    config.placements,
                    config.keep_recording,
                    source=f"Plumbline gateway {config.gateway}",
                )


class _Gateway:
    def __init__(
        self,
        config: GatewayConfig,
        outbox: Outbox,
        clock_ns: Callable[[], int],
        report: Callable[[dict[str, Any]], None],
        parts: GatewayParts,
    ) -> None:
        self._config = config
        self._radio = parts.radio
        self._outbox = outbox
        self._clock_ns = clock_ns
        self._report = report
        self._sessions: dict[str, SensorSession] = {}
        self._strangers: dict[str, None] = {}  # addresses that were said to be on no list
        self._missed = asyncio.Event()
        self._without_link = 0
        self._writer = Writer(outbox, self._committed)
        self._publisher = parts.uplink(
            config, outbox, clock_ns=clock_ns, stored=self._writer.stored, command=self._obey
        )
        self._shared = Surroundings(
            config,
            outbox,
            self._writer,
            clock_ns,
            parts.random,
            self._changed,
            self._publisher.ahead,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Start in the order in which failures are cheapest, serve, stop in the opposite order."""
        radio = (
            open_radio(self._config.radio, self._config.keys_path)
            if self._radio is None
            else self._radio
        )
        publishing = asyncio.create_task(self._publisher.run())
        writing = asyncio.create_task(self._writer.run())
        try:
            for state in self._outbox.sensors():
                self._publisher.status(state.sensor, self._unmet(state, State.ABSENT))
            await self._publisher.connected()
            async with radio as self._shared.radio:
                await self._serve(stop, publishing, writing)
        finally:
            self._shared.radio = None
            self._writer.stop()
            await asyncio.wait({writing}, timeout=WRITER_STOP_TIMEOUT_S)
            self._publisher.stop()
            await asyncio.wait({publishing}, timeout=PUBLISHER_STOP_TIMEOUT_S)
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            self._report(self._snapshot())

    async def _serve(self, stop: asyncio.Event, *vital: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(stop.wait())
        scanning = asyncio.create_task(self._scan_for_ever())
        reporting = asyncio.create_task(self._report_for_ever())
        tasks = {stopping, scanning, reporting}
        try:
            done, _ = await asyncio.wait({*tasks, *vital}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(session.stop() for session in self._sessions.values()))
            for state in self._outbox.sensors():
                if state.sensor not in self._shared.owners:
                    self._publisher.status(state.sensor, self._unmet(state, State.STOPPED))

    async def _scan_for_ever(self) -> None:
        pause_s, warned = RADIO_FIRST_S, False
        while True:
            try:
                await self._scan()
                pause_s, warned = RADIO_FIRST_S, False
            except (RadioError, BleakError, TimeoutError) as error:
                level = log.debug if warned else log.warning
                level("radio.lost", error=str(error))
                warned = True
                await asyncio.sleep(pause_s)
                pause_s = min(RADIO_MOST_S, 2 * pause_s)
                await self._reopen_radio()

    async def _scan(self) -> None:
        """Look for sensors once; then a pause, long where nothing is to be gained by another look."""
        radio = self._shared.radio
        if radio is None:
            raise RadioError(Reason.RADIO_UNREACHABLE, "The radio is closed.")
        self._missed.clear()
        heard = await radio.scan(SCAN_S, *services_heard())
        self._meet([one for one in heard if self._is_ours(one)])
        if self._links_free() <= 0 or self._nobody_missing():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SCAN_PAUSE_CALM_S):
                    await self._missed.wait()
        await asyncio.sleep(SCAN_PAUSE_S)

    def _is_ours(self, heard: Advertisement) -> bool:
        """Whether a sensor is of a known make and on the list: a stranger's is not connected at all."""
        if not is_native(heard) and profile_of(heard) is None:
            return False
        listed = may_connect(heard, self._config.allow)
        if not listed and heard.address not in self._strangers:
            log.info("sensor.not_listed", address=heard.address, name=heard.name)
            self._strangers[heard.address] = None
            for oldest in list(self._strangers)[:-MAX_SESSIONS]:
                del self._strangers[oldest]
        return listed

    def _meet(self, heard: list[Advertisement]) -> None:
        """Connect to whom there is a link for, and say how many there is none for."""
        most = self._config.max_links
        why = f"waits for its turn: of the links, all {most} are in use"
        without_link = 0
        met = [(self._session_at(one.address), one) for one in heard]
        met.sort(key=lambda pair: in_turn(pair[0].turn.waiting_since_s))
        for session, advertisement in met:
            if session.state is State.ABSENT and self._links_free() <= 0:
                session.put_off(why)
                without_link += 1
            else:
                session.heard(advertisement)
        for session in hand_on(self._sessions.values(), without_link):
            session.hand_on()
        if without_link > self._without_link:
            log.warning("gateway.links_used_up", max_links=most, sensors_without=without_link)
        self._without_link = without_link
        self._publisher.reason = f"{without_link} more in reach: {why}" if without_link else ""

    def _session_at(self, address: str) -> SensorSession:
        """The session of the sensor at an address; the longest known stranger makes room for it."""
        session = self._sessions.get(address)
        if session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                gone = [a for a, s in self._sessions.items() if s.state is State.ABSENT]
                gone.sort(key=lambda a: self._is_owner(self._sessions[a]))
                for stranger in gone[:1]:
                    del self._sessions[stranger]
            session = self._sessions[address] = SensorSession(self._shared)
        return session

    def _is_owner(self, session: SensorSession) -> bool:
        return self._shared.owners.get(session.serial) is session

    async def _reopen_radio(self) -> None:
        radio = self._shared.radio
        if radio is None:
            return
        with contextlib.suppress(RadioError, BleakError, TimeoutError, OSError):
            await radio.__aexit__(None, None, None)
        with contextlib.suppress(RadioError, BleakError, TimeoutError, OSError):
            await radio.__aenter__()

    def _links_free(self) -> int:
        used = sum(session.state in LINKED for session in self._sessions.values())
        return self._config.max_links - used

    def _nobody_missing(self) -> bool:
        """Whether every sensor that may be read, or was ever heard, has its link."""
        linked = {n for s in self._sessions.values() if s.state in LINKED for n in s.names}
        calm = LINKED | {State.REFUSED}
        replaced = {s for s in self._sessions.values() if s.serial and not self._is_owner(s)}
        return (
            bool(self._sessions)
            and linked.issuperset(self._config.allow)
            and all(s.state in calm for s in self._sessions.values() if s not in replaced)
        )

    def _committed(self, states: dict[str, SensorState]) -> None:
        self._publisher.committed(states)

    def _changed(self, session: SensorSession) -> None:
        if session.state is State.ABSENT:
            self._missed.set()
        if self._is_owner(session):
            self._publisher.status(session.serial, session.status())

    def _unmet(self, known: SensorState, state: State) -> SensorStatus:
        """What to say of a sensor that the outbox knows and that no session has met yet."""
        return SensorStatus(
            state=state,
            at_ns=self._clock_ns(),
            last_seq=known.last_seq,
            received=known.received,
            dropped=known.lost,
            outbox_batches=known.waiting_batches,
        )

    async def _report_for_ever(self) -> None:
        for report in itertools.count():
            if report % 2 == 0:  # as often as statuses are told
                for session in self._sessions.values():
                    self._changed(session)
            self._report(self._snapshot())
            await asyncio.sleep(REPORT_INTERVAL_S)

    def _snapshot(self) -> dict[str, Any]:
        """The counts of every sensor ever read."""
        sensors = {}
        for state in self._outbox.sensors():
            session = self._shared.owners.get(state.sensor)
            sensors[state.sensor] = {
                "state": str(State.ABSENT if session is None else session.state),
                "received": state.received,
                "lost": state.lost,
                "backlog": 0 if session is None else session.backlog,
                "backlog_total": 0 if session is None else session.backlog_total,
                "last_seq": state.last_seq,
                "stored_seq": max(state.stored_seq, self._publisher.stored_seq(state.sensor)),
                "outbox_batches": state.waiting_batches,
            }
        return {
            "broker": self._publisher.state,
            "without_link": self._without_link,
            "sensors": sensors,
        }

    async def _obey(self, command: GatewayCommand) -> GatewayReply:
        """Carry out a command from the broker."""
        session = self._shared.owners.get(command.sensor)
        if session is None or session.state not in LINKED:
            return GatewayReply(id=command.id, ok=False, reason="the sensor is not connected")
        try:
            if command.action == "haptic":
                await session.haptic(
                    gatt.HapticPulse(command.pattern, command.strength_percent, command.duration_ms)
                )
            else:
                await session.set_rate(period_ns_of(command.rate_hz))
        except (PlumblineError, BleakError) as error:
            return GatewayReply(id=command.id, ok=False, reason=str(error)[:400])
        return GatewayReply(id=command.id, ok=True)
