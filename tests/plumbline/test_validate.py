"""``plumbline validate`` and ``plumbline fit`` on recorded people."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

from analytics.core.shipped import shipped_activities, shipped_postures
from contracts.errors import EXIT_STATUS, DiskError, Fault, Reason, RecordingError, SettingError
from plumbline import cli, validate
from plumbline.analyze import AnalyzeChoice, run_analyze
from plumbline.cohort import find_recordings
from plumbline.fit import ACTIVITIES, POSTURES, FitChoice, run_fit
from plumbline.models import left_out_book
from plumbline.validate import ValidateChoice, run_validate
from plumbline.validate_report import PAGE

NAMES = ("sitting-04", "sitting-21", "driving-04", "activity-1")
KIT = "T4,L5"
#: Of external addresses the page has none; the vocabulary of HTML itself is none.
ADDRESS = re.compile(r"(?:src|href)=\"(?!data:|#)")


def linked(data_dir: Path, folder: Path, names: Sequence[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(data_dir / "recordings" / name)
    return folder


@pytest.fixture(scope="module")
def people(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    trial = min((data_dir / "orientation").glob("*.parquet"))
    (folder / "orientation").mkdir()
    (folder / "orientation" / trial.name).symlink_to(trial)
    return linked(data_dir, folder / "recordings", NAMES)


@pytest.fixture(scope="module")
def validated(people: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The report's folder and the figures, made by one process."""
    folder = tmp_path_factory.mktemp("validated")
    choice = ValidateChoice(
        people.parent,
        draws=1,
        workers=1,
        json_file=folder / "figures.json",
        report=folder / "report",
    )
    run_validate(choice)
    return folder, json.loads((folder / "figures.json").read_bytes())


def postures_of(figures: Any, study: str, sensors: str) -> Any:
    (row,) = [f for f in figures["postures"] if (f["study"], f["sensors"]) == (study, sensors)]
    return row


def counted_by_hand(people: Path, names: Sequence[str], tmp_path: Path) -> tuple[int, int, int]:
    """(right, seconds, rounded right) of what `plumbline analyze` writes, against truth.csv."""
    frames = tmp_path / "frames.parquet"
    folders = tuple(people / name for name in names)
    run_analyze(AnalyzeChoice(folders, sensors=KIT, frames=frames))
    right = seconds = rounded = 0
    for row in pq.read_table(frames).to_pylist():
        with (people / row["recording"] / "truth.csv").open(encoding="utf-8") as file:
            for interval in csv.DictReader(file):
                start_s, end_s = float(interval["start_s"]), float(interval["end_s"])
                if start_s <= row["t_s"] and row["t_s"] + 1 <= end_s:
                    seconds += 1
                    right += row["posture"] == interval["posture"]
                    rounded += row["posture"] == interval["posture"] == "rounded"
    return right, seconds, rounded


def test_figures_are_those_of_what_analyze_writes(
    people: Path, validated: tuple[Path, Any], tmp_path: Path
) -> None:
    """Two people are too few to fit without one of them, so both commands use the shipped models."""
    right, seconds, rounded = counted_by_hand(people, ("sitting-04", "sitting-21"), tmp_path)
    found = postures_of(validated[1], "sitting", KIT)
    assert "as shipped: too few" in validated[1]["about"]["model"]
    assert found["seconds"] == seconds > 900
    assert found["accuracy"]["value"] == pytest.approx(right / seconds)
    at = found["true"].index("rounded")
    assert found["confusion"][at][at] == rounded
    assert np.sum(found["confusion"]) == seconds
    assert sum(row["seconds"] for row in found["reliability"]["rows"]) == seconds


def test_every_part_is_told(validated: tuple[Path, Any]) -> None:
    figures = validated[1]
    assert {(f["study"], f["sensors"]) for f in figures["postures"]} == {
        *(("sitting", s) for s in (KIT, "C7,T4,T12,L5", "T4", "C7,T4", "L5")),
        *(("driving", s) for s in (KIT, "T4", "L5")),
    }
    (kit,) = [row for row in figures["driving"] if row["sensors"] == KIT]
    assert kit["people"] == 1  # of two seated people, one was also in a car
    mountings = {row["mounting"] for row in figures["mountings"]}
    assert mountings >= {"random", "upside down", "inside out"}
    (active,) = figures["activities"]
    assert sum(map(sum, active["confusion"])) == active["seconds"] == 2100
    seated = postures_of(figures, "sitting", KIT)
    assert seated["episodes"]["true"] > 0
    assert seated["silent_s"] == 0
    alone = postures_of(figures, "sitting", "L5")
    assert (
        alone["silent_s"] == seated["seconds"] - alone["seconds"] > 40
    )  # L5's losses have no frame
    assert set(seated["by_person"]) == {"04", "21"}
    assert seated["trials"] == 2 * 15
    (trial,) = figures["orientation"]
    assert 0.1 < trial["packets_deg"] < 1.0
    trouble = figures["trouble"]
    assert trouble["recordings"] == trouble["swaps"] == 2
    assert {row["slips"] for row in trouble["slips"] if row["kind"].startswith("10°")} == {4}
    assert trouble["false_alarm_s"] == 0
    assert seated["accuracy"]["low"] <= seated["accuracy"]["value"] <= seated["accuracy"]["high"]
    assert kit["accuracy_first"]["low"] is None  # of one person there is no interval


