"""A sensor whose battery runs flat and is charged again: a firmware an epoch, one flash for all.

Pure. While the battery is flat nothing is measured; what the flash holds outlives it. A new epoch counts
ticks and time from zero (docs/gatt.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts import gatt
from contracts.errors import DecodeError, InvariantError
from contracts.gatt import Opcode, Position, Reply, ReplyStatus, SensorStatus
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.firmware_words import FeltPulse, FirmwareStats, Notification


@dataclass(frozen=True, slots=True)
class Flat:
    """The battery is flat in [from_ns, until_ns), true UTC."""

    from_ns: int
    until_ns: int


class EpochFirmware:
    """What a sensor does over all its epochs; to the air it is a :class:`Firmware`.

    ``begin`` makes the firmware of an epoch, numbered from 0, that begins at a true time (UTC ns).
    """

    def __init__(self, begin: Callable[[int, int], Firmware], first_ns: int, flat: Sequence[Flat]):
        self._begin = begin
        self._flat = list(flat)
        self._epochs = [begin(0, first_ns)]
        self._ended_ns: list[int] = []  # of every epoch that is over, the last ns of it
        self._sending: int | None = None  # the epoch that is being sent

    @property
    def epochs(self) -> Sequence[Firmware]:
        """The firmware of every epoch so far."""
        return self._epochs

    @property
    def config(self) -> FirmwareConfig:
        """The settings of the present epoch."""
        return self._now.config

    @property
    def pulses(self) -> Sequence[FeltPulse]:
        """The latest pulses of the present epoch."""
        return self._now.pulses

    @property
    def stats(self) -> FirmwareStats:
        """The counts over all epochs; ``next_sequence`` is the present one's."""
        every = [firmware.stats for firmware in self._epochs]
        return FirmwareStats(
            recorded=sum(one.recorded for one in every),
            lost=sum(one.lost for one in every),
            sent=sum(one.sent for one in every),
            kept=sum(one.kept for one in every),
            overwritten=sum(one.overwritten for one in every),
            ended=every[-1].ended,
            haptic_pulses=sum(one.haptic_pulses for one in every),
            next_sequence=every[-1].next_sequence,
        )

    @property
    def _now(self) -> Firmware:
        return self._epochs[-1]

    def advance(self, true_ns: int) -> None:
        """Take every sample that is due by ``true_ns``, and begin the epochs that are."""
        while self._flat and true_ns >= self._flat[0].from_ns:
            self._now.advance(self._flat[0].from_ns - 1)
            if true_ns < self._flat[0].until_ns:
                return
            flat = self._flat.pop(0)
            self._ended_ns.append(flat.from_ns - 1)
            self._epochs.append(self._begin(len(self._epochs), flat.until_ns))
            self.disconnected()
        self._now.advance(true_ns)

    def disconnected(self) -> None:
        """The link is gone: stop sending, keep the log."""
        self._sending = None
        for firmware in self._epochs:
            firmware.disconnected()

    def next_notification(self, max_samples: int) -> Notification | None:
        """The next packet of at most ``max_samples``, from the oldest epoch that is to be sent.

        What the present epoch has to send ahead of that comes first.
        """
        while self._sending is not None:
            ahead = self._now.next_ahead(max_samples)
            if ahead is not None:
                return ahead
            notification = self._epochs[self._sending].next_notification(max_samples)
            if self._sending == len(self._epochs) - 1:
                return notification
            if notification is not None:
                self._now.count_in_turn(gatt.SamplePacket.from_bytes(notification.value).count)
                return notification
            self._sending += 1
        return None

    def next_due_ns(self, max_samples: int) -> int | None:
        """True UTC at which the next live packet will be ready; None when none is to come."""
        return None if self._sending is None else self._now.next_due_ns(max_samples)

    def handle(self, command: bytes, true_ns: int) -> bytes:
        """What the sensor indicates in reply to bytes written to ``control``."""
        self.advance(true_ns)
        try:
            request = gatt.Command.from_bytes(command)
            if request.opcode == Opcode.SYNC_INFO:
                asked = self._place_of(gatt.read_u16(request.arguments, "epoch"))
            elif request.opcode in (Opcode.START, Opcode.START_AHEAD, Opcode.ERASE):
                return self._go_to(Opcode(request.opcode), request, command, true_ns)
            else:
                asked = None
        except DecodeError:
            asked = None
            request = gatt.Command(0, 0)
        reply = self._ask(len(self._epochs) - 1 if asked is None else asked, command, true_ns)
        if request.opcode == Opcode.STOP:
            self.disconnected()
        return self._whole(reply) if request.opcode == Opcode.STATUS else reply

    def _go_to(self, opcode: Opcode, request: gatt.Command, command: bytes, true_ns: int) -> bytes:
        """START, START_AHEAD or ERASE at a position of any epoch: later ones follow, earlier ones go."""
        position = Position.from_bytes(request.arguments)
        place = self._place_of(position.epoch)
        if place is None:  # of a time that nothing is kept of, or that is yet to come
            place = 0 if position.epoch < self._number(0) else len(self._epochs) - 1
        reply = self._ask(place, command, true_ns)
        if Reply.from_bytes(reply).status is not ReplyStatus.OK:
            return reply
        if opcode is not Opcode.ERASE:
            self._sending = place
            for later in range(place + 1, len(self._epochs)):
                self._order(opcode, later, 0, true_ns)
        else:
            for earlier in range(place):
                end = self._epochs[earlier].stats.next_sequence
                self._order(Opcode.ERASE, earlier, end, true_ns)
        return reply

    def _order(self, opcode: Opcode, place: int, sequence: int, true_ns: int) -> None:
        position = Position(self._number(place), sequence).to_bytes()
        reply = self._ask(place, gatt.Command(opcode, 0, position).to_bytes(), true_ns)
        if Reply.from_bytes(reply).status is not ReplyStatus.OK:
            raise InvariantError(f"The epoch at place {place} refused {opcode.name}.")

    def _ask(self, place: int, command: bytes, true_ns: int) -> bytes:
        """A command to one epoch, in its own time: one that is over measures nothing more."""
        if place < len(self._ended_ns):
            true_ns = min(true_ns, self._ended_ns[place])
        elif self._flat:
            true_ns = min(true_ns, self._flat[0].from_ns - 1)
        return self._epochs[place].handle(command, true_ns)

    def _whole(self, reply: bytes) -> bytes:
        """A status of the present epoch, with what is kept of the earlier ones."""
        said = Reply.from_bytes(reply)
        if said.status is not ReplyStatus.OK:
            return reply
        status = SensorStatus.from_bytes(said.result)
        oldest = next(
            (
                Position(self._number(number), firmware.oldest_sequence)
                for number, firmware in enumerate(self._epochs[:-1])
                if firmware.stats.kept
            ),
            status.oldest,
        )
        counts = self.stats
        whole = SensorStatus(
            device_us=status.device_us,
            epoch=status.epoch,
            oldest=oldest,
            next=status.next,
            period_ns=status.period_ns,
            scale=status.scale,
            kept=counts.kept,
            overwritten=counts.overwritten,
            battery_percent=status.battery_percent,
            sampling=status.sampling,
        )
        return Reply(said.opcode, said.token, said.status, whole.to_bytes()).to_bytes()

    def _number(self, place: int) -> int:
        return self._epochs[place].config.epoch

    def _place_of(self, epoch: int) -> int | None:
        return next((p for p in range(len(self._epochs)) if self._number(p) == epoch), None)


AnyFirmware = Firmware | EpochFirmware
