"""plumbline analytics: from the broker to the store, until it is told to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, Final

from analytics.announcing import Message
from analytics.config import AnalyticsConfig
from analytics.core.focus import FocusTable, parse_focus_table
from analytics.home_assistant import discovery_filter
from analytics.inbox import Inbox
from analytics.link import BrokerLink
from analytics.notices import NoticeBoard
from analytics.waiting import Patience, trouble_report
from analytics.worker import Worker
from contracts import topics
from contracts.errors import Reason, StoreError
from store.ports import Registry, SeriesStore

#: Messages between two turns of the worker, so that a flood does not put off a commit.
MAX_TAKE: Final = 8_192
#: In a flood the worker rests as long as it has just worked, up to this, unless so many messages wait:
#: what gathers meanwhile is computed in one go, and the network's thread has the interpreter to itself.
MAX_REST_S: Final = 0.03
ENOUGH: Final = 2_048
#: The worker looks about it this often when nothing comes.
IDLE_S: Final = 0.1
REPORT_S: Final = 0.5
#: A store that has not answered for so long is said to be in trouble, before its answer times out.
SLOW_S: Final = 5.0

Report = Callable[[dict[str, Any]], None]


def serve_analytics(
    config: AnalyticsConfig,
    *,
    open_store: Callable[[], SeriesStore],
    open_registry: Callable[[], Registry],
    clock_ns: Callable[[], int],
    report: Report,
    stop: threading.Event,
) -> None:
    """Open registry and store, waiting for them as long as the settings say, and run until ``stop``.

    StoreError where one refuses, or is still away then; the rest as :func:`run_analytics`.
    """
    patience = Patience(config.store_wait_s, stop, lambda error: report(_waiting_report(error)))
    with contextlib.ExitStack() as opened:
        registry = patience.until_done(open_registry)
        if registry is None:
            return
        opened.callback(registry.close)
        with _noticed(NoticeBoard(registry, clock_ns), report) as tell:
            store = Patience(config.store_wait_s, stop, tell).until_done(open_store)
        if store is None:
            return
        opened.callback(store.close)
        run_analytics(
            config, store=store, registry=registry, clock_ns=clock_ns, report=report, stop=stop
        )


def run_analytics(
    config: AnalyticsConfig,
    *,
    store: SeriesStore,
    registry: Registry,
    clock_ns: Callable[[], int],
    report: Report,
    stop: threading.Event,
) -> None:
    """Consume, compute, store and acknowledge until ``stop``.

    ``clock_ns`` is UTC. ``report`` gets counters twice a second, from one thread at a time. BrokerError,
    StoreError or DiskError where it cannot start, or where the last commit is refused; in between it
    waits such trouble out. StoreError(STORE_IN_USE) where another analytics computes into this store.
    """
    inbox = Inbox(config.limits.inbox_messages, config.limits.inbox_bytes)
    link = BrokerLink(
        config.broker,
        client_id=f"plumbline-analytics-{config.site}",
        topics=subscriptions(config.site, config.home_assistant),
        inbox=inbox,
    )

    def publish(message: Message) -> None:
        link.publish(message.topic, message.body.encode(), retain=message.retain)

    board = NoticeBoard(registry, clock_ns)

    def begin() -> Worker:
        store.claim()
        return Worker(
            config,
            store=store,
            registry=registry,
            focus=load_focus_table(),
            clock_ns=clock_ns,
            publish=publish,
            clear=link.clear,
            now_s=time.monotonic(),
        )

    with _noticed(board, report) as tell:
        worker = Patience(config.store_wait_s, stop, tell).until_done(begin)
    if worker is None:
        return
    link.open(config.broker_wait_s, stop)
    with _voice(worker, report) as say:
        try:
            _run(worker, link, inbox, say, board, stop)
            worker.finish(time.monotonic())
        finally:
            link.close()
            say(_full_report(worker, link, inbox))


def subscriptions(site: str, home_assistant: str = "") -> tuple[str, ...]:
    """The topics that analytics reads; with Home Assistant's discovery prefix, where it is told."""
    own = (
        topics.imu(site, "+", "+"),
        topics.ahead(site, "+", "+"),
        topics.sensor_status(site, "+", "+"),
        topics.gateway_status(site, "+"),
        topics.context(site, "+"),
        topics.not_now(site, "+"),
        topics.reply(site, "+"),
    )
    return (*own, discovery_filter(home_assistant, site)) if home_assistant else own


def load_focus_table() -> FocusTable:
    """The table of focus areas that comes with the product."""
    text = resources.files("analytics.core").joinpath("focus_areas.toml").read_text("utf-8")
    return parse_focus_table(text)


def _run(
    worker: Worker,
    link: BrokerLink,
    inbox: Inbox,
    report: Report,
    board: NoticeBoard,
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
            board.show(worker.trouble)
        if arrivals and not more and len(inbox) < ENOUGH:
            stop.wait(min(time.monotonic() - now_s, MAX_REST_S))


@contextlib.contextmanager
def _noticed(board: NoticeBoard, report: Report) -> Iterator[Callable[[StoreError], None]]:
    """Gives who tells of a store that is waited for; a refusal that ends the service is told as well."""

    def tell(error: StoreError) -> None:
        report(_waiting_report(error))
        board.show(error)

    try:
        yield tell
    except StoreError as error:
        board.show(error)
        raise


def _waiting_report(error: StoreError) -> dict[str, Any]:
    return trouble_report(error) | {"broker": "not asked before the store serves"}


def _full_report(worker: Worker, link: BrokerLink, inbox: Inbox) -> dict[str, Any]:
    return worker.report() | {
        "broker": "connected" if link.connected else link.why_not or "away",
        "inbox_refused": inbox.refused,
    }


@contextlib.contextmanager
def _voice(worker: Worker, report: Report) -> Iterator[Report]:
    """Passes reports on, and speaks for the worker while that waits for an answer of the store.

    Without it the service would look stuck, which it is not, for as long as a server hangs.
    """
    lock, ended = threading.Lock(), threading.Event()
    last: dict[str, Any] = {}

    def say(full: dict[str, Any]) -> None:
        with lock:
            last.update(full)
            report(full)

    def speak() -> None:
        while not ended.wait(REPORT_S):
            with lock:
                since_s = worker.asking_since_s
                waited_s = 0.0 if since_s is None else time.monotonic() - since_s
                if last and waited_s > SLOW_S:
                    report(last | trouble_report(_slow(waited_s)))

    thread = threading.Thread(target=speak, name="voice", daemon=True)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        thread.join()


def _slow(waited_s: float) -> StoreError:
    return StoreError(
        Reason.STORE_UNREACHABLE,
        f"The store has not answered for {waited_s:.0f} s.",
        hint="Look at its load and its disk. Gateways keep what is not stored.",
    )
