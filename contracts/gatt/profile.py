"""The services and characteristics of a sensor, and the limits of what is said on them."""

from __future__ import annotations

from typing import Final

from contracts.imu import MAX_RATE_HZ, MIN_RATE_HZ
from contracts.units import NS_PER_S

SERVICE_UUID: Final = "504c0001-b0d1-4e1b-9c1e-706c756d6221"
STREAM_UUID: Final = "504c0002-b0d1-4e1b-9c1e-706c756d6221"
CONTROL_UUID: Final = "504c0003-b0d1-4e1b-9c1e-706c756d6221"
LOG_UUID: Final = "504c0004-b0d1-4e1b-9c1e-706c756d6221"
BATTERY_SERVICE_UUID: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL_UUID: Final = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_UUID: Final = "0000180a-0000-1000-8000-00805f9b34fb"
SERIAL_NUMBER_UUID: Final = "00002a25-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION_UUID: Final = "00002a26-0000-1000-8000-00805f9b34fb"
MANUFACTURER_NAME_UUID: Final = "00002a29-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER_UUID: Final = "00002a24-0000-1000-8000-00805f9b34fb"

PROTOCOL_VERSION: Final = 1
MIN_PERIOD_NS: Final = round(NS_PER_S / MAX_RATE_HZ)
MAX_PERIOD_NS: Final = round(NS_PER_S / MIN_RATE_HZ)
#: 2⁵³ µs is 285 years: a device clock beyond it is a broken packet, and below it fits a float exactly.
MAX_DEVICE_US: Final = 2**53
GYRO_RANGE_UNIT_DEG_S: Final = 125
