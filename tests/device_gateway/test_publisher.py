from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from contracts import topics
from contracts.broker import BrokerAddress
from contracts.errors import BrokerError, Reason
from contracts.messages import GatewayCommand, GatewayReply, SensorStatus, Stored
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.publisher import Publisher
from device_gateway.told import told
from plumbline.ports import free_port
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import GATEWAY, SITE, Analyst, analyst
from tests.device_gateway.samples import append

CAP = 2**28


def configured(port: int, outbox: Outbox, **broker: str) -> GatewayConfig:
    return GatewayConfig(
        site=SITE,
        gateway=GATEWAY,
        radio="system",
        broker=BrokerAddress(port=port, **broker),
        outbox_path=outbox.path,
        broker_wait_s=10.0,
    )


def publisher(config: GatewayConfig, outbox: Outbox) -> Publisher:
    async def command(asked: GatewayCommand) -> GatewayReply:
        return GatewayReply(id=asked.id, ok=True, reason=asked.action)

    def stored(sensor: str, seq: int) -> None:
        outbox.write([], {sensor: seq})

    return Publisher(config, outbox, clock_ns=time.time_ns, stored=stored, command=command)


@contextmanager
def between(folder: Path, port: int) -> Iterator[tuple[Outbox, Analyst]]:
    """An outbox before the broker, and who takes its batches behind it."""
    with Outbox(folder / "o.db", cap_bytes=CAP) as outbox, analyst(port) as analytics:
        yield outbox, analytics


