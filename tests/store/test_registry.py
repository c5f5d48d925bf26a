"""The registry: people, sensors, calibrations, settings; and its database over time."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from contracts.errors import PlumblineError, Reason, SettingError
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store import open_registry
from store.ports import Assignment, Notice, Registry, Wearer
from store.registry_schema import metadata
from tests.store import processes

#: What the first version of the registry had.
FIRST_TABLES = ("revision", "wearer", "assignment", "calibration", "posture_settings")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path}/registry.sqlite"


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = open_registry(url)
    opened.put_wearer(Wearer("w1", "Ann", "Europe/Berlin"))
    yield opened
    opened.close()


def plan(effective_s: int, *, rounded: bool = True) -> CalibrationPlan:
    begin_ns = effective_s * NS_PER_S
    return CalibrationPlan(
        effective_ns=begin_ns,
        upright_ns=(begin_ns, begin_ns + 10 * NS_PER_S),
        rounded_ns=(begin_ns + 15 * NS_PER_S, begin_ns + 25 * NS_PER_S) if rounded else None,
    )


def test_wearers_keep_the_order_they_came_in(registry: Registry) -> None:
    registry.put_wearer(Wearer("w0", "Bob", simulated=True))
    registry.put_wearer(Wearer("w1", "Ann Other"))
    assert registry.wearers() == [
        Wearer("w1", "Ann Other", "UTC"),
        Wearer("w0", "Bob", "UTC", simulated=True),
    ]


def test_an_id_is_never_a_name(registry: Registry) -> None:
    with pytest.raises(SettingError, match="not an id"):
        registry.put_wearer(Wearer("Ann Smith", "Ann"))
    with pytest.raises(SettingError, match="not an id"):
        registry.assign(Assignment("no id", "w1", Placement.T4, 0))


def test_a_sensor_that_passes_on_leaves_the_one_before(registry: Registry) -> None:
    registry.put_wearer(Wearer("w2", "Bob"))
    first = Assignment("s1", "w1", Placement.T4, 100)
    registry.assign(first)
    registry.assign(Assignment("s1", "w2", Placement.L5, 200))
    assert registry.assignments("w1") == [Assignment("s1", "w1", Placement.T4, 100, 200)]
    assert registry.assignments() == [
        Assignment("s1", "w1", Placement.T4, 100, 200),
        Assignment("s1", "w2", Placement.L5, 200),
    ]


def test_a_new_sensor_at_a_placement_ends_the_one_before(registry: Registry) -> None:
    registry.assign(Assignment("s1", "w1", Placement.T4, 100))
    registry.assign(Assignment("s2", "w1", Placement.T4, 200))
    assert [(a.sensor, a.end_ns) for a in registry.assignments("w1")] == [("s1", 200), ("s2", None)]


def test_entered_afterwards_it_lasts_until_the_next(registry: Registry) -> None:
    registry.put_wearer(Wearer("w2", "Bob"))
    registry.assign(Assignment("s1", "w2", Placement.T4, 200))
    registry.assign(Assignment("s1", "w1", Placement.T4, 100))
    assert registry.assignments("w1") == [Assignment("s1", "w1", Placement.T4, 100, 200)]


@pytest.mark.parametrize(
    "new",
    [
        Assignment("s1", "w2", Placement.L5, 120),  # within the first
        Assignment("s1", "w2", Placement.L5, 50, 101),  # into the first
        Assignment("s1", "w2", Placement.L5, 50, 500),  # round all of it
        Assignment("s2", "w1", Placement.T4, 149, 160),  # another sensor, the same placement
        Assignment("s2", "w1", Placement.T4, 100, 110),  # the same start
    ],
)
def test_no_sensor_is_on_two_people_and_no_placement_has_two(
    registry: Registry, new: Assignment
) -> None:
    registry.put_wearer(Wearer("w2", "Bob"))
    registry.assign(Assignment("s1", "w1", Placement.T4, 100, 150))
    before, revision = registry.assignments(), registry.revision()
    with pytest.raises(SettingError, match="overlaps"):
        registry.assign(new)
    assert registry.assignments() == before
    assert registry.revision() == revision


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "Europe", "\0"])
def test_a_time_zone_that_is_none_is_refused(registry: Registry, zone: str) -> None:
    with pytest.raises(SettingError, match="time zone"):
        registry.put_wearer(Wearer("w1", "Ann", zone))
    assert registry.wearers() == [Wearer("w1", "Ann", "Europe/Berlin")]


def test_an_assignment_that_was_ended_stays_so(registry: Registry) -> None:
    registry.assign(Assignment("s1", "w1", Placement.T4, 100, 150))
    registry.assign(Assignment("s1", "w1", Placement.T4, 200))
    assert [a.end_ns for a in registry.assignments()] == [150, None]
    with pytest.raises(SettingError, match="ends before"):
        registry.assign(Assignment("s1", "w1", Placement.T4, 300, 300))


def test_a_sensor_that_is_given_back_is_free_from_then_on(registry: Registry) -> None:
    registry.put_wearer(Wearer("w2", "Bob"))
    registry.assign(Assignment("s1", "w1", Placement.T4, 100))
    registry.assign(Assignment("s2", "w1", Placement.L5, 100))
    revision = registry.revision()
    registry.unassign("w2", "s1", 150)  # not theirs to give
    registry.unassign("w1", "s1", 200)
    assert registry.revision() > revision
    assert [(a.sensor, a.end_ns) for a in registry.assignments("w1")] == [("s1", 200), ("s2", None)]
    registry.unassign("w1", "s1", 300)  # ended already
    registry.assign(Assignment("s1", "w2", Placement.T4, 200))
    assert [(a.sensor, a.end_ns) for a in registry.assignments("w1")] == [("s1", 200), ("s2", None)]
    with pytest.raises(SettingError, match="no wearer"):
        registry.unassign("nobody", "s1", 300)


@pytest.mark.parametrize("end_ns", [100, 99])
def test_an_assignment_that_ends_before_it_began_was_none(registry: Registry, end_ns: int) -> None:
    registry.assign(Assignment("s1", "w1", Placement.T4, 100))
    registry.unassign("w1", "s1", end_ns)
    assert registry.assignments() == []


def test_a_sensor_is_released_up_to_the_latest_time_that_was_said(registry: Registry) -> None:
    revision = registry.revision()
    registry.release(["s1", "s2"], 200)
    registry.release(["s2", "s3", "s3"], 100)
    assert registry.released() == {"s1": 200, "s2": 200, "s3": 100}
    assert registry.revision() > revision


def test_calibrations_come_back_by_effective_time(registry: Registry) -> None:
    for made in (plan(300), plan(100, rounded=False), plan(300, rounded=False)):
        registry.add_calibration("w1", made)
    assert registry.calibrations("w1") == [plan(100, rounded=False), plan(300, rounded=False)]
    assert registry.calibrations("w2") == []


def test_every_pose_of_a_calibration_comes_back(registry: Registry) -> None:
    begin_ns = 400 * NS_PER_S
    whole = CalibrationPlan(
        effective_ns=begin_ns,
        upright_ns=(begin_ns, begin_ns + 10 * NS_PER_S),
        rounded_ns=(begin_ns + 15 * NS_PER_S, begin_ns + 25 * NS_PER_S),
        bend_ns=(begin_ns + 30 * NS_PER_S, begin_ns + 40 * NS_PER_S),
        standing_ns=(begin_ns + 50 * NS_PER_S, begin_ns + 60 * NS_PER_S),
    )
    registry.add_calibration("w1", whole)
    assert registry.calibrations("w1") == [whole]


def test_settings_are_the_defaults_until_set(registry: Registry) -> None:
    assert registry.settings("w1") == registry.settings("nobody") == PostureSettings()
    registry.set_settings("w1", PostureSettings(rounded_warn_deg=15.0))
    assert registry.settings("w1").rounded_warn_deg == 15.0


def test_what_belongs_to_nobody_is_refused(registry: Registry) -> None:
    for change in (
        lambda: registry.assign(Assignment("s1", "nobody", Placement.T4, 0)),
        lambda: registry.add_calibration("nobody", plan(0)),
        lambda: registry.set_settings("nobody", PostureSettings()),
    ):
        with pytest.raises(SettingError, match="no wearer"):
            change()


def test_every_change_shows_in_the_revision(registry: Registry, url: str) -> None:
    reader = open_registry(url, read_only=True)
    seen = [reader.revision()]
    for change in (
        lambda: registry.put_wearer(Wearer("w1", "Ann")),
        lambda: registry.assign(Assignment("s1", "w1", Placement.T4, 0)),
        lambda: registry.add_calibration("w1", plan(0)),
        lambda: registry.set_settings("w1", PostureSettings()),
    ):
        change()
        seen.append(reader.revision())
    with pytest.raises(SettingError):
        registry.assign(Assignment("s1", "nobody", Placement.T4, 9))
    assert reader.revision() == seen[-1]
    assert len(reader.assignments()) == 1
    reader.close()
    assert seen == sorted(set(seen))


def test_notices_come_and_go_and_are_no_change_of_settings(registry: Registry, url: str) -> None:
    before = registry.revision()
    full = Notice("analytics", Reason.DISK_FULL.value, "The disk is full.", 7)
    away = Notice("analytics", Reason.STORE_UNREACHABLE.value, "It cannot be reached.", 9)
    for notice in (full, away):
        registry.put_notice(notice)
        reader = open_registry(url, read_only=True)
        assert reader.notices() == [notice]
        reader.close()
    registry.put_notice(Notice("another", "reason", "", 1))
    registry.clear_notice("analytics")
    assert [notice.service for notice in registry.notices()] == ["another"]
    assert registry.revision() == before


def test_the_latest_wish_for_no_nudges_is_kept_until_taken_back(registry: Registry) -> None:
    before = registry.revision()
    for minutes in (30, 60):
        wish = NotNow(start_ns=5 * NS_PER_S, end_ns=(5 + 60 * minutes) * NS_PER_S)
        registry.put_not_now("w1", wish)
    assert registry.not_now() == {"w1": wish}
    assert registry.revision() == before + 2
    registry.put_not_now("w1", None)
    assert registry.not_now() == {}
    with pytest.raises(SettingError, match="no wearer"):
        registry.put_not_now("nobody", wish)


@pytest.mark.parametrize("minutes", [-1, 0, 721])
def test_a_wish_for_no_nudges_has_an_end(minutes: int) -> None:
    with pytest.raises(SettingError):
        NotNow(start_ns=NS_PER_S, end_ns=(1 + 60 * minutes) * NS_PER_S)


def test_a_registry_of_the_first_version_is_brought_forward(registry: Registry, url: str) -> None:
    registry.add_calibration("w1", plan(100))
    registry.close()
    with sqlite3.connect(url.removeprefix("sqlite:")) as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in FIRST_TABLES:
                connection.execute(f"DROP TABLE {table.name}")
        for name in ("bend_start_ns", "bend_end_ns", "standing_start_ns", "standing_end_ns"):
            connection.execute(f"ALTER TABLE calibration DROP COLUMN {name}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    assert refusal(url, read_only=True).reason is Reason.STORE_SCHEMA
    opened = open_registry(url)
    assert opened.notices() == []
    assert [wearer.wearer for wearer in opened.wearers()] == ["w1"]
    assert opened.calibrations("w1") == [plan(100)]
    opened.close()


def test_migrations_make_the_tables_that_the_code_knows(registry: Registry, tmp_path: Path) -> None:
    assert registry.wearers()
    engine = sa.create_engine(f"sqlite:///{tmp_path}/registry.sqlite")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_processes_that_open_a_new_database_at_once_all_get_it(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    started = [
        context.Process(target=processes.open_registry_at_once, args=(url, gate, f"w{i}"))
        for i in range(3)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 3
    registry = open_registry(url, read_only=True)
    assert len(registry.wearers()) == 3
    registry.close()


def refusal(url: str, *, read_only: bool = False) -> PlumblineError:
    with pytest.raises(PlumblineError) as refused:
        open_registry(url, read_only=read_only).close()
    assert refused.value.hint
    return refused.value


def test_every_refusal_says_what_to_do(tmp_path: Path, url: str) -> None:
    assert refusal(url, read_only=True).reason is Reason.STORE_UNREACHABLE
    assert refusal(f"sqlite:{tmp_path}/no/r.sqlite").reason is Reason.STORE_UNREACHABLE
    assert refusal("nonsense").reason is Reason.BAD_SETTING
    assert refusal("sqlite:").reason is Reason.BAD_SETTING
    assert refusal("postgresql+no_such_driver://h/d").reason is Reason.BAD_SETTING
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all" * 100)
    assert refusal(f"sqlite:{broken}").reason is Reason.STORE_CORRUPT


def test_a_later_versions_registry_is_left_alone(registry: Registry, url: str) -> None:
    registry.close()
    connection = sqlite3.connect(url.removeprefix("sqlite:"))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    for read_only in (False, True):
        assert refusal(url, read_only=read_only).reason is Reason.STORE_SCHEMA
