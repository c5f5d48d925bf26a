"""What the tests of the command line share."""

from tests.brokers import guarded_broker, mosquitto_broker
from tests.influx import server

__all__ = ["guarded_broker", "mosquitto_broker", "server"]
