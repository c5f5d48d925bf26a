"""The registry on SQLAlchemy: SQLite by default, PostgreSQL by URL.

Every change makes ``revision`` greater in the same transaction, so that a service that polls it
never acts on half a change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from contracts.checks import check_id
from contracts.errors import DecodeError, Reason, SettingError, StoreError
from contracts.settings import CalibrationPlan, NotNow, PostureSettings
from contracts.vocabulary import Placement
from store import registry_notices
from store import registry_schema as schema
from store.database import Database
from store.people import SqlPeople
from store.people_ports import People
from store.ports import Assignment, Notice, Wearer


class SqlRegistry:
    """:class:`store.ports.Registry` in the database at ``url``.

    StoreError or DiskError where the database cannot serve, SettingError for what it cannot keep.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._database = Database(url, read_only=read_only)
        self._people = SqlPeople(self._database)

    @property
    def people(self) -> People:
        return self._people

    def revision(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(schema.revision.c.value)).scalar_one())

    def put_wearer(self, wearer: Wearer) -> None:
        _check_id("wearer", wearer.wearer)
        _check_timezone(wearer.timezone)
        values = {
            "label": wearer.label,
            "timezone": wearer.timezone,
            "simulated": wearer.simulated,
        }
        table = schema.wearer
        with self._changing() as connection:
            changed = connection.execute(
                sa.update(table).where(table.c.wearer == wearer.wearer).values(**values)
            )
            if changed.rowcount == 0:
                connection.execute(sa.insert(table).values(wearer=wearer.wearer, **values))

    def wearers(self) -> list[Wearer]:
        table = schema.wearer
        found = self._fetch(
            sa.select(table.c.wearer, table.c.label, table.c.timezone, table.c.simulated).order_by(
                table.c.id
            )
        )
        return [Wearer(*row) for row in found]

    def assign(self, assignment: Assignment) -> None:
        _check_id("sensor", assignment.sensor)
        if assignment.end_ns is not None and assignment.end_ns <= assignment.start_ns:
            raise SettingError(Reason.OUT_OF_RANGE, "An assignment ends before it starts.")
        table, start_ns = schema.assignment, assignment.start_ns
        with self._changing() as connection:
            number = _wearer_number(connection, assignment.wearer)
            same_sensor = table.c.sensor == assignment.sensor
            same_place = (table.c.wearer_id == number) & (
                table.c.placement == assignment.placement.value
            )
            connection.execute(sa.delete(table).where(same_sensor, table.c.start_ns == start_ns))
            connection.execute(
                sa.update(table)
                .where(
                    same_sensor | same_place, table.c.end_ns.is_(None), table.c.start_ns < start_ns
                )
                .values(end_ns=start_ns)
            )
            end_ns = _free_until(connection, same_sensor | same_place, assignment)
            connection.execute(
                sa.insert(table).values(
                    sensor=assignment.sensor,
                    wearer_id=number,
                    placement=assignment.placement.value,
                    start_ns=start_ns,
                    end_ns=end_ns,
                )
            )

    def unassign(self, wearer: str, sensor: str, end_ns: int) -> None:
        table = schema.assignment
        with self._changing() as connection:
            number = _wearer_number(connection, wearer)
            open_one = (
                (table.c.wearer_id == number)
                & (table.c.sensor == sensor)
                & table.c.end_ns.is_(None)
            )
            connection.execute(sa.delete(table).where(open_one, table.c.start_ns >= end_ns))
            connection.execute(sa.update(table).where(open_one).values(end_ns=end_ns))

    def assignments(self, wearer: str | None = None) -> list[Assignment]:
        table = schema.assignment
        query = (
            sa.select(
                table.c.sensor,
                schema.wearer.c.wearer,
                table.c.placement,
                table.c.start_ns,
                table.c.end_ns,
            )
            .join_from(table, schema.wearer)
            .order_by(table.c.start_ns, table.c.id)
        )
        if wearer is not None:
            query = query.where(schema.wearer.c.wearer == wearer)
        found = self._fetch(query)
        with _readable("assignments", wearer):
            return [
                Assignment(sensor, worn_by, Placement(placement), start_ns, end_ns)
                for sensor, worn_by, placement, start_ns, end_ns in found
            ]

    def release(self, sensors: Collection[str], before_ns: int) -> None:
        table = schema.released
        with self._changing() as connection:
            for sensor in sorted(set(sensors)):
                before = sa.select(table.c.before_ns).where(table.c.sensor == sensor)
                known_ns = connection.execute(before).scalar_one_or_none()
                connection.execute(sa.delete(table).where(table.c.sensor == sensor))
                latest_ns = before_ns if known_ns is None else max(before_ns, known_ns)
                connection.execute(sa.insert(table).values(sensor=sensor, before_ns=latest_ns))

    def released(self) -> dict[str, int]:
        table = schema.released
        return dict(self._fetch(sa.select(table.c.sensor, table.c.before_ns)))

    def add_calibration(self, wearer: str, plan: CalibrationPlan) -> None:
        table = schema.calibration
        with self._changing() as connection:
            number = _wearer_number(connection, wearer)
            connection.execute(
                sa.delete(table).where(
                    table.c.wearer_id == number, table.c.effective_ns == plan.effective_ns
                )
            )
            connection.execute(
                sa.insert(table).values(
                    wearer_id=number,
                    effective_ns=plan.effective_ns,
                    **{f"{name}_start_ns": start for name, (start, _) in plan.windows.items()},
                    **{f"{name}_end_ns": end for name, (_, end) in plan.windows.items()},
                )
            )

    def calibrations(self, wearer: str) -> list[CalibrationPlan]:
        table = schema.calibration
        found = self._fetch(
            sa.select(table)
            .join_from(table, schema.wearer)
            .where(schema.wearer.c.wearer == wearer)
            .order_by(table.c.effective_ns)
        )
        with _readable("calibrations", wearer):
            return [_plan_of(row) for row in found]

    def set_settings(self, wearer: str, settings: PostureSettings) -> None:
        table = schema.posture_settings
        with self._changing() as connection:
            number = _wearer_number(connection, wearer)
            connection.execute(sa.delete(table).where(table.c.wearer_id == number))
            connection.execute(
                sa.insert(table).values(
                    wearer_id=number, body=msgspec.json.encode(settings).decode()
                )
            )

    def settings(self, wearer: str) -> PostureSettings:
        table = schema.posture_settings
        found = self._fetch(
            sa.select(table.c.body)
            .join_from(table, schema.wearer)
            .where(schema.wearer.c.wearer == wearer)
        )
        if not found:
            return PostureSettings()
        with _readable("settings", wearer):
            return msgspec.json.decode(found[0][0], type=PostureSettings)

    def put_not_now(self, wearer: str, wish: NotNow | None) -> None:
        table = schema.not_now
        with self._changing() as connection:
            number = _wearer_number(connection, wearer)
            connection.execute(sa.delete(table).where(table.c.wearer_id == number))
            if wish is not None:
                connection.execute(
                    sa.insert(table).values(
                        wearer_id=number, start_ns=wish.start_ns, end_ns=wish.end_ns
                    )
                )

    def not_now(self) -> dict[str, NotNow]:
        table, people = schema.not_now, schema.wearer
        found = self._fetch(
            sa.select(people.c.wearer, table.c.start_ns, table.c.end_ns).join_from(table, people)
        )
        with _readable("wishes for no nudges", None):
            return {wearer: NotNow(start_ns=start, end_ns=end) for wearer, start, end in found}

    def put_notice(self, notice: Notice) -> None:
        with self._database.transaction() as connection:
            registry_notices.put(connection, notice)

    def clear_notice(self, service: str) -> None:
        with self._database.transaction() as connection:
            registry_notices.clear(connection, service)

    def notices(self) -> list[Notice]:
        with self._database.reading() as connection:
            return registry_notices.read(connection)

    def close(self) -> None:
        self._database.close()

    def _fetch(self, query: sa.Select[Any]) -> list[Any]:
        return self._database.fetch(query)

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        with self._database.transaction() as connection:
            yield connection
            connection.execute(sa.update(schema.revision).values(value=schema.revision.c.value + 1))


