"""Benchmark: InfluxDB is stopped for ten minutes of data; how soon after its return all is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from contracts.errors import PlumblineError, Reason
from contracts.messages import ImuMessage, Stored
from contracts.records import FRAME_NS
from contracts.units import NS_PER_S
from plumbline.bench_crowd import GATEWAY, RATE_HZ, Crowd, Message
from plumbline.bench_influxd import BenchInflux, require_influxd
from plumbline.bench_site import SITE, BenchSite, own_data, wait_until
from plumbline.fleet import KIT, now_ns
from plumbline.ports import LOOPBACK
from plumbline.stats import read_stats
from store import open_series
from store.ports import SeriesStore

WEARERS: Final = 40
#: Stored before the server goes: the calibration, for which frames wait, is over.
BEFORE_S: Final = 60
AWAY_DATA_S: Final = 600
#: The server stays away for so long at least that the pause between two tries has grown to its longest.
AWAY_AT_LEAST_S: Final = 15.0
LIMIT_S: Final = 30.0
#: An outbox that hears nothing new for so long sends again what is not stored, as a gateway's does.
SILENCE_S: Final = 5.0
#: Days are seconds long here, but no batch may be dated in the future.
_AGO_S: Final = 7200
_EVER_NS: Final = 2**62


class BenchOutbox:
    """What gateways keep of a crowd: sends it, and sends again what is asked for, until it is stored."""

    def __init__(self, port: int) -> None:
        self._kept: dict[str, list[bytes]] = {}
        self._stored: dict[str, int] = {}
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()

    def send(self, messages: Sequence[Message]) -> None:
        """Keep the next messages of some sensors, by topic, and send them."""
        for topic, payload in messages:
            with self._changed:
                self._kept.setdefault(topics.parse(topic).sensor, []).append(payload)
            self._client.publish(topic, payload, qos=1)

    def wait_stored(self, wait_s: float) -> None:
        """Until all that was sent is stored. PlumblineError(INCOMPLETE) where it is not in time."""
        ends_s = time.monotonic() + wait_s
        while True:
            with self._changed:
                before = dict(self._stored)
                if self._changed.wait_for(self._all_stored, SILENCE_S):
                    return
                silent = before == self._stored
            if time.monotonic() > ends_s:
                raise PlumblineError(
                    Reason.INCOMPLETE, f"Not everything was stored within {wait_s:.0f} s."
                )
            if silent:
                for sensor in list(self._kept):
                    self._send_after(sensor, self._stored.get(sensor, 0))

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _all_stored(self) -> bool:
        return all(self._stored.get(sensor, 0) >= len(kept) for sensor, kept in self._kept.items())

    def _send_after(self, sensor: str, seq: int) -> None:
        topic = topics.imu(SITE, GATEWAY, sensor)
        for payload in self._kept[sensor][seq:]:
            self._client.publish(topic, payload, qos=1)

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(topics.stored(SITE, GATEWAY, "+"), qos=1)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        sensor = topics.parse(message.topic).sensor
        stored = Stored.decode(message.payload, now_ns=None)
        with self._changed:
            self._stored[sensor] = max(stored.seq, self._stored.get(sensor, 0))
            self._changed.notify_all()
        if stored.resend and not message.retain and sensor in self._kept:
            self._send_after(sensor, stored.seq)


def measure_outage(
    folder: Path, *, wearers: int = WEARERS, away_data_s: int = AWAY_DATA_S
) -> dict[str, Any]:
    """The outage with its figures. PlumblineError where there is no InfluxDB, or something is missing.

    Data comes faster than in real time: ten minutes of it while the server is away. What is measured is
    the catching up, from the server's first answer to the last `stored`.
    """
    program = require_influxd()
    seconds = BEFORE_S + away_data_s
    start_ns = (now_ns() // NS_PER_S - seconds - _AGO_S) * NS_PER_S
    crowd = Crowd(wearers, seconds, start_ns, SITE)
    kept, served = folder / "influx", folder / "data"
    kept.mkdir()
    served.mkdir()
    crowd.enrol(own_data(served).people_url)
    with BenchInflux(program, kept) as server, BenchSite(folder) as site:
        url = server.url("bench")
        _start_analytics(site, served, url)
        outbox = BenchOutbox(site.port)
        try:
            figures = _go_through(crowd, server, site, outbox)
        finally:
            outbox.close()
        return figures | _check(url, crowd, read_stats(site.stats("analytics")))


def _start_analytics(site: BenchSite, data: Path, url: str) -> None:
    flags = ("--data-dir", str(data), "--site", SITE, "--broker-port", str(site.port))
    site.start("analytics", ("plumbline", "analytics", *flags, "--store-url", url))


def _go_through(
    crowd: Crowd, server: BenchInflux, site: BenchSite, outbox: BenchOutbox
) -> dict[str, Any]:
    live = list(crowd.by_second())
    for messages in live[:BEFORE_S]:
        outbox.send(messages)
    outbox.wait_stored(10 * LIMIT_S)
    server.stop()
    gone_s = time.monotonic()
    for messages in live[BEFORE_S:]:
        outbox.send(messages)
    stats = site.stats("analytics")
    wait_until(lambda: bool(read_stats(stats).get("trouble")), "analytics misses its store")
    wait_until(lambda: time.monotonic() - gone_s >= AWAY_AT_LEAST_S, "the server was away")
    server.start()
    back_s = time.monotonic()
    outbox.wait_stored(10 * LIMIT_S)
    caught_up_s = time.monotonic() - back_s
    end = _end(live[-1][0][1], crowd)
    outbox.send([(topic, end) for topic, _ in live[-1]])
    outbox.wait_stored(LIMIT_S)
    return {
        "wearers": crowd.wearers,
        "sensors": crowd.wearers * len(KIT),
        "data while it was away s": crowd.seconds - BEFORE_S,
        "server away s": back_s - gone_s,
        "from its return to all stored s": caught_up_s,
        "limit s": LIMIT_S,
    }


def _end(last: bytes, crowd: Crowd) -> bytes:
    """The word that a sensor stopped after its ``last`` batch: with it the last frames are complete."""
    end = msgspec.structs.replace(
        ImuMessage.decode(last, now_ns=None),
        seq=crowd.seconds + 1,
        t0_ns=crowd.start_ns + crowd.seconds * NS_PER_S,
        samples=b"",
        end=True,
    )
    return end.encode()


def _check(url: str, crowd: Crowd, report: dict[str, Any]) -> dict[str, Any]:
    """What the store holds of it, second by second."""
    store = open_series(url, read_only=True)
    try:
        counts = [_seconds(store, name, crowd) for name in crowd.names]
    finally:
        store.close()
    sensors = report.get("sensors", {}).values()
    return {
        "seconds": sum(len(count) for count in counts),
        "seconds missing": sum(int((count == 0).sum()) for count in counts),
        "samples lost": sum(int((_SAMPLES - count).clip(min=0).sum()) for count in counts),
        "samples doubled": sum(int((count - _SAMPLES).clip(min=0).sum()) for count in counts),
        "samples late": sum(sensor.get("late", 0) for sensor in sensors),
    }


_SAMPLES: Final = round(RATE_HZ) * len(KIT)


def _seconds(store: SeriesStore, wearer: str, crowd: Crowd) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Samples in each second of a wearer, 0 where there is no frame."""
    frames = store.frames(wearer, 0, _EVER_NS)
    found = np.zeros(crowd.seconds, np.int64)
    np.add.at(found, (frames.start_ns - crowd.start_ns) // FRAME_NS, frames.samples)
    return found
