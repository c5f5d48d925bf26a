"""Messages that analytics must refuse, of every kind, each with the reason it is to give."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts import topics
from contracts.errors import DecodeError, Reason
from contracts.messages import (
    MAX_BATCH_SAMPLES,
    MAX_IMU_BYTES,
    MAX_JSON_BYTES,
    MAX_SEQ,
    ImuMessage,
)
from contracts.units import NS_PER_S

DAY_NS = 86_400 * NS_PER_S
HUGE = 2**64 - 1

IMU_FIELDS: tuple[tuple[str, Any, Reason], ...] = (
    ("v", 0, Reason.BAD_VERSION),
    ("v", HUGE, Reason.BAD_VERSION),
    ("v", "1", Reason.MALFORMED),
    ("outbox", "no id!", Reason.BAD_ID),
    ("outbox", "x" * 65, Reason.BAD_ID),
    ("outbox", "", Reason.BAD_ID),
    ("outbox", 7, Reason.MALFORMED),
    ("seq", 0, Reason.OUT_OF_RANGE),
    ("seq", -1, Reason.OUT_OF_RANGE),
    ("seq", 10**9, Reason.OUT_OF_RANGE),
    ("seq", MAX_SEQ, Reason.OUT_OF_RANGE),
    ("seq", HUGE, Reason.OUT_OF_RANGE),
    ("seq", 1.5, Reason.MALFORMED),
    ("t0_ns", 0, Reason.TIME_BEFORE_2020),
    ("t0_ns", -(2**63), Reason.TIME_BEFORE_2020),
    ("t0_ns", 2**63 - 1, Reason.TIME_IN_FUTURE),
    ("t0_ns", HUGE, Reason.TIME_IN_FUTURE),
    ("period_ns", 0, Reason.OUT_OF_RANGE),
    ("period_ns", -20_000_000, Reason.OUT_OF_RANGE),
    ("period_ns", 21_000_000, Reason.OUT_OF_RANGE),
    ("period_ns", HUGE, Reason.OUT_OF_RANGE),
    ("rate_hz", math.nan, Reason.NOT_FINITE),
    ("rate_hz", math.inf, Reason.NOT_FINITE),
    ("rate_hz", -math.inf, Reason.NOT_FINITE),
    ("rate_hz", 0.0, Reason.OUT_OF_RANGE),
    ("rate_hz", 5e-324, Reason.OUT_OF_RANGE),
    ("rate_hz", 1e300, Reason.OUT_OF_RANGE),
    ("rate_hz", 100.0, Reason.OUT_OF_RANGE),
    ("accel_range_g", 3, Reason.OUT_OF_RANGE),
    ("accel_range_g", HUGE, Reason.OUT_OF_RANGE),
    ("gyro_range_deg_s", 0, Reason.OUT_OF_RANGE),
    ("samples", b"", Reason.BAD_LENGTH),
    ("samples", bytes(13), Reason.BAD_LENGTH),
    ("samples", bytes(12 * MAX_BATCH_SAMPLES + 12), Reason.BAD_COUNT),
    ("samples", None, Reason.MALFORMED),
    ("samples", "text", Reason.MALFORMED),
    ("lost_before", -1, Reason.OUT_OF_RANGE),
    ("lost_before", HUGE, Reason.OUT_OF_RANGE),
    ("clock_error_ns", HUGE, Reason.OUT_OF_RANGE),
    ("end", "yes", Reason.MALFORMED),
)
STATUS_FIELDS: tuple[tuple[str, Any, Reason], ...] = (
    ("v", 2, Reason.BAD_VERSION),
    ("state", "x" * 33, Reason.TOO_LONG),
    ("state", None, Reason.MALFORMED),
    ("at_ns", 0, Reason.TIME_BEFORE_2020),
    ("at_ns", 2**63 - 1, Reason.TIME_IN_FUTURE),
    ("battery_percent", 101, Reason.OUT_OF_RANGE),
    ("rssi_dbm", -128, Reason.OUT_OF_RANGE),
    ("received", -1, Reason.OUT_OF_RANGE),
    ("backlog", HUGE, Reason.OUT_OF_RANGE),
    ("reason", "x" * 401, Reason.TOO_LONG),
    ("reason", ["x"], Reason.MALFORMED),
)
GATEWAY_FIELDS: tuple[tuple[str, Any, Reason], ...] = (
    ("state", "maybe", Reason.BAD_FIELD),
    ("version", "x" * 401, Reason.TOO_LONG),
    ("sensors", ["s"] * 257, Reason.BAD_COUNT),
    ("sensors", ["no id!"], Reason.BAD_ID),
    ("sensors", "s", Reason.MALFORMED),
)
CONTEXT_FIELDS: tuple[tuple[str, Any, Reason], ...] = (
    ("activity", "flying", Reason.MALFORMED),
    ("source", "trunk", Reason.BAD_FIELD),
    ("start_ns", 0, Reason.TIME_BEFORE_2020),
    ("end_ns", 1, Reason.TIME_BEFORE_2020),
)


@dataclass(frozen=True)
class Target:
    """Whose messages are spoilt: a site, gateway, worn sensor and wearer, and a batch of theirs."""

    site: str
    gateway: str
    sensor: str
    wearer: str
    good: ImuMessage
    now_ns: int


Hostile = tuple[str, bytes, Reason]


class Hostility:
    """An endless supply of hostile messages, the same for the same seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self._random = random.Random(seed)
        self._target = target
        site, gateway, sensor = target.site, target.gateway, target.sensor
        self._imu = topics.imu(site, gateway, sensor)
        self._status = topics.sensor_status(site, gateway, sensor)
        self._gateway = topics.gateway_status(site, gateway)
        self._context = topics.context(site, target.wearer)
        self._good = msgspec.to_builtins(target.good, builtin_types=(bytes,))
        self._json: dict[str, tuple[dict[str, Any], tuple[tuple[str, Any, Reason], ...]]] = {
            self._status: ({"state": "live", "at_ns": target.now_ns}, STATUS_FIELDS),
            self._gateway: ({"state": "online"}, GATEWAY_FIELDS),
            self._context: (
                {"activity": "sitting", "source": "client", "start_ns": target.now_ns},
                CONTEXT_FIELDS,
            ),
        }

    def messages(self, count: int) -> Iterator[Hostile]:
        """So many of them, kinds mixed; what is large comes seldom."""
        often: tuple[Callable[[], Hostile], ...] = (
            self._noise,
            self._flipped,
            self._flipped,
            self._cut,
            self._field,
            self._field,
            self._far_future,
            self._without_a_field,
            self._json_field,
            self._not_utf8,
            self._unknown_sensor,
            self._unknown_wearer,
            self._no_id,
        )
        seldom = (self._deep, self._too_long, self._too_long_json)
        for number in range(count):
            yield self._random.choice(seldom if number % 500 == 0 else often)()

    def _noise(self) -> Hostile:
        topic = self._random.choice((self._imu, *self._json))
        return (
            topic,
            b"\xc1" + self._random.randbytes(self._random.randrange(300)),
            Reason.MALFORMED,
        )

    def _flipped(self) -> Hostile:
        """A good batch with a few bytes that are others; one that stays good is not hostile."""
        while True:
            data = bytearray(self._target.good.encode())
            # The samples may be anything; what is before and after them is not.
            for _ in range(self._random.randrange(1, 4)):
                at = self._random.randrange(110) - 10
                data[at] = self._random.randrange(256)
            reason = refused(bytes(data), self._target.now_ns)
            if reason is not None:
                return self._imu, bytes(data), reason

    def _cut(self) -> Hostile:
        data = self._target.good.encode()
        if self._random.random() < 0.5:
            return self._imu, data[: self._random.randrange(len(data))], Reason.MALFORMED
        return self._imu, data + self._random.randbytes(9), Reason.MALFORMED

    def _field(self) -> Hostile:
        # The long one once in many: it is 200 kB.
        fields = IMU_FIELDS if self._random.random() < 0.01 else _SHORT_IMU_FIELDS
        field, value, reason = self._random.choice(fields)
        return self._imu, msgspec.msgpack.encode({**self._good, field: value}), reason

    def _far_future(self) -> Hostile:
        ahead_ns = self._random.randrange(2 * DAY_NS, 3650 * DAY_NS)
        spoilt = {**self._good, "t0_ns": self._target.now_ns + ahead_ns}
        return self._imu, msgspec.msgpack.encode(spoilt), Reason.TIME_IN_FUTURE

    def _without_a_field(self) -> Hostile:
        needed = [
            name for name in self._good if name not in ("lost_before", "clock_error_ns", "end")
        ]
        gone = self._random.choice(needed)
        rest = {name: value for name, value in self._good.items() if name != gone}
        return self._imu, msgspec.msgpack.encode(rest), Reason.MALFORMED

    def _json_field(self) -> Hostile:
        topic = self._random.choice(tuple(self._json))
        good, fields = self._json[topic]
        field, value, reason = self._random.choice(fields)
        return topic, msgspec.json.encode({**good, field: value}), reason

    def _not_utf8(self) -> Hostile:
        topic = self._random.choice(tuple(self._json))
        return topic, b'{"state":"\xff\xfe"}', Reason.MALFORMED

    def _unknown_sensor(self) -> Hostile:
        stranger = f"stranger-{self._random.randrange(5000)}"
        gateway = f"gateway-{self._random.randrange(50)}"
        topic = topics.imu(self._target.site, gateway, stranger)
        return topic, self._target.good.encode(), Reason.UNKNOWN_SENSOR

    def _unknown_wearer(self) -> Hostile:
        topic = topics.context(self._target.site, f"nobody-{self._random.randrange(5000)}")
        good, _ = self._json[self._context]
        return topic, msgspec.json.encode(good), Reason.BAD_ID

    def _no_id(self) -> Hostile:
        wrong = self._random.choice(("no id!", "x" * 65, "ä", "", "$"))
        topic = topics.imu(self._target.site, self._target.gateway, wrong)
        return topic, self._target.good.encode(), Reason.BAD_ID

    def _deep(self) -> Hostile:
        depth = self._random.randrange(2000, 10_000)
        if self._random.random() < 0.5:
            return self._imu, b"\x91" * depth, Reason.MALFORMED
        topic = self._random.choice(tuple(self._json))
        return topic, b'{"a":' * (depth // 2), Reason.MALFORMED

    def _too_long(self) -> Hostile:
        return self._imu, bytes(MAX_IMU_BYTES + 1), Reason.TOO_LONG

    def _too_long_json(self) -> Hostile:
        topic = self._random.choice(tuple(self._json))
        return topic, b" " * (MAX_JSON_BYTES + 1), Reason.TOO_LONG


_SHORT_IMU_FIELDS = tuple(entry for entry in IMU_FIELDS if entry[2] is not Reason.BAD_COUNT)


def refused(data: bytes, now_ns: int) -> Reason | None:
    """Why the contract refuses a batch; None where it, or a stream's order alone, may allow it."""
    try:
        ImuMessage.decode(data, now_ns=now_ns)
    except DecodeError as error:
        return error.reason
    return None
