"""Where an InfluxDB is and how to get in: the store's address taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from contracts.errors import Reason, SettingError

INFLUX_SCHEME: Final = "influx:"
EXAMPLE: Final = f"{INFLUX_SCHEME}https://HOST:8086?org=ORG&bucket-prefix=plumbline&token-file=PATH"
FRAME_DAYS: Final = 30
MAX_FRAME_DAYS: Final = 36_500
MAX_TOKEN_BYTES: Final = 4096
_OPTIONS: Final = {"org", "bucket-prefix", "token-file", "ca-file", "frame-days"}
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """An InfluxDB server, the buckets on it, and the file of the token. Holds no secret.

    ``frame_days``: how long the server keeps frames; 0: for ever. ``ca_file``: the certificate that
    the server's is checked against; None: those of the system.
    """

    url: str
    org: str
    prefix: str
    token_file: Path
    ca_file: Path | None = None
    frame_days: int = FRAME_DAYS

    @property
    def frames(self) -> str:
        """The bucket of the frames."""
        return f"{self.prefix}-frames"

    @property
    def kept(self) -> str:
        """The bucket of all that is kept for good."""
        return f"{self.prefix}-kept"

    def __str__(self) -> str:
        return f"{self.url} ({self.prefix})"


def parse_address(text: str) -> InfluxAddress:
    """``influx:http(s)://HOST:PORT?org=…&bucket-prefix=…&token-file=…`` taken apart.

    SettingError names what is wrong with it; ``ca-file`` and ``frame-days`` may be left out.
    """
    parts = urlsplit(text.removeprefix(INFLUX_SCHEME))
    try:
        where = parts.hostname, parts.port
    except ValueError:
        where = None, None
    if parts.scheme not in ("http", "https") or where[0] is None:
        raise _bad("names no http or https server")
    if parts.username is not None or parts.password is not None:
        raise _bad("holds a user or a password, which belongs into the token's file")
    if parts.path.strip("/") or parts.fragment:
        raise _bad("has a path behind the server, which InfluxDB has none of")
    options = _options(parts.query)
    prefix = options.get("bucket-prefix", "plumbline")
    if not _PREFIX.fullmatch(prefix):
        raise _bad("has a bucket-prefix that is not a letter and up to 47 of A-Z a-z 0-9 _ -")
    ca_file = options.get("ca-file")
    return InfluxAddress(
        url=f"{parts.scheme}://{parts.netloc}",
        org=options["org"],
        prefix=prefix,
        token_file=Path(options["token-file"]),
        ca_file=None if ca_file is None else Path(ca_file),
        frame_days=_days(options.get("frame-days", str(FRAME_DAYS))),
    )


def read_token(path: Path) -> str:
    """The token on the only line of its file. SettingError where that cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TOKEN_BYTES + 1)
    except OSError as error:
        raise SettingError(
            Reason.BAD_SETTING,
            f"The token file {path} of the store cannot be read: {error.strerror or error}.",
            hint="Give a file that this user may read, with the token on its only line.",
        ) from None
    text = data.decode("ascii", "replace").strip()
    if not text or len(data) > MAX_TOKEN_BYTES or not text.isascii() or not text.isprintable():
        raise SettingError(
            Reason.BAD_SETTING,
            f"The token file {path} of the store is empty, too long or no token.",
            hint="Put InfluxDB's API token on its only line.",
        )
    return text


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise _bad(f"has the unknown option {unknown[0]}")
    if len(pairs) != len(options):
        raise _bad("says an option twice")
    for name in ("org", "token-file"):
        if not options.get(name):
            raise _bad(f"does not say {name}")
    return options


def _days(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > MAX_FRAME_DAYS:
        raise _bad(f"has a frame-days that is none of 0 to {MAX_FRAME_DAYS}")
    return int(text)


def _bad(what: str) -> SettingError:
    return SettingError(
        Reason.BAD_SETTING, f"The address of the InfluxDB store {what}.", hint=f"Give {EXAMPLE}."
    )
