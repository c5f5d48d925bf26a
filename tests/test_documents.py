"""Examples in the documents are true: what they show is decoded, and a session is played for real."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from contracts import gatt, messages, topics
from contracts.gatt import Command, Opcode, Position, Reply, SamplePacket, SensorStatus, SyncInfo
from contracts.imu import DEFAULT_SCALE
from contracts.messages import ImuMessage, JsonMessage
from contracts.recording import MANIFEST, open_recording
from contracts.topics import Kind
from contracts.units import NS_PER_S
from contracts.wishes import NotNowWish
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.source import SourceChunk
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
#: 2026-01-01T00:00:00Z: when the sensor of the examples was switched on.
POWER_ON_NS = 1_767_225_600 * NS_PER_S
EXAMPLE_ATT_MTU = 55


class Resting:
    """A sensor at rest, x up: 1 g is 2048 at ± 16 g."""

    rate_hz = 50.0
    end_tick = None

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        raw = np.zeros((len(ticks), 6), dtype=np.int16)
        raw[:, 0] = 2048
        return SourceChunk(ticks, DEFAULT_SCALE.to_si(raw).astype(np.float64))


def sensor() -> Firmware:
    return Firmware(FirmwareConfig(serial="PL-0001-T4", power_on_ns=POWER_ON_NS), Resting())


def rows(document: Path, columns: int) -> Iterator[list[str]]:
    """Cells of the tables that have so many columns, back-ticks taken off."""
    for line in document.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not set(cells[0]) <= set("-: "):
            yield cells


def said(command: bytes) -> str:
    request = Command.from_bytes(command)
    arguments = request.arguments
    words = [Opcode(request.opcode).name]
    if request.opcode in (Opcode.START_AHEAD, Opcode.ERASE):
        place = Position.from_bytes(arguments)
        words.append(f"epoch {place.epoch} sequence {place.sequence}")
    elif request.opcode == Opcode.SET_TIME:
        words.append(f"{gatt.read_utc_us(arguments)} µs")
    elif request.opcode == Opcode.SYNC_INFO:
        words.append(f"epoch {gatt.read_u16(arguments, 'epoch')}")
    elif request.opcode == Opcode.HAPTIC:
        pulse = gatt.HapticPulse.from_bytes(arguments)
        words.append(
            f"pattern {pulse.pattern} at {pulse.strength_percent} % for {pulse.duration_ms} ms"
        )
    return f"{' '.join(words)}, token {request.token}"


def answered(value: bytes) -> str:
    reply = Reply.from_bytes(value)
    words = [reply.status.name]
    if reply.result and reply.opcode == Opcode.STATUS:
        status = SensorStatus.from_bytes(reply.result)
        words.append(
            f"clock {status.device_us} µs, epoch {status.epoch}, keeps {status.oldest.sequence} "
            f"to before {status.next.sequence}, battery {status.battery_percent} %"
        )
    elif reply.result and reply.opcode == Opcode.SYNC_INFO:
        words.append("known" if SyncInfo.from_bytes(reply.result).known else "never set")
    elif reply.result:
        words.append(f"{gatt.read_u64(reply.result, 'device_us')} µs")
    return f"{' '.join(words)}, token {reply.token}"


def sent(value: bytes) -> str:
    packet = SamplePacket.from_bytes(value)
    return f"{packet.count} samples from sequence {packet.sequence}, clock {packet.device_us} µs"


def test_the_session_of_the_gatt_page_is_what_a_sensor_does() -> None:
    firmware = sensor()
    replies: list[bytes] = []
    played = 0
    for at_s, where, text, says in rows(DOCS / "gatt.md", 4):
        if where not in ("write", "reply", "log", "stream"):
            continue
        value = bytes.fromhex(text)
        now_ns = POWER_ON_NS + round(float(at_s) * NS_PER_S)
        firmware.advance(now_ns)
        played += 1
        if where == "write":
            assert said(value) == says
            replies.append(firmware.handle(value, now_ns))
        elif where == "reply":
            assert replies.pop(0).hex(" ") == value.hex(" ")
            assert answered(value) == says
        else:
            notification = firmware.next_notification(gatt.samples_per_packet(EXAMPLE_ATT_MTU))
            assert notification is not None
            assert notification.is_log == (where == "log")
            assert notification.value.hex(" ") == value.hex(" ")
            assert sent(value) == says
    assert played >= 15
    assert not replies


def test_the_gatt_page_has_the_layout_of_the_codec() -> None:
    """Offset and width of each field, as the page gives them, add up to the packed structures."""
    tables: list[list[tuple[int, str]]] = []
    for at, kind, _ in rows(DOCS / "gatt.md", 3):
        if re.fullmatch(r"\d+", at) and kind.islower():
            if at == "0":
                tables.append([])
            tables[-1].append((int(at), kind))
    widths = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "position": 6}
    sizes = []
    for table in tables:
        size = 0
        for offset, field in table:
            assert offset == size, table
            size += widths.get(field, 0)
        sizes.append(size)
    assert sizes == [
        SamplePacket.HEADER.size,
        SensorStatus.LAYOUT.size,
        SyncInfo.LAYOUT.size,
        gatt.HapticPulse.LAYOUT.size,
    ]


def test_the_gatt_page_names_every_opcode_status_and_identifier() -> None:
    text = (DOCS / "gatt.md").read_text()
    for opcode in Opcode:
        assert f"| `{opcode.value:#04x}` | {opcode.name} |" in text
    for status in gatt.ReplyStatus:
        assert f"| {status.value} | {status.name} |" in text
    for uuid in (gatt.SERVICE_UUID, gatt.STREAM_UUID, gatt.CONTROL_UUID, gatt.LOG_UUID):
        assert uuid in text


JSON_OF: dict[Kind, type[JsonMessage]] = {
    Kind.GATEWAY_STATUS: messages.GatewayStatus,
    Kind.COMMAND: messages.GatewayCommand,
    Kind.REPLY: messages.GatewayReply,
    Kind.SENSOR_STATUS: messages.SensorStatus,
    Kind.STORED: messages.Stored,
    Kind.POSTURE: messages.PostureState,
    Kind.EPISODE: messages.EpisodeEvent,
    Kind.NUDGE: messages.NudgeEvent,
    Kind.CONTEXT: messages.Context,
    Kind.NOT_NOW: NotNowWish,
    Kind.REJECTED: messages.Rejected,
}


def test_the_mqtt_page_shows_a_true_example_of_every_message() -> None:
    text = (DOCS / "mqtt.md").read_text()
    examples = re.findall(
        r"^`(plumbline/v1/\S+)`.*?```json\n(.*?)```", text, re.DOTALL | re.MULTILINE
    )
    shown = set()
    for topic, body in examples:
        kind = topics.parse(topic).kind
        message = JSON_OF[kind].decode(body.encode(), now_ns=POWER_ON_NS)
        assert json.loads(message.encode()) == json.loads(body), topic
        shown.add(kind)
    assert shown == set(JSON_OF)


def test_the_mqtt_page_shows_a_true_batch() -> None:
    text = (DOCS / "mqtt.md").read_text()
    (dump,) = re.findall(r"```hex\n(.*?)```", text, re.DOTALL)
    data = bytes.fromhex(re.sub(r"#.*", "", dump))
    batch = ImuMessage.decode(data, now_ns=POWER_ON_NS)
    assert batch.encode() == data
    assert (batch.seq, batch.count, batch.t0_ns) == (7, 1, POWER_ON_NS)


def test_the_mqtt_page_has_the_caps_of_the_code() -> None:
    text = (DOCS / "mqtt.md").read_text()
    for cap in (messages.MAX_JSON_BYTES, messages.MAX_BATCH_SAMPLES, messages.MAX_IMU_BYTES):
        assert f"{cap:,}" in text


def test_the_recording_page_shows_a_true_manifest(tmp_path: Path) -> None:
    text = (DOCS / "recording.md").read_text()
    (body,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / MANIFEST).write_text(body)
    for file in json.loads(body)["sensors"].values():
        (tmp_path / file).touch()
    recording = open_recording(tmp_path, now_ns=POWER_ON_NS)
    assert recording.start_ns == POWER_ON_NS
    assert set(recording.manifest.calibration) == {"upright", "rounded"}