class Reader(HTMLParser):
    """The pictures, headings and tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str]] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag == "img":
            self.images.append({name: value or "" for name, value in attrs})


def test_the_report_is_one_page_that_needs_nothing_else(validated: tuple[Path, Any]) -> None:
    folder = validated[0] / "report"
    text = (folder / PAGE).read_text(encoding="utf-8")
    assert not ADDRESS.search(text)
    page = Reader()
    page.feed(text)
    assert page.counts["h1"] == 1
    assert page.counts["table"] >= 10
    pictures = sorted(folder.glob("*.png"))
    assert len(page.images) == len(pictures) >= 12
    files = {path.read_bytes() for path in pictures}
    for image in page.images:
        data = base64.b64decode(image["src"].partition("base64,")[2], validate=True)
        assert data in files
        assert Image.open(io.BytesIO(data)).size[0] > 600
        assert len(image["alt"]) > 40


def test_figures_do_not_depend_on_how_many_processes_work(
    people: Path, validated: tuple[Path, Any], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    run_validate(ValidateChoice(people, only="postures,activities", workers=2, json_file=file))
    again = json.loads(file.read_bytes())
    for part in ("postures", "activities", "seated"):
        assert again[part] == validated[1][part]


def test_only_some_parts_and_people(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    run_validate(ValidateChoice(people, only="postures", people=1, workers=1, json_file=file))
    figures = json.loads(file.read_bytes())
    assert figures["about"]["people"] == 2  # one who held postures, one who did activities
    assert postures_of(figures, "sitting", KIT)["people"] == 1
    assert not figures["mountings"]
    said = capsys.readouterr().out
    assert "Six postures" in said
    assert "Sensors turned" not in said


def test_a_recording_without_truth_is_left_out_and_said(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = linked(data_dir, tmp_path / "some", ("sitting-04",))
    shutil.copytree(data_dir / "recordings" / "sitting-07", folder / "sitting-07")
    (folder / "sitting-07" / "truth.csv").unlink()
    run_validate(ValidateChoice(folder, only="postures", workers=1))
    said = capsys.readouterr()
    assert "no truth.csv: sitting-07" in said.err
    assert "1 recording of 1 person" in said.out


def test_what_cannot_be_validated_is_refused_with_what_to_do(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecordingError, match="no recording with truth") as none:
        run_validate(ValidateChoice(tmp_path))
    assert "truth.csv" in none.value.hint
    with pytest.raises(SettingError, match="no part weather") as part:
        run_validate(ValidateChoice(people, only="postures,weather"))
    assert "episodes" in part.value.hint
    for choice in (
        ValidateChoice(people, json_file=tmp_path / "none" / "f.json"),
        ValidateChoice(people, report=tmp_path / "none" / "report"),
    ):
        with pytest.raises(SettingError, match="there is no folder"):
            run_validate(choice)
    (tmp_path / "taken").write_text("")
    with pytest.raises(DiskError, match="cannot be made"):
        run_validate(
            ValidateChoice(people, only="postures", people=1, workers=1, report=tmp_path / "taken")
        )
    monkeypatch.setattr(validate, "find_spec", lambda _: None)
    with pytest.raises(SettingError, match="sklearn and matplotlib") as extra:
        run_validate(ValidateChoice(people))
    assert "plumbline[validate]" in extra.value.hint
    with pytest.raises(SettingError, match="not installed"):
        run_fit(FitChoice(people, check=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_recording_is_named_also_from_another_process(
    data_dir: Path, tmp_path: Path, workers: int
) -> None:
    folder = linked(data_dir, tmp_path / "some", ("activity-1", "activity-2"))
    shutil.copytree(data_dir / "recordings" / "sitting-07", folder / "sitting-07")
    file = folder / "sitting-07" / "T4.parquet"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RecordingError, match=r"T4\.parquet") as caught:
        run_validate(ValidateChoice(folder, only="postures", workers=workers))
    assert caught.value.reason is Reason.BAD_RECORDING
    assert caught.value.hint


@pytest.fixture(scope="module")
def few(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough people to fit without one of them."""
    names = (
        *(f"sitting-{n:02}" for n in range(1, 8)),
        *("driving-01", "activity-1", "activity-2", "activity-3", "activity-4"),
    )
    return linked(data_dir, tmp_path_factory.mktemp("few") / "recordings", names)


