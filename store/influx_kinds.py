"""What InfluxDB 2 and 1.8 do differently: buckets and their retention, and deletion.

Writing and Flux are the same calls for both. InfluxDB 1.8 has databases where 2 has buckets, and wants
``user:password`` for a token; Flux has to be switched on in its configuration.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException

from store.influx_address import InfluxAddress
from store.influx_errors import translate
from store.influx_http import InfluxServer

_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422


class Kind(Protocol):
    """The calls that differ. StoreError where the server refuses."""

    version: str

    def has(self, bucket: str) -> bool:
        """Whether the bucket is there, and the token may see it."""

    def make(self, bucket: str, *, keep_s: int, shard_s: int) -> None:
        """Make the bucket, for rows of the last ``keep_s`` (0: for ever), in files of ``shard_s``."""

    def bucket(self, bucket: str) -> str:
        """Its name in writing and in Flux."""

    def delete(self, bucket: str, start_ns: int, end_ns: int, **keys: str) -> None:
        """Delete rows in [start_ns, end_ns) of these tags (and ``_measurement``)."""


def find_kind(server: InfluxServer, address: InfluxAddress) -> Kind:
    """Which of the two the server is."""
    if server.request("GET", "/api/v2/setup").status == 404:
        answer = server.request("GET", "/ping")
        return InfluxDb1(server, answer.headers.get("X-Influxdb-Version", "1"))
    health = server.request("GET", "/health")
    version = str(health.json().get("version", "2")) if health.status == 200 else "2"
    return InfluxDb2(server, address.org, version.removeprefix("v"))


class InfluxDb2:
    """InfluxDB 2: buckets and deletion by predicate."""

    def __init__(self, server: InfluxServer, org: str, version: str) -> None:
        self.version = version
        self._server = server
        self._org = org

    def has(self, bucket: str) -> bool:
        with self._server.translated():
            try:
                found = self._server.client.buckets_api().find_buckets(name=bucket, org=self._org)
            except ApiException as error:
                if error.status == _NOT_FOUND and bucket in str(error.message):
                    return False  # else it is the organisation that is not there
                raise
        return bool(found.buckets)

    def make(self, bucket: str, *, keep_s: int, shard_s: int) -> None:
        rule = BucketRetentionRules(
            type="expire", every_seconds=keep_s, shard_group_duration_seconds=shard_s
        )
        with self._server.translated():
            try:
                self._server.client.buckets_api().create_bucket(
                    bucket_name=bucket, retention_rules=[rule], org=self._org
                )
            except ApiException as error:
                # Another process may have made it in between.
                if error.status != _UNPROCESSABLE or not self.has(bucket):
                    raise

    def bucket(self, bucket: str) -> str:
        return bucket

    def delete(self, bucket: str, start_ns: int, end_ns: int, **keys: str) -> None:
        predicate = " AND ".join(f'{name}="{value}"' for name, value in keys.items())
        with self._server.translated():
            # The server's interval holds its end.
            self._server.client.delete_api().delete(
                _rfc3339(start_ns), _rfc3339(end_ns - 1), predicate, bucket, self._org
            )


class InfluxDb1:
    """InfluxDB 1.8: a database for each bucket, and InfluxQL."""

    def __init__(self, server: InfluxServer, version: str) -> None:
        self.version = version
        self._server = server

    def has(self, bucket: str) -> bool:
        found = self._ask("SHOW DATABASES")
        return [bucket] in found.get("values", [])

    def make(self, bucket: str, *, keep_s: int, shard_s: int) -> None:
        duration = f"{keep_s}s" if keep_s else "INF"
        self._ask(
            f'CREATE DATABASE "{bucket}" WITH DURATION {duration} REPLICATION 1'
            f' SHARD DURATION {shard_s}s NAME "rows"'
        )

    def bucket(self, bucket: str) -> str:
        return f"{bucket}/rows"

    def delete(self, bucket: str, start_ns: int, end_ns: int, **keys: str) -> None:
        table = keys.pop("_measurement", None)
        where = [f"\"{name}\" = '{value}'" for name, value in keys.items()]
        where += [f"time >= {start_ns}", f"time < {end_ns}"]
        source = f' FROM "{table}"' if table else ""
        self._ask(f"DELETE{source} WHERE {' AND '.join(where)}", db=bucket)

    def _ask(self, statement: str, **fields: str) -> dict[str, list[list[str]]]:
        answer = self._server.request("POST", "/query", q=statement, **fields)
        said = answer.json() if answer.status == 200 else {}
        result = said.get("results", [{}])[0]
        if answer.status != 200 or "error" in result:
            error = InfluxDBError(message=str(result.get("error", "no answer")))
            error.response = answer
            raise translate(error, self._server.where)
        series = result.get("series", [{}])
        return dict(series[0])


def _rfc3339(time_ns: int) -> str:
    return f"{np.datetime64(time_ns, 'ns')}Z"
