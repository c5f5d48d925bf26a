"""Weeks of many people together, as they were made: the one thing an employer is ever shown."""

from __future__ import annotations

import sqlalchemy as sa

from store.database import Database
from store.people_checks import MAX_TEAM_BODY, MAX_TEAM_WEEKS, check_text
from store.people_ports import MadeWeek
from store.people_schema import team_week as table


class SqlTeamWeeks:
    """The part of :class:`store.people_ports.People` that keeps what was shown of many people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_team_week(self, made: MadeWeek) -> MadeWeek:
        check_text("team's week", made.body, MAX_TEAM_BODY)
        with self._database.transaction() as connection:
            same = (table.c.week == made.week) & (table.c.simulated == made.simulated)
            if connection.execute(sa.select(table).where(same)).first() is None:
                connection.execute(
                    sa.insert(table).values(
                        week=made.week,
                        simulated=made.simulated,
                        made_ns=made.made_ns,
                        body=made.body,
                    )
                )
                _forget_old(connection, simulated=made.simulated)
            kept = connection.execute(sa.select(table).where(same)).first()
        return MadeWeek(*kept) if kept is not None else made

    def team_weeks(self, *, simulated: bool) -> list[MadeWeek]:
        rows = self._database.fetch(
            sa.select(table).where(table.c.simulated == simulated).order_by(table.c.week)
        )
        return [MadeWeek(*row) for row in rows]


def _forget_old(connection: sa.Connection, *, simulated: bool) -> None:
    of = table.c.simulated == simulated
    kept = sa.select(table.c.week).where(of).order_by(table.c.week.desc()).limit(MAX_TEAM_WEEKS)
    connection.execute(sa.delete(table).where(of, table.c.week.not_in(kept)))
