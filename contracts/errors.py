"""The one exception root: a reason a program can read, whose fault it is, and what to do about it."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Whose fault an error is; it decides the exit status and who is asked to act."""

    USER = "user"  # a wrong flag, file or folder
    MACHINE = "machine"  # no Bluetooth, full disk, port in use
    SENSOR = "sensor"  # a packet the layout does not allow
    BROKER = "broker"  # MQTT server away or refusing
    STORE = "store"  # database away, locked, refusing
    OURS = "ours"  # a broken promise of our own


class Reason(StrEnum):
    """Why something was refused. Stable: programs and logs match on it."""

    # decoders: what is wrong with bytes or a value
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    BAD_VERSION = "bad-version"
    BAD_FIELD = "bad-field"
    BAD_COUNT = "bad-count"
    BAD_LENGTH = "bad-length"
    NOT_FINITE = "not-finite"
    OUT_OF_RANGE = "out-of-range"
    TIME_BEFORE_2020 = "time-before-2020"
    TIME_IN_FUTURE = "time-in-future"
    BAD_ID = "bad-id"
    BAD_TOPIC = "bad-topic"
    MALFORMED = "malformed"
    # hand-over
    UNKNOWN_SENSOR = "unknown-sensor"
    TIME_JUMPED = "time-jumped"
    # recordings
    NOT_A_RECORDING = "not-a-recording"
    MISSING_COLUMN = "missing-column"
    BAD_RECORDING = "bad-recording"
    # the machine and the services
    NO_BLUETOOTH = "no-bluetooth"
    BLUETOOTH_DENIED = "bluetooth-denied"
    RADIO_UNREACHABLE = "radio-unreachable"
    LINK_LOST = "link-lost"
    SENSOR_REFUSED = "sensor-refused"
    NOT_BONDED = "not-bonded"
    BROKER_UNREACHABLE = "broker-unreachable"
    BROKER_REFUSED = "broker-refused"
    PORT_IN_USE = "port-in-use"
    DISK_FULL = "disk-full"
    DISK_READ_ONLY = "disk-read-only"
    DISK_ERROR = "disk-error"
    STORE_UNREACHABLE = "store-unreachable"
    STORE_REFUSED = "store-refused"
    STORE_IN_USE = "store-in-use"
    STORE_SCHEMA = "store-schema"
    STORE_CORRUPT = "store-corrupt"
    # calibration
    CALIBRATION_TOO_SHORT = "calibration-too-short"
    CALIBRATION_MOVED = "calibration-moved"
    CALIBRATION_CONTRADICTORY = "calibration-contradictory"
    # access
    NOT_ALLOWED = "not-allowed"
    SIGNED_OUT = "signed-out"
    # wiring
    BAD_SETTING = "bad-setting"
    MISSING = "missing"
    CHILD_DIED = "child-died"
    INCOMPLETE = "incomplete"
    INVARIANT = "invariant"


#: Exit status of a command by fault (after sysexits.h, so that a script can tell them apart).
EXIT_STATUS: dict[Fault, int] = {
    Fault.USER: 64,
    Fault.MACHINE: 71,
    Fault.SENSOR: 76,
    Fault.BROKER: 69,
    Fault.STORE: 74,
    Fault.OURS: 70,
}


class PlumblineError(Exception):
    """Root of every error Plumbline raises on purpose.

    ``message`` says what is wrong in one sentence, ``hint`` says what to do; neither holds a secret
    or a person's name.
    """

    fault: Fault = Fault.OURS

    def __init__(
        self, reason: Reason, message: str, *, hint: str = "", fault: Fault | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.hint = hint
        if fault is not None:
            self.fault = fault

    @property
    def exit_status(self) -> int:
        """The exit status a command ends with when this error reaches the top."""
        return EXIT_STATUS[self.fault]

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class DecodeError(PlumblineError):
    """Bytes or a message that the contract does not allow."""

    fault = Fault.SENSOR


class RecordingError(PlumblineError):
    """A folder that is not a readable recording."""

    fault = Fault.USER


class SettingError(PlumblineError):
    """A setting, flag or argument that cannot be used."""

    fault = Fault.USER


class CalibrationError(PlumblineError):
    """A calibration window that cannot be trusted."""

    fault = Fault.USER


class AccessError(PlumblineError):
    """Somebody wants what is not theirs to see or do, or is not signed in."""

    fault = Fault.USER


class RadioError(PlumblineError):
    """Bluetooth is missing, refused or lost."""

    fault = Fault.MACHINE


class BrokerError(PlumblineError):
    """The MQTT broker is away or refuses."""

    fault = Fault.BROKER


class StoreError(PlumblineError):
    """The time-series store or the registry is away or refuses."""

    fault = Fault.STORE


class DiskError(PlumblineError):
    """The disk is full, read-only or failing."""

    fault = Fault.MACHINE


class InvariantError(PlumblineError):
    """A promise of our own code was broken: a defect to report."""

    fault = Fault.OURS

    def __init__(self, message: str) -> None:
        super().__init__(
            Reason.INVARIANT, message, hint="This is a defect in Plumbline; please report it."
        )
