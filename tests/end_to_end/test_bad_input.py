"""Bad input gets a clear message and a status that is not 0, and loses nothing."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest

from contracts import topics
from contracts.records import FRAME_NS
from plumbline.demo_folder import BROKER_USERNAME
from plumbline.ports import LOOPBACK, free_port
from plumbline.stats import read_stats
from tests.end_to_end.demo_run import (
    LIMIT_S,
    command,
    demo,
    environment,
    plumbline,
    store_of,
    wait_until,
)

pytestmark = pytest.mark.end_to_end

#: The simulated sensors are switched on one after the other.
SWITCHED_ON_S = 20
D_BUS = Path("/run/dbus/system_bus_socket")


def refused(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """It ended with this status, said these words and showed no traceback."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert any(line.startswith("plumbline: ") for line in done.stderr.splitlines()), done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()


@contextmanager
def broker(folder: Path, password: str = "") -> Iterator[int]:
    """An embedded broker on a free port."""
    port, stats = free_port(), folder / "broker.json"
    flags: list[object] = ["broker", "--broker-port", port, "--stats", stats]
    if password:
        secret = folder / "secret"
        secret.write_text(password, encoding="utf-8")
        flags += ["--broker-username", "plumb", "--broker-password-file", secret]
    with subprocess.Popen(command(*flags), env=environment()) as process:
        try:
            wait_until(lambda: read_stats(stats), "the broker")
            yield port
        finally:
            process.terminate()


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """Simulated sensors; the address of their air."""
    stats = folder / "sim.json"
    flags = ("sim", "--hours", "0.02", "--stats", stats)
    with subprocess.Popen(command(*flags), env=environment()) as process:
        try:
            wait_until(lambda: read_stats(stats), "the simulator")
            yield str(read_stats(stats)["listen"])
        finally:
            process.terminate()


@pytest.mark.skipif(D_BUS.exists(), reason="this machine has D-Bus, perhaps with Bluetooth")
def test_no_bluetooth_on_the_machine(tmp_path: Path) -> None:
    with broker(tmp_path) as port:
        done = plumbline("gateway", "--broker-port", port, "--data", tmp_path / "data")
    refused(done, 71, "D-Bus", "--radio")


def test_no_simulator_where_the_radio_should_be(tmp_path: Path) -> None:
    with broker(tmp_path) as port:
        radio = f"tcp:{LOOPBACK}:{free_port()}"
        done = plumbline(
            "gateway", "--broker-port", port, "--radio", radio, "--data", tmp_path / "d"
        )
    refused(done, 71, radio.removeprefix("tcp:"))


@pytest.mark.parametrize("service", ["gateway", "analytics"])
def test_the_broker_is_down(service: str, tmp_path: Path) -> None:
    with simulator(tmp_path) as radio:
        flags: list[object] = ["--broker-port", free_port(), "--broker-wait-s", 1]
        if service == "gateway":
            flags += ["--radio", radio]
        done = plumbline(service, *flags, "--data", tmp_path / "data")
    refused(done, 69, "broker")


@pytest.mark.parametrize("service", ["gateway", "analytics"])
def test_the_broker_refuses_the_password(service: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guessed-wrong", encoding="utf-8")
    with simulator(tmp_path) as radio, broker(tmp_path, password="right") as port:
        flags: list[object] = ["--broker-port", port, "--broker-username", "plumb"]
        flags += ["--broker-password-file", wrong, "--data", tmp_path / "data", "-vv"]
        if service == "gateway":
            flags += ["--radio", radio]
        done = plumbline(service, *flags)
    assert done.returncode == 69, done.stderr
    assert "plumbline: " in done.stderr
    assert "guessed-wrong" not in done.stderr + done.stdout


@pytest.mark.parametrize("how", ["analyze", "demo"])
def test_a_parquet_with_a_column_missing(how: str, data_dir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(data_dir / "recordings" / "sitting-04", broken)
    table = pq.read_table(broken / "T4.parquet")
    pq.write_table(table.drop_columns(["gy"]), broken / "T4.parquet")
    if how == "analyze":
        done = plumbline("analyze", broken, cwd=tmp_path)
    else:
        done = plumbline("demo", "--headless", "--recording", broken, cwd=tmp_path)
    refused(done, 64, "T4.parquet", "gy", "columns are")


def test_a_file_that_is_no_parquet(data_dir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(data_dir / "recordings" / "sitting-04", broken)
    (broken / "T4.parquet").write_bytes(b"not a parquet")
    refused(plumbline("analyze", broken, cwd=tmp_path), 64, "T4.parquet", "cannot be read")


def test_tables_that_cannot_be_written(data_dir: Path, tmp_path: Path) -> None:
    recording = data_dir / "recordings" / "sitting-04"
    done = plumbline("analyze", recording, "--frames", tmp_path / "absent" / "f.parquet")
    refused(done, 64, "no folder")


def test_a_read_only_data_folder(tmp_path: Path) -> None:
    for flags in (("demo", "--headless"), ("analytics",), ("gateway",)):
        refused(plumbline(*flags, "--data", "/proc/plumbline"), 71, "/proc/plumbline", "--data")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    """No file may grow beyond what a few minutes of data need: as if the disk were full."""
    data = tmp_path / "data"
    limit = 600_000

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    flags = ("--data", data, "--hours", "1", "--headless", "--until-done", "--patience-s", "10")
    done = subprocess.run(
        command("demo", *flags, "--json"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment(),
        preexec_fn=full,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "plumbline: " in done.stderr
    assert (data / "outbox.sqlite").exists(), done.stderr
    assert (data / "outbox.sqlite").stat().st_size <= limit
    with store_of(data) as store:
        frames = store.frames("demo-001", 0, 2**63 - 1)
    # What was refused was not skipped: the sensors keep it, and what is stored has no hole.
    assert (np.diff(frames.start_ns) == FRAME_NS).all()
    settled = frames.samples[SWITCHED_ON_S:-2]
    assert settled.size > 0
    assert (settled >= 2 * 50 - 2).all()  # a drifting clock has 49 samples in a second now and then


def test_garbage_on_a_topic_goes_to_rejected_and_the_service_lives_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    heard: list[dict[str, object]] = []
    subscribed = threading.Event()
    with demo(data, "--hours", "0.5", "--headless", "--until-done") as running:
        secret = data / "run" / "broker.secret"
        wait_until(lambda: running.stats("analytics"), "analytics", running.process)
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.username_pw_set(BROKER_USERNAME, secret.read_text(encoding="utf-8"))
        client.on_message = lambda _c, _u, message: heard.append(json.loads(message.payload))
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect(LOOPBACK, int(running.run["broker_port"]))
        client.loop_start()
        client.subscribe(topics.rejected("home"), 1)
        assert subscribed.wait(LIMIT_S)
        sensor = next(iter(running.run["sensors"]))
        for payload in (b"", b"\x00\xff" * 100, os.urandom(1000), b"{}"):
            client.publish(topics.imu("home", "gateway-1", sensor), payload, qos=1)
        wait_until(lambda: heard, "a rejection", running.process)
        client.disconnect()
        client.loop_stop()
        status, summary, said = running.finish()
    assert status == 0, said
    assert summary["missing"] == []
    assert heard[0]["topic"] == topics.imu("home", "gateway-1", sensor)
    assert heard[0]["reason"]
