"""A flood of made-up acknowledgements and commands: nothing is forgotten, and sending goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
from structlog.testing import capture_logs

from contracts import topics
from contracts.messages import MAX_JSON_BYTES, MAX_SEQ, Stored
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import GATEWAY, SITE
from tests.device_gateway.samples import append
from tests.device_gateway.test_publisher import between, configured, serving, until
from tests.flood import Flood

COUNT = 20_000
STORED, COMMAND = topics.stored(SITE, GATEWAY, "S"), topics.command(SITE, GATEWAY)


def hostile(outbox_id: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Whatever is no acknowledgement of a batch in this outbox."""
    noise = random.Random(5)
    good = {"v": 1, "outbox": outbox_id, "seq": 0, "resend": False}
    spoilt = (
        {"outbox": "another"},
        {"outbox": "another", "seq": 3, "resend": True},
        {"seq": 10**6},
        {"seq": MAX_SEQ, "resend": True},
        {"seq": -1},
        {"seq": 2**64},
        {"seq": 1.5},
        {"seq": "3"},
        {"seq": None},
        {"v": 2, "seq": 3},
        {"resend": True},
    )
    rare = (b" " * (MAX_JSON_BYTES + 1), b'{"a":' * 6000, b"[" * 20_000)
    for number in range(count):
        topic = noise.choice((STORED, STORED, COMMAND, topics.stored(SITE, GATEWAY, "unknown")))
        kind = noise.randrange(4)
        if number % 500 == 0:
            yield topic, noise.choice(rare)
        elif kind == 0:
            yield topic, noise.randbytes(noise.randrange(200))
        elif kind == 1:
            text = bytearray(msgspec.json.encode(good))
            text[noise.randrange(len(text))] = 0xFF
            yield topic, bytes(text)
        else:
            yield topic, msgspec.json.encode(good | noise.choice(spoilt))


def test_a_flood_is_waded_through(mosquitto_broker: MosquittoBroker, tmp_path: Path) -> None:
    async def run() -> None:
        with between(tmp_path, mosquitto_broker.port) as (outbox, analytics):
            analytics.acknowledging = False
            config = configured(mosquitto_broker.port, outbox)
            async with serving(config, outbox) as made:
                made.committed(outbox.write([append(outbox, batches=5)]))
                await until(lambda: analytics.seen >= 5)
                flood = Flood(mosquitto_broker.port)
                messages = hostile(outbox.outbox_id, COUNT)
                await asyncio.to_thread(flood.publish, messages)
                flood.close()
                assert outbox.state("S").stored_seq == 0
                analytics.acknowledging = True
                made.committed(outbox.write([append(outbox, batches=5)]))
                again = Stored(outbox=outbox.outbox_id, seq=0, resend=True)
                analytics.publish(STORED, again.encode())
                await until(lambda: outbox.state("S").stored_seq == 10)
                assert made.state == "connected"
            assert [batch.seq for batch in analytics.batches["S"]] == list(range(1, 11))

    with capture_logs() as logs:
        asyncio.run(run())
    assert len([entry for entry in logs if entry["log_level"] != "debug"]) < 20
