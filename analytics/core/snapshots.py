"""The bytes of a snapshot: msgpack with a version, capped, and total to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from contracts.errors import DecodeError, InvariantError, PlumblineError, Reason

#: Grows whenever what is kept, or what it means, changes.
SNAPSHOT_VERSION: Final = 3
#: What is read: version 2 lacks what nudges keep of earlier ones, and stages begin anew with that.
READABLE: Final = frozenset({2, SNAPSHOT_VERSION})
#: Days of one sensor waiting for another would fill it; ordinary snapshots are a few kB.
MAX_SNAPSHOT_BYTES: Final = 256 * 2**20


def pack(state: dict[str, Any]) -> bytes:
    """The snapshot of a state of plain values. InvariantError where it is beyond the cap."""
    data = msgspec.msgpack.encode({"version": SNAPSHOT_VERSION, "state": state})
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise InvariantError(f"a snapshot of {len(data)} bytes is too long.")
    return data


def unpack(data: bytes, load: Callable[[dict[str, Any]], None]) -> None:
    """Load the state in a snapshot. DecodeError where it is none, or of another version."""
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise DecodeError(Reason.TOO_LONG, f"a snapshot of {len(data)} bytes is too long.")
    try:
        whole = msgspec.msgpack.decode(data, type=dict)
        if whole.get("version") not in READABLE:
            raise DecodeError(
                Reason.BAD_VERSION,
                f"a snapshot of version {whole.get('version')!r}; this program writes "
                f"{SNAPSHOT_VERSION}.",
                hint="Start this wearer anew; what is stored stays.",
            )
        load(whole["state"])
    except PlumblineError:
        raise
    except (
        msgspec.MsgspecError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise DecodeError(
            Reason.MALFORMED,
            f"not a snapshot: {type(error).__name__}: {str(error)[:200]}.",
            hint="Start this wearer anew; what is stored stays.",
        ) from None
