"""Bluetooth for the gateway: the system's, or a controller of its own (USB, serial, TCP)."""

from device_gateway.radio.hci import HciRadio
from device_gateway.radio.opening import open_radio
from device_gateway.radio.port import Advertisement, Radio

__all__ = ["Advertisement", "HciRadio", "Radio", "open_radio"]