@asynccontextmanager
async def serving(config: GatewayConfig, outbox: Outbox) -> AsyncIterator[Publisher]:
    made = publisher(config, outbox)
    task = asyncio.create_task(made.run())
    try:
        await made.connected()
        yield made
    finally:
        made.stop()
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_everything_waiting_goes_out_in_order_and_is_forgotten(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            for sensor in ("S", "T"):
                outbox.write([append(outbox, sensor=sensor, batches=300, count=3000)])
            async with serving(configured(mosquitto_broker.port, outbox), outbox) as made:
                await until(lambda: outbox.used_bytes == 0)
                made.committed(outbox.write([append(outbox)]))
                await until(lambda: outbox.state("S").stored_seq == 301)
            assert analytics.last("S") == 301
            assert analytics.received("T") == 300 * 3000
            assert analytics.holes == analytics.duplicates == 0

    asyncio.run(run())


def test_a_restarted_broker_is_found_again_and_nothing_is_missing(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            async with serving(configured(mosquitto_broker.port, outbox), outbox) as made:
                made.committed(outbox.write([append(outbox, batches=5)]))
                await until(lambda: outbox.state("S").stored_seq == 5)
                await asyncio.to_thread(mosquitto_broker.stop)
                await until(lambda: made.state == "unreachable")
                made.committed(outbox.write([append(outbox, batches=5)]))
                await asyncio.to_thread(mosquitto_broker.start)
                await until(lambda: outbox.state("S").stored_seq == 10)
                assert made.state == "connected"
            assert [batch.seq for batch in analytics.batches["S"]] == list(range(1, 11))

    asyncio.run(run())


def test_what_nobody_acknowledges_is_sent_again(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.window.RESEND_FIRST_S", 0.5)

    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            analytics.acknowledging = False
            outbox.write([append(outbox, batches=3)])
            async with serving(configured(mosquitto_broker.port, outbox), outbox):
                await until(lambda: analytics.seen == 3)
                analytics.acknowledging = True
                await until(lambda: outbox.state("S").stored_seq == 3)
            assert analytics.seen >= 6

    asyncio.run(run())


def test_a_resend_is_answered_at_once_and_foreign_words_are_not_believed(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            analytics.acknowledging = False
            outbox.write([append(outbox, batches=4)])
            topic = topics.stored(SITE, GATEWAY, "S")
            foreign = Stored(outbox="another", seq=4).encode()
            beyond = Stored(outbox=outbox.outbox_id, seq=999).encode()
            ours = Stored(outbox=outbox.outbox_id, seq=1, resend=True).encode()
            async with serving(configured(mosquitto_broker.port, outbox), outbox):
                await until(lambda: analytics.seen == 4)
                for payload in (foreign, beyond, b"\xff{", b"", ours):
                    analytics.publish(topic, payload)
                analytics.publish(topics.stored(SITE, GATEWAY, "nobody"), ours)
                await until(lambda: analytics.seen >= 7)
                assert outbox.state("S").stored_seq == 1

    asyncio.run(run())


def test_status_last_will_and_commands(mosquitto_broker: MosquittoBroker, tmp_path: Path) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            config = configured(mosquitto_broker.port, outbox)
            async with serving(config, outbox) as made:
                made.status("S", SensorStatus(state="live", at_ns=time.time_ns(), last_seq=3))
                await until(lambda: "S" in analytics.statuses)
                await until(lambda: analytics.gateway[-1].sensors == ("S",))
                asked = GatewayCommand(id="c1", action="haptic", sensor="S")
                topic = topics.command(SITE, GATEWAY)
                analytics.publish(topic, b"garbage")
                analytics.publish(topic, asked.encode())
                await until(lambda: bool(analytics.replies))
                assert analytics.replies == [GatewayReply(id="c1", ok=True, reason="haptic")]
            await until(lambda: analytics.gateway[-1].state == "offline")
            assert analytics.gateway[-1].reason == "stopped"
            task = asyncio.create_task(publisher(config, outbox).run())
            await until(lambda: analytics.gateway[-1].state == "online")
            task.cancel()  # ends without a word of goodbye
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_wrong_password_is_refused_clearly_and_not_told(
    guarded_broker: MosquittoBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=CAP) as outbox:
            config = configured(
                guarded_broker.port, outbox, username="plumbline", password="hunter2"
            )
            with pytest.raises(BrokerError) as raised:
                async with serving(config, outbox):
                    pass
            assert raised.value.reason is Reason.BROKER_REFUSED
            assert "hunter2" not in f"{raised.value}{config!r}"
            right = configured(guarded_broker.port, outbox, username="plumbline", password="right")
            async with serving(right, outbox) as made:
                assert made.state == "connected"

    asyncio.run(run())
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err


def test_no_broker_at_all(tmp_path: Path) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=CAP) as outbox:
            outbox.write([append(outbox)])
            with pytest.raises(BrokerError) as raised:
                config = replace(configured(free_port(), outbox), broker_wait_s=0.3)
                async with serving(config, outbox):
                    pass
            assert raised.value.reason is Reason.BROKER_UNREACHABLE
            assert outbox.state("S").waiting_batches == 1

    asyncio.run(run())


def test_what_is_damaged_on_disk_holds_nobody_else_up(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            for sensor in ("S", "T"):
                outbox.write([append(outbox, sensor=sensor, batches=4)])
            # as after a page that was lost: a batch is not there any more
            outbox._db.execute("DELETE FROM batch WHERE seq = 3 AND sensor = 1")
            async with serving(configured(mosquitto_broker.port, outbox), outbox):
                await until(lambda: outbox.state("T").stored_seq == 4)
                await until(lambda: outbox.state("S").stored_seq == 2)
            assert analytics.received("T") == 40

    asyncio.run(run())


def test_a_frozen_broker_does_not_hold_up_a_stop(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with Outbox(tmp_path / "o.db", cap_bytes=CAP) as outbox:
            made = publisher(configured(mosquitto_broker.port, outbox), outbox)
            task = asyncio.create_task(made.run())
            await made.connected()
            assert mosquitto_broker._process is not None
            mosquitto_broker._process.send_signal(signal.SIGSTOP)
            try:
                made.committed(outbox.write([append(outbox, batches=5)]))
                await until(lambda: made._windows["S"].sent_seq == 5)
                made.stop()
                await asyncio.wait({task}, timeout=0.2)
                assert made.state == "offline"  # not waiting for what was under way
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            finally:
                mosquitto_broker._process.send_signal(signal.SIGCONT)
            assert outbox.state("S").waiting_batches == 5

    asyncio.run(run())


def test_what_grows_while_all_is_well_is_told_with_the_counts_only() -> None:
    before = SensorStatus(state="live", at_ns=1, last_seq=5, received=50, outbox_batches=1)
    grown = msgspec.structs.replace(
        before, at_ns=2, last_seq=6, received=60, outbox_batches=2, clock_error_ns=7
    )
    assert told(before, counts=False) == told(grown, counts=False)
    assert told(before, counts=True) != told(grown, counts=True)
    for field, value in {"state": "ended", "dropped": 1, "backlog": 9, "reason": "far"}.items():
        changed = msgspec.structs.replace(grown, **{field: value})
        assert told(before, counts=False) != told(changed, counts=False)
