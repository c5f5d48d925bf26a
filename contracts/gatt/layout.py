"""Lengths that every reader of bytes checks first."""

from __future__ import annotations

from contracts.errors import DecodeError, Reason


def check_header_length(data: bytes, size: int, what: str) -> None:
    """DecodeError where there are fewer bytes than a layout needs."""
    if len(data) < size:
        raise DecodeError(
            Reason.TOO_SHORT, f"a {what} of {len(data)} bytes is shorter than {size}."
        )


def check_exact_length(data: bytes, size: int, what: str) -> None:
    """DecodeError where there are fewer or more bytes than a layout has."""
    check_header_length(data, size, what)
    if len(data) > size:
        raise DecodeError(Reason.TOO_LONG, f"a {what} of {len(data)} bytes is longer than {size}.")
