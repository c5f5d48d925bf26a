"""A gateway and a sensor that bonds: met for the first time, again, taken by another, and reset."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from device_gateway.radio.keys import KeyFile
from firmware_sim.peripheral import Peripheral
from tests.brokers import MosquittoBroker
from tests.device_gateway.counting import counting_sensor
from tests.device_gateway.test_gateway import configured, gateway, quick_scans, state_of, until
from tests.firmware_sim.bluetooth import simulator

__all__ = ["quick_scans"]  # a fixture


def test_first_met_met_again_and_taken_by_another(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = replace(counting_sensor("B", waiting=200, end=False), bonds=True)
    placed: list[Peripheral] = []
    heard = LogCapture()  # in the logger's place: where logs go is any other test's to change
    monkeypatch.setattr(
        "device_gateway.sensor.log",
        structlog.wrap_logger(None, [heard], wrapper_class=structlog.stdlib.BoundLogger),
    )

    def said(words: str) -> bool:
        told = [entry for entry in heard.entries if words in entry.get("reason", "")]
        assert all(entry["sensor"] == "B" for entry in told)  # though it was never read
        return bool(told)

    async def run() -> None:
        async with simulator([sensor], placed=placed.extend) as air:
            ours = configured(
                tmp_path, air.spec, mosquitto_broker.port, keys_path=tmp_path / "ours.json"
            )
            for _ in ("bonds", "is known"):
                async with gateway(ours) as counts:
                    await until(lambda: state_of(counts, "B") == "live")
            bonding = placed[0].bonding
            assert bonding is not None
            assert bonding.bonded_with == (str(KeyFile(tmp_path / "ours.json").address),)

            stranger = replace(
                ours,
                gateway="stranger",
                outbox_path=tmp_path / "stranger.db",
                keys_path=tmp_path / "stranger.json",
            )
            async with gateway(stranger):
                await until(lambda: said("bonded with another gateway"))
            assert not (tmp_path / "stranger.json").exists()

            bonding.reset()
            async with gateway(ours) as counts:
                await until(lambda: said("no longer knows this gateway"))
                await until(lambda: state_of(counts, "B") == "refused")  # whose name it was
            assert not bonding.bonded_with  # what took its name is not trusted by itself
            assert KeyFile(tmp_path / "ours.json").forget("B") == 1
            async with gateway(ours) as counts:
                await until(lambda: state_of(counts, "B") == "live")
            assert len(bonding.bonded_with) == 1

    asyncio.run(run())
