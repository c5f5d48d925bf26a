"""What InfluxDB or the way to it says when it cannot, in our own errors. Never holds the token."""

from __future__ import annotations

import ssl
from typing import Final

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.rest import ApiException
from urllib3 import exceptions as http

from contracts.errors import Reason, StoreError

#: What a server says is quoted up to here.
MAX_WORDS: Final = 200
_KEPT: Final = "Nothing that was acknowledged is lost; it is tried again until it serves."
_FULL: Final = ("no space left", "file too large", "disk quota", "cannot allocate")
_TOO_OLD: Final = ("points beyond retention policy", "points outside retention policy")


def translate(error: Exception, where: str) -> StoreError:
    """The error of ours that ``error``, met at the server ``where``, stands for."""
    if isinstance(error, InfluxDBError):
        return _refusal(error, where)
    refused = isinstance(error, http.NewConnectionError)  # urllib3 counts it among time-outs
    if isinstance(error, http.TimeoutError) and not refused:
        return StoreError(
            Reason.STORE_UNREACHABLE,
            f"The InfluxDB at {where} did not answer in time.",
            hint=f"Look at its load and its disk. {_KEPT}",
        )
    if isinstance(error, http.SSLError | ssl.SSLError):
        return _untrusted(where, str(error))
    return StoreError(
        Reason.STORE_UNREACHABLE,
        f"The InfluxDB at {where} cannot be reached.",
        hint=f"Start it, or check the address. {_KEPT}",
    )


def only_too_old(error: Exception) -> bool:
    """Whether a write was refused for nothing but rows that the retention would delete at once."""
    return (
        isinstance(error, InfluxDBError)
        and getattr(error.response, "status", None) in (400, 422)
        and any(text in _words(error) for text in _TOO_OLD)
        and "conflict" not in _words(error)
    )


def _refusal(error: InfluxDBError, where: str) -> StoreError:
    status = getattr(error, "status", None) or getattr(error.response, "status", None)
    said = _words(error)
    if isinstance(error, ApiException) and not status:  # the client's way to say TLS
        return _untrusted(where, str(error.reason))
    if any(word in str(error.message).lower() for word in _FULL):
        return StoreError(
            Reason.DISK_FULL,
            f"The disk of the InfluxDB at {where} is full.",
            hint=f"Free some space on it, and restart the server if it goes on refusing. {_KEPT}",
        )
    if status in (401, 403):
        return StoreError(
            Reason.STORE_REFUSED,
            f"The InfluxDB at {where} refuses the token.",
            hint="Put a token into the token file that may read and write the buckets, and, at the "
            "first start, make them; then start anew.",
        )
    if status in (429, 503):
        return StoreError(
            Reason.STORE_UNREACHABLE,
            f"The InfluxDB at {where} is overloaded or starting.",
            hint=f"Look at its load. {_KEPT}",
        )
    if status in (404, None):
        return StoreError(
            Reason.STORE_REFUSED,
            f"The InfluxDB at {where} lacks the organisation or a bucket: {said}.",
            hint="Check org and bucket-prefix in the address; analytics makes buckets when it starts.",
        )
    if status in (400, 413, 422):
        return StoreError(
            Reason.STORE_SCHEMA,
            f"The InfluxDB at {where} refuses what is written or asked: {said}.",
            hint="Is the bucket written to by another program? Give another bucket-prefix.",
        )
    return StoreError(
        Reason.STORE_UNREACHABLE,
        f"The InfluxDB at {where} cannot serve (status {status}): {said}.",
        hint=f"Look into its log. {_KEPT}",
    )


def _untrusted(where: str, why: str) -> StoreError:
    text = " ".join(why.split())[:MAX_WORDS]
    return StoreError(
        Reason.STORE_REFUSED,
        f"The InfluxDB at {where} cannot be trusted: {text}.",
        hint="Give the certificate that signed the server's with ca-file in the address.",
    )


def _words(error: InfluxDBError) -> str:
    text = error.message or getattr(error, "reason", "") or ""
    return " ".join(str(text).split())[:MAX_WORDS].rstrip(".")
