"""The benchmark of an outage, small: nothing is lost or doubled, and it says what it measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline import bench_outage


def test_all_of_a_small_outage_is_in_the_store(
    influxd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_outage, "AWAY_AT_LEAST_S", 0.0)
    monkeypatch.setattr(bench_outage, "require_influxd", lambda: influxd)
    figures = bench_outage.measure_outage(tmp_path, wearers=2, away_data_s=120)
    assert figures["seconds"] == 2 * (bench_outage.BEFORE_S + 120)
    for nothing in ("seconds missing", "samples lost", "samples doubled", "samples late"):
        assert figures[nothing] == 0, figures
    assert figures["from its return to all stored s"] > 0
    assert figures["limit s"] == bench_outage.LIMIT_S
