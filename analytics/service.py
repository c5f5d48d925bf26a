"""plumbline analytics: from the broker to the store, until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

from analytics.announcing import Message
from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable, parse_focus_table
from analytics.inbox import Inbox
from analytics.link import BrokerLink
from analytics.worker import Worker
from contracts import topics
from store.ports import Registry, SeriesStore

#: Messages between two turns of the worker, so that a flood does not put off a commit.
MAX_TAKE: Final = 2_048
#: The worker looks about it this often when nothing comes.
IDLE_S: Final = 0.1
REPORT_S: Final = 0.5


def run_analytics(
    config: AnalyticsConfig,
    *,
    store: SeriesStore,
    registry: Registry,
    clock_ns: Callable[[], int],
    report: Callable[[dict[str, Any]], None],
    stop: threading.Event,
) -> None:
    """Consume, compute, store and acknowledge until ``stop``.

    ``clock_ns`` is UTC. ``report`` gets counters twice a second. BrokerError, StoreError or DiskError
    where it cannot start, or where the last commit is refused; in between it waits such trouble out.
    StoreError(STORE_IN_USE) where another analytics computes into this store.
    """
    store.claim()
    inbox = Inbox(config.limits.inbox_messages, config.limits.inbox_bytes)
    link = BrokerLink(
        config.broker,
        client_id=f"plumbline-analytics-{config.site}",
        topics=subscriptions(config.site),
        inbox=inbox,
    )

    def publish(message: Message) -> None:
        link.publish(message.topic, message.body.encode(), retain=message.retain)

    worker = Worker(
        config,
        store=store,
        registry=registry,
        focus=load_focus_table(),
        clock_ns=clock_ns,
        publish=publish,
        now_s=time.monotonic(),
    )
    link.open(config.broker_wait_s, stop)
    try:
        _run(worker, link, inbox, report, stop)
        worker.finish(time.monotonic())
    finally:
        link.close()
        report(_full_report(worker, link, inbox))


def subscriptions(site: str) -> tuple[str, ...]:
    """The topics that analytics reads."""
    return (
        topics.imu(site, "+", "+"),
        topics.sensor_status(site, "+", "+"),
        topics.gateway_status(site, "+"),
        topics.context(site, "+"),
    )


def load_focus_table() -> FocusTable:
    """The table of focus areas that comes with the product."""
    text = resources.files("analytics.core").joinpath("focus_areas.toml").read_text("utf-8")
    return parse_focus_table(text)


def _run(
    worker: Worker,
    link: BrokerLink,
    inbox: Inbox,
    report: Callable[[dict[str, Any]], None],
    stop: threading.Event,
) -> None:
    greeted, report_at_s, more = 0, 0.0, False
    while not stop.is_set():
        arrivals = inbox.take(MAX_TAKE, 0.0 if more else IDLE_S)
        now_s = time.monotonic()
        if link.connections != greeted:
            greeted = link.connections
            worker.greet()
        for arrival in arrivals:
            worker.take(arrival, now_s)
        more = worker.turn(now_s)
        if now_s >= report_at_s:
            report_at_s = now_s + REPORT_S
            report(_full_report(worker, link, inbox))


def _full_report(worker: Worker, link: BrokerLink, inbox: Inbox) -> dict[str, Any]:
    return worker.report() | {
        "broker": "connected" if link.connected else link.why_not or "away",
        "inbox_refused": inbox.refused,
    }
