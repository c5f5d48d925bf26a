"""The gateway: Bluetooth sensors in, MQTT out, an outbox on disk between the two."""
