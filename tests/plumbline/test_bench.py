"""Each benchmark at a tiny size: it runs, and its figures have the fields. How fast is not tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import PlumblineError, SettingError
from plumbline import bench_nudge
from plumbline.bench import BenchChoice, run_bench
from plumbline.bench_consumer import measure_consumer
from plumbline.bench_crowd import Crowd
from plumbline.bench_memory import measure_memory
from plumbline.bench_nudge import Felt
from plumbline.bench_offline import measure_offline
from plumbline.bench_ratio import Cost, cpu_ratio, in_turn, wall_ratio
from plumbline.bench_store import measure_store
from plumbline.settings import Settings
from tests.influx import influxd

SPREAD = {"median", "least", "most"}


def is_spread(figures: Any) -> bool:
    return set(figures) >= SPREAD and figures["least"] <= figures["median"] <= figures["most"]


def test_ratios_are_taken_pair_by_pair() -> None:
    ours = iter([Cost(2.0, 1.0), Cost(4.0, 3.0), Cost(8.0, 2.0)])
    bound = iter([Cost(1.0, 0.5), Cost(4.0, 1.0), Cost(2.0, 2.0)])
    pairs = in_turn(lambda: next(ours), lambda: next(bound), 3)
    assert wall_ratio(pairs) == {"median": 0.5, "least": 0.25, "most": 1.0}
    assert cpu_ratio(pairs) == {"median": 2.0, "least": 1.0, "most": 3.0}


def test_a_crowd_sends_one_message_a_sensor_second() -> None:
    crowd = Crowd(5, 3, 1_790_000_000_000_000_000, "bench")
    seconds = list(crowd.by_second())
    assert [len(second) for second in seconds] == [10, 10, 10]
    assert crowd.messages == 30
    assert len({topic for topic, _ in seconds[0]}) == 10


def test_consumer(tmp_path: Path) -> None:
    figures = measure_consumer(tmp_path, wearers=2, seconds=45, repeats=1)
    assert figures["wearers"] == 2
    assert figures["messages"] == 180
    for who in ("analytics", "bare subscriber"):
        assert is_spread(figures[f"{who} wall s"])
        assert is_spread(figures[f"{who} CPU s"])
    assert is_spread(figures["speed as a part of bare"])


def test_memory(tmp_path: Path) -> None:
    figures = measure_memory(tmp_path, wearers=3, seconds=6)
    assert figures["wearers"] == 3
    assert set(figures["analytics MB"]) == {"with 1 wearer", "with 3"}
    assert set(figures["kB a live wearer"]) == {"more", "wanted at most"}


def test_offline(tmp_path: Path) -> None:
    figures = measure_offline(tmp_path, hours=0.02, repeats=1)
    assert figures["samples"] == 2 * 72 * 50
    assert is_spread(figures["CPU time as a multiple of VQF alone"])


@pytest.mark.skipif(influxd() is None, reason="no influxd here")
def test_store(tmp_path: Path) -> None:
    figures = measure_store(tmp_path, wearers=2, commits=1, repeats=1, day_minutes=2)
    for store, bound in (("SQLite", "executemany"), ("InfluxDB", "raw lines")):
        assert is_spread(figures[store][f"speed as a part of {bound}"])
    day = figures["a wearer-day"]
    assert day["SQLite MB"] > 0
    assert day["InfluxDB MB"] > 0


def test_figures_are_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    run_bench(Settings(), BenchChoice("offline", hours=0.02, json_file=file))
    assert "VQF alone" in capsys.readouterr().out
    assert set(json.loads(file.read_text())) == {"machine", "offline"}


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(SettingError, match="no benchmark 'speed'"):
        run_bench(Settings(), BenchChoice("speed"))


def test_a_nudge_is_followed_from_the_frame_to_the_motor() -> None:
    ms = 1_000_000
    felt = [Felt(0, 200 * ms, 220 * ms, 240 * ms), Felt(0, 300 * ms, 340 * ms, 400 * ms)]
    found = bench_nudge.figures(felt, given=3)
    assert (found["nudges"], found["felt"]) == (3, 2)
    assert found["frame's end to decision s"]["max"] == 0.3
    assert found["decision to command on MQTT s"]["max"] == 0.04
    assert found["command on MQTT to felt s"]["p50"] == pytest.approx(0.04)
    assert found["decision to felt s"] == {
        "p50": pytest.approx(0.07),
        "p99": pytest.approx(0.0994),
        "max": 0.1,
        "limit for p99": 0.3,
    }


def test_where_no_nudge_was_felt_that_is_said() -> None:
    with pytest.raises(PlumblineError, match="None of 2 nudges was felt"):
        bench_nudge.figures([], given=2)
