"""Bluetooth sensors in, MQTT out."""