def test_who_is_scored_was_not_in_the_fit(few: Path) -> None:
    found, _ = find_recordings(few)
    scored = ["01", "03", "activity 2"]
    book = left_out_book(found, scored, workers=1, console=Console(quiet=True))
    assert book.words.count("fitted for each person on the others") == 2
    for person, own in (("01", "sitting-01"), ("03", "sitting-03")):
        fitted_on = book.of(person).postures.numbers.fitted_on
        assert own not in fitted_on
        assert len(fitted_on) == 6
    assert book.of("activity 2").activities.fitted_on == ("activity-1", "activity-3", "activity-4")


def test_who_cannot_be_calibrated_is_not_fitted_on_and_that_is_said(
    data_dir: Path, few: Path, tmp_path: Path
) -> None:
    names = [path.name for path in few.iterdir() if path.name != "sitting-01"]
    folder = linked(data_dir, tmp_path / "some", names)
    shutil.copytree(data_dir / "recordings" / "sitting-01", folder / "sitting-01")
    manifest = folder / "sitting-01" / "recording.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"calibration": {}}))
    said = io.StringIO()
    found, _ = find_recordings(folder)
    book = left_out_book(found, ["02"], workers=1, console=Console(file=said, width=200))
    assert book.of("02").postures.numbers.fitted_on == tuple(f"sitting-{n:02}" for n in range(3, 8))
    assert "Not fitted on: sitting-01" in said.getvalue()


def test_people_on_whom_nothing_was_fitted_meet_the_shipped_models(
    data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "others"
    for name, other in (("sitting-04", "study-104"), ("activity-1", "study-201")):
        shutil.copytree(data_dir / "recordings" / name, folder / other)
    found, _ = find_recordings(folder)
    book = left_out_book(found, ["104"], workers=1, console=Console(quiet=True))
    assert book.words.count("as shipped, fitted on nobody here") == 2
    assert book.of("104").postures is shipped_postures()
    assert book.of("201").activities is shipped_activities()


def test_the_same_people_give_the_same_bytes(few: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        assert run_fit(FitChoice(few, out=tmp_path / str(workers), workers=workers)) == 0
    for name in (POSTURES, ACTIVITIES):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_other_people_give_other_models_and_the_check_says_so(
    few: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["fit", str(few), "--check", "--workers", "1"]) == 1
    said = capsys.readouterr().out
    assert f"{POSTURES}: differs from the shipped one" in said
    assert f"{ACTIVITIES}: differs from the shipped one" in said


def test_the_shipped_models_are_those_of_the_given_people(data_dir: Path, tmp_path: Path) -> None:
    run_fit(FitChoice(data_dir, out=tmp_path / "fitted", workers=1))
    fitted = json.loads((tmp_path / "fitted" / POSTURES).read_bytes())
    shipped = msgspec.to_builtins(shipped_postures().numbers)
    assert fitted["fitted_on"] == list(shipped["fitted_on"])
    for posture, numbers in fitted["classes"].items():
        for name, values in numbers.items():  # the last decimal may differ on another processor
            np.testing.assert_allclose(values, shipped["classes"][posture][name], atol=2e-3)
    text = (tmp_path / "fitted" / ACTIVITIES).read_text(encoding="utf-8")
    for question in (shipped_activities().standing, shipped_activities().stairs):
        assert question is not None
        assert all(f'name = "{way.name}"' in text for way in question.ways)


def test_fit_says_what_it_lacks(data_dir: Path, tmp_path: Path, people: Path) -> None:
    seated = linked(data_dir, tmp_path / "seated", ("sitting-04",))
    with pytest.raises(RecordingError, match="no recording of activities"):
        run_fit(FitChoice(seated, out=tmp_path / "out", workers=1))
    with pytest.raises(RecordingError, match="too few to fit"):
        run_fit(FitChoice(people, out=tmp_path / "out", workers=1))
    for choice in (FitChoice(people), FitChoice(people, out=tmp_path / "out", check=True)):
        with pytest.raises(SettingError, match="--out or --check"):
            run_fit(choice)
    assert not (tmp_path / "out").exists()
    assert cli.run(["fit", str(people)]) == EXIT_STATUS[Fault.USER]
