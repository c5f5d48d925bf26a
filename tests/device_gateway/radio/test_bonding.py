"""A bonded sensor over the virtual air: who is let in, who is not, and what is kept of it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bleak.exc import BleakError, BleakGATTProtocolError

from contracts import gatt
from contracts.errors import RadioError, Reason
from device_gateway.radio import Radio, open_radio
from device_gateway.radio.keys import MAX_BONDS, KeyFile
from firmware_sim.peripheral import Peripheral
from tests.firmware_sim.bluetooth import Listener, find, run, sensor, simulator, until

INSUFFICIENT_ENCRYPTION = 0x0F


async def _heard(radio: Radio) -> Any:
    [advertisement] = await find(radio, 1)
    return radio.client(advertisement, lambda: None)


async def _bond(spec: str, keys: Path) -> None:
    """The first meeting: the sensor is fresh from its box."""
    async with open_radio(spec, keys) as radio:
        client = await _heard(radio)
        await client.connect()
        await client.pair()
        listener = await Listener.on(client)
        await listener.start()
        await until(lambda: listener.samples > 0)
        await client.disconnect()


def test_a_bonded_gateway_reads_again_without_pairing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"

    async def work() -> None:
        async with simulator([sensor("S", bonds=True)]) as running:
            await _bond(running.spec, keys)
            async with open_radio(running.spec, keys) as radio:
                client = await _heard(radio)
                await client.connect()
                listener = await Listener.on(client)
                await listener.start()
                await until(lambda: listener.samples > 0)
                await client.disconnect()

    run(work())
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert KeyFile(keys).forget("T") == 0
    assert KeyFile(keys).forget("S") == 1
    assert asyncio.run(KeyFile(keys).get_all()) == []


def test_an_unbonded_central_reads_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with simulator([sensor("S", bonds=True)]) as running:
            await _bond(running.spec, tmp_path / "ours.json")
            async with open_radio(running.spec, tmp_path / "strangers.json") as radio:
                client = await _heard(radio)
                await client.connect()
                assert await client.read_gatt_char(gatt.SERIAL_NUMBER_UUID) == b"S"
                for uuid in (gatt.STREAM_UUID, gatt.LOG_UUID, gatt.CONTROL_UUID):
                    with pytest.raises(BleakGATTProtocolError) as refused:
                        await client.start_notify(uuid, lambda *_: pytest.fail("was told"))
                    assert refused.value.code == INSUFFICIENT_ENCRYPTION
                start = gatt.Command(gatt.Opcode.START, 1, gatt.Position(1, 0).to_bytes())
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await client.write_gatt_char(gatt.CONTROL_UUID, start.to_bytes(), response=True)
                assert refused.value.code == INSUFFICIENT_ENCRYPTION
                with pytest.raises(BleakError):
                    await client.pair()
                await client.disconnect()

    run(work())


def test_our_address_without_our_key_is_of_no_use(tmp_path: Path) -> None:
    ours, forged = tmp_path / "ours.json", tmp_path / "forged.json"

    async def work() -> None:
        async with simulator([sensor("S", bonds=True)]) as running:
            await _bond(running.spec, ours)
            kept = msgspec.json.decode(ours.read_bytes())
            for keys in kept["bonds"].values():
                keys["ltk"]["value"] = "00" * 16
            forged.write_bytes(msgspec.json.encode(kept))
            async with open_radio(running.spec, forged) as radio:
                client = await _heard(radio)
                with pytest.raises(BleakError):
                    await client.connect()
                assert not client.is_connected

    run(work())


def test_a_sensor_that_was_reset_is_told_apart(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    placed: list[Peripheral] = []

    async def work() -> None:
        async with simulator([sensor("S", bonds=True)], placed=placed.extend) as running:
            await _bond(running.spec, keys)
            bonding = placed[0].bonding
            assert bonding is not None
            assert len(bonding.bonded_with) == 1
            bonding.reset()
            async with open_radio(running.spec, keys) as radio:
                client = await _heard(radio)
                with pytest.raises(RadioError) as refused:
                    await client.connect()
                assert refused.value.reason is Reason.NOT_BONDED
                assert "forget" in refused.value.hint
                await client.unpair()
                await client.connect()
                await client.pair()
                await Listener.on(client)
                await client.disconnect()

    run(work())


def test_a_bond_that_only_the_gateway_got_to_know_is_made_anew(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    placed: list[Peripheral] = []

    async def work() -> None:
        async with simulator([sensor("S", bonds=True)], placed=placed.extend) as running:
            bonding = placed[0].bonding
            assert bonding is not None
            async with open_radio(running.spec, keys) as radio:
                client = await _heard(radio)
                await client.connect()
                await client.pair()  # and before anything is asked, the link breaks
                await client.disconnect()
                bonding.reset()  # the sensor's end of it: our part of the keys never arrived
                with pytest.raises(BleakError, match="while it was bonded"):
                    await client.connect()
                await client.connect()
                await client.pair()
                await Listener.on(client)
                await client.disconnect()
                bonding.reset()  # this time somebody did it
                with pytest.raises(RadioError) as refused:
                    await client.connect()
                assert refused.value.reason is Reason.NOT_BONDED

    run(work())


def test_which_bonds_are_proven_outlives_a_restart(tmp_path: Path) -> None:
    from bumble.keys import PairingKeys

    path = tmp_path / "keys.json"

    async def work() -> None:
        for peer in ("A", "B"):
            await KeyFile(path).update(peer, PairingKeys())
        KeyFile(path).prove("A")
        assert [KeyFile(path).is_proven(peer) for peer in ("A", "B")] == [True, False]
        await KeyFile(path).delete("B")
        assert msgspec.json.decode(path.read_bytes())["unproven"] == []
        await KeyFile(path).update("A", PairingKeys())  # paired with anew
        assert not KeyFile(path).is_proven("A")

    asyncio.run(work())


def test_keys_that_cannot_be_understood_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for damage in (
        b"",
        b"{}",
        b'{"address":"x"}',
        b'{"address":"F0:00:00:00:00:01","bonds":{"a":3}}',
    ):
        path.write_bytes(damage)
        with pytest.raises(RadioError) as refused:
            KeyFile(path)
        assert refused.value.reason is Reason.MALFORMED
        assert path.read_bytes() == damage


def test_the_oldest_bond_makes_room(tmp_path: Path) -> None:
    from bumble.keys import PairingKeys

    path = tmp_path / "keys.json"

    async def work() -> None:
        keys = KeyFile(path)
        for number in range(MAX_BONDS + 1):
            await keys.update(f"peer-{number}", PairingKeys())
        assert await keys.get("peer-0") is None
        assert len(await KeyFile(path).get_all()) == MAX_BONDS
        assert KeyFile(path).address == keys.address != KeyFile(tmp_path / "other").address

    asyncio.run(work())