def _free_until(
    connection: sa.Connection, rivals: sa.ColumnElement[bool], new: Assignment
) -> int | None:
    """The end of a new assignment: its own, or where it has none the start of the next rival.

    SettingError where a rival overlaps it: nobody's samples may count as somebody else's.
    """
    table = schema.assignment
    later = connection.execute(
        sa.select(sa.func.min(table.c.start_ns)).where(rivals, table.c.start_ns >= new.start_ns)
    ).scalar_one()
    end_ns = later if new.end_ns is None else new.end_ns
    earlier = sa.select(table.c.id).where(
        rivals, table.c.start_ns < new.start_ns, table.c.end_ns > new.start_ns
    )
    same_start = later == new.start_ns
    if same_start or (later is not None and end_ns > later) or connection.execute(earlier).first():
        raise SettingError(
            Reason.BAD_SETTING,
            f"The time of {new.sensor} at {new.placement} overlaps another assignment of this sensor "
            "or placement.",
            hint="End the other one first, or choose a time that is free.",
        )
    return end_ns


def _plan_of(row: Any) -> CalibrationPlan:
    def window(start_ns: int | None, end_ns: int) -> tuple[int, int] | None:
        return None if start_ns is None else (start_ns, end_ns)

    return CalibrationPlan(
        effective_ns=row.effective_ns,
        upright_ns=(row.upright_start_ns, row.upright_end_ns),
        rounded_ns=window(row.rounded_start_ns, row.rounded_end_ns),
        bend_ns=window(row.bend_start_ns, row.bend_end_ns),
        standing_ns=window(row.standing_start_ns, row.standing_end_ns),
    )


@contextmanager
def _readable(what: str, wearer: str | None) -> Iterator[None]:
    """Within it, a row that no longer fits the contract is a StoreError."""
    try:
        yield
    except (msgspec.MsgspecError, SettingError, ValueError, TypeError) as error:
        raise StoreError(
            Reason.STORE_CORRUPT,
            f"The {what} of {wearer or 'a wearer'} in the registry cannot be read: {error}.",
            hint="Set them again.",
        ) from error


def _wearer_number(connection: sa.Connection, wearer: str) -> int:
    number = connection.execute(
        sa.select(schema.wearer.c.id).where(schema.wearer.c.wearer == wearer)
    ).scalar_one_or_none()
    if number is None:
        raise SettingError(
            Reason.MISSING,
            f"There is no wearer {wearer!r} in the registry.",
            hint="Add the wearer first.",
        )
    return int(number)


def _check_id(field: str, value: str) -> None:
    try:
        check_id(field, value)
    except DecodeError as error:
        raise SettingError(error.reason, error.message) from None


def _check_timezone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingError(
            Reason.BAD_SETTING,
            f"{name[:60]!r} is not a time zone.",
            hint="Use a name of the IANA database, such as Europe/Berlin.",
        ) from None
