"""Errands for the analytics service, and erasing a person with a receipt that names nobody."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa

from store import people_schema as schema
from store import registry_schema
from store.database import Database
from store.people_checks import (
    MAX_ERRAND_BODY,
    MAX_ERRAND_RESULT,
    MAX_FINISHED_ERRANDS,
    MAX_WAITING_ERRANDS,
    check_ids,
    check_room,
    check_text,
    check_wearer,
)
from store.people_ports import Errand, ErrandKind, ErrandState, Receipt, Role

#: Tables with rows of a wearer, by the column that says whose; the wearer's own row goes last.
_OWN: Final = (
    schema.access_grant,
    schema.consent,
    schema.look,
    schema.pain,
    schema.therapy_session,
    schema.focus_edit,
    schema.errand,
)
_BY_NUMBER: Final = (
    registry_schema.assignment,
    registry_schema.calibration,
    registry_schema.posture_settings,
    registry_schema.not_now,
)


class SqlErrands:
    """The part of :class:`store.people_ports.People` that hands work over, and erases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, errand: Errand) -> None:
        check_ids(errand=errand.errand)
        check_text("errand", errand.body, MAX_ERRAND_BODY)
        table = schema.errand
        with self._database.transaction() as connection:
            check_wearer(connection, errand.wearer)
            mine = table.c.wearer == errand.wearer
            of_kind = mine & (table.c.kind == errand.kind.value)
            waiting = of_kind & (table.c.state == ErrandState.ASKED.value)
            check_room(connection, waiting, table, MAX_WAITING_ERRANDS, "errands that wait")
            connection.execute(
                sa.insert(table).values(
                    errand=errand.errand,
                    kind=errand.kind.value,
                    wearer=errand.wearer,
                    account=errand.account,
                    asked_ns=errand.asked_ns,
                    body=errand.body,
                    state=errand.state.value,
                    done_ns=errand.done_ns,
                    result=errand.result,
                )
            )

    def errands(
        self, *, wearer: str | None = None, states: Collection[ErrandState] = tuple(ErrandState)
    ) -> list[Errand]:
        table = schema.errand
        query = sa.select(table).where(table.c.state.in_([state.value for state in states]))
        if wearer is not None:
            query = query.where(table.c.wearer == wearer)
        rows = self._database.fetch(query.order_by(table.c.asked_ns, table.c.errand))
        return [_errand(row) for row in rows]

    def note_errand(self, errand: str, result: str) -> None:
        check_text("result of an errand", result, MAX_ERRAND_RESULT)
        table = schema.errand
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(table).where(table.c.errand == errand).values(result=result)
            )

    def finish_errand(self, errand: str, state: ErrandState, *, done_ns: int, result: str) -> None:
        check_text("result of an errand", result, MAX_ERRAND_RESULT)
        table = schema.errand
        with self._database.transaction() as connection:
            found = connection.execute(
                sa.update(table)
                .where(table.c.errand == errand)
                .values(state=state.value, done_ns=done_ns, result=result)
                .returning(table.c.wearer)
            ).first()
            if found is not None:
                _forget_finished(connection, found.wearer)

    def erase_wearer(self, wearer: str, *, receipt: Receipt) -> dict[str, int]:
        with self._database.transaction() as connection:
            counts = _counts(connection, wearer)
            counts |= _erase_account(connection, wearer)
            connection.execute(sa.delete(schema.look).where(schema.look.c.wearer == wearer))
            people = registry_schema.wearer
            gone = connection.execute(sa.delete(people).where(people.c.wearer == wearer)).rowcount
            counts["wearer"] = gone
            number = registry_schema.revision
            connection.execute(sa.update(number).values(value=number.c.value + 1))
            body = json.dumps({**json.loads(receipt.body or "{}"), "registry": counts})
            table = schema.receipt
            if not _known(connection, receipt.receipt):
                connection.execute(
                    sa.insert(table).values(
                        receipt=receipt.receipt,
                        asked_ns=receipt.asked_ns,
                        erased_ns=receipt.erased_ns,
                        body=body,
                    )
                )
        return counts

    def overwrite_erased(self) -> bool:
        return self._database.overwrite()

    def receipt(self, receipt: str) -> Receipt | None:
        found = self._database.fetch(
            sa.select(schema.receipt).where(schema.receipt.c.receipt == receipt)
        )
        return Receipt(*found[0]) if found else None


def _counts(connection: sa.Connection, wearer: str) -> dict[str, int]:
    people = registry_schema.wearer
    number = sa.select(people.c.id).where(people.c.wearer == wearer).scalar_subquery()
    which = [(table, table.c.wearer == wearer) for table in _OWN]
    which += [(table, table.c.wearer_id == number) for table in _BY_NUMBER]
    return {
        table.name: int(
            connection.execute(
                sa.select(sa.func.count()).select_from(table).where(mine)
            ).scalar_one()
        )
        for table, mine in which
    }


def _erase_account(connection: sa.Connection, wearer: str) -> dict[str, int]:
    """A client's account goes; one that is something else too is a client no longer."""
    table = schema.account
    found = connection.execute(sa.select(table).where(table.c.wearer == wearer)).first()
    if found is None:
        return {"account": 0}
    others = [role for role in found.roles.split(",") if role and role != Role.CLIENT.value]
    mine = table.c.account == found.account
    if others:
        connection.execute(sa.update(table).where(mine).values(roles=",".join(others), wearer=None))
        return {"account": 0}
    looked = sa.delete(schema.look).where(schema.look.c.account == found.account)
    connection.execute(looked)
    connection.execute(sa.delete(table).where(mine))
    return {"account": 1}


def _known(connection: sa.Connection, receipt: str) -> bool:
    table = schema.receipt
    return (
        connection.execute(sa.select(table).where(table.c.receipt == receipt)).first() is not None
    )


def _forget_finished(connection: sa.Connection, wearer: str) -> None:
    table = schema.errand
    mine = (table.c.wearer == wearer) & (table.c.state != ErrandState.ASKED.value)
    kept = (
        sa.select(table.c.errand)
        .where(mine)
        .order_by(table.c.asked_ns.desc(), table.c.errand)
        .limit(MAX_FINISHED_ERRANDS)
    )
    connection.execute(sa.delete(table).where(mine, table.c.errand.not_in(kept)))


def _errand(row: Any) -> Errand:
    return Errand(
        errand=row.errand,
        kind=ErrandKind(row.kind),
        wearer=row.wearer,
        account=row.account,
        asked_ns=row.asked_ns,
        body=row.body,
        state=ErrandState(row.state),
        done_ns=row.done_ns,
        result=row.result,
    )
