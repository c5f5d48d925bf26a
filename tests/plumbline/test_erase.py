"""``plumbline erase``, ``receipt`` and ``replay``: by itself and through a service, in words and as JSON."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from plumbline import cli
from plumbline.erase import NO_BROKER
from plumbline.ports import free_port
from store import open_registry, open_series
from store.people_ports import Errand, ErrandKind
from store.ports import Commit, Wearer, WearerRows
from store.registry import SqlRegistry
from tests.analytics.hand_worker import HandWorker
from tests.analytics.services import config_for, running
from tests.analytics.test_erasure_service import retained
from tests.analytics.test_replay import RESULT, SETTINGS, fill
from tests.analytics.test_replay import WEARER as REPLAYED
from tests.brokers import MosquittoBroker
from tests.store.records import FIRST_S, frames_from, minute

WEARER = "w-1"
SITE = "test"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder in which a person has worn sensors, and another has."""
    hand = HandWorker(tmp_path)
    for wearer in (WEARER, "w-2"):
        hand.wear(wearer, T4=f"{wearer}-T4")
        rows = WearerRows(wearer, frames_from(FIRST_S, 30), minutes=[minute(FIRST_S)])
        hand.store.commit(Commit([rows]))
    hand.close()
    return tmp_path


def run(folder: Path, port: int, *arguments: str) -> int:
    config = folder / "test.toml"
    config.write_text(
        f'site = "{SITE}"\n'
        f'store_url = "sqlite:{folder}/series.sqlite"\n'
        f'registry_url = "sqlite:{folder}/registry.sqlite"\n'
    )
    broker = ("--broker-port", str(port)) if arguments[0] == "erase" else ()
    return cli.run([*arguments, "--config", str(config), *broker])


def left(folder: Path) -> set[str]:
    """Who is left in the stores."""
    series = open_series(f"sqlite:{folder}/series.sqlite", read_only=True)
    registry = open_registry(f"sqlite:{folder}/registry.sqlite", read_only=True)
    found = {w.wearer for w in series.wearers()} | {w.wearer for w in registry.wearers()}
    series.close()
    registry.close()
    return found


