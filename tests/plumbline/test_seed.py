"""The simulated clinic: its days come from the pipeline, and moved to a calendar they stay consistent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.errors import SettingError
from contracts.records import Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import QUALITIES, Posture, Quality
from dashboard.entry.door import Door
from firmware_sim.habits import Doing, Habit, Part
from plumbline.cli import run
from plumbline.seed import Made, SeedChoice, seed_clinic
from plumbline.seed_days import MINUTE_NS, LibraryDay, compute, cut, moved
from plumbline.seed_history import Client, Story, clients, history, midnight_ns
from plumbline.seed_kinds import HARDLY, KINDS, SHARES, SLIPPED, wishes
from store.open import open_registry, open_series
from store.people_ports import ConsentKind, Role
from store.ports import Registry, SeriesStore

#: 2026-11-20T16:30:00Z, a Friday. The year before it has both changes of clocks.
NOW_NS = 1_795_192_200 * NS_PER_S
EVER = (0, 2**62)
SHORT = SeedChoice(clients=2, weeks=6, seed=3, hours=0.5, workers=1)


@pytest.fixture(scope="module")
def library() -> dict[str, list[LibraryDay]]:
    """The days of one kind, half an hour each."""
    return {"desk": [compute(wish) for wish in wishes(3, 1, 0.5)]}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    """A clinic of two in SQLite."""
    folder = tmp_path_factory.mktemp("clinic")
    return folder, seed_clinic(*_urls(folder), SHORT, now_ns=NOW_NS, console=Console(quiet=True))


def _urls(folder: Path) -> tuple[str, str]:
    return f"sqlite:{folder / 'series.sqlite'}", f"sqlite:{folder / 'registry.sqlite'}"


def _opened(folder: Path) -> tuple[SeriesStore, Registry]:
    store_url, registry_url = _urls(folder)
    return open_series(store_url, read_only=True), open_registry(registry_url)


def _sum(minutes: Sequence[Rollup]) -> Counter[Posture]:
    total: Counter[Posture] = Counter()
    for minute in minutes:
        total.update(minute.posture_s)
    return total


def test_a_library_goes_from_little_to_much_rounding(library: dict[str, list[LibraryDay]]) -> None:
    days = library["desk"]
    assert [day.wish.variant for day in days] == list(range(len(SHARES) + 4))
    assert days[len(SHARES) - 1].rounded_min_h > days[0].rounded_min_h + 5
    assert all(day.frames.start_ns[0] == day.start_ns for day in days)
    assert days[HARDLY].day.worn_s < days[0].day.worn_s / 4


def test_a_strap_that_slips_is_noticed() -> None:
    wish = next(w for w in wishes(3, 1, 2.0) if w.variant == SLIPPED)
    day = compute(wish)
    slipped = day.frames.quality == QUALITIES.index(Quality.SLIPPED)
    first_s = int(np.flatnonzero(slipped)[0])
    assert 0.4 * 2.0 * 3600 - 60 <= first_s <= 0.4 * 2.0 * 3600 + 120


def test_the_same_wish_is_the_same_day() -> None:
    wish = wishes(5, 1, 0.2)[0]
    one, other = compute(wish), compute(wish)
    assert one.day == other.day
    assert one.minutes == other.minutes
    assert one.episodes == other.episodes


@given(by_min=st.integers(-600_000, 600_000))
def test_a_moved_day_keeps_its_rows(library: dict[str, list[LibraryDay]], by_min: int) -> None:
    day = library["desk"][3]
    start_ns = day.start_ns + by_min * MINUTE_NS
    there = moved(day, start_ns, start_ns)
    assert there.frames.start_ns[0] == there.minutes[0].start_ns == start_ns
    assert all(minute.start_ns % MINUTE_NS == 0 for minute in there.minutes)
    assert [e.end_ns - e.start_ns for e in there.episodes] == [
        e.end_ns - e.start_ns for e in day.episodes
    ]
    assert there.plan.complete_ns - there.plan.effective_ns == (
        day.plan.complete_ns - day.plan.effective_ns
    )
    assert moved(there, day.start_ns, day.day.start_ns).minutes == day.minutes


def test_a_day_moves_by_whole_minutes_only(library: dict[str, list[LibraryDay]]) -> None:
    with pytest.raises(ValueError, match="no whole minute"):
        moved(library["desk"][0], library["desk"][0].start_ns + 1, 0)


@given(minutes=st.integers(-3, 40))
def test_a_cut_day_adds_up(library: dict[str, list[LibraryDay]], minutes: int) -> None:
    day = library["desk"][5]
    end_ns = day.start_ns + minutes * MINUTE_NS
    shorter = cut(day, end_ns)
    if shorter is None:
        assert minutes <= day.length_ns // MINUTE_NS
        return
    assert shorter.length_ns <= max(0, minutes) * MINUTE_NS
    assert shorter.minutes == day.minutes[: len(shorter.minutes)]
    assert _sum(shorter.minutes) == Counter(shorter.day.posture_s)
    assert shorter.day.worn_s == sum(minute.worn_s for minute in shorter.minutes)
    assert shorter.day.episodes == len(shorter.episodes)
    assert all(e.end_ns <= end_ns for e in shorter.episodes)


def test_a_day_that_is_not_cut_is_as_the_pipeline_counted(
    library: dict[str, list[LibraryDay]],
) -> None:
    day = library["desk"][3]
    whole = cut(day, day.start_ns + day.length_ns)
    assert whole is not None
    assert whole.day.posture_s == day.day.posture_s
    assert whole.day.rounded_activity_s == day.day.rounded_activity_s
    assert whole.day.mean_trunk_flexion_deg == day.day.mean_trunk_flexion_deg


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Berlin", (date(2026, 3, 29), date(2026, 10, 25))),
        ("Australia/Lord_Howe", (date(2026, 4, 5), date(2026, 10, 4))),
        ("Asia/Kolkata", ()),
    ],
)
def test_days_lie_in_the_clients_calendar_through_changes_of_clocks(
    library: dict[str, list[LibraryDay]],
    zone: str,
    changes: tuple[date, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plumbline.seed_history.WEEKEND", 1.0)
    client = Client(1, "desk", Story.STEADY, zone, seed=4)
    worn = list(history(client, library, 52, NOW_NS, today=True))
    dates = [day.date for day in worn]
    assert dates == sorted(set(dates))
    assert set(changes) <= set(dates)
    for day in worn:
        midnight = datetime(day.date.year, day.date.month, day.date.day, tzinfo=ZoneInfo(zone))
        following = midnight.date() + timedelta(days=1)
        next_ns = midnight_ns(following, zone)
        assert day.rows.day.start_ns == round(midnight.timestamp()) * NS_PER_S
        assert day.rows.day.start_ns <= day.rows.minutes[0].start_ns
        assert day.rows.minutes[-1].start_ns + MINUTE_NS <= min(next_ns, NOW_NS)
        assert day.rows.start_ns % MINUTE_NS == 0


def test_stories_turn_out_as_they_are_called(library: dict[str, list[LibraryDay]]) -> None:
    """Of eight clients each, late against early; the few short days here leave them little room."""

    def change(story: Story) -> float:
        late, early = [], []
        for seed in range(8):
            client = Client(1, "desk", story, "UTC", seed=seed)
            days = list(history(client, library, 26, NOW_NS, today=False))
            turn = days[-1].date - timedelta(days=28)
            for day in days:
                (late if day.date > turn else early).append(day.rows.rounded_min_h)
        return float(np.mean(late) - np.mean(early))

    steady = change(Story.STEADY)
    assert change(Story.BETTER) < steady - 1.0
    assert change(Story.WORSE) > steady + 0.25


def test_a_client_who_stopped_has_no_late_days(library: dict[str, list[LibraryDay]]) -> None:
    client = Client(1, "desk", Story.STOPPED, "UTC", seed=1)
    last = list(history(client, library, 8, NOW_NS, today=False))[-1].date
    today = datetime.fromtimestamp(NOW_NS / NS_PER_S, UTC).date()
    assert today - last >= timedelta(days=10)


def test_every_story_and_kind_is_among_the_first_clients() -> None:
    everybody = clients(14, len(KINDS), 1)
    assert {client.kind for client in everybody} == set(KINDS)
    assert {client.story for client in everybody} == set(Story)


def test_what_is_stored_adds_up(clinic: tuple[Path, Made]) -> None:
    folder, made = clinic
    series, registry = _opened(folder)
    days = minutes = 0
    for wearer in registry.wearers():
        zone = ZoneInfo(wearer.timezone)
        for day in series.days(wearer.wearer, *EVER):
            begins = datetime.fromtimestamp(day.start_ns // NS_PER_S, UTC).astimezone(zone)
            assert (begins.hour, begins.minute) == (0, 0)
            ends_ns = midnight_ns(begins.date() + timedelta(days=1), wearer.timezone)
            of_day = series.minutes(wearer.wearer, day.start_ns, ends_ns)
            assert _sum(of_day) == Counter(day.posture_s)
            days, minutes = days + 1, minutes + len(of_day)
        assert len(series.frames(wearer.wearer, *EVER)) > 0
    assert (days, minutes) == (made.days, made.minutes)
    series.close()
    registry.close()


def test_everybody_is_simulated_and_named_neutrally(clinic: tuple[Path, Made]) -> None:
    series, registry = _opened(clinic[0])
    assert [(w.wearer, w.label, w.simulated) for w in registry.wearers()] == [
        ("sim-001", "Simulated client 001", True),
        ("sim-002", "Simulated client 002", True),
    ]
    assert {health.sensor for health in series.health()} >= {"SIM-001-T4", "SIM-FREE-1"}
    assert series.calibrations("sim-001")
    assert [plan.effective_ns for plan in registry.calibrations("sim-001")] == [
        outcome.effective_ns for outcome in series.calibrations("sim-001")
    ]
    assert registry.people.consenting(ConsentKind.MONITORING) == ["sim-001", "sim-002"]
    series.close()
    registry.close()


def test_the_passwords_that_are_told_let_in(clinic: tuple[Path, Made]) -> None:
    folder, made = clinic
    _, registry = _opened(folder)
    door = Door(registry.people, clock_ns=lambda: NOW_NS)
    by_login = {login.login: login for login in made.logins}
    therapist = door.viewer(door.sign_in("therapist-1", by_login["therapist-1"].password))
    assert therapist is not None
    assert therapist.granted == {"sim-001", "sim-002"}
    client = door.viewer(door.sign_in("client-002", by_login["client-002"].password))
    assert client is not None
    assert client.wearer == "sim-002"
    assert client.roles == frozenset({Role.CLIENT})
    registry.close()


def test_a_second_clinic_in_one_registry_is_refused(clinic: tuple[Path, Made]) -> None:
    with pytest.raises(SettingError, match="already"):
        seed_clinic(*_urls(clinic[0]), SHORT, now_ns=NOW_NS, console=Console(quiet=True))


def test_the_command_prints_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plumbline.seed.wishes", lambda seed, kinds, _: wishes(seed, kinds, 0.3))
    flags = ["--clients", "1", "--weeks", "2", "--workers", "1", "--json"]
    assert run(["seed", *flags, "--data", str(tmp_path / "data")]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["clients"] == 1
    assert made["days"] > 0
    assert made["store_mb"] > 0
    assert [login["login"] for login in made["logins"]][-1] == "client-001"


@pytest.mark.parametrize(
    "habit",
    [
        {"parts": ()},
        {"rounded": 0.01},
        {"depth": 2.0},
        {"rolled": 0.1},
    ],
)
def test_a_habit_that_nobody_has_is_refused(habit: dict[str, object]) -> None:
    usual: dict[str, object] = {"parts": (Part(Doing.DESK, 5.0, 10.0),)}
    with pytest.raises(ValueError, match="nobody lives"):
        Habit(**(usual | habit))  # type: ignore[arg-type]
