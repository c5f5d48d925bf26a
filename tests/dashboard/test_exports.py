from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import AccessError, SettingError
from contracts.records import ANGLES, FrameBlock
from contracts.units import NS_PER_S
from dashboard.entry.access import Act
from dashboard.exports import csv_table, everything
from dashboard.exports import kinds as exports
from dashboard.exports.readme import OWN_FILES, explained
from dashboard.look.safety import safety
from dashboard.reading.kept import KeptSeries
from store.open import open_registry, open_series
from store.people_ports import Look, Role
from store.ports import Wearer
from tests.dashboard import reviewed, seed
from tests.influx import InfluxServer

HOUR_NS = 3600 * NS_PER_S


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[reviewed.Client]:
    """The client of tests.dashboard.reviewed, and another, in a real store; no test changes them."""
    series_url, registry_url = seed.urls(tmp_path_factory.mktemp("client"))
    found = reviewed.Client(open_series(series_url), open_registry(registry_url))
    reviewed.fill(found)
    found.registry.put_wearer(Wearer("other-1", "=cmd|'/c calc'!A1", "UTC"))
    yield found
    found.series.close()
    found.registry.close()


def export(client: reviewed.Client, kind: str, role: Role = Role.THERAPIST) -> exports.Export:
    return exports.make(kind, reviewed.visit(client, exports.KINDS[kind].act, role), "2026-W10")