def test_by_itself_with_a_broker_that_still_keeps_a_last_word(
    folder: Path, mosquitto_broker: MosquittoBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    port = mosquitto_broker.port
    keep = HandBroker(port)
    for name in (WEARER, "w-2"):
        keep.retain(topics.posture(SITE, name))
        keep.retain(topics.context(SITE, name))
    assert len(retained(port)) == 4
    assert run(folder, port, "erase", WEARER, "--yes", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["series"] == {
        "frames": 30,
        "minutes": 1,
        "days": 0,
        "episodes": 0,
        "nudges": 0,
        "calibrations": 0,
        "ahead": 0,
        "snapshots": 0,
    }
    assert printed["registry"]["assignment"] == 1
    assert NO_BROKER not in printed["notes"]
    assert left(folder) == {"w-2"}
    assert set(retained(port)) == {topics.posture(SITE, "w-2"), topics.context(SITE, "w-2")}
    assert run(folder, port, "receipt", printed["receipt"], "--json") == 0
    assert json.loads(capsys.readouterr().out) == printed
    assert run(folder, port, "receipt", printed["receipt"]) == 0
    said = capsys.readouterr().out
    assert "frames" in said
    assert "when it arrives" in " ".join(said.split())
    keep.close()


def test_without_a_broker_the_receipt_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plumbline.erase.BROKER_WAIT_S", 0.1)
    registry = open_registry(f"sqlite:{folder}/registry.sqlite")
    registry.people.ask(Errand("asked-before", ErrandKind.ERASE, WEARER, "a", 5))
    registry.close()
    assert run(folder, free_port(), "erase", WEARER, "--yes", "--json") == 0
    found = capsys.readouterr()
    printed = json.loads(found.out)
    assert NO_BROKER in printed["notes"]
    assert NO_BROKER in found.err
    # whoever asked on the page has this number
    assert (printed["receipt"], printed["asked_ns"]) == ("asked-before", 5)
    assert left(folder) == {"w-2"}


def test_cut_off_it_is_gone_on_with_and_counts_what_was_there_before(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plumbline.erase.BROKER_WAIT_S", 0.1)
    monkeypatch.setattr("store.sqlite.STEP_ROWS", 10)
    with monkeypatch.context() as patched:
        patched.setattr(SqlRegistry, "release", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(folder, free_port(), "erase", WEARER, "--yes") == 130
    registry = open_registry(f"sqlite:{folder}/registry.sqlite")
    (waiting,) = registry.people.errands(wearer=WEARER)
    registry.close()
    assert run(folder, free_port(), "erase", WEARER, "--yes", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["receipt"] == waiting.errand
    assert printed["series"]["frames"] == 30
    assert left(folder) == {"w-2"}


def test_a_service_that_runs_is_asked(
    folder: Path, mosquitto_broker: MosquittoBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    port = mosquitto_broker.port
    with running(folder, config_for(port)):
        assert run(folder, port, "erase", WEARER, "--yes", "--json") == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["series"]["frames"] == 30
        assert left(folder) == {"w-2"}


def test_a_service_that_does_not_get_to_it_is_told_of(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = open_series(f"sqlite:{folder}/series.sqlite")
    other.claim()  # as a service that hangs
    assert run(folder, free_port(), "erase", WEARER, "--yes", "--wait-s", "1") == 74
    said = capsys.readouterr().err
    other.close()
    registry = open_registry(f"sqlite:{folder}/registry.sqlite", read_only=True)
    (errand,) = registry.people.errands()
    registry.close()
    assert f"plumbline receipt {errand.errand}" in said


def test_it_asks_before_and_leaves_all_where_the_answer_is_no(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(folder, free_port(), "erase", WEARER) == 130
    assert "30 frames" in capsys.readouterr().err
    assert left(folder) == {WEARER, "w-2"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase", "nobody", "--yes"), "Nothing is known"),
        (("erase", "Ann Smith", "--yes"), "not the id"),
        (("receipt", "none"), "no receipt"),
        (("receipt", "no id at all"), "no receipt"),
        (
            ("replay", "x", "--from", "2026-09-20", "--to", "2026-09-22", "--mark-deg", "15"),
            "no wearer",
        ),
        (
            ("replay", WEARER, "--from", "2026-09-22", "--to", "2026-09-20", "--mark-deg", "15"),
            "no time that can be replayed",
        ),
        (
            ("replay", WEARER, "--from", "2026-01-01", "--to", "2026-09-20", "--mark-deg", "15"),
            "no time that can be replayed",
        ),
        (
            ("replay", WEARER, "--from", "2026-09-20", "--to", "2026-09-20", "--mark-deg", "99"),
            "mark_deg",
        ),
    ],
)
def test_what_cannot_be_is_said(
    folder: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, free_port(), *arguments) == 64
    assert said in capsys.readouterr().err
    assert left(folder) == {WEARER, "w-2"}


def test_a_replay_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand = HandWorker(tmp_path)
    hand.registry.put_wearer(Wearer(REPLAYED, "Somebody", "Europe/Berlin"))
    hand.registry.set_settings(REPLAYED, SETTINGS)
    fill(hand.store)
    hand.close()
    days = ("--from", "2026-09-20", "--to", "2026-09-22", "--mark-deg", "15")
    assert run(tmp_path, 0, "replay", REPLAYED, *days, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert [day["rounded_s"] for day in printed["wished"]] == [
        day.rounded_s for day in RESULT.wished
    ]
    assert run(tmp_path, 0, "replay", REPLAYED, *days) == 0
    said = capsys.readouterr().out
    assert "2026-09-21" in said
    assert "50.0 (3)" in said  # 500 of 600 s, as told
    # together 510 of the 1,500 s of which there are frames, and 1,100 at 15°
    last = said.split("days replayed")[1]
    assert "0 h 25 min" in last
    assert "20.4 (6)" in last
    assert "44.0 (2)" in last
    assert "20.0 (1)" in said  # 200 of 600 s at 15°


class HandBroker:
    """Somebody who publishes retained messages."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="keeper")
        up = threading.Event()
        self._client.on_connect = lambda *_: up.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert up.wait(60)

    def retain(self, topic: str) -> None:
        self._client.publish(topic, b"{}", qos=1, retain=True).wait_for_publish(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()
