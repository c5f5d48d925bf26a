"""Ids, finite numbers, ranges and believable times; the errors that say what is wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import vocabulary
from contracts.checks import (
    EARLIEST_UTC_NS,
    FUTURE_LIMIT_NS,
    LATEST_UTC_NS,
    check_finite,
    check_id,
    check_range,
    check_utc_ns,
    shown,
)
from contracts.errors import (
    EXIT_STATUS,
    BrokerError,
    DecodeError,
    Fault,
    InvariantError,
    PlumblineError,
    Reason,
    SettingError,
)
from contracts.vocabulary import is_id
from tests.contracts.strategies import NOW_NS, ids


@given(ids)
def test_ids_are_taken(value: str) -> None:
    assert check_id("sensor", value) == value


@pytest.mark.parametrize(
    "value", ["", "a" * 65, "a b", "a/b", "+", "#", "a\n", "\n", "é", "a.b", "a\0", "Jane Doe", "𝟙"]
)
def test_what_is_no_id_is_refused(value: str) -> None:
    assert not is_id(value)
    with pytest.raises(DecodeError) as refused:
        check_id("sensor", value)
    assert refused.value.reason is Reason.BAD_ID


@pytest.mark.parametrize("text", ["x" * 5000, "\U0010ffff" * 400, "'\"\n\x1b[31m" * 90])
def test_what_was_sent_is_quoted_short_and_printable(text: str) -> None:
    with pytest.raises(DecodeError) as refused:
        check_id("outbox", text)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


@given(st.text(max_size=70))
def test_an_id_is_safe_in_a_topic_a_file_name_and_a_query(value: str) -> None:
    if is_id(value):
        assert value.isascii()
        assert 1 <= len(value) <= 64
        assert not set(value) & set("/+#\\ .'\"`$;:\0\n\r\t")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(DecodeError) as refused:
        check_finite("x", value)
    assert refused.value.reason is Reason.NOT_FINITE
    with pytest.raises(DecodeError) as refused:
        check_range("x", value, -math.inf, math.inf)
    assert refused.value.reason is Reason.NOT_FINITE


@given(st.integers() | st.integers(-(10**5000), 10**5000))
def test_whole_numbers_of_any_length_are_compared_and_shown(value: int) -> None:
    assert check_finite("x", value) == value
    assert len(shown(value)) <= 41
    if 0 <= value <= 10:
        assert check_range("x", value, 0, 10) == value
    else:
        with pytest.raises(DecodeError) as refused:
            check_range("x", value, 0, 10)
        assert refused.value.reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("utc_ns", "now_ns", "reason"),
    [
        (EARLIEST_UTC_NS - 1, NOW_NS, Reason.TIME_BEFORE_2020),
        (0, None, Reason.TIME_BEFORE_2020),
        (-(2**63), None, Reason.TIME_BEFORE_2020),
        (NOW_NS + FUTURE_LIMIT_NS + 1, NOW_NS, Reason.TIME_IN_FUTURE),
        (LATEST_UTC_NS + 1, None, Reason.TIME_IN_FUTURE),
        (10**4000, NOW_NS, Reason.TIME_IN_FUTURE),
    ],
)
def test_times_that_are_not_believed(utc_ns: int, now_ns: int | None, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        check_utc_ns("t", utc_ns, now_ns=now_ns)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("utc_ns", "now_ns"),
    [
        (EARLIEST_UTC_NS, NOW_NS),
        (NOW_NS + FUTURE_LIMIT_NS, NOW_NS),
        (LATEST_UTC_NS, None),
    ],
)
def test_times_that_are_just_believed(utc_ns: int, now_ns: int | None) -> None:
    assert check_utc_ns("t", utc_ns, now_ns=now_ns) == utc_ns


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    error = BrokerError(Reason.BROKER_UNREACHABLE, "No broker at 127.0.0.1:1883.", hint="Start it.")
    assert str(error) == "No broker at 127.0.0.1:1883. Start it."
    assert error.fault is Fault.BROKER
    assert error.exit_status == 69
    assert str(SettingError(Reason.BAD_SETTING, "No.")) == "No."


def test_a_fault_can_be_said_where_it_arises() -> None:
    error = PlumblineError(Reason.DISK_FULL, "Full.", fault=Fault.MACHINE)
    assert error.exit_status == EXIT_STATUS[Fault.MACHINE] == 71


def test_every_fault_has_an_exit_status_of_its_own() -> None:
    assert set(EXIT_STATUS) == set(Fault)
    assert len(set(EXIT_STATUS.values())) == len(EXIT_STATUS)
    assert all(0 < status < 128 for status in EXIT_STATUS.values())


def test_a_broken_promise_is_ours() -> None:
    error = InvariantError("seq went back.")
    assert (error.reason, error.fault) == (Reason.INVARIANT, Fault.OURS)
    assert "report" in error.hint


def test_codes_in_the_store_are_pinned() -> None:
    """Rows that were written yesterday are read with these: append only."""
    assert vocabulary.POSTURES == (
        "unknown", "upright", "rounded", "forward_lean", "reclined", "left_lean", "right_lean",
    )  # fmt: skip
    assert vocabulary.ACTIVITIES == (
        "unknown", "sitting", "typing", "driving", "standing", "walking", "stairs", "lying",
        "carrying", "not_worn",
    )  # fmt: skip
    assert vocabulary.ACTIVITY_SOURCES == ("none", "trunk", "client", "agent")
    assert vocabulary.QUALITIES == (
        "ok", "partial", "uncalibrated", "losing", "saturated", "stuck", "slipped", "swapped",
    )  # fmt: skip
    assert vocabulary.PLACEMENTS == ("head", "C7", "T4", "T12", "L5", "sternum")
