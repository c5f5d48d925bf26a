"""A gateway's outbox for tests: numbers real batches, publishes them, keeps them until stored."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from contracts.imu import DEFAULT_SCALE, ImuSamples, period_ns_of
from contracts.messages import ImuMessage, Stored
from contracts.recording import open_recording, read_samples
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

SITE = "test"
GATEWAY = "gw"
SILENCE_S = 3.0


def read_recording(folder: Path, placements: Sequence[Placement]) -> dict[Placement, ImuSamples]:
    """A recording's samples, times from 0."""
    recording = open_recording(folder)
    return {placement: read_samples(recording, placement) for placement in placements}


def calibration_plan(folder: Path, start_ns: int) -> CalibrationPlan:
    """The recording's calibration windows in UTC."""
    windows = open_recording(folder).manifest.calibration

    def utc_ns(name: str) -> tuple[int, int]:
        start_s, end_s = windows[name]
        return start_ns + round(start_s * NS_PER_S), start_ns + round(end_s * NS_PER_S)

    return CalibrationPlan(
        effective_ns=start_ns, upright_ns=utc_ns("upright"), rounded_ns=utc_ns("rounded")
    )


def batches(
    samples: ImuSamples, start_ns: int, *, batch_s: float, outbox: str = "outbox-1"
) -> list[ImuMessage]:
    """The samples as a gateway would number them: cut at losses and every ``batch_s``, then ended."""
    period_ns = period_ns_of(samples.rate_hz)
    raw = DEFAULT_SCALE.quantise(samples.si)
    ticks = np.rint(samples.utc_ns / period_ns).astype(np.int64)
    longest = max(int(batch_s * samples.rate_hz), 1)
    made: list[ImuMessage] = []
    for first, last in _runs(ticks, longest):
        before = int(ticks[first] - ticks[first - 1] - 1) if first else 0
        made.append(
            ImuMessage(
                v=1,
                outbox=outbox,
                seq=len(made) + 1,
                t0_ns=start_ns + int(ticks[first]) * period_ns,
                period_ns=period_ns,
                rate_hz=samples.rate_hz,
                accel_range_g=DEFAULT_SCALE.accel_range_g,
                gyro_range_deg_s=DEFAULT_SCALE.gyro_range_deg_s,
                samples=raw[first:last].astype("<i2").tobytes(),
                lost_before=before,
                end=last == len(ticks),
            )
        )
    return made


def _runs(ticks: np.ndarray, longest: int) -> Iterator[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(ticks) != 1) + 1).tolist(), len(ticks)]
    for begin, end in itertools.pairwise(edges):
        for first in range(begin, end, longest):
            yield first, min(first + longest, end)


class OutboxGateway:
    """Publishes each sensor's batches and forgets what is stored, on a connection of its own."""

    def __init__(self, port: int, outboxes: dict[str, list[ImuMessage]]) -> None:
        self.stored: dict[str, int] = dict.fromkeys(outboxes, 0)
        self.resends = 0
        self._outboxes = outboxes
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=GATEWAY)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, sensor: str, messages: Sequence[ImuMessage]) -> None:
        """Publish batches in the order given."""
        for message in messages:
            self._client.publish(topics.imu(SITE, GATEWAY, sensor), message.encode(), qos=1)

    def publish_all(self) -> None:
        """Publish all that is not stored, the sensors in turns."""
        rest = {s: [m for m in b if m.seq > self.stored[s]] for s, b in self._outboxes.items()}
        for index in range(max((len(b) for b in rest.values()), default=0)):
            for sensor, batches_of in rest.items():
                self.publish(sensor, batches_of[index : index + 1])

    def raw(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    def wait_stored(self, wanted: dict[str, int] | None = None, wait_s: float = 60.0) -> None:
        """Wait until each sensor is stored up to ``wanted``, by default all of it."""
        wanted = wanted or {s: b[-1].seq for s, b in self._outboxes.items()}
        self.wait(lambda: all(self.stored[s] >= seq for s, seq in wanted.items()), wait_s)

    def wait(self, condition: Callable[[], bool], wait_s: float = 60.0) -> None:
        """Wait for a condition that a `stored` message brings about; after a silence publish anew."""
        ends_s = time.monotonic() + wait_s
        while True:
            with self._changed:
                before = dict(self.stored)
                if self._changed.wait_for(condition, SILENCE_S):
                    return
                silent = before == self.stored
            assert time.monotonic() < ends_s, f"stored: {self.stored}"
            if silent:
                self.publish_all()

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(topics.stored(SITE, GATEWAY, "+"), qos=1)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        sensor = topics.parse(message.topic).sensor
        stored = Stored.decode(message.payload, now_ns=None)
        outbox = self._outboxes.get(sensor)
        if not outbox or stored.outbox != outbox[0].outbox:
            return
        with self._changed:
            self.stored[sensor] = stored.seq
            self._changed.notify_all()
        if stored.resend and not message.retain:
            self.resends += 1
            self.publish(sensor, [m for m in outbox if m.seq > stored.seq])
