"""Grants, consents, the audit, pain, therapy sessions and words on focus areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from contracts.errors import Reason, SettingError
from store import people_schema as schema
from store.database import Database
from store.people_checks import (
    MAX_DETAIL,
    MAX_ENDED_GRANTS,
    MAX_FOCUS_EDITS,
    MAX_GRANTS,
    MAX_LOOKS,
    MAX_NOTE,
    MAX_PAIN_NOTE,
    MAX_PAIN_TAPS,
    MAX_SESSIONS,
    MAX_WITHDRAWN_CONSENTS,
    check_ids,
    check_number,
    check_room,
    check_text,
    check_wearer,
    keep_latest,
)
from store.people_ports import (
    Consent,
    ConsentKind,
    FocusEdit,
    Grant,
    Look,
    PainTap,
    TherapySession,
    Verdict,
)


class SqlRecords:
    """The part of :class:`store.people_ports.People` that is about wearers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(self, grant: Grant) -> None:
        if grant.end_ns is not None and grant.end_ns <= grant.start_ns:
            raise SettingError(Reason.OUT_OF_RANGE, "A grant ends before it starts.")
        table = schema.access_grant
        key = _all_of(table, wearer=grant.wearer, account=grant.account, start_ns=grant.start_ns)
        mine = table.c.wearer == grant.wearer
        ended = table.c.end_ns <= grant.start_ns
        in_force = mine & (table.c.end_ns.is_(None) | ~ended)
        with self._database.transaction() as connection:
            check_wearer(connection, grant.wearer)
            connection.execute(sa.delete(table).where(key))
            check_room(connection, in_force, table, MAX_GRANTS, "grants in force")
            connection.execute(sa.insert(table).values(**_values(grant, table)))
            keep_latest(connection, mine & ended, table.c.end_ns, MAX_ENDED_GRANTS)

    def revoke(self, wearer: str, account: str, end_ns: int) -> None:
        table = schema.access_grant
        of = _all_of(table, wearer=wearer, account=account)
        with self._database.transaction() as connection:
            connection.execute(sa.delete(table).where(of, table.c.start_ns >= end_ns))
            lasting = table.c.end_ns.is_(None) | (table.c.end_ns > end_ns)
            connection.execute(sa.update(table).where(of, lasting).values(end_ns=end_ns))

    def grants(self, *, wearer: str | None = None, account: str | None = None) -> list[Grant]:
        table = schema.access_grant
        query = sa.select(table.c.wearer, table.c.account, table.c.start_ns, table.c.end_ns)
        if wearer is not None:
            query = query.where(table.c.wearer == wearer)
        if account is not None:
            query = query.where(table.c.account == account)
        rows = self._database.fetch(query.order_by(table.c.start_ns, table.c.id))
        return [Grant(*row) for row in rows]

    def give_consent(self, consent: Consent) -> None:
        check_text("version", consent.version, 32)
        table = schema.consent
        of = _all_of(table, wearer=consent.wearer, kind=consent.kind.value)
        with self._database.transaction() as connection:
            check_wearer(connection, consent.wearer)
            connection.execute(sa.delete(table).where(of, table.c.given_ns == consent.given_ns))
            connection.execute(
                sa.update(table)
                .where(of, table.c.withdrawn_ns.is_(None))
                .values(withdrawn_ns=consent.given_ns)
            )
            connection.execute(sa.insert(table).values(**_values(consent, table)))
            withdrawn = (table.c.wearer == consent.wearer) & table.c.withdrawn_ns.is_not(None)
            keep_latest(connection, withdrawn, table.c.withdrawn_ns, MAX_WITHDRAWN_CONSENTS)

    def withdraw_consent(self, wearer: str, kind: ConsentKind, withdrawn_ns: int) -> None:
        table = schema.consent
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(table)
                .where(
                    _all_of(table, wearer=wearer, kind=kind.value), table.c.withdrawn_ns.is_(None)
                )
                .values(withdrawn_ns=withdrawn_ns)
            )

    def consents(self, wearer: str) -> list[Consent]:
        table = schema.consent
        rows = self._database.fetch(
            sa.select(table).where(table.c.wearer == wearer).order_by(table.c.given_ns, table.c.id)
        )
        return [
            Consent(r.wearer, ConsentKind(r.kind), r.version, r.given_ns, r.withdrawn_ns)
            for r in rows
        ]

    def consenting(self, kind: ConsentKind) -> list[str]:
        table = schema.consent
        rows = self._database.fetch(
            sa.select(table.c.wearer)
            .where(table.c.kind == kind.value, table.c.withdrawn_ns.is_(None))
            .distinct()
            .order_by(table.c.wearer)
        )
        return [row[0] for row in rows]

    def note_look(self, look: Look) -> None:
        table = schema.look
        values = _values(look, table) | {"detail": look.detail[:MAX_DETAIL], "act": look.act[:32]}
        with self._database.transaction() as connection:
            made = connection.execute(sa.insert(table).values(**values).returning(table.c.id))
            oldest = int(made.scalar_one()) - MAX_LOOKS
            if oldest > 0:
                connection.execute(sa.delete(table).where(table.c.id <= oldest))

    def looks(
        self, *, wearer: str | None = None, before_ns: int | None = None, limit: int = 200
    ) -> list[Look]:
        table = schema.look
        query = sa.select(table)
        if wearer is not None:
            query = query.where(table.c.wearer == wearer)
        if before_ns is not None:
            query = query.where(table.c.at_ns < before_ns)
        rows = self._database.fetch(
            query.order_by(table.c.at_ns.desc(), table.c.id.desc()).limit(limit)
        )
        return [Look(r.at_ns, r.account, r.act, r.wearer, r.allowed, r.detail) for r in rows]

    def tap_pain(self, tap: PainTap) -> None:
        check_ids(region=tap.region)
        check_number("score", tap.score, 0, 10)
        check_text("note", tap.note, MAX_PAIN_NOTE)
        table = schema.pain
        key = _all_of(table, wearer=tap.wearer, at_ns=tap.at_ns, region=tap.region)
        self._replace(table, key, tap, MAX_PAIN_TAPS, "pain taps")

    def remove_pain(self, wearer: str, at_ns: int, region: str) -> None:
        self._remove(schema.pain, wearer=wearer, at_ns=at_ns, region=region)

    def pain(self, wearer: str, start_ns: int, end_ns: int) -> list[PainTap]:
        table = schema.pain
        rows = self._database.fetch(
            sa.select(table)
            .where(table.c.wearer == wearer, table.c.at_ns >= start_ns, table.c.at_ns < end_ns)
            .order_by(table.c.at_ns, table.c.id)
        )
        return [PainTap(r.wearer, r.at_ns, r.region, r.score, r.note) for r in rows]

    def add_session(self, session: TherapySession) -> None:
        check_text("note", session.note, MAX_NOTE)
        table = schema.therapy_session
        key = _all_of(table, wearer=session.wearer, at_ns=session.at_ns)
        self._replace(table, key, session, MAX_SESSIONS, "therapy sessions")

    def remove_session(self, wearer: str, at_ns: int) -> None:
        self._remove(schema.therapy_session, wearer=wearer, at_ns=at_ns)

    def sessions(self, wearer: str) -> list[TherapySession]:
        table = schema.therapy_session
        rows = self._database.fetch(
            sa.select(table).where(table.c.wearer == wearer).order_by(table.c.at_ns)
        )
        return [TherapySession(r.wearer, r.at_ns, r.account, r.note) for r in rows]

    def edit_focus(self, edits: Sequence[FocusEdit]) -> None:
        table = schema.focus_edit
        for edit in edits:
            check_ids(rule=edit.rule)
            check_text("note", edit.note, MAX_NOTE)
            if edit.place is not None:
                check_number("place", edit.place, 1, MAX_FOCUS_EDITS)
        with self._database.transaction() as connection:
            for edit in edits:
                key = _all_of(table, wearer=edit.wearer, rule=edit.rule)
                _replace(connection, table, key, edit, MAX_FOCUS_EDITS, "edited focus areas")

    def focus_edits(self, wearer: str) -> list[FocusEdit]:
        table = schema.focus_edit
        rows = self._database.fetch(
            sa.select(table).where(table.c.wearer == wearer).order_by(table.c.rule)
        )
        return [
            FocusEdit(r.wearer, r.rule, r.account, r.at_ns, Verdict(r.verdict), r.place, r.note)
            for r in rows
        ]

    def _replace(
        self, table: sa.Table, key: sa.ColumnElement[bool], row: Any, most: int, what: str
    ) -> None:
        with self._database.transaction() as connection:
            _replace(connection, table, key, row, most, what)

    def _remove(self, table: sa.Table, **key: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(sa.delete(table).where(_all_of(table, **key)))


def _replace(
    connection: sa.Connection,
    table: sa.Table,
    key: sa.ColumnElement[bool],
    row: Any,
    most: int,
    what: str,
) -> None:
    """Put ``row`` in the place of the one under ``key``, where the wearer has room for it."""
    check_wearer(connection, row.wearer)
    connection.execute(sa.delete(table).where(key))
    check_room(connection, table.c.wearer == row.wearer, table, most, what)
    connection.execute(sa.insert(table).values(**_values(row, table)))


def _all_of(table: sa.Table, **values: object) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in values.items()))


def _values(row: Any, table: sa.Table) -> dict[str, Any]:
    """The fields of a row by column; words of an enumeration as text."""
    names = [column.name for column in table.c if column.name != "id"]
    found = {name: getattr(row, name) for name in names}
    return {name: str(v) if isinstance(v, str) else v for name, v in found.items()}
