"""The dashboard's benchmark at a tiny size: every figure is there. How fast is not tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import PlumblineError, Reason, SettingError
from plumbline import bench_clinic, bench_dashboard
from plumbline.bench_clinic import kept_clinic
from plumbline.bench_dashboard import Size, measure_dashboard
from plumbline.bench_people import CLICKS
from plumbline.seed import SeedChoice
from store.people_ports import Role

TINY = Size(
    clients=2,
    weeks=5,
    hours=0.4,
    repeats=1,
    clients_at_once=2,
    therapists_at_once=1,
    pause_s=(0.1, 0.2),
    pause_alone_s=(0.1, 0.2),
)


@pytest.mark.usefixtures("chromium")
def test_every_figure_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_clinic, "require_influxd", _no_server)
    figures = measure_dashboard(tmp_path, tmp_path / "clinic", TINY)
    assert "no server" in figures["InfluxDB"]["not run"]
    of = figures["SQLite"]
    for page in bench_dashboard.WANTED:
        assert set(of["loads"][page]) >= {"painted s", "whole page s", "empty page s"}
        assert of["loads"][page]["painted against empty"] > 0
    clients = of["questions"]["clients"]
    assert clients["first"]["store"]["days_of"] >= 1
    assert clients["again"]["store"]["all"] == 0
    together = of["people"]["3 at once"]
    assert together["errors"] == 0
    assert together["clicks"] == 2 * len(CLICKS[Role.CLIENT]) + len(CLICKS[Role.THERAPIST])
    assert of["server MB"]["after people"] > 0
    assert of["log lines"] == 0


def _no_server() -> Path:
    raise PlumblineError(Reason.MISSING, "There is no server here.")


def test_a_folder_keeps_one_clinic(tmp_path: Path) -> None:
    choice = SeedChoice(clients=1, weeks=2, hours=0.2, workers=1)
    first = kept_clinic(tmp_path, choice)
    assert kept_clinic(tmp_path, choice).facts == first.facts
    assert first.facts.made["sqlite"].logins == []
    with pytest.raises(SettingError, match="holds 1 clients of 2 weeks"):
        kept_clinic(tmp_path, SeedChoice(clients=3, weeks=2))
