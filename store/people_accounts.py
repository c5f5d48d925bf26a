"""Accounts, passwords, failed attempts and browsers that are signed in."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from store import people_schema as schema
from store.database import Database
from store.people_checks import (
    MAX_ACCOUNTS,
    MAX_ATTEMPTS,
    MAX_LOGIN,
    MAX_NAME,
    MAX_SIGN_INS,
    check_ids,
    check_room,
    check_text,
    check_wearer,
)
from store.people_ports import Account, Attempts, Role, SignIn, login_key

#: Failures of so long ago no longer count.
ATTEMPTS_KEPT_NS: Final = 86_400 * NS_PER_S
_FIELDS: Final = tuple(c for c in schema.account.c if c.name not in ("login_key", "password_hash"))


class SqlAccounts:
    """The part of :class:`store.people_ports.People` that lets somebody in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_account(self, account: Account) -> None:
        check_ids(account=account.account)
        check_text("login", account.login, MAX_LOGIN)
        check_text("name", account.name, MAX_NAME)
        check_text("subject", account.subject, 2 * MAX_NAME)
        if not account.login.strip():
            raise SettingError(Reason.BAD_FIELD, "A login is empty.", hint="Give one.")
        table = schema.account
        values = {
            "login": account.login,
            "login_key": login_key(account.login),
            "name": account.name,
            "roles": ",".join(sorted(account.roles)),
            "wearer": account.wearer,
            "disabled": account.disabled,
            "must_change": account.must_change,
            "subject": account.subject,
        }
        with self._database.transaction() as connection:
            if account.wearer is not None:
                check_wearer(connection, account.wearer)
            _check_unique(connection, account)
            changed = connection.execute(
                sa.update(table).where(table.c.account == account.account).values(**values)
            )
            if changed.rowcount == 0:
                check_room(connection, sa.true(), table, MAX_ACCOUNTS, "accounts")
                connection.execute(
                    sa.insert(table).values(account=account.account, password_hash="", **values)
                )
            if account.disabled:
                _end_all(connection, account.account)

    def accounts(self) -> list[Account]:
        return self._accounts(sa.true())

    def account(self, account: str) -> Account | None:
        return self._one(schema.account.c.account == account)

    def account_of_login(self, login: str) -> Account | None:
        return self._one(schema.account.c.login_key == login_key(login))

    def account_of_subject(self, subject: str) -> Account | None:
        return self._one(schema.account.c.subject == subject) if subject else None

    def remove_account(self, account: str) -> None:
        with self._database.transaction() as connection:
            grants = schema.access_grant
            connection.execute(sa.delete(grants).where(grants.c.account == account))
            connection.execute(sa.delete(schema.account).where(schema.account.c.account == account))

    def set_password_hash(self, account: str, password_hash: str) -> None:
        table = schema.account
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.account == account)
                .values(password_hash=password_hash)
            )
            _end_all(connection, account)

    def password_hash(self, account: str) -> str:
        table = schema.account
        found = self._database.fetch(
            sa.select(table.c.password_hash).where(table.c.account == account)
        )
        return str(found[0][0]) if found else ""

    def attempts(self, name_hash: str) -> Attempts:
        table = schema.attempts
        found = self._database.fetch(
            sa.select(table.c.failures, table.c.locked_until_ns).where(
                table.c.name_hash == name_hash
            )
        )
        return Attempts(*found[0]) if found else Attempts(0, 0)

    def put_attempts(self, name_hash: str, attempts: Attempts, now_ns: int) -> None:
        table = schema.attempts
        with self._database.transaction() as connection:
            old = table.c.at_ns < now_ns - ATTEMPTS_KEPT_NS
            connection.execute(sa.delete(table).where((table.c.name_hash == name_hash) | old))
            if attempts.failures == 0:
                return
            connection.execute(
                sa.insert(table).values(
                    name_hash=name_hash,
                    failures=attempts.failures,
                    locked_until_ns=attempts.locked_until_ns,
                    at_ns=now_ns,
                )
            )
            _keep_latest(connection, table, table.c.name_hash, table.c.at_ns, MAX_ATTEMPTS)

    def add_sign_in(self, sign_in: SignIn) -> None:
        table = schema.sign_in
        with self._database.transaction() as connection:
            connection.execute(sa.delete(table).where(table.c.expires_ns <= sign_in.created_ns))
            connection.execute(
                sa.insert(table).values(
                    token_hash=sign_in.token_hash,
                    account=sign_in.account,
                    created_ns=sign_in.created_ns,
                    seen_ns=sign_in.seen_ns,
                    expires_ns=sign_in.expires_ns,
                )
            )
            mine = table.c.account == sign_in.account
            _keep_latest(
                connection, table, table.c.token_hash, table.c.created_ns, MAX_SIGN_INS, mine
            )

    def sign_in(self, token_hash: str) -> SignIn | None:
        found = self._database.fetch(
            sa.select(schema.sign_in).where(schema.sign_in.c.token_hash == token_hash)
        )
        return SignIn(*found[0]) if found else None

    def touch_sign_in(self, token_hash: str, seen_ns: int) -> None:
        table = schema.sign_in
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(table).where(table.c.token_hash == token_hash).values(seen_ns=seen_ns)
            )

    def end_sign_in(self, token_hash: str) -> None:
        table = schema.sign_in
        with self._database.transaction() as connection:
            connection.execute(sa.delete(table).where(table.c.token_hash == token_hash))

    def _one(self, which: sa.ColumnElement[bool]) -> Account | None:
        found = self._accounts(which)
        return found[0] if found else None

    def _accounts(self, which: sa.ColumnElement[bool]) -> list[Account]:
        rows = self._database.fetch(
            sa.select(*_FIELDS).where(which).order_by(schema.account.c.login_key)
        )
        return [_account(row) for row in rows]


def _account(row: Any) -> Account:
    known = {role.value for role in Role}
    return Account(
        account=row.account,
        login=row.login,
        name=row.name,
        roles=frozenset(Role(word) for word in row.roles.split(",") if word in known),
        wearer=row.wearer,
        disabled=row.disabled,
        must_change=row.must_change,
        subject=row.subject,
    )


def _check_unique(connection: sa.Connection, account: Account) -> None:
    table = schema.account
    others = table.c.account != account.account
    same = [("login", table.c.login_key == login_key(account.login))]
    if account.wearer is not None:
        same.append(("wearer", table.c.wearer == account.wearer))
    if account.subject:
        same.append(("person at the sign-in provider", table.c.subject == account.subject))
    for what, is_same in same:
        if connection.execute(sa.select(table.c.account).where(others, is_same)).first():
            raise SettingError(
                Reason.BAD_SETTING,
                f"Another account has this {what} already.",
                hint="Choose another, or change that account.",
            )


def _end_all(connection: sa.Connection, account: str) -> None:
    connection.execute(sa.delete(schema.sign_in).where(schema.sign_in.c.account == account))


def _keep_latest(
    connection: sa.Connection,
    table: sa.Table,
    key: sa.Column[Any],
    at: sa.Column[Any],
    most: int,
    of: sa.ColumnElement[bool] | None = None,
) -> None:
    """Rows beyond the latest ``most`` go."""
    which = sa.true() if of is None else of
    kept = sa.select(key).where(which).order_by(at.desc(), key).limit(most)
    connection.execute(sa.delete(table).where(which, key.not_in(kept)))
