"""MQTT payloads. ``imu`` is msgpack, all else JSON. Every decoder is total and capped.

``decode(data, now_ns)`` gives a value or a DecodeError; ``encode()`` gives the bytes. Fields that a
newer sender adds are ignored; a field that is missing, of another type or out of range is refused.
"""

from __future__ import annotations

from typing import ClassVar, Final, Self, TypeVar

import msgspec
import numpy as np

from contracts.checks import check_id, check_range, check_utc_ns, quoted, shown
from contracts.errors import DecodeError, InvariantError, Reason
from contracts.imu import (
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    ImuSamples,
    ImuScale,
    Int16Samples,
    regular_times_ns,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, NudgeKind, Posture

MESSAGE_VERSION: Final = 1
#: Five minutes at 50 Hz; 192 kB. A gateway cuts longer backlogs.
MAX_BATCH_SAMPLES: Final = 16_384
SAMPLE_BYTES: Final = 12
MAX_IMU_BYTES: Final = MAX_BATCH_SAMPLES * SAMPLE_BYTES + 1024
#: Room for 256 sensors with ids of 64 characters.
MAX_JSON_BYTES: Final = 32_768
MAX_SEQ: Final = 2**53
MAX_TEXT: Final = 400
MAX_PARSER_TEXT: Final = 120
#: A mapped period may differ from the nominal one by this much (a sensor's clock is good to 1e-4).
MAX_PERIOD_DEVIATION: Final = 0.01


class ImuMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch of one sensor as the gateway numbered it.

    ``outbox`` names the gateway's outbox: ``seq`` counts without gaps from 1 within it.
    ``period_ns`` is the period in UTC as mapped from the device clock, ``rate_hz`` the nominal rate.
    ``lost_before``: samples that the sensor itself lost directly before the first one.
    ``clock_error_ns``: the gateway's own bound on the error of ``t0_ns``.
    """

    v: int
    outbox: str
    seq: int
    t0_ns: int
    period_ns: int
    rate_hz: float
    accel_range_g: int
    gyro_range_deg_s: int
    samples: bytes
    lost_before: int = 0
    clock_error_ns: int = 0
    end: bool = False

    @property
    def count(self) -> int:
        """How many samples the batch carries."""
        return len(self.samples) // SAMPLE_BYTES

    @property
    def scale(self) -> ImuScale:
        """Full scales of the readings."""
        return ImuScale(self.accel_range_g, self.gyro_range_deg_s)

    def raw(self) -> Int16Samples:
        """(count, 6) int16 readings."""
        return np.frombuffer(self.samples, dtype="<i2").reshape(-1, 6).astype(np.int16, copy=False)

    def to_samples(self) -> ImuSamples:
        """The batch in SI and UTC, as the pipeline takes it."""
        return ImuSamples(
            regular_times_ns(self.t0_ns, self.period_ns, self.count),
            self.scale.to_si(self.raw()),
            self.rate_hz,
            self.end,
        )

    def encode(self) -> bytes:
        """The payload. InvariantError where the batch is longer than the contract allows."""
        if self.count > MAX_BATCH_SAMPLES:
            raise InvariantError(f"a batch of {self.count} samples is too long.")
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes | bytearray, *, now_ns: int | None) -> ImuMessage:
        """The batch in a payload. ``now_ns``: the reader's clock, or None where there is none."""
        if len(data) > MAX_IMU_BYTES:
            raise DecodeError(Reason.TOO_LONG, f"a batch of {len(data)} bytes is too long.")
        try:
            message = _IMU_DECODER.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed("an IMU batch", error) from None
        _check_message_version(message.v)
        check_id("outbox", message.outbox)
        check_range("seq", message.seq, 1, MAX_SEQ)
        check_range("rate_hz", message.rate_hz, MIN_RATE_HZ, MAX_RATE_HZ)
        nominal_ns = NS_PER_S / message.rate_hz
        check_range(
            "period_ns",
            message.period_ns,
            nominal_ns * (1 - MAX_PERIOD_DEVIATION),
            nominal_ns * (1 + MAX_PERIOD_DEVIATION),
        )
        if len(message.samples) % SAMPLE_BYTES or (not message.samples and not message.end):
            raise DecodeError(
                Reason.BAD_LENGTH, f"{len(message.samples)} bytes of samples are no whole samples."
            )
        if message.count > MAX_BATCH_SAMPLES:
            raise DecodeError(Reason.BAD_COUNT, f"a batch of {message.count} samples is too long.")
        check_utc_ns("t0_ns", message.t0_ns, now_ns=now_ns)
        check_utc_ns(
            "end of batch", message.t0_ns + message.period_ns * message.count, now_ns=now_ns
        )
        check_range("lost_before", message.lost_before, 0, 2**32)
        check_range("clock_error_ns", message.clock_error_ns, 0, 24 * 3600 * NS_PER_S)
        _ = message.scale  # raises on a full scale that does not exist
        return message


_IMU_DECODER: Final = msgspec.msgpack.Decoder(ImuMessage)


class JsonMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the JSON payloads."""

    v: int = MESSAGE_VERSION

    def encode(self) -> bytes:
        """The payload."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes | bytearray, *, now_ns: int | None) -> Self:
        """The message in a payload; DecodeError where the contract does not allow it."""
        if len(data) > MAX_JSON_BYTES:
            raise DecodeError(Reason.TOO_LONG, f"a message of {len(data)} bytes is too long.")
        try:
            message = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(cls.__name__, error) from None
        _check_message_version(message.v)
        message.check(now_ns)
        return message

    def check(self, now_ns: int | None) -> None:
        """DecodeError where a value is out of range. Messages override it."""


class Stored(JsonMessage, frozen=True, kw_only=True):
    """Retained, from analytics: all of ``outbox`` up to and with ``seq`` is safely in the store.

    ``resend``: analytics saw a hole after ``seq`` and wants all after it again, now.
    """

    outbox: str
    seq: int
    resend: bool = False

    def check(self, now_ns: int | None) -> None:
        check_id("outbox", self.outbox)
        check_range("seq", self.seq, 0, MAX_SEQ)


class GatewayStatus(JsonMessage, frozen=True, kw_only=True):
    """Retained, with last will: state is online or offline."""

    state: str
    version: str = ""
    sensors: tuple[str, ...] = ()
    reason: str = ""
    MAX_SENSORS: ClassVar[int] = 256

    def check(self, now_ns: int | None) -> None:
        _check_one_of("state", self.state, ("online", "offline"))
        _check_text("version", self.version)
        _check_text("reason", self.reason)
        if len(self.sensors) > self.MAX_SENSORS:
            raise DecodeError(Reason.BAD_COUNT, f"{len(self.sensors)} sensors are too many.")
        for sensor in self.sensors:
            check_id("sensor", sensor)


class SensorStatus(JsonMessage, frozen=True, kw_only=True):
    """Retained: how a sensor is, as its gateway sees it.

    ``state`` is the session's (absent, connecting, syncing, live, ...); ``backlog`` how many samples
    the sensor still keeps that the gateway has not; ``backlog_total`` how many there were at connect;
    ``received`` samples taken into the outbox, ever; ``outbox_batches`` batches not yet stored.
    """

    state: str
    at_ns: int
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    profile: str = ""
    firmware: str = ""
    last_seq: int = 0
    received: int = 0
    dropped: int = 0
    backlog: int = 0
    backlog_total: int = 0
    outbox_batches: int = 0
    clock_error_ns: int | None = None
    reason: str = ""

    def check(self, now_ns: int | None) -> None:
        _check_text("state", self.state, 32)
        for field in ("profile", "firmware", "reason"):
            _check_text(field, getattr(self, field))
        check_utc_ns("at_ns", self.at_ns, now_ns=now_ns)
        for field in (
            "last_seq",
            "received",
            "dropped",
            "backlog",
            "backlog_total",
            "outbox_batches",
        ):
            check_range(field, getattr(self, field), 0, MAX_SEQ)
        if self.battery_percent is not None:
            check_range("battery_percent", self.battery_percent, 0, 100)
        if self.rssi_dbm is not None:
            check_range("rssi_dbm", self.rssi_dbm, -127, 20)
        if self.clock_error_ns is not None:
            check_range("clock_error_ns", self.clock_error_ns, 0, MAX_SEQ)


class GatewayCommand(JsonMessage, frozen=True, kw_only=True):
    """A wish to a gateway: haptic or rate of a sensor. ``id`` comes back in the reply."""

    id: str
    action: str
    sensor: str
    pattern: int = 0
    strength_percent: int = 60
    duration_ms: int = 200
    rate_hz: float = 50.0

    def check(self, now_ns: int | None) -> None:
        check_id("id", self.id)
        check_id("sensor", self.sensor)
        _check_one_of("action", self.action, ("haptic", "rate"))
        check_range("pattern", self.pattern, 0, 2)
        check_range("strength_percent", self.strength_percent, 1, 100)
        check_range("duration_ms", self.duration_ms, 1, 2000)
        check_range("rate_hz", self.rate_hz, MIN_RATE_HZ, MAX_RATE_HZ)


class GatewayReply(JsonMessage, frozen=True, kw_only=True):
    """What became of a command."""

    id: str
    ok: bool
    reason: str = ""

    def check(self, now_ns: int | None) -> None:
        check_id("id", self.id)
        _check_text("reason", self.reason)


class PostureState(JsonMessage, frozen=True, kw_only=True):
    """Retained, at most 1 Hz: the wearer's latest second."""

    start_ns: int
    posture: Posture
    activity: Activity
    confidence: float
    trunk_flexion_deg: float | None = None
    rounded_for_s: float = 0.0

    def check(self, now_ns: int | None) -> None:
        check_utc_ns("start_ns", self.start_ns, now_ns=now_ns)
        check_range("confidence", self.confidence, 0.0, 1.0)
        check_range("rounded_for_s", self.rounded_for_s, 0.0, 7 * 86400.0)
        if self.trunk_flexion_deg is not None:
            check_range("trunk_flexion_deg", self.trunk_flexion_deg, -180.0, 180.0)


class EpisodeEvent(JsonMessage, frozen=True, kw_only=True):
    """A sustained rounded episode ended (or, ``ongoing``, was recognised)."""

    start_ns: int
    end_ns: int
    pattern: str
    peak_flexion_deg: float
    ongoing: bool = False

    def check(self, now_ns: int | None) -> None:
        check_utc_ns("start_ns", self.start_ns, now_ns=now_ns)
        check_utc_ns("end_ns", self.end_ns, now_ns=now_ns)
        if self.end_ns < self.start_ns:
            raise DecodeError(Reason.OUT_OF_RANGE, "an episode ends before it starts.")
        _check_text("pattern", self.pattern, 64)
        check_range("peak_flexion_deg", self.peak_flexion_deg, -180.0, 180.0)


class NudgeEvent(JsonMessage, frozen=True, kw_only=True):
    """A decision that the wearer should be reminded now, with why.

    ``rounded_for_s``: how long rounded, seated for a break, or upright for a cue that all is well again.
    ``decided_ns``: when that was, by the clock of analytics.
    """

    at_ns: int
    rounded_for_s: float
    reason: str
    sensors: tuple[str, ...] = ()
    kind: NudgeKind = NudgeKind.POSTURE
    decided_ns: int | None = None

    def check(self, now_ns: int | None) -> None:
        check_utc_ns("at_ns", self.at_ns, now_ns=now_ns)
        if self.decided_ns is not None:
            check_utc_ns("decided_ns", self.decided_ns, now_ns=now_ns)
        check_range("rounded_for_s", self.rounded_for_s, 0.0, 7 * 86400.0)
        _check_text("reason", self.reason)
        if len(self.sensors) > GatewayStatus.MAX_SENSORS:
            raise DecodeError(Reason.BAD_COUNT, f"{len(self.sensors)} sensors are too many.")
        for sensor in self.sensors:
            check_id("sensor", sensor)


class Context(JsonMessage, frozen=True, kw_only=True):
    """Retained: what the client or an agent says the wearer does, from ``start_ns`` on.

    Holds until ``end_ns``, or until the next message where that is None.
    """

    activity: Activity
    source: ActivitySource
    start_ns: int
    end_ns: int | None = None

    def check(self, now_ns: int | None) -> None:
        check_utc_ns("start_ns", self.start_ns, now_ns=now_ns)
        if self.source not in (ActivitySource.CLIENT, ActivitySource.AGENT):
            raise DecodeError(Reason.BAD_FIELD, "context comes from the client or an agent.")
        if self.end_ns is not None:
            check_utc_ns("end_ns", self.end_ns, now_ns=now_ns)
            if self.end_ns <= self.start_ns:
                raise DecodeError(Reason.OUT_OF_RANGE, "a context ends before it starts.")


class Rejected(JsonMessage, frozen=True, kw_only=True):
    """What was refused, where and why. Holds no payload: it may be personal."""

    topic: str
    reason: Reason
    message: str
    size: int
    at_ns: int
    count: int = 1

    def check(self, now_ns: int | None) -> None:
        _check_text("topic", self.topic)
        _check_text("message", self.message)
        check_range("size", self.size, 0, 2**31)
        check_range("count", self.count, 1, MAX_SEQ)
        check_utc_ns("at_ns", self.at_ns, now_ns=now_ns)


T = TypeVar("T")


def _malformed(what: str, error: Exception) -> DecodeError:
    # The parser quotes what it read, which may be long and may be personal.
    return DecodeError(Reason.MALFORMED, f"not {what}: {str(error)[:MAX_PARSER_TEXT]}.")


def _check_message_version(version: int) -> None:
    if version != MESSAGE_VERSION:
        raise DecodeError(
            Reason.BAD_VERSION,
            f"message version {shown(version)}; this program speaks version {MESSAGE_VERSION}.",
            hint="Run the same Plumbline version everywhere.",
        )


def _check_text(field: str, value: str, limit: int = MAX_TEXT) -> None:
    if len(value) > limit:
        raise DecodeError(Reason.TOO_LONG, f"{field} of {len(value)} characters is too long.")


def _check_one_of(field: str, value: T, allowed: tuple[T, ...]) -> None:
    if value not in allowed:
        raise DecodeError(Reason.BAD_FIELD, f"{field} is {quoted(str(value))}; allowed: {allowed}.")
