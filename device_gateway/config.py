"""What a gateway is told, and the limits it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.broker import BrokerAddress
from contracts.checks import check_id
from contracts.errors import DecodeError, Reason, SettingError
from contracts.imu import MAX_RATE_HZ, MIN_RATE_HZ
from contracts.vocabulary import Placement
from device_gateway.outbox import DEFAULT_CAP_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Settings of one gateway. SettingError where one cannot be used.

    ``radio`` as :func:`device_gateway.radio.open_radio` takes it; ``allow`` the serial numbers that
    may be read (of other makes their ids by address), all sensors where it is empty;
    ``stream_rate_hz`` the rate that is asked of other makes; ``keep_recording`` a folder to record into, of
    the sensors in ``placements``; ``outbox_cap_bytes`` where the gateway stops to read sensors;
    ``keys_path`` the file of its bonds (None: they end with the process);
    ``max_links`` how many sensors are connected at once (adapters in use manage 7 to 10).
    """

    site: str
    gateway: str
    radio: str
    broker: BrokerAddress
    outbox_path: Path
    keys_path: Path | None = None
    allow: tuple[str, ...] = ()
    stream_rate_hz: float = 50.0
    keep_recording: Path | None = None
    placements: Mapping[str, Placement] = field(default_factory=dict)
    outbox_cap_bytes: int = DEFAULT_CAP_BYTES
    max_links: int = 8
    broker_wait_s: float = 10.0
    version: str = ""

    def __post_init__(self) -> None:
        try:
            for name in ("site", "gateway"):
                check_id(name, getattr(self, name))
            for serial in (*self.allow, *self.placements):
                check_id("sensor", serial)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None
        placed = list(self.placements.values())
        if self.keep_recording is not None and len(set(placed)) != len(placed):
            raise SettingError(
                Reason.BAD_SETTING, "A recording has one sensor a placement; two have the same."
            )
        if not MIN_RATE_HZ <= self.stream_rate_hz <= MAX_RATE_HZ:
            raise SettingError(
                Reason.BAD_SETTING,
                f"stream_rate_hz is {self.stream_rate_hz}, not in {MIN_RATE_HZ} to {MAX_RATE_HZ}.",
            )
        if not 1 <= self.max_links <= 64:
            raise SettingError(
                Reason.BAD_SETTING, f"max_links is {self.max_links}, not in 1 to 64."
            )
        if self.outbox_cap_bytes < 2**20:
            raise SettingError(Reason.BAD_SETTING, "The outbox needs a cap of 1 MiB or more.")
