"""A worker on a real store and registry with time and messages by hand: no broker, no threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from analytics.announcing import Message
from analytics.config import AnalyticsConfig
from analytics.inbox import Arrival
from analytics.service import load_focus_table
from analytics.worker import Worker
from contracts import topics
from contracts.broker import BrokerAddress
from contracts.messages import ImuMessage, Stored
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store import open_registry, open_series
from store.ports import Assignment, Wearer

SITE = "test"
BEGIN_NS = 1_790_000_000 * NS_PER_S
RATE_HZ = 50


class HandWorker:
    """One worker, one gateway; ``turn`` lets time pass, by default beyond a look at the registry."""

    def __init__(self, folder: Path, series_url: str = "") -> None:
        self._folder = folder
        self._series_url = series_url or f"sqlite:{folder}/series.sqlite"
        self.registry = open_registry(f"sqlite:{folder}/registry.sqlite")
        self.store = open_series(self._series_url)
        self.published: list[Message] = []
        self.cleared: list[tuple[str, ...]] = []
        self.clock_ns = BEGIN_NS + 6 * 3600 * NS_PER_S  # 0: as live, it runs with ``turn``
        self._config = replace(AnalyticsConfig(SITE, BrokerAddress()), settle_s=0.0)
        self._now_s = 0.0
        self._seq: dict[str, int] = {}
        self._sent: dict[str, dict[int, bytes]] = {}

    def wear(self, wearer: str, **sensors: str) -> None:
        """Put a wearer in the registry with sensors by placement, from BEGIN_NS on."""
        self.registry.put_wearer(Wearer(wearer, "Somebody"))
        for placement, sensor in sensors.items():
            self.registry.assign(Assignment(sensor, wearer, Placement(placement), BEGIN_NS))

    def start(self) -> None:
        """Start a worker, as a process that comes up on this store does."""
        self.worker = Worker(
            self._config,
            store=self.store,
            registry=self.registry,
            focus=load_focus_table(),
            clock_ns=lambda: self.clock_ns or BEGIN_NS + round(self._now_s * NS_PER_S),
            publish=self.published.append,
            clear=self.clear,
            now_s=self._now_s,
        )

    def clear(self, topics: Sequence[str]) -> bool:
        """As a broker that takes it when it is asked a second time."""
        self.cleared.append(tuple(topics))
        return self.cleared.count(tuple(topics)) > 1

    def send(
        self,
        sensor: str,
        second: float,
        *,
        seq: int = 0,
        forward_deg: float = 0.0,
        breath: int = 0,
        ahead: bool = False,
    ) -> int:
        """A second of a sensor that is held still; ``seq`` 0 for the next one. Gives the seq.

        ``breath``: by how many counts it goes to and fro, as on somebody who breathes. ``ahead``: it is
        sent ahead of the sensor's log, and counts for nothing.
        """
        seq = seq or self._seq.get(sensor, 0) + 1
        if not ahead:
            self._seq[sensor] = seq
        raw = np.zeros((RATE_HZ, 6), "<i2")
        raw[:, 0] = round(2048 * np.cos(np.radians(forward_deg)))
        raw[:, 2] = round(2048 * np.sin(np.radians(forward_deg)))
        raw[:, 2] += np.rint(breath * np.sin(np.arange(RATE_HZ) / 8)).astype("<i2")
        raw[:, 4] = np.rint(breath * np.cos(np.arange(RATE_HZ) / 8)).astype("<i2")
        raw[::2, 1] = 1  # the last bit of a sensor that works flickers
        message = ImuMessage(
            v=1,
            outbox="outbox-1",
            seq=seq,
            t0_ns=BEGIN_NS + round(second * NS_PER_S),
            period_ns=NS_PER_S // RATE_HZ,
            rate_hz=float(RATE_HZ),
            accel_range_g=16,
            gyro_range_deg_s=2000,
            samples=raw.tobytes(),
        )
        if ahead:
            self.take(topics.ahead(SITE, "gw", sensor), message.encode())
            return seq
        self._sent.setdefault(sensor, {})[seq] = message.encode()
        self.take(topics.imu(SITE, "gw", sensor), message.encode())
        return seq

    def resend(self) -> None:
        """Answer what was asked for since the last call, as a gateway does."""
        asked = [m for m in self.published if isinstance(m.body, Stored) and m.body.resend]
        self.published.clear()
        for message in asked:
            sensor = topics.parse(message.topic).sensor
            for seq, payload in self._sent.get(sensor, {}).items():
                if seq > message.body.seq:
                    self.take(topics.imu(SITE, "gw", sensor), payload)

    def take(self, topic: str, payload: bytes) -> None:
        """A message as the broker gives it."""
        self.worker.take(Arrival(topic, payload, len(payload)), self._now_s)

    def turn(self, pass_s: float = 3.0) -> None:
        """Let time pass, then compute and commit all there is."""
        self._now_s += pass_s
        while self.worker.turn(self._now_s):
            pass

    def samples(self, sensor: str) -> int:
        """Samples of a sensor that went into a pipeline."""
        return int(self.worker.report()["sensors"][sensor]["samples"])

    def reopened(self) -> HandWorker:
        """Another one on the same stores, as after a kill; the gateway and time are the same."""
        self.close()
        other = HandWorker(self._folder, self._series_url)
        other.clock_ns, other._now_s = self.clock_ns, self._now_s
        other._seq, other._sent = self._seq, self._sent
        return other

    def close(self) -> None:
        """Let go of the databases."""
        self.store.close()
        self.registry.close()
