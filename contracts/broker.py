"""Where the MQTT broker is and how to get in: the same for everyone who connects to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """An MQTT server. ``tls_ca``: the file of the authority that signed it; None for no TLS.

    The password never shows in a log.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca: Path | None = None
