"""Notices in the registry: what a service cannot do now, for those who look at another one's page."""

from __future__ import annotations

import sqlalchemy as sa

from store import registry_schema as schema
from store.ports import Notice

_TABLE = schema.notice


def put(connection: sa.Connection, notice: Notice) -> None:
    """Replace what the service said before."""
    clear(connection, notice.service)
    connection.execute(
        sa.insert(_TABLE).values(
            service=notice.service,
            reason=notice.reason,
            message=notice.message,
            since_ns=notice.since_ns,
        )
    )


def clear(connection: sa.Connection, service: str) -> None:
    """Forget what the service said."""
    connection.execute(sa.delete(_TABLE).where(_TABLE.c.service == service))


def read(connection: sa.Connection) -> list[Notice]:
    """All notices, by service."""
    query = sa.select(_TABLE.c.service, _TABLE.c.reason, _TABLE.c.message, _TABLE.c.since_ns)
    return [Notice(*row) for row in connection.execute(query.order_by(_TABLE.c.service))]
