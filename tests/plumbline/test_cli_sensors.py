"""`plumbline scan`, `pair` and `record`, of simulated sensors over Bluetooth."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import RadioError, RecordingError, SettingError
from contracts.recording import open_recording, read_samples
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from plumbline.bench_site import wait_until
from plumbline.record import RecordChoice, run_record
from plumbline.scan import PairChoice, run_pair, run_scan
from plumbline.settings import load_settings
from plumbline.stats import read_stats
from store import open_registry
from store.ports import Wearer
from tests.end_to_end.demo_run import command, environment, plumbline

HOURS = 0.05
WORN = "REC-T4=T4,REC-L5=L5"


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two simulated sensors with three minutes in their logs."""
    stats = tmp_path_factory.mktemp("air") / "sim.json"
    simulator = subprocess.Popen(
        command("sim", "--hours", HOURS, "--serial-prefix", "REC", "--stats", stats),
        env=environment(),
    )
    try:
        wait_until(lambda: "listen" in read_stats(stats), "the simulator listens")
        yield str(read_stats(stats)["listen"])
    finally:
        simulator.kill()
        simulator.wait()


def test_who_is_on_the_air_and_whose_they_become(
    air: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings({"radio": air, "data_dir": tmp_path, "allow": "REC-T4"})
    run_scan(settings, 1.0, as_json=True)
    found = {one["serial"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(found) == {"REC-T4", "REC-L5"}
    assert [found[s]["allowed"] for s in ("REC-T4", "REC-L5")] == [True, False]
    assert all(one["make"] == "native" and one["worn"] == "" for one in found.values())

    registry = open_registry(settings.people_url)
    try:
        for wearer in ("anna", "bert"):
            registry.put_wearer(Wearer(wearer, wearer))
        for wearer in ("bert", "anna"):
            run_pair(settings, PairChoice("REC-T4", wearer, Placement.T4), 1.0)
        [first, second] = registry.assignments()
        assert (first.wearer, first.end_ns) == ("bert", second.start_ns)
        assert (second.wearer, second.sensor, second.end_ns) == ("anna", "REC-T4", None)
        assert "REC-T4 is no longer bert's." in capsys.readouterr().out
        run_scan(settings, 1.0, as_json=False)
        assert "anna at T4" in capsys.readouterr().out

        with pytest.raises(SettingError, match="no wearer 'nobody'"):
            run_pair(settings, PairChoice("REC-T4", "nobody", Placement.T4), 1.0)
        with pytest.raises(RadioError, match="GONE is not heard; heard: ") as refused:
            run_pair(settings, PairChoice("GONE", "anna", Placement.L5), 1.0)
        assert "--unseen" in refused.value.hint
        run_pair(settings, PairChoice("GONE", "anna", Placement.L5, unseen=True), 1.0)
        assert {a.sensor for a in registry.assignments("anna")} == {"REC-T4", "GONE"}
    finally:
        registry.close()


def _record(folder: Path, air: str, seconds: float) -> list[object]:
    worn = f"{WORN},GONE=C7"
    return ["record", folder, "--radio", air, "--worn", worn, "--seconds", seconds]


def test_an_interrupted_recording_goes_on_and_has_every_sample_once(
    air: str, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    first = subprocess.Popen(
        command(*_record(folder, air, 60.0)), env=environment(), stderr=subprocess.DEVNULL
    )
    log = tmp_path / ".one.outbox.sqlite-wal"
    wait_until(lambda: log.exists() and log.stat().st_size > 60_000, "something came in")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not folder.exists()

    again = plumbline(*_record(folder, air, 8.0))
    assert again.returncode == 0, again.stderr
    assert "T4, L5" in again.stdout
    assert "Nothing came from GONE." in again.stderr
    assert not list(tmp_path.glob(".one.outbox*"))
    recording = open_recording(folder)
    for placement in (Placement.T4, Placement.L5):
        samples = read_samples(recording, placement)
        assert len(samples) > HOURS * 3600 * 50
        apart_s = np.diff(samples.utc_ns) / NS_PER_S
        assert apart_s.min() > 0.019
        assert apart_s.max() < 0.021

    with pytest.raises(SettingError, match="holds a recording already"):
        run_record(load_settings({"radio": air}), RecordChoice(folder, 2.0))


def test_nobody_is_named(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": tmp_path / "none"})
    with pytest.raises(SettingError) as refused:
        run_record(settings, RecordChoice(tmp_path / "x", 2.0))
    assert "--worn SERIAL=PLACEMENT" in refused.value.hint


def test_nobody_is_there(air: str, tmp_path: Path) -> None:
    settings = load_settings({"radio": air, "worn": "ELSE=T4"})
    with pytest.raises(RecordingError, match="Nothing was recorded"):
        run_record(settings, RecordChoice(tmp_path / "y", 2.0))
    assert not (tmp_path / "y").exists()
