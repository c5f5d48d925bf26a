"""Tokens for the services of one InfluxDB store: each may do what it has to, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from influxdb_client.domain.authorization import Authorization
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource

from contracts.errors import Reason, SettingError
from store.influx_address import InfluxAddress
from store.influx_http import InfluxServer
from store.influx_kinds import InfluxDb2, Kind, find_kind


class StoreTokens:
    """Makes tokens for the two buckets of the store at ``address``, with a token that may do so.

    StoreError where the server is away or refuses, or the store has not been opened for writing yet;
    SettingError where it has no tokens: 1.8.
    """

    def __init__(self, address: InfluxAddress) -> None:
        self._address = address
        self._server = InfluxServer(address)
        try:
            _refuse_version_1(find_kind(self._server, address), address)
            self._org_id, self._bucket_ids = self._find()
        except BaseException:
            self._server.close()
            raise

    def token(self, service: str, *, writes: bool, known: str = "") -> str:
        """A token of the service that reads the store, and writes to it where ``writes``.

        ``known`` is given back where it is one already, with just these rights.
        """
        wanted = self._rights(writes=writes)
        with self._server.translated():
            for made in self._made_for(service):
                if made.token == known and made.status == "active" and _said(made) == wanted:
                    return known
            made = self._server.client.authorizations_api().create_authorization(
                authorization=Authorization(
                    org_id=self._org_id,
                    description=self._description(service),
                    permissions=[self._permission(action, id_) for action, id_ in sorted(wanted)],
                )
            )
        return str(made.token)

    def forget_others(self, service: str, token: str) -> None:
        """Take away every token that was made for the service, but for this one."""
        with self._server.translated():
            for made in self._made_for(service):
                if made.token != token:
                    self._server.client.authorizations_api().delete_authorization(made.id)

    def close(self) -> None:
        """Let go of the connections."""
        self._server.close()

    def _find(self) -> tuple[str, list[str]]:
        """The ids of the organisation and of the store's buckets."""
        found = []
        with self._server.translated():
            for name in (self._address.frames, self._address.kept):
                api = self._server.client.buckets_api()
                found += api.find_buckets(name=name, org=self._address.org).buckets
        return str(found[0].org_id), [str(bucket.id) for bucket in found]

    def _made_for(self, service: str) -> Iterator[Any]:
        found = self._server.client.authorizations_api().find_authorizations(org_id=self._org_id)
        description = self._description(service)
        return (made for made in found if made.description == description)

    def _description(self, service: str) -> str:
        return f"plumbline {self._address.prefix} {service}"

    def _rights(self, *, writes: bool) -> set[tuple[str, str]]:
        actions = ("read", "write") if writes else ("read",)
        return {(action, id_) for action in actions for id_ in self._bucket_ids}

    def _permission(self, action: str, bucket_id: str) -> Permission:
        resource = PermissionResource(type="buckets", id=bucket_id, org_id=self._org_id)
        return Permission(action=action, resource=resource)


@contextmanager
def tokens_of(address: InfluxAddress) -> Iterator[StoreTokens]:
    """:class:`StoreTokens`, closed at the end."""
    tokens = StoreTokens(address)
    try:
        yield tokens
    finally:
        tokens.close()


def _refuse_version_1(kind: Kind, address: InfluxAddress) -> None:
    if not isinstance(kind, InfluxDb2):
        raise SettingError(
            Reason.BAD_SETTING,
            f"The InfluxDB at {address.url} is of version 1 and has users, not tokens.",
            hint="Make its users by hand; each one's token file holds user:password.",
        )


def _said(made: Any) -> set[tuple[str, str]]:
    """What a token may do: which action on which resource."""
    return {(right.action, str(right.resource.id)) for right in made.permissions}
