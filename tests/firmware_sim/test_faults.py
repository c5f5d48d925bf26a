"""Fault plans: read strictly, capped, and turned into what happens when."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SettingError
from firmware_sim.faults import (
    MAX_FAULTS,
    MAX_FLAT_BATTERIES,
    MAX_PLAN_BYTES,
    AdapterGone,
    Change,
    Drop,
    DyingBattery,
    FaultPlan,
    Loss,
    Moment,
    OutOfRange,
    Reboot,
    Span,
    check_plan,
    decode_plan,
    encode_plan,
    moments,
)
from firmware_sim.plan_files import read_plan
from plumbline.fault_days import draw_day

SENSORS = [("PL-T4", "T4"), ("PL-L5", "L5")]


def test_what_happens_when_by_hand() -> None:
    plan = FaultPlan(
        faults=(
            AdapterGone(at_s=50.0, lasts_s=10.0),
            OutOfRange(at_s=10.0, lasts_s=20.0, sensor="T4"),
            Reboot(at_s=25.0, lasts_s=15.0, sensor="PL-T4"),
            Drop(at_s=5.0),
            DyingBattery(at_s=60.0, lasts_s=30.0, off_s=10.0, sensor="L5"),
        )
    )
    assert moments(plan, SENSORS) == [
        Moment(5.0, Change.DROP, 0),
        Moment(5.0, Change.DROP, 1),
        Moment(10.0, Change.OUT_OF_REACH, 0),
        Moment(40.0, Change.IN_REACH, 0),  # the two that overlap are one
        Moment(50.0, Change.PULL_OUT),
        Moment(60.0, Change.PUT_IN),
        Moment(90.0, Change.OUT_OF_REACH, 1),
        Moment(100.0, Change.IN_REACH, 1),
    ]
    assert plan.of("PL-L5", "L5").flat() == [Span(90.0, 100.0)]
    assert plan.of("PL-T4", "T4").reboots() == [Span(25.0, 40.0)]


@given(st.integers(0, 2**16))
def test_a_plan_is_the_same_from_its_file(seed: int) -> None:
    plan = draw_day(seed).plan
    assert decode_plan(encode_plan(plan), toml=False) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[fault]]\nkind = 'earthquake'\nat_s = 1.0", "earthquake"),
        ("[[fault]]\nkind = 'drop'\nat_s = -1.0", ">= 0.0"),
        ("[[fault]]\nkind = 'drop'\nat_s = 1.0\nlasts_s = 1.0", "lasts_s"),
        ("[[fault]]\nkind = 'loss'\nat_s = 1.0\nlasts_s = 1.0\nshare = 1.5", "<= 1.0"),
        ("[[fault]]\nkind = 'drop'", "at_s"),
        ("[[fault]]\nkind = 'stuck-axis'\nat_s = 0.0\nlasts_s = 1.0\naxis = 'mx'", "mx"),
        ("sed = 1", "sed"),
        ("[[fault]", "cannot be read"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=r"docs/simulator\.md") as refused:
        decode_plan(text.encode(), toml=True)
    assert said in refused.value.message


def test_bytes_that_are_no_text_are_refused() -> None:
    for toml in (True, False):
        with pytest.raises(SettingError):
            decode_plan(b"\xff\xfe\x00", toml=toml)


def test_a_plan_has_its_caps(tmp_path) -> None:  # type: ignore[no-untyped-def]
    most = FaultPlan(faults=(Drop(at_s=1.0),) * MAX_FAULTS)
    data = msgspec.json.encode(most)
    assert decode_plan(data, toml=False) == most
    with pytest.raises(SettingError):
        decode_plan(data.replace(b"[{", b'[{"kind":"drop","at_s":1},{', 1), toml=False)
    long = tmp_path / "plan.json"
    long.write_bytes(b" " * (MAX_PLAN_BYTES + 1))
    with pytest.raises(SettingError, match="too long"):
        read_plan(long)
    flats = [
        DyingBattery(at_s=10.0 * n, lasts_s=1.0, off_s=1.0) for n in range(1 + MAX_FLAT_BATTERIES)
    ]
    check_plan(FaultPlan(faults=tuple(flats[1:])), SENSORS)
    with pytest.raises(SettingError, match="flat"):
        check_plan(FaultPlan(faults=tuple(flats)), SENSORS)


def test_a_sensor_that_there_is_not_and_a_file_that_there_is_not(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingError, match=r"'C7'.*PL-T4"):
        check_plan(FaultPlan(faults=(Drop(at_s=1.0, sensor="C7"),)), SENSORS)
    with pytest.raises(SettingError, match="No such file"):
        read_plan(tmp_path / "none.toml")


def test_kinds_are_given_in_time_order() -> None:
    late, early = (Loss(at_s=at_s, lasts_s=1.0, share=0.5) for at_s in (9.0, 3.0))
    assert FaultPlan(faults=(late, early)).kind(Loss) == [early, late]
