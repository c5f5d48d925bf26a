"""Readings out of a codec, for tests that expect some."""

from __future__ import annotations

from device_gateway.profiles import Codec, Readings


def read(codec: Codec, uuid: str, value: bytes) -> Readings:
    """The readings of a value that holds some."""
    found = codec.on_value(uuid, value)
    assert found is not None
    return found


def rows(codec: Codec, uuid: str, *values: bytes) -> list[list[int]]:
    """All samples of values, of which some may hold none."""
    found = (codec.on_value(uuid, value) for value in values)
    return [row for each in found if each is not None for row in each.samples.tolist()]
