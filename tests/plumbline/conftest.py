"""What the tests of the command line share."""

from tests.brokers import guarded_broker

__all__ = ["guarded_broker"]
