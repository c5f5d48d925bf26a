"""``plumbline export``, as whoever holds the machine runs it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from plumbline import cli
from store.open import open_registry, open_series
from tests.dashboard import reviewed, seed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client of tests.dashboard.reviewed in it."""
    folder = tmp_path_factory.mktemp("site")
    series_url, registry_url = seed.urls(folder)
    client = reviewed.Client(open_series(series_url), open_registry(registry_url))
    reviewed.fill(client)
    client.series.close()
    client.registry.close()
    return folder


def export(folder: Path, *words: str) -> int:
    """The command's exit status."""
    series_url, registry_url = seed.urls(folder)
    return cli.run(["export", *words, "--store-url", series_url, "--registry-url", registry_url])


def test_everything_by_default_and_noted_in_the_audit(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "all.zip"
    assert export(folder, "demo-001", "--to", str(to)) == 0
    found = zipfile.ZipFile(to)
    assert found.testzip() is None
    assert {"README.txt", "person.json", "days.csv", "looks.csv"} <= set(found.namelist())
    registry = open_registry(seed.urls(folder)[1])
    latest = registry.people.looks(wearer="demo-001", limit=1)[0]
    registry.close()
    assert (latest.account, latest.act, latest.allowed) == ("", "export", True)
    assert latest.detail == "everything.zip by the command line"
    # What was noted is in what is taken: nobody looks unseen.
    assert "everything.zip by the command line" in found.read("looks.csv").decode()


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("week.csv", b"\xef\xbb\xbfrow,date"), ("week.fhir.json", b"{"), ("sheet.pdf", b"%PDF-")],
)
def test_each_kind(folder: Path, tmp_path: Path, kind: str, begins: bytes) -> None:
    to = tmp_path / kind
    words = ("demo-001", "--to", str(to), "--kind", kind, "--week", "2026-W10")
    assert export(folder, *words) == 0
    assert to.read_bytes().startswith(begins)


def test_the_sheet_without_the_name(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "sheet.pdf"
    words = ("--to", str(to), "--kind", "sheet.pdf", "--week", "2026-W10", "--without-name")
    assert export(folder, "demo-001", *words) == 0
    text = PdfReader(io.BytesIO(to.read_bytes())).pages[0].extract_text()
    assert "36 h 12 min" in text
    assert "Łukasiewicz" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "no wearer 'nobody'"),
        (("demo-001", "--kind", "week.xls"), "no export 'week.xls'"),
        (("demo-001", "--kind", "week.csv", "--week", "last"), "'last' is no week"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_no_file(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    assert export(folder, *words, "--to", str(tmp_path / "x")) == 64
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(folder, "demo-001", "--to", str(tmp_path / "no" / "x.zip")) == 64
    assert "Make the folder first" in capsys.readouterr().err
