"""Fault plans: what goes wrong with simulated sensors, and when. Pure: a plan in, what happens when out.

A plan is data, most often a file (docs/simulator.md). Times are seconds from the simulation's start, in
true time. Each kind takes effect in one place: what a sensor measures in
:mod:`firmware_sim.faulty_source`, its clock, battery and epochs in its firmware, its links on the air
(:mod:`firmware_sim.faulty_air`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, TypeVar

import msgspec

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S

MAX_FAULTS: Final = 1000
MAX_PLAN_BYTES: Final = 256 * 1024
#: A week: longer than any log is kept.
MAX_AT_S: Final = 7 * 86400.0
MAX_DELAY_S: Final = 60.0
#: With an epoch each a flat battery; a gateway looks at so many in a log.
MAX_FLAT_BATTERIES: Final = 8
MAX_PPM: Final = 500.0

At = Annotated[float, msgspec.Meta(ge=0.0, le=MAX_AT_S)]
Lasts = Annotated[float, msgspec.Meta(gt=0.0, le=MAX_AT_S)]
Delayed = Annotated[float, msgspec.Meta(ge=0.0, le=MAX_DELAY_S)]
Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Degrees = Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
BytesPerS = Annotated[float, msgspec.Meta(ge=100.0, le=1e9)]
Ppm = Annotated[float, msgspec.Meta(ge=-MAX_PPM, le=MAX_PPM)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Axis = Literal["ax", "ay", "az", "gx", "gy", "gz"]


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """Something that goes wrong at ``at_s``. ``sensor``: a placement or a serial; empty: all of them."""

    at_s: At
    sensor: Name = ""

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s


class Lasting(Fault, frozen=True, kw_only=True):
    """A fault that goes on for ``lasts_s``."""

    lasts_s: Lasts

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s + self.lasts_s


class Drop(Fault, frozen=True, kw_only=True, tag="drop"):
    """The link breaks, and can be made again at once."""


class OutOfRange(Lasting, frozen=True, kw_only=True, tag="out-of-range"):
    """Nobody hears the sensor, and its links break."""


class Loss(Lasting, frozen=True, kw_only=True, tag="loss"):
    """A share of the notifications never arrives."""

    share: Share


class Delay(Lasting, frozen=True, kw_only=True, tag="delay"):
    """Everything on the link, both ways, comes later by ``delay_s`` to ``delay_s + jitter_s``."""

    delay_s: Delayed
    jitter_s: Delayed = 0.0


class SlowLink(Lasting, frozen=True, kw_only=True, tag="slow-link"):
    """The link carries so much, both ways together. A real one: 20,000 far away to 100,000 nearby."""

    bytes_per_s: BytesPerS


class Corruption(Lasting, frozen=True, kw_only=True, tag="corruption"):
    """A share of the notifications arrives damaged: ``cut`` short, or with one bit the other way.

    A radio's own checksum keeps flipped bits out; what a broken stack lets through, it mostly cuts. The
    native profile has no checksum of its own, so a gateway cannot notice a bit that flipped in a reading.
    """

    share: Share
    how: Literal["cut", "flip"] = "cut"


class Reboot(Lasting, frozen=True, kw_only=True, tag="reboot"):
    """The sensor starts anew: off the air meanwhile, what it would have measured then is lost."""


class DyingBattery(Lasting, frozen=True, kw_only=True, tag="dying-battery"):
    """The battery runs flat in ``lasts_s``; after ``off_s`` the sensor is charged, in a new epoch."""

    off_s: Lasts


class StuckAxis(Lasting, frozen=True, kw_only=True, tag="stuck-axis"):
    """An axis goes on to read what it read last."""

    axis: Axis


class SaturatedAxis(Lasting, frozen=True, kw_only=True, tag="saturated-axis"):
    """An axis reads its full scale."""

    axis: Axis


class SlippedStrap(Lasting, frozen=True, kw_only=True, tag="slipped-strap"):
    """The sensor sits turned: forward is positive, and to the wearer's right."""

    forward_deg: Degrees = 0.0
    right_deg: Degrees = 0.0


class DriftingClock(Lasting, frozen=True, kw_only=True, tag="drifting-clock"):
    """The sensor's clock runs faster by ``ppm``, on top of its own drift."""

    ppm: Ppm


class AdapterGone(Lasting, frozen=True, kw_only=True, tag="adapter-gone"):
    """The gateway's Bluetooth adapter is pulled out, and put in again at the end."""


AnyFault = (
    Drop
    | OutOfRange
    | Loss
    | Delay
    | SlowLink
    | Corruption
    | Reboot
    | DyingBattery
    | StuckAxis
    | SaturatedAxis
    | SlippedStrap
    | DriftingClock
    | AdapterGone
)
KINDS: Final = AnyFault.__args__
F = TypeVar("F", bound=Fault)


