"""Talking to one InfluxDB over HTTP: bounded in time, trusted by certificate, errors in our words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dialect import Dialect
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from contracts.errors import Reason, SettingError
from store.influx_address import InfluxAddress, read_token
from store.influx_errors import only_too_old, translate
from store.influx_flux import Columns, parse_csv

CONNECT_TIMEOUT_S: Final = 3.0
#: From the last byte sent to the first of the answer, and between two reads of it.
ANSWER_TIMEOUT_S: Final = 20.0
#: As long as somebody looks at a page that does not change.
READER_TIMEOUT_S: Final = 10.0
#: Lines of one request: so that one fits into the server's limits and is soon done.
MAX_LINES: Final = 5_000
#: A reader asks again after these, where the connection had been dropped or the server was starting.
READ_PAUSES_S: Final = (0.1, 0.5)
_CSV: Final = Dialect(header=True, annotations=[], delimiter=",", comment_prefix="#")
_AGAIN: Final = frozenset({429, 503})


class InfluxServer:
    """One server. May be used from several threads.

    SettingError for a token or certificate that cannot be read; StoreError where the server is away,
    slow, full, refuses the token or cannot be trusted.
    """

    def __init__(self, address: InfluxAddress, *, read_only: bool = False) -> None:
        self._answer_timeout_s = READER_TIMEOUT_S if read_only else ANSWER_TIMEOUT_S
        self.where = address.url
        token = read_token(address.token_file)
        if address.ca_file is not None and not address.ca_file.is_file():
            raise SettingError(
                Reason.BAD_SETTING,
                f"The certificate {address.ca_file} of the store is not there.",
                hint="Give the certificate that signed InfluxDB's with ca-file, a PEM file.",
            )
        self._client = InfluxDBClient(
            address.url,
            token=token,
            org=address.org,
            timeout=(int(CONNECT_TIMEOUT_S * 1000), int(self._answer_timeout_s * 1000)),
            verify_ssl=True,
            ssl_ca_cert=None if address.ca_file is None else str(address.ca_file),
            retries=False,  # no request is sent twice, and no token follows a redirection
        )
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._asker = self._client.query_api()

    @property
    def client(self) -> InfluxDBClient:
        """For what the two kinds of server do differently."""
        return self._client

    def write(self, bucket: str, lines: Iterable[str]) -> None:
        """Write lines of line protocol with times in ns; they are on the server's disk on return.

        Rows that are older than the bucket keeps are let go: the server would delete them at once.
        """
        rest = iter(lines)
        while some := list(islice(rest, MAX_LINES)):
            self.write_at_once(bucket, some)

    def write_at_once(self, bucket: str, lines: Sequence[str]) -> None:
        """Write lines in one request: what lies in one shard of it is there after a crash, or is not."""
        if not lines:
            return
        body = "\n".join(lines).encode()
        with self.translated():
            try:
                self._writer.write(bucket=bucket, record=body)
            except InfluxDBError as error:
                if not only_too_old(error):
                    raise

    def ask(self, flux: str) -> Columns:
        """The rows of a Flux query that ends in one table, as columns of text."""
        with self.translated():
            text = self._patiently(flux)
        return parse_csv(text, self.where)

    def request(self, method: str, path: str, **fields: str) -> Any:
        """urllib3's answer to a plain request, whatever its status."""
        api: Any = self._client.api_client
        timeout = Timeout(connect=CONNECT_TIMEOUT_S, read=self._answer_timeout_s)
        with self.translated():
            return api.rest_client.pool_manager.request_encode_url(
                method,
                self.where + path,
                fields=fields,
                headers=api.default_headers,
                timeout=timeout,
            )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Within it, what goes wrong with the server becomes a StoreError."""
        try:
            yield
        except (InfluxDBError, HTTPError, OSError) as error:
            raise translate(error, self.where) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._writer.close()
        self._client.close()

    def _patiently(self, flux: str) -> str:
        for pause_s in (*READ_PAUSES_S, None):
            try:
                return str(self._asker.query_raw(flux, dialect=_CSV).data.decode())
            except (InfluxDBError, ProtocolError) as error:
                status = getattr(getattr(error, "response", None), "status", None)
                if pause_s is None or (
                    status not in _AGAIN and not isinstance(error, ProtocolError)
                ):
                    raise
            time.sleep(pause_s)
        raise AssertionError  # the last turn returns or raises
