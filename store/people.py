"""The registry's accounts and records of people: :class:`store.people_ports.People` on SQLAlchemy."""

from __future__ import annotations

from store.people_accounts import SqlAccounts
from store.people_errands import SqlErrands
from store.people_records import SqlRecords
from store.people_team import SqlTeamWeeks


class SqlPeople(SqlAccounts, SqlRecords, SqlTeamWeeks, SqlErrands):
    """All of them over one database, which whoever made it closes."""