@dataclass(frozen=True, slots=True)
class Span:
    """[start_s, end_s), seconds from the simulation's start."""

    start_s: float
    end_s: float

    def holds(self, at_s: float) -> bool:
        """Whether a time lies in it."""
        return self.start_s <= at_s < self.end_s


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong, in any order. ``seed`` decides what is left to chance (which packets)."""

    EMPTY: ClassVar[FaultPlan]

    seed: Seed = 1
    faults: Annotated[tuple[AnyFault, ...], msgspec.Meta(max_length=MAX_FAULTS)] = msgspec.field(
        name="fault", default=()
    )

    def of(self, *names: str) -> FaultPlan:
        """The plan of one sensor, which goes by any of ``names``: serial, placement."""
        mine = tuple(fault for fault in self.faults if not fault.sensor or fault.sensor in names)
        return FaultPlan(seed=self.seed, faults=mine)

    def kind(self, *kinds: type[F]) -> list[F]:
        """The faults of some kinds, in time order."""
        return sorted(
            (fault for fault in self.faults if isinstance(fault, kinds)), key=lambda f: f.at_s
        )

    def reboots(self) -> list[Span]:
        """When the sensor measures nothing because it starts anew."""
        return [Span(fault.at_s, fault.end_s) for fault in self.kind(Reboot)]

    def flat(self) -> list[Span]:
        """When its battery is flat; with the end of each a new epoch begins."""
        return _merged(Span(f.end_s, f.end_s + f.off_s) for f in self.kind(DyingBattery))

    def unreachable(self) -> list[Span]:
        """When nobody hears the sensor, for whatever reason."""
        away = [Span(fault.at_s, fault.end_s) for fault in self.kind(OutOfRange, Reboot)]
        return _merged([*away, *self.flat()])

    def without_adapter(self) -> list[Span]:
        """When the gateway has no adapter."""
        return _merged(Span(fault.at_s, fault.end_s) for fault in self.kind(AdapterGone))


FaultPlan.EMPTY = FaultPlan()


class Change(StrEnum):
    """What is done to the air at a moment."""

    DROP = "drop"
    OUT_OF_REACH = "out of reach"
    IN_REACH = "in reach"
    PULL_OUT = "adapter pulled out"
    PUT_IN = "adapter put in"


@dataclass(frozen=True, slots=True)
class Moment:
    """At ``at_s`` one change to one sensor, given by its place in the list; None: to the adapter."""

    at_s: float
    change: Change
    sensor: int | None = None


def moments(plan: FaultPlan, sensors: Sequence[Sequence[str]]) -> list[Moment]:
    """Every change to the air of ``sensors``, each given by the names it goes by, in time order."""
    found: list[Moment] = []
    for number, names in enumerate(sensors):
        mine = plan.of(*names)
        found += [Moment(fault.at_s, Change.DROP, number) for fault in mine.kind(Drop)]
        for span in mine.unreachable():
            found.append(Moment(span.start_s, Change.OUT_OF_REACH, number))
            found.append(Moment(span.end_s, Change.IN_REACH, number))
    for span in plan.without_adapter():
        found += [Moment(span.start_s, Change.PULL_OUT), Moment(span.end_s, Change.PUT_IN)]
    return sorted(found, key=lambda moment: moment.at_s)


def check_plan(plan: FaultPlan, sensors: Sequence[Sequence[str]]) -> None:
    """SettingError where a plan names a sensor that there is not, or has too many flat batteries."""
    known = {name for names in sensors for name in names}
    for fault in plan.faults:
        if fault.sensor and fault.sensor not in known:
            raise _refused(
                f"The fault plan names a sensor {fault.sensor!r} that is not simulated",
                f"Name one of {', '.join(sorted(known))}, or none for all of them.",
            )
    for names in sensors:
        if len(plan.of(*names).flat()) > MAX_FLAT_BATTERIES:
            raise _refused(
                f"The fault plan runs one battery flat more than {MAX_FLAT_BATTERIES} times",
                "Leave some of them out.",
            )


def decode_plan(data: bytes, *, toml: bool) -> FaultPlan:
    """The plan in a file's bytes, TOML or JSON. SettingError, with the place, where it is none."""
    if len(data) > MAX_PLAN_BYTES:
        raise _refused(
            f"A fault plan of {len(data):,} bytes is too long",
            f"At most {MAX_PLAN_BYTES:,} bytes are read.",
        )
    decode = msgspec.toml.decode if toml else msgspec.json.decode
    try:
        return decode(data, type=FaultPlan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _refused(
            f"The fault plan cannot be read: {str(error)[:300].rstrip('.')}",
            "docs/simulator.md shows every kind of fault with its fields.",
        ) from None


def encode_plan(plan: FaultPlan) -> bytes:
    """The plan as JSON, which :func:`decode_plan` reads again."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"


def offset_ns(seconds: float) -> int:
    """Seconds of a plan in ns."""
    return round(seconds * NS_PER_S)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same times, in order, with no two that touch."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start_s):
        if merged and span.start_s <= merged[-1].end_s:
            last = merged.pop()
            span = Span(last.start_s, max(last.end_s, span.end_s))  # noqa: PLW2901 - it grows
        merged.append(span)
    return merged


def _refused(text: str, hint: str) -> SettingError:
    return SettingError(Reason.BAD_SETTING, f"{text}.", hint=hint)
