"""What the gateway's tests share."""

from tests.brokers import guarded_broker, mosquitto_broker

__all__ = ["guarded_broker", "mosquitto_broker"]
