"""What the contracts' tests draw from: valid values, bytes that are nearly valid, and helpers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from hypothesis import strategies as st

from contracts.checks import EARLIEST_UTC_NS, FUTURE_LIMIT_NS
from contracts.errors import DecodeError
from contracts.imu import ACCEL_RANGES_G, GYRO_RANGES_DEG_S, ImuScale, Int16Samples
from contracts.messages import MAX_TEXT
from contracts.vocabulary import is_id

#: 2026-01-01T00:00:00Z, the clock of every test here.
NOW_NS: Final = 1_767_225_600_000_000_000
#: A refusal is published as a text of `rejected`.
LONGEST_MESSAGE_CHARS: Final = MAX_TEXT

T = TypeVar("T")
Received = TypeVar("Received", bytes, str)

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(is_id)
scales = st.builds(ImuScale, st.sampled_from(ACCEL_RANGES_G), st.sampled_from(GYRO_RANGES_DEG_S))
believable_ns = st.integers(EARLIEST_UTC_NS, NOW_NS + FUTURE_LIMIT_NS)
u8 = st.integers(0, 2**8 - 1)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=60)


@st.composite
def readings(draw: st.DrawFn, min_count: int = 0, max_count: int = 40) -> Int16Samples:
    """(count, 6) int16, any readings."""
    count = draw(st.integers(min_count, max_count))
    data = draw(st.binary(min_size=count * 12, max_size=count * 12))
    return np.frombuffer(data, dtype="<i2").reshape(count, 6)


@st.composite
def damaged(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Valid bytes after one to four small accidents: flips, cuts, insertions, doublings."""
    data = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        accident = draw(st.sampled_from(("set", "insert", "delete", "cut", "double")))
        if accident == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=4))
        elif accident == "cut":
            del data[at:]
        elif accident == "double":
            data[at:at] = data[at : at + 8]
        elif accident == "delete":
            del data[at : at + 1]
        elif at < len(data):
            data[at] = draw(u8)
    return bytes(data)


def value_or_refusal(decode: Callable[[Received], T], data: Received) -> T | None:
    """The value, or None where it was refused as the contract says; any other exception escapes."""
    try:
        return decode(data)
    except DecodeError as error:
        refusal = str(error)
    assert 0 < len(refusal) <= LONGEST_MESSAGE_CHARS
    return None
