"""The shell round a sensor's session: carries out the table's actions over one link at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, Final

import structlog

from contracts import gatt
from contracts.errors import InvariantError, PlumblineError, RadioError, Reason
from contracts.gatt import SensorStatus
from contracts.messages import SensorStatus as SensorStatusMessage
from contracts.vocabulary import is_id
from device_gateway import turns
from device_gateway.assembly import Assembler
from device_gateway.intake import Intake, Seen, assembler_after
from device_gateway.link import Link
from device_gateway.makes import conversation_with, listed_names, make_of, name_of
from device_gateway.radio import Advertisement
from device_gateway.recorder import WITHOUT_PLACEMENT
from device_gateway.session import (
    LINKED,
    READING,
    Action,
    Event,
    State,
    backoff_s,
    belongs,
    transition,
)
from device_gateway.surroundings import Surroundings
from device_gateway.turns import Turn

log = structlog.get_logger(__name__)

#: A sensor that samples sends five packets a second, at its slowest (1 Hz) one. Ten seconds without
#: any new sample is a link that only looks connected, even where it was in a pocket for a moment.
SILENCE_S: Final = 10.0
#: Closer to now than CAUGHT_UP_S is live; further away than BEHIND_S is not. Apart, so as not to flap.
CAUGHT_UP_S: Final = 2.0
BEHIND_S: Final = 10.0
#: A stranger's sensor is looked at again after ten minutes: it may be on the list by then.
REFUSED_WAIT_S: Final = 600.0
ROOM_INTERVAL_S: Final = 2.0


class SensorSession:
    """The session of the sensor at one Bluetooth address."""

    def __init__(self, shared: Surroundings) -> None:
        self.state = State.ABSENT
        self.serial = ""
        self.firmware = ""
        self.reason = ""
        self.battery_percent: int | None = None
        self.rssi_dbm: int | None = None
        self.unplaced = 0  # samples of epochs that nobody ever gave a time
        self._shared = shared
        self.turn = Turn()
        self._failures = 0
        self._advertisement: Advertisement | None = None
        self._link: Link | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def heard(self, advertisement: Advertisement) -> None:
        """The sensor advertised: connect to it."""
        self._advertisement = advertisement
        self.rssi_dbm = max(-127, min(20, advertisement.rssi_dbm))
        if self.state is State.ABSENT:
            self._fire(Event.HEARD)

    def put_off(self, reason: str) -> None:
        """The sensor advertised and cannot be connected for now."""
        if self.state is not State.ABSENT:
            return
        self.turn.wait(asyncio.get_running_loop().time())
        if self.reason != reason:
            self.reason = reason
            self._shared.changed(self)

    def turn_s(self) -> float:
        """For how long it could have handed its link on. One without a log never can: it would lose."""
        if self._link is None or not self._link.control.keeps_log:
            return 0.0
        return self.turn.had_s(self.state, asyncio.get_running_loop().time())

    def hand_on(self) -> None:
        """Give the link to another sensor; this one keeps its log until it has a link again."""
        self.reason = turns.HANDED_ON
        self._fire(Event.TURN_OVER)

    async def stop(self) -> None:
        """End the session: the sensor keeps what it has not handed over."""
        if belongs(self.state, Event.STOP):
            self._fire(Event.STOP)
        if self._waiting is not None:
            self._waiting.cancel()
        if self._closing is not None:
            await self._closing

    async def haptic(self, pulse: gatt.HapticPulse) -> None:
        """One pulse on the wearer's back. RadioError where the sensor is not connected or refuses."""
        await self._connected_link().control.haptic(pulse)

    async def set_rate(self, period_ns: int) -> None:
        """Sample every ``period_ns``. RadioError where the sensor is not connected or refuses.

        A sensor that changed its rate is asked again, so that all here reckons with the new one.
        """
        link = self._connected_link()
        await link.control.set_rate(period_ns)
        if link is self._link and period_ns != link.period_ns and self.state in READING:
            link.spawn(link.ask())

    @property
    def make(self) -> str:
        """The name of its make."""
        return make_of(self._advertisement)

    @property
    def names(self) -> set[str]:
        """What an allow list may call it: its serial number, or its make and address."""
        return {self.serial} | listed_names(self._advertisement)

    @property
    def backlog(self) -> int:
        """About how many samples the sensor still has for us."""
        if self._link is None or self.state in (State.LIVE, State.ENDED):
            return 0
        return self._link.backlog(sampling=True)

    @property
    def backlog_total(self) -> int:
        """How many there were when the link came up."""
        return 0 if self._link is None else self._link.backlog_total

    def status(self) -> SensorStatusMessage:
        """How the sensor is, for its status topic."""
        state = self._shared.outbox.state(self.serial)
        clock, error_ns = state.clock, None
        if clock is not None and clock.known and clock.cursor_device_ns is not None:
            error_ns = clock.error_ns(clock.cursor_device_ns)
        return SensorStatusMessage(
            state=self.state,
            at_ns=self._shared.clock_ns(),
            battery_percent=self.battery_percent,
            rssi_dbm=self.rssi_dbm,
            profile=self.make,
            firmware=self.firmware,
            last_seq=state.last_seq,
            received=state.received,
            dropped=state.lost + self.unplaced,
            backlog=self.backlog,
            backlog_total=self.backlog_total,
            outbox_batches=state.waiting_batches,
            clock_error_ns=error_ns,
            reason=self.reason,
        )

    def _connected_link(self) -> Link:
        if self._link is None or self.state not in READING | {State.HOLDING}:
            raise RadioError(
                Reason.LINK_LOST, "The sensor is not connected.", hint="Bring it nearer."
            )
        return self._link

    def _fire(self, event: Event) -> None:
        before = self.state
        self.state, actions = transition(before, event)
        self.turn.step(before, self.state, asyncio.get_running_loop().time())
        log.debug("session.step", sensor=self.serial, event_=event, before=before, after=self.state)
        for action in actions:
            self._ACTIONS[action](self)
        self._shared.changed(self)

    def _fire_if(self, link: Link, event: Event) -> None:
        """Fire an event that a link brought about, if the link is still ours and it says something."""
        if link is self._link and belongs(self.state, event):
            self._fire(event)

    def _failed(self, link: Link, error: Exception) -> None:
        if link is not self._link:
            return
        self.reason = error.message if isinstance(error, PlumblineError) else str(error)[:200]
        level = log.debug if self._failures else log.warning
        called = self.serial or name_of(self._advertisement)
        level("sensor.link_failed", sensor=called, state=self.state, error=self.reason)
        refused = isinstance(error, PlumblineError) and error.reason is Reason.NOT_BONDED
        if refused and not self.serial:
            self.serial = self._shared.speak_for_known(self, self._advertisement)
        self._fire(Event.NOT_OURS if refused else Event.FAILED)

    # actions

    def _connect(self) -> None:
        if self._shared.radio is None or self._advertisement is None:
            raise InvariantError("A session connects without a radio or an advertisement.")
        link: Link
        client = self._shared.radio.client(
            self._advertisement, lambda: self._fire_if(link, Event.LINK_LOST)
        )
        rate_hz = self._shared.config.stream_rate_hz
        control = conversation_with(
            client, self._advertisement, clock_ns=self._shared.clock_ns, stream_rate_hz=rate_hz
        )
        link = self._link = Link(client, control, self._failed)
        link.spawn(self._make_link(link))

    async def _make_link(self, link: Link) -> None:
        if self._closing is not None:  # to be cancelled here must not cut it off
            await asyncio.wait({self._closing})
        await link.client.connect()
        self._fire_if(link, Event.CONNECTED)

    def _prepare(self) -> None:
        link = self._link_of(Action.PREPARE)
        link.spawn(self._get_ready(link))

    async def _get_ready(self, link: Link) -> None:
        identity = await link.control.open()
        if not self._is_ours(identity.serial):
            self._fire_if(link, Event.NOT_OURS)
            return
        await link.control.admit()
        self.serial, self.firmware = identity.serial, identity.firmware[:64]
        self._shared.owners[self.serial] = self
        await self._shared.writer.flush()  # what an earlier link handed in is in the state below
        status = await link.control.status()
        known = self._shared.outbox.state(self.serial).clock
        link.clocks = await link.control.clocks(status, known)
        self.battery_percent = link.control.battery_percent
        link.assembler = self._assembler(link, status)
        self.reason = ""
        if self._shared.config.keep_recording and self.serial not in self._shared.config.placements:
            self.reason = "left out of the recording: nobody said where it is worn"
            log.warning("recording.sensor_left_out", sensor=self.serial, hint=WITHOUT_PLACEMENT)
        self._fire_if(link, Event.PREPARED)

    def _is_ours(self, serial: str) -> bool:
        allow = self._shared.config.allow
        owner = self._shared.owners.get(serial)
        if not is_id(serial):
            self.reason = "its serial number is no id"
        elif allow and not (self.names | {serial}) & set(allow):
            self.reason = "not on the allow list"
        elif owner is not None and owner is not self and owner.state in LINKED:
            # Often the same one: switched off and on, it may come back under another address before
            # the link to the old one is given up. So this is tried again soon.
            raise RadioError(
                Reason.SENSOR_REFUSED,
                f"A sensor with the serial number {serial} is connected already.",
                hint="Give each sensor a serial number of its own.",
            )
        else:
            return True
        return False

    def _assembler(self, link: Link, status: SensorStatus) -> Assembler:
        state = self._shared.outbox.state(self.serial)
        return assembler_after(state, status, keeps_log=link.control.keeps_log)

    def _begin(self) -> None:
        link = self._link_of(Action.BEGIN)
        link.spawn(self._start_reading(link))

    async def _start_reading(self, link: Link) -> None:
        await link.control.listen(link.on_arrival)
        shared = self._shared
        intake = Intake(
            self.serial, link, shared.writer, shared.clock_ns, self._judge, shared.show_ahead
        )
        link.spawn(intake.run())
        await link.ask()
        link.spawn(self._watch(link))
        link.spawn(self._tidy(link))

    def _ask_again(self) -> None:
        link = self._link_of(Action.ASK_AGAIN)
        link.spawn(link.ask())

    def _halt(self) -> None:
        link = self._link_of(Action.HALT)
        link.halting = link.spawn(link.halt())

    def _await_room(self) -> None:
        link = self._link_of(Action.AWAIT_ROOM)
        link.spawn(self._look_for_room(link))

    async def _look_for_room(self, link: Link) -> None:
        if link.halting is not None:
            await asyncio.wait({link.halting})
        await asyncio.sleep(ROOM_INTERVAL_S)
        await self._shared.writer.room()
        await self._shared.writer.flush()
        link.assembler = self._assembler(link, await link.control.status())
        self._fire_if(link, Event.ROOM_AGAIN)

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.cancel()
            self._closing = asyncio.get_running_loop().create_task(link.close())

    def _wait(self) -> None:
        self._failures += 1
        self._wait_for(backoff_s(self._failures, self._shared.random.random()))

    def _wait_long(self) -> None:
        called = self.serial or name_of(self._advertisement)
        log.warning("sensor.refused", sensor=called, reason=self.reason)
        self._wait_for(REFUSED_WAIT_S)

    def _wait_turn(self) -> None:
        self._wait_for(turns.TURN_PAUSE_S)

    def _wait_for(self, pause_s: float) -> None:
        async def wait() -> None:
            await asyncio.sleep(pause_s)
            self._fire(Event.WAITED)

        self._waiting = asyncio.get_running_loop().create_task(wait())

    def _forget_failures(self) -> None:
        self._failures = 0
        if self._link is not None:
            self._link.untidy = True

    def _link_of(self, action: Action) -> Link:
        if self._link is None:
            raise InvariantError(f"There is no link to {action} on.")
        return self._link

    _ACTIONS: ClassVar[dict[Action, Callable[[SensorSession], None]]] = {
        Action.CONNECT: _connect,
        Action.PREPARE: _prepare,
        Action.BEGIN: _begin,
        Action.ASK_AGAIN: _ask_again,
        Action.HALT: _halt,
        Action.AWAIT_ROOM: _await_room,
        Action.DROP_LINK: _drop_link,
        Action.WAIT: _wait,
        Action.WAIT_LONG: _wait_long,
        Action.WAIT_TURN: _wait_turn,
        Action.FORGET_FAILURES: _forget_failures,
    }

    # work on a link

    def _judge(self, link: Link, seen: Seen) -> None:
        """What a turn of the intake means to the session."""
        if link is not self._link or self.state not in READING:
            return
        self.unplaced += seen.unplaced
        if seen.no_room:
            self.reason = seen.no_room
            self._fire(Event.NO_ROOM)
        elif seen.hole:
            self._fire(Event.HOLE)
        elif link.assembler.ended:
            if self.state is not State.ENDED:
                self._fire(Event.SAID_END)
                link.untidy = True
        elif seen.lag_s is not None:
            self._judge_lag(seen.lag_s)

    def _judge_lag(self, lag_s: float) -> None:
        if self.state is State.ENDED:
            self._fire(Event.SAMPLED_AGAIN)
        if self.state is State.SYNCING and lag_s < CAUGHT_UP_S:
            self._fire(Event.CAUGHT_UP)
        elif self.state is State.LIVE and lag_s > BEHIND_S:
            self._fire(Event.FELL_BEHIND)

    async def _watch(self, link: Link) -> None:
        """Notice a link that looks connected and sends nothing."""
        loop = asyncio.get_running_loop()
        while True:
            soonest_s = link.heard_s + SILENCE_S - loop.time()
            await asyncio.sleep(max(SILENCE_S / 10, soonest_s))
            silent_s = loop.time() - link.heard_s
            if link.arrived or self.state not in (State.SYNCING, State.LIVE):
                continue
            if silent_s > SILENCE_S:
                self.reason = f"no new sample for {SILENCE_S:g} s"
                log.warning("sensor.silent", sensor=self.serial)
                self._fire_if(link, Event.SILENT)

    async def _tidy(self, link: Link) -> None:
        """Let the sensor forget what is safe, and look at its clock now and then."""
        while True:
            await link.tidy_up()
            self.battery_percent = link.control.battery_percent
