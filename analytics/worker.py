"""The one thread that computes: takes what came, feeds, commits, and only then says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import structlog

from analytics.announcing import Announcer, Message, Raw, latest_state, why_not
from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable
from analytics.core.results import CalibrationResult, NudgeDecision
from analytics.engine import Collected, Engine
from analytics.erasing import Clear
from analytics.errands import ErrandDesk
from analytics.faded_delays import FadedDelays
from analytics.feeding import Piece
from analytics.health import HealthBook
from analytics.home_assistant import Discovery
from analytics.inbox import Arrival
from analytics.jobs import Jobs
from analytics.pulses import Pulses
from analytics.rejections import Rejections
from analytics.roster import load
from analytics.tally import Tally
from analytics.waiting import trouble_report
from analytics.wishes import Wishes
from contracts import topics
from contracts.errors import DecodeError, PlumblineError, Reason
from contracts.messages import (
    Context,
    GatewayCommand,
    GatewayReply,
    GatewayStatus,
    ImuMessage,
    Rejected,
    SensorStatus,
)
from contracts.topics import Kind, Topic
from contracts.vocabulary import KeptBack
from contracts.wishes import NotNowWish
from store.ports import Commit, Registry, SeriesStore, WearerRows

#: A store that is away is asked again after this, doubling up to the second.
RETRY_S: Final = (0.5, 5.0)
#: How often the live state of those whose sensors are late is looked at.
PREVIEW_S: Final = 1.0

log = structlog.get_logger(__name__)
Publish = Callable[[Message], None]


class Worker:
    """Drives an engine between a store, a registry and ``publish``; runs errands in between.

    StoreError or DiskError from the constructor where the store or the registry cannot be read;
    afterwards such errors are waited out.
    """

    def __init__(
        self,
        config: AnalyticsConfig,
        *,
        store: SeriesStore,
        registry: Registry,
        focus: FocusTable,
        clock_ns: Callable[[], int],
        publish: Publish,
        clear: Clear,
        now_s: float,
    ) -> None:
        self._config = config
        self._store = store
        self._registry = registry
        self._focus = focus
        self._clock_ns = clock_ns
        self._publish = publish
        self._rejections = Rejections(config.limits.rejection_keys)
        self._announcers: dict[str, Announcer] = {}
        self._gateways: dict[str, str] = {}
        self._tally = Tally()
        self._discovery = Discovery(config.home_assistant, config.site)
        self._discover_at_s = now_s
        self._pulses = Pulses()
        self._wishes = Wishes()
        self._faded = FadedDelays(store)
        self._pending: Collected | None = None
        self._retry_at_s = 0.0
        self._retry_pause_s = RETRY_S[0]
        self._preview_at_s = now_s
        self._went_ahead: set[str] = set()  # wearers of whom something new came ahead
        self._poll_at_s = now_s + config.registry_poll_s
        self._stale = False  # the roster is not what the registry has, whatever its revision
        self.trouble: PlumblineError | None = None
        #: Since when, by the monotonic clock, an answer of the store or the registry is waited for.
        self.asking_since_s: float | None = None
        health = HealthBook(store.health(), config.limits.sensors)
        self._engine = Engine(store.checkpoint(), health, config)
        jobs = Jobs(
            config.site,
            store,
            registry,
            clear,
            clock_ns,
            self._leave,
            self._left,
            config.home_assistant,
        )
        self._errands = ErrandDesk(
            registry.people,
            jobs.by_kind(),
            poll_s=config.registry_poll_s,
            clock_ns=clock_ns,
            dropped=jobs.dropped,
        )
        self._enrol(now_s)

    def take(self, arrival: Arrival, now_s: float) -> None:
        """One message from the broker; what is wrong with it is told, and nothing else happens."""
        if self._config.home_assistant and self._discovery.owns(arrival.topic):
            self._discovery.heard(arrival.topic, arrival.payload)
            return
        try:
            self._dispatch(arrival, now_s)
        except DecodeError as error:
            self._refuse(arrival.topic, error, arrival.size, now_s)

    def turn(self, now_s: float) -> bool:
        """Compute and commit what there is; whether there may be more to do at once."""
        self._poll_registry(now_s)
        for wearer, felt in self._pulses.unanswered(now_s):
            self._engine.note_felt(wearer, felt, now_s)
        more = False
        if self._pending is None:
            more = self._engine.advance(now_s, self._clock_ns())
            if self._engine.due(now_s):
                self._pending = self._engine.collect()
                self._retry_at_s = now_s
        if self._pending is not None and now_s >= self._retry_at_s:
            self._commit(self._pending, now_s)
        if self._pending is None:
            # What waits to be written may be of somebody who is to be erased.
            with self._asking():
                more |= self._errands.turn(now_s)
        self._announce(now_s)
        return more and self._pending is None

    def greet(self) -> None:
        """A connection came up: say what is stored, and ask for all after it."""
        self._engine.streams.announce_all()
        self._discovery.greet()

    def finish(self, now_s: float) -> None:
        """Commit what was computed, once. StoreError or DiskError where the store refuses."""
        collected = self._pending or self._engine.collect()
        if collected is not None:
            self._write(collected, now_s)
        self._announce(now_s)
        self._tell(self._rejections.rest(self._clock_ns()))

    def report(self) -> dict[str, Any]:
        """Counters for whoever watches the service."""
        return {
            "wearers": {
                wearer: self._tally.of(wearer) | {"samples_in": desk.samples_in}
                for wearer, desk in self._engine.desks.items()
            },
            "sensors": {
                row.sensor: {
                    "seq": row.stored_seq,
                    "samples": row.stored_samples,
                    "lost": row.lost_samples,
                    "late": row.late_samples,
                    "unworn": row.unworn_samples,
                }
                for row in self._engine.health.rows()
            },
            "unusable": dict(self._engine.roster.unusable),
            "rejected": self._rejections.total,
            "rejected_by_reason": {r.value: n for r, n in self._rejections.by_reason.items()},
            "duplicates": self._engine.streams.duplicates,
        } | trouble_report(self.trouble)

    def _dispatch(self, arrival: Arrival, now_s: float) -> None:
        topic = topics.parse(arrival.topic)
        if topic.site != self._config.site:
            raise DecodeError(Reason.BAD_TOPIC, "a topic of another site.")
        if arrival.size > len(arrival.payload):
            raise DecodeError(Reason.TOO_LONG, f"a message of {arrival.size} bytes is too long.")
        data, now_ns = arrival.payload, self._clock_ns()
        if not data and topic.kind is not Kind.IMU:
            return  # a retained message was cleared
        match topic.kind:
            case Kind.IMU | Kind.AHEAD:
                self._take_samples(topic, ImuMessage.decode(data, now_ns=now_ns), now_s, now_ns)
            case Kind.SENSOR_STATUS:
                status = SensorStatus.decode(data, now_ns=now_ns)
                self._engine.take_sensor_status(topic.owner, topic.sensor, status)
                if topic.sensor in self._engine.roster.sensors:  # others would be without number
                    self._gateways.setdefault(topic.sensor, topic.owner)
            case Kind.GATEWAY_STATUS:
                gateway = GatewayStatus.decode(data, now_ns=now_ns)
                self._engine.take_gateway_status(topic.owner, gateway, now_ns)
            case Kind.CONTEXT:
                context = Context.decode(data, now_ns=now_ns)
                self._engine.take_context(topic.owner, context, now_s)
            case Kind.REPLY:
                felt = self._pulses.replied(GatewayReply.decode(data, now_ns=now_ns))
                if felt is not None:
                    self._engine.note_felt(*felt, now_s)
            case Kind.NOT_NOW:
                wish = NotNowWish.decode(data, now_ns=now_ns)
                self._wishes.take(topic.owner, wish, self._engine.roster.wearers, now_ns)
            case _:
                pass

    def _take_samples(self, topic: Topic, message: ImuMessage, now_s: float, now_ns: int) -> None:
        gateway, sensor = topic.owner, topic.sensor
        if topic.kind is Kind.AHEAD:
            self._went_ahead.update(self._engine.take_ahead(gateway, sensor, message, now_ns))
            return
        let_go = self._engine.take_batch(gateway, sensor, message, now_s, now_ns)
        self._gateways[sensor] = gateway
        self._refuse_misdated(let_go, now_s)

    def _refuse_misdated(self, let_go: Sequence[Piece], now_s: float) -> None:
        for piece in let_go:
            topic = topics.imu(self._config.site, piece.stream.gateway, piece.stream.sensor)
            error = DecodeError(Reason.TIME_JUMPED, "a batch out of the order of time.")
            self._refuse(topic, error, piece.size, now_s)

    def _refuse(self, topic: str, error: DecodeError, size: int, now_s: float) -> None:
        refusal = self._rejections.add(topic, error, size, now_s=now_s, now_ns=self._clock_ns())
        if refusal is not None:
            self._tell([refusal])

    def _tell(self, refusals: Iterable[Rejected]) -> None:
        for refusal in refusals:
            self._publish(Message(topics.rejected(self._config.site), refusal))

    def _enrol(self, now_s: float) -> None:
        before = self._engine.roster.unusable
        roster = self._faded.apply(load(self._registry), self._clock_ns())
        self._engine.enrol(roster, self._focus, now_s)
        for wearer, why in self._engine.roster.unusable.items():
            if before.get(wearer) != why:
                log.warning(
                    "a wearer's entry in the registry cannot be used", wearer=wearer, why=why
                )

    def _poll_registry(self, now_s: float) -> None:
        if now_s < self._poll_at_s and not self._wishes:
            return
        self._poll_at_s = now_s + self._config.registry_poll_s
        try:
            with self._asking():
                self._wishes.put(self._registry)
                self._stale |= self._faded.due(self._clock_ns())
                if self._stale or self._registry.revision() != self._engine.roster.revision:
                    self._enrol(now_s)
                    self._stale = False
        except PlumblineError as error:
            self._note_trouble(error)
        else:
            if self._pending is None:
                self._note_recovery()

    def _leave(self, wearer: str) -> None:
        self._engine.leave(wearer)
        self._announcers.pop(wearer, None)
        self._tally.forget(wearer)
        self._pulses.forget(wearer)

    def _left(self, wearer: str) -> None:
        self._engine.stay(wearer)
        self._stale, self._poll_at_s = True, float("-inf")

    def _commit(self, collected: Collected, now_s: float) -> None:
        try:
            self._write(collected, now_s)
        except PlumblineError as error:
            self._note_trouble(error)
            self._retry_at_s = now_s + self._retry_pause_s
            self._retry_pause_s = min(2 * self._retry_pause_s, RETRY_S[1])
            return
        self._pending = None
        self._retry_pause_s = RETRY_S[0]
        self._note_recovery()

    def _write(self, collected: Collected, now_s: float) -> None:
        now_ns = self._clock_ns()
        with self._asking():
            self._store.commit(collected.with_nudges(partial(self._why_not, now_ns)))
        self._settle(collected, now_ns, now_s)

    def _why_not(self, now_ns: int, wearer: str, nudge: NudgeDecision) -> KeptBack | None:
        plan = self._engine.desks[wearer].plan
        return why_not(nudge, plan, self._gateways, now_ns, self._config.nudge_age_ns)

    def _settle(self, collected: Collected, now_ns: int, now_s: float) -> None:
        """What is stored may be said; ``now_ns``: when it was written, as a reminder says there."""
        self._engine.committed(collected)
        for wearer, output in collected.outputs.items():
            desk = self._engine.desks[wearer]
            self._tally.add(wearer, output)
            announcer = self._announcer(wearer)
            if len(output.frames):
                announcer.show(latest_state(output.frames, float(desk.rounded_for_s)))
            for message in announcer.take(output, desk.plan, self._gateways, now_ns):
                if message.pulse is not None and isinstance(message.body, GatewayCommand):
                    self._pulses.asked(message.body.id, message.pulse, now_s)
                self._publish(message)
            _log_calibrations(wearer, output.calibrations)

    def _announce(self, now_s: float) -> None:
        for key, stored in self._engine.streams.messages(now_s):
            topic = topics.stored(self._config.site, key.gateway, key.sensor)
            self._publish(Message(topic, stored, retain=True))
        self._tell(self._rejections.due(now_s, self._clock_ns()))
        self._discover(now_s)
        if now_s >= self._preview_at_s:
            self._preview_at_s = now_s + PREVIEW_S
            self._show_previews(self._engine.desks, now_s)
        self._show_previews(self._went_ahead, now_s)
        self._went_ahead = set()
        for announcer in self._announcers.values():
            message = announcer.posture(now_s)
            if message is not None:
                self._publish(message)

    def _discover(self, now_s: float) -> None:
        """What Home Assistant is to know by now, where it is to know anything."""
        if not self._config.home_assistant or now_s < self._discover_at_s:
            return
        self._discover_at_s = now_s + self._config.registry_poll_s
        found = self._discovery.changes(self._engine.roster, self._gateways, self._clock_ns())
        for topic, payload in found:
            self._publish(Message(topic, Raw(payload), retain=True))

    def _show_previews(self, wearers: Iterable[str], now_s: float) -> None:
        now_ns = self._clock_ns()
        rows: list[WearerRows] = []
        for wearer in wearers:
            desk = self._engine.desks.get(wearer)
            glimpse = None if desk is None else desk.preview(now_s, now_ns)
            if glimpse is not None:
                self._announcer(wearer).show(glimpse.state)
                rows.append(WearerRows(wearer, ahead=glimpse.frame))
        if rows and self.trouble is None:
            self._keep_ahead(rows)

    def _keep_ahead(self, rows: Sequence[WearerRows]) -> None:
        """For who looks at the store; what does not get there is old in a second."""
        try:
            with self._asking():
                self._store.commit(Commit(rows))
        except PlumblineError as error:
            self._note_trouble(error)

    def _announcer(self, wearer: str) -> Announcer:
        announcer = self._announcers.get(wearer)
        if announcer is None:
            announcer = Announcer(self._config.site, wearer, self._config.nudge_age_ns)
            self._announcers[wearer] = announcer
        return announcer

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.asking_since_s = time.monotonic()
        try:
            yield
        finally:
            self.asking_since_s = None

    def _note_trouble(self, error: PlumblineError) -> None:
        tell = log.debug if self.trouble is not None else log.warning
        self.trouble = error
        tell("the store does not serve; trying on", reason=error.reason.value, error=error.message)

    def _note_recovery(self) -> None:
        if self.trouble is not None:
            log.warning("the store serves again")
            self.trouble = None


def _log_calibrations(wearer: str, results: tuple[CalibrationResult, ...]) -> None:
    for result in results:
        if not result.accepted:
            log.warning("calibration refused", wearer=wearer, why=result.message)