def rows(content: bytes) -> list[dict[str, str]]:
    """A table as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def archive(client: reviewed.Client) -> zipfile.ZipFile:
    """Everything, as the client takes it."""
    return zipfile.ZipFile(io.BytesIO(export(client, exports.EVERYTHING, Role.CLIENT).content))


def test_each_kind_says_what_it_is_and_never_a_name(client: reviewed.Client) -> None:
    made = {kind: export(client, kind, _holder(kind)) for kind in exports.KINDS}
    assert {e.name for e in made.values()} == {
        "plumbline-demo-001-2026-W10-sheet.pdf",
        "plumbline-demo-001-2026-W10-week.csv",
        "plumbline-demo-001-2026-W10-week.fhir.json",
        "plumbline-demo-001-everything.zip",
    }
    assert made[exports.SHEET].content.startswith(b"%PDF-")
    assert made[exports.WEEK_CSV].content.startswith(csv_table.BOM)
    assert made[exports.EVERYTHING].content.startswith(b"PK")
    assert made[exports.WEEK_FHIR].media_type == "application/fhir+json"
    for kind in (exports.WEEK_CSV, exports.WEEK_FHIR):
        assert "Łukasiewicz" not in made[kind].content.decode()


def _holder(kind: str) -> Role:
    return Role.THERAPIST if kind == exports.SHEET else Role.CLIENT


@pytest.mark.parametrize("week", ["2026-W54", "nonsense", "2026-W10; rm -rf /", "W10"])
def test_a_week_that_is_none_is_refused(client: reviewed.Client, week: str) -> None:
    with pytest.raises(SettingError, match="is no week"):
        exports.make(exports.WEEK_CSV, reviewed.visit(client, Act.EXPORT), week)


def test_without_a_week_it_is_the_one_under_way(client: reviewed.Client) -> None:
    for week in (None, ""):
        made = exports.make(exports.WEEK_CSV, reviewed.visit(client, Act.EXPORT), week)
        assert made == export(client, exports.WEEK_CSV)


def test_a_kind_that_is_none_is_refused(client: reviewed.Client) -> None:
    with pytest.raises(SettingError, match="no export") as refused:
        exports.make("../../etc/passwd", reviewed.visit(client, Act.EXPORT))
    assert "everything.zip" in refused.value.hint


@pytest.mark.parametrize("kind", list(exports.KINDS))
def test_another_clients_data_is_refused_and_audited(client: reviewed.Client, kind: str) -> None:
    visit = reviewed.visit(client, exports.KINDS[kind].act, Role.CLIENT)
    other = reviewed.of_other(visit, "other-1")
    with pytest.raises(AccessError):
        exports.make(kind, other)
    last = client.registry.people.looks(wearer="other-1", limit=1)[0]
    assert (last.account, last.allowed) == (reviewed.CLIENT, False)


def test_the_sheet_is_the_therapists(client: reviewed.Client) -> None:
    with pytest.raises(AccessError):
        exports.make(exports.SHEET, reviewed.visit(client, Act.SHEET, Role.CLIENT))


def test_a_week_is_a_row_a_day_and_a_row_an_episode(client: reviewed.Client) -> None:
    found = rows(export(client, exports.WEEK_CSV).content)
    review = reviewed.review(client)
    days = [row for row in found if row["row"] == "day"]
    assert [row["date"] for row in days] == [day.isoformat() for day in review.week.days]
    assert days[0]["worn_min"] == "434.5"
    assert days[0]["rounded_min"] == "108.5"
    assert days[0]["rounded_min_per_worn_h"] == "14.98"
    assert days[0]["mean_pain_0_to_10"] == "6.0"
    episodes = [row for row in found if row["row"] == "episode"]
    assert len(episodes) == len(review.episodes) == 30
    assert episodes[0]["start_local"] == "09:31:00"
    assert episodes[0]["start_utc"] == "2026-03-02T08:31:00Z"
    assert episodes[0]["length_min"] == "14.0"
    assert episodes[0]["focus_rules"] == "upper_thoracic"


def test_a_day_that_was_not_worn_is_unknown_not_good(client: reviewed.Client) -> None:
    sunday = rows(export(client, exports.WEEK_CSV).content)[6]
    assert sunday["worn_min"] == "0.0"
    assert sunday["rounded_min"] == sunday["rounded_min_per_worn_h"] == sunday["episodes"] == ""


@given(text=st.text(max_size=40), sign=st.sampled_from("=+-@\t\r＝"))
def test_no_text_is_a_formula(text: str, sign: str) -> None:
    found = csv_table.cell(f"{sign}{text}")
    assert isinstance(found, str)
    assert found.startswith("'")
    assert str(csv_table.cell(f"  {sign}{text}")).startswith("'")


def test_numbers_stay_numbers() -> None:
    assert csv_table.table(("a", "b", "c"), [(-3.5, None, True)]) == (
        csv_table.BOM + b"a,b,c\r\n-3.5,,yes\r\n"
    )


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=30))
def test_what_is_written_is_read_back(table: list[list[str]]) -> None:
    written = csv_table.table(("a", "b"), table).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert read[1:] == [[str(csv_table.cell(value)) for value in row] for row in table]


def resources(content: bytes, kind: str) -> list[dict[str, Any]]:
    """The resources of that kind of a bundle."""
    return [
        entry["resource"]
        for entry in json.loads(content)["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def code_of(resource: dict[str, Any]) -> str:
    return str(resource["code"]["coding"][-1]["code"])


def test_fhir_is_valid_and_all_in_it_is_found_in_it(client: reviewed.Client) -> None:
    content = export(client, exports.WEEK_FHIR).content
    Bundle.model_validate_json(content)
    whole = json.loads(content)
    addresses = [entry["fullUrl"] for entry in whole["entry"]]
    assert len(set(addresses)) == len(addresses)
    assert references(whole) <= set(addresses)
    assert len(references(whole)) == 2  # the patient and the system that computed
    assert export(client, exports.WEEK_FHIR).content == content


def references(value: object) -> set[str]:
    """Every reference in a bundle."""
    if isinstance(value, dict):
        here = {value["reference"]} if "reference" in value else set()
        return here.union(*(references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value))
    return set()


def test_fhir_has_the_days_the_episodes_and_the_pain(client: reviewed.Client) -> None:
    content = export(client, exports.WEEK_FHIR).content
    found = resources(content, "Observation")
    days = [o for o in found if code_of(o) == "rounded-time"]
    # Seen on Saturday: Sunday has not begun.
    assert len(days) == 6
    assert days[0]["valueQuantity"] == {
        "value": 108.5,
        "unit": "min",
        "system": "http://unitsofmeasure.org",
        "code": "min",
    }
    assert days[0]["effectivePeriod"] == {
        "start": "2026-03-02T00:00:00+01:00",
        "end": "2026-03-03T00:00:00+01:00",
    }
    assert [day["status"] for day in days] == ["final"] * 5 + ["preliminary"]
    assert "valueQuantity" not in days[5]
    assert days[5]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    episodes = [o for o in found if code_of(o) == "rounded-episode"]
    assert len(episodes) == 30
    peak = episodes[0]["component"][1]
    assert peak["code"]["coding"][0]["code"] == "peak-flexion"
    assert peak["valueQuantity"]["code"] == "deg"
    pain = [o for o in found if code_of(o) == "pain-tap"]
    assert [o["valueQuantity"]["value"] for o in pain] == [6, 4]
    assert pain[0]["code"]["coding"][0]["code"] == "72514-3"
    assert pain[0]["effectiveDateTime"] == "2026-03-02T18:00:00+01:00"


def test_fhir_areas_stand_under_the_words_of_safety(client: reviewed.Client) -> None:
    found = resources(export(client, exports.WEEK_FHIR).content, "Observation")
    notes = [note["text"] for note in next(o for o in found if code_of(o) == "week")["note"]]
    assert notes[0] == safety().standing
    assert notes[1].startswith("Area to assess: Long seated or driving time")
    assert "Inferred, not measured. Accepted by the therapist." in notes[1]
    assert not any("Low back slump" in note for note in notes)


def test_fhir_names_nobody_and_marks_whom_nobody_measured(client: reviewed.Client) -> None:
    content = export(client, exports.WEEK_FHIR).content
    (patient,) = resources(content, "Patient")
    assert patient["identifier"] == [{"system": "urn:plumbline:wearer", "value": "demo-001"}]
    assert "name" not in patient
    for entry in json.loads(content)["entry"]:
        assert entry["resource"]["meta"]["tag"][0]["code"] == "simulated"
    devices = resources(content, "Device")
    placed = [d["property"][0]["valueCode"][0]["text"] for d in devices if "property" in d]
    assert sorted(placed) == ["Low back (L5)", "Upper back (T4)"]


def test_everything_is_all_that_the_stores_have(
    client: reviewed.Client, archive: zipfile.ZipFile
) -> None:
    ever = everything.EVER_NS
    series, people = client.series, client.registry.people
    counts = {
        "days.csv": len(series.days(seed.WEARER, *ever)),
        "minutes.csv": len(series.minutes(seed.WEARER, *ever)),
        "episodes.csv": len(series.episodes(seed.WEARER, *ever)),
        "focus_areas.csv": sum(len(e.focus) for e in series.episodes(seed.WEARER, *ever)),
        "reminders.csv": len(series.nudges(seed.WEARER, *ever)),
        "sensors.csv": 2,
        "pain.csv": len(people.pain(seed.WEARER, *ever)),
        "sessions.csv": len(people.sessions(seed.WEARER)),
        "focus_edits.csv": len(people.focus_edits(seed.WEARER)),
        "consents.csv": len(people.consents(seed.WEARER)),
        "grants.csv": len(people.grants(wearer=seed.WEARER)),
    }
    assert {name: len(rows(archive.read(name))) for name in counts} == counts
    assert counts["minutes.csv"] > 2000
    frames = [name for name in archive.namelist() if name.startswith("frames/")]
    seconds = sum(len(rows(archive.read(name))) for name in frames)
    assert seconds == len(series.frames(seed.WEARER, *ever))


def test_a_second_is_written_as_it_is_stored(
    client: reviewed.Client, archive: zipfile.ZipFile
) -> None:
    found = rows(archive.read("frames/2026-03-04.csv"))
    start_ns = reviewed.local_ns(reviewed.WEEK.days[2], 0)
    stored = list(client.series.frames(seed.WEARER, start_ns, start_ns + 24 * HOUR_NS).rows())
    assert len(found) == len(stored)
    for row, frame in zip(found[::500], stored[::500], strict=True):
        assert row["start_utc"].replace(" ", "T") == csv_table.utc(frame.start_ns)
        assert (row["posture"], row["activity"]) == (frame.posture, frame.activity)
        for angle in ANGLES:
            value = getattr(frame, angle)
            assert row[angle] == "" if value is None else float(row[angle]) == value


def test_person_json_has_the_account_but_no_hash(archive: zipfile.ZipFile) -> None:
    said = archive.read("person.json").decode()
    found = json.loads(said)
    assert found["wearer"]["label"] == "Änne Łukasiewicz"
    assert found["account"]["login"] == "anne"
    assert found["settings"]["rounded_warn_deg"] == 12.0
    assert len(found["assignments"]) == 2
    assert len(found["calibrations"]) == len(found["calibration_outcomes"]) == 1
    assert "argon2" not in "".join(archive.read(name).decode() for name in archive.namelist())


def test_the_readme_explains_every_file_and_column(archive: zipfile.ZipFile) -> None:
    text = archive.read("README.txt").decode()
    words = explained()
    for name in archive.namelist():
        file = "frames/" if name.startswith("frames/") else name
        assert file == "README.txt" or f"\n{file}: " in text
        if name.endswith(".csv"):
            for column in (
                csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))).fieldnames or ()
            ):
                assert any(_stands_for(key, column) for key in words["column"]), column
    assert "informational trend, not a diagnosis" in " ".join(text.split())
    assert "This person is simulated" in text


def _stands_for(key: str, column: str) -> bool:
    before, star, after = key.partition("*")
    return column == key if not star else column.startswith(before) and column.endswith(after)


def test_a_therapist_gets_nothing_that_is_the_clients_alone(client: reviewed.Client) -> None:
    content = export(client, exports.EVERYTHING).content
    found = zipfile.ZipFile(io.BytesIO(content))
    assert not set(OWN_FILES) & set(found.namelist())
    assert json.loads(found.read("person.json"))["account"] is None
    assert "Left out of this archive" in found.read("README.txt").decode()


@dataclass
class Asked:
    """A store that notes how long the frames are that it is asked for."""

    series: KeptSeries
    hours: list[float] = field(default_factory=list)

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        self.hours.append((end_ns - start_ns) / HOUR_NS)
        return self.series.frames(wearer, start_ns, end_ns)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.series, name)


def test_frames_are_never_asked_for_more_than_a_day_at_a_time(client: reviewed.Client) -> None:
    visit = reviewed.visit(client, Act.EXPORT, Role.CLIENT)
    asked = Asked(visit.series._series)  # type: ignore[arg-type]
    visit.series._series = asked
    exports.write(exports.EVERYTHING, visit, None, io.BytesIO())
    assert 5 <= len(asked.hours)
    assert max(asked.hours) <= 25


def test_the_audit_is_whole_however_long(
    client: reviewed.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everything, "LOOKS_AT_A_TIME", 20)
    people = client.registry.people
    client.registry.put_wearer(Wearer("seen-much", "Seen", "UTC"))
    many = 2 * everything.LOOKS_AT_A_TIME + 7
    for number in range(many):  # three at a time at the same moment
        people.note_look(Look(number // 3, "a", "today", "seen-much", detail=str(number)))
    visit = reviewed.of_other(
        reviewed.visit(client, Act.EXPORT, Role.CLIENT), "seen-much", mine=True
    )
    content = exports.make(exports.EVERYTHING, visit).content
    found = rows(zipfile.ZipFile(io.BytesIO(content)).read("looks.csv"))
    assert sorted(int(row["detail"]) for row in found) == list(range(many))


def test_an_influxdb_gives_the_same_archive(
    server: InfluxServer, client: reviewed.Client, tmp_path: Path
) -> None:
    # The client's seconds are of a fixed day: kept for as long as that may be ago.
    kept = [open_series(seed.urls(tmp_path)[0]), open_series(server.url(frame_days=36_500))]
    found = []
    for series in kept:
        reviewed.fill_series(series, full_days=1)
        content = export(reviewed.Client(series, client.registry), exports.EVERYTHING, Role.CLIENT)
        found.append(zipfile.ZipFile(io.BytesIO(content.content)))
        series.close()
    sqlite, influx = found
    assert influx.namelist() == sqlite.namelist()
    for name in influx.namelist():
        assert influx.read(name) == sqlite.read(name), name
