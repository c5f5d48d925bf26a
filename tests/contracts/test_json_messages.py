"""JSON messages: pinned texts, every refusal, and totality."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.checks import EARLIEST_UTC_NS, FUTURE_LIMIT_NS
from contracts.errors import DecodeError, Reason
from contracts.imu import MAX_RATE_HZ, MIN_RATE_HZ
from contracts.messages import (
    MAX_JSON_BYTES,
    MAX_SEQ,
    MAX_TEXT,
    Context,
    EpisodeEvent,
    GatewayCommand,
    GatewayReply,
    GatewayStatus,
    JsonMessage,
    NudgeEvent,
    PostureState,
    Rejected,
    SensorStatus,
    Stored,
)
from contracts.settings import MAX_NOT_NOW_MIN
from contracts.vocabulary import Activity, ActivitySource, NudgeKind, Posture
from contracts.wishes import NotNowWish
from tests.contracts.strategies import NOW_NS, believable_ns, damaged, ids, texts, value_or_refusal

Kind = type[JsonMessage]

counts = st.integers(0, MAX_SEQ)
rounded_s = st.floats(0.0, 7 * 86400.0)
degrees = st.floats(-180.0, 180.0)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    start_ns, end_ns = sorted([draw(believable_ns), draw(believable_ns)])
    return start_ns, end_ns


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Stored: st.builds(Stored, outbox=ids, seq=counts, resend=st.booleans()),
    GatewayStatus: st.builds(
        GatewayStatus,
        state=st.sampled_from(("online", "offline")),
        version=texts,
        sensors=st.lists(ids, max_size=4).map(tuple),
        reason=texts,
    ),
    SensorStatus: st.builds(
        SensorStatus,
        state=st.text("abcdefgh-", min_size=1, max_size=32),
        at_ns=believable_ns,
        battery_percent=st.none() | st.integers(0, 100),
        rssi_dbm=st.none() | st.integers(-127, 20),
        profile=texts,
        firmware=texts,
        last_seq=counts,
        received=counts,
        dropped=counts,
        backlog=counts,
        backlog_total=counts,
        outbox_batches=counts,
        clock_error_ns=st.none() | counts,
        reason=texts,
    ),
    GatewayCommand: st.builds(
        GatewayCommand,
        id=ids,
        action=st.sampled_from(("haptic", "rate")),
        sensor=ids,
        pattern=st.integers(0, 2),
        strength_percent=st.integers(1, 100),
        duration_ms=st.integers(1, 2000),
        rate_hz=st.floats(MIN_RATE_HZ, MAX_RATE_HZ),
    ),
    GatewayReply: st.builds(GatewayReply, id=ids, ok=st.booleans(), reason=texts),
    PostureState: st.builds(
        PostureState,
        start_ns=believable_ns,
        posture=st.sampled_from(Posture),
        activity=st.sampled_from(Activity),
        confidence=st.floats(0.0, 1.0),
        trunk_flexion_deg=st.none() | degrees,
        rounded_for_s=rounded_s,
    ),
    EpisodeEvent: st.builds(
        lambda span, **rest: EpisodeEvent(start_ns=span[0], end_ns=span[1], **rest),
        spans(),
        pattern=st.text("abc_", max_size=64),
        peak_flexion_deg=degrees,
        ongoing=st.booleans(),
    ),
    NudgeEvent: st.builds(
        NudgeEvent,
        at_ns=believable_ns,
        rounded_for_s=rounded_s,
        reason=texts,
        sensors=st.lists(ids, max_size=4).map(tuple),
        kind=st.sampled_from(NudgeKind),
        decided_ns=st.none() | believable_ns,
    ),
    NotNowWish: st.builds(
        NotNowWish,
        minutes=st.integers(0, MAX_NOT_NOW_MIN),
        at_ns=st.none() | believable_ns,
    ),
    Context: st.builds(
        lambda span, last, **rest: Context(
            start_ns=span[0], end_ns=None if last or span[0] == span[1] else span[1], **rest
        ),
        spans(),
        st.booleans(),
        activity=st.sampled_from(Activity),
        source=st.sampled_from((ActivitySource.CLIENT, ActivitySource.AGENT)),
    ),
    Rejected: st.builds(
        Rejected,
        topic=texts,
        reason=st.sampled_from(Reason),
        message=texts,
        size=st.integers(0, 2**31),
        at_ns=believable_ns,
        count=st.integers(1, MAX_SEQ),
    ),
}
KINDS = tuple(VALUES)


def test_every_kind_of_message_is_tested() -> None:
    assert set(KINDS) == set(JsonMessage.__subclasses__())


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_is_encoded_is_decoded(kind: Kind, data: st.DataObject) -> None:
    message = data.draw(VALUES[kind])
    assert kind.decode(message.encode(), now_ns=NOW_NS) == message


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_damaged_messages_are_refused_or_usable(kind: Kind, data: st.DataObject) -> None:
    received = data.draw(damaged(VALUES[kind].map(lambda message: message.encode())))
    message = value_or_refusal(lambda b: kind.decode(b, now_ns=NOW_NS), received)
    if message is not None:
        assert kind.decode(message.encode(), now_ns=NOW_NS) == message


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_other_values_in_a_field_are_refused_or_usable(kind: Kind, data: st.DataObject) -> None:
    plain = json.loads(data.draw(VALUES[kind]).encode())
    plain[data.draw(st.sampled_from(sorted(plain)))] = data.draw(json_values)
    received = json.dumps(plain).encode()
    message = value_or_refusal(lambda b: kind.decode(b, now_ns=NOW_NS), received)
    if message is not None:
        assert kind.decode(message.encode(), now_ns=NOW_NS) == message


@pytest.mark.parametrize("kind", KINDS)
@given(received=st.binary(max_size=200) | texts.map(str.encode))
def test_any_bytes_are_refused(kind: Kind, received: bytes) -> None:
    assert value_or_refusal(lambda b: kind.decode(b, now_ns=NOW_NS), received) is None


T = NOW_NS
GOLDEN: list[tuple[str, JsonMessage]] = [
    (
        '{"v":1,"outbox":"ob1","seq":42,"resend":true}',
        Stored(outbox="ob1", seq=42, resend=True),
    ),
    (
        '{"v":1,"state":"online","version":"0.1.0","sensors":["PL-0001-T4","PL-0001-L5"],"reason":""}',
        GatewayStatus(state="online", version="0.1.0", sensors=("PL-0001-T4", "PL-0001-L5")),
    ),
    (
        (
            '{"v":1,"state":"syncing","at_ns":1767225600000000000,"battery_percent":87,"rssi_dbm":-50,'
            '"profile":"native","firmware":"1.2.0","last_seq":12,"received":123,"dropped":4,'
            '"backlog":5,"backlog_total":6,"outbox_batches":7,"clock_error_ns":800,"reason":""}'
        ),
        SensorStatus(
            state="syncing",
            at_ns=T,
            battery_percent=87,
            rssi_dbm=-50,
            profile="native",
            firmware="1.2.0",
            last_seq=12,
            received=123,
            dropped=4,
            backlog=5,
            backlog_total=6,
            outbox_batches=7,
            clock_error_ns=800,
        ),
    ),
    (
        (
            '{"v":1,"id":"n-1","action":"haptic","sensor":"PL-0001-T4","pattern":1,'
            '"strength_percent":60,"duration_ms":200,"rate_hz":50.0}'
        ),
        GatewayCommand(id="n-1", action="haptic", sensor="PL-0001-T4", pattern=1),
    ),
    (
        '{"v":1,"id":"n-1","ok":false,"reason":"not connected"}',
        GatewayReply(id="n-1", ok=False, reason="not connected"),
    ),
    (
        (
            '{"v":1,"start_ns":1767225600000000000,"posture":"rounded","activity":"sitting",'
            '"confidence":0.93,"trunk_flexion_deg":17.25,"rounded_for_s":61.0}'
        ),
        PostureState(
            start_ns=T,
            posture=Posture.ROUNDED,
            activity=Activity.SITTING,
            confidence=0.93,
            trunk_flexion_deg=17.25,
            rounded_for_s=61.0,
        ),
    ),
    (
        (
            '{"v":1,"start_ns":1767225600000000000,"end_ns":1767225660000000000,'
            '"pattern":"upper_thoracic","peak_flexion_deg":24.5,"ongoing":true}'
        ),
        EpisodeEvent(
            start_ns=T,
            end_ns=T + 60_000_000_000,
            pattern="upper_thoracic",
            peak_flexion_deg=24.5,
            ongoing=True,
        ),
    ),
    (
        (
            '{"v":1,"at_ns":1767225600000000000,"rounded_for_s":120.0,"reason":"rounded for 120 s",'
            '"sensors":["PL-0001-T4"],"kind":"posture","decided_ns":null}'
        ),
        NudgeEvent(
            at_ns=T, rounded_for_s=120.0, reason="rounded for 120 s", sensors=("PL-0001-T4",)
        ),
    ),
    ('{"v":1,"minutes":60,"at_ns":null}', NotNowWish(minutes=60)),
    (
        '{"v":1,"activity":"typing","source":"client","start_ns":1767225600000000000,"end_ns":null}',
        Context(activity=Activity.TYPING, source=ActivitySource.CLIENT, start_ns=T),
    ),
    (
        (
            '{"v":1,"topic":"plumbline/v1/home/gateway/gw/sensor/s/imu","reason":"malformed",'
            '"message":"not an IMU batch","size":17,"at_ns":1767225600000000000,"count":3}'
        ),
        Rejected(
            topic="plumbline/v1/home/gateway/gw/sensor/s/imu",
            reason=Reason.MALFORMED,
            message="not an IMU batch",
            size=17,
            at_ns=T,
            count=3,
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), GOLDEN, ids=[type(m).__name__ for _, m in GOLDEN])
def test_golden(text: str, message: JsonMessage) -> None:
    assert message.encode().decode() == text
    assert type(message).decode(text.encode(), now_ns=NOW_NS) == message


def test_every_kind_is_pinned() -> None:
    assert {type(message) for _, message in GOLDEN} == set(KINDS)


def golden_of(kind: Kind) -> dict[str, Any]:
    plain: dict[str, Any] = next(json.loads(text) for text, m in GOLDEN if type(m) is kind)
    return plain


FUTURE_NS = NOW_NS + FUTURE_LIMIT_NS + 1
PAST_NS = EARLIEST_UTC_NS - 1
LONG = "x" * (MAX_TEXT + 1)
REFUSALS: list[tuple[Kind, str, object, Reason]] = [
    (Stored, "v", 2, Reason.BAD_VERSION),
    (Stored, "v", True, Reason.MALFORMED),
    (Stored, "outbox", "a b", Reason.BAD_ID),
    (Stored, "outbox", "a" * 65, Reason.BAD_ID),
    (Stored, "outbox", "a\n", Reason.BAD_ID),
    (Stored, "seq", -1, Reason.OUT_OF_RANGE),
    (Stored, "seq", MAX_SEQ + 1, Reason.OUT_OF_RANGE),
    (Stored, "seq", 10**400, Reason.OUT_OF_RANGE),
    (Stored, "seq", 1.0, Reason.MALFORMED),
    (Stored, "seq", "1", Reason.MALFORMED),
    (Stored, "seq", True, Reason.MALFORMED),
    (Stored, "resend", 1, Reason.MALFORMED),
    (GatewayStatus, "state", "away", Reason.BAD_FIELD),
    (GatewayStatus, "version", LONG, Reason.TOO_LONG),
    (GatewayStatus, "reason", LONG, Reason.TOO_LONG),
    (GatewayStatus, "sensors", ["a/b"], Reason.BAD_ID),
    (GatewayStatus, "sensors", ["s"] * 257, Reason.BAD_COUNT),
    (SensorStatus, "state", "x" * 33, Reason.TOO_LONG),
    (SensorStatus, "at_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (SensorStatus, "at_ns", PAST_NS, Reason.TIME_BEFORE_2020),
    (SensorStatus, "battery_percent", 101, Reason.OUT_OF_RANGE),
    (SensorStatus, "rssi_dbm", -128, Reason.OUT_OF_RANGE),
    (SensorStatus, "firmware", LONG, Reason.TOO_LONG),
    (SensorStatus, "last_seq", -1, Reason.OUT_OF_RANGE),
    (SensorStatus, "clock_error_ns", -1, Reason.OUT_OF_RANGE),
    (GatewayCommand, "id", "", Reason.BAD_ID),
    (GatewayCommand, "sensor", "+", Reason.BAD_ID),
    (GatewayCommand, "action", "explode", Reason.BAD_FIELD),
    (GatewayCommand, "pattern", 3, Reason.OUT_OF_RANGE),
    (GatewayCommand, "strength_percent", 0, Reason.OUT_OF_RANGE),
    (GatewayCommand, "duration_ms", 2001, Reason.OUT_OF_RANGE),
    (GatewayCommand, "rate_hz", 1e300, Reason.OUT_OF_RANGE),
    (GatewayReply, "id", "#", Reason.BAD_ID),
    (GatewayReply, "ok", None, Reason.MALFORMED),
    (GatewayReply, "reason", LONG, Reason.TOO_LONG),
    (PostureState, "start_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (PostureState, "posture", "slouched", Reason.MALFORMED),
    (PostureState, "activity", "", Reason.MALFORMED),
    (PostureState, "confidence", 1.01, Reason.OUT_OF_RANGE),
    (PostureState, "confidence", None, Reason.MALFORMED),
    (PostureState, "trunk_flexion_deg", 181, Reason.OUT_OF_RANGE),
    (PostureState, "rounded_for_s", -1, Reason.OUT_OF_RANGE),
    (EpisodeEvent, "end_ns", NOW_NS - 1, Reason.OUT_OF_RANGE),
    (EpisodeEvent, "start_ns", PAST_NS, Reason.TIME_BEFORE_2020),
    (EpisodeEvent, "end_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (EpisodeEvent, "pattern", "x" * 65, Reason.TOO_LONG),
    (EpisodeEvent, "peak_flexion_deg", -180.5, Reason.OUT_OF_RANGE),
    (NudgeEvent, "at_ns", PAST_NS, Reason.TIME_BEFORE_2020),
    (NudgeEvent, "rounded_for_s", 1e9, Reason.OUT_OF_RANGE),
    (NudgeEvent, "reason", LONG, Reason.TOO_LONG),
    (NudgeEvent, "sensors", ["s"] * 257, Reason.BAD_COUNT),
    (NudgeEvent, "sensors", [""], Reason.BAD_ID),
    (NudgeEvent, "decided_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (NotNowWish, "minutes", MAX_NOT_NOW_MIN + 1, Reason.OUT_OF_RANGE),
    (NotNowWish, "minutes", -1, Reason.OUT_OF_RANGE),
    (NotNowWish, "at_ns", PAST_NS, Reason.TIME_BEFORE_2020),
    (Context, "source", "trunk", Reason.BAD_FIELD),
    (Context, "source", "none", Reason.BAD_FIELD),
    (Context, "start_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (Context, "end_ns", NOW_NS, Reason.OUT_OF_RANGE),
    (Context, "end_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
    (Rejected, "topic", LONG, Reason.TOO_LONG),
    (Rejected, "reason", "because", Reason.MALFORMED),
    (Rejected, "message", LONG, Reason.TOO_LONG),
    (Rejected, "size", -1, Reason.OUT_OF_RANGE),
    (Rejected, "count", 0, Reason.OUT_OF_RANGE),
    (Rejected, "at_ns", FUTURE_NS, Reason.TIME_IN_FUTURE),
]


@pytest.mark.parametrize(
    ("kind", "field", "value", "reason"),
    REFUSALS,
    ids=[f"{k.__name__}.{f}-{str(v)[:12]}" for k, f, v, _ in REFUSALS],
)
def test_refusals(kind: Kind, field: str, value: object, reason: Reason) -> None:
    received = json.dumps(golden_of(kind) | {field: value}).encode()
    with pytest.raises(DecodeError) as refused:
        kind.decode(received, now_ns=NOW_NS)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "received",
    [
        b'{"outbox":"a","seq":NaN}',
        b'{"outbox":"a","seq":1e999}',
        b'{"outbox":"a","seq":' + b"9" * 5000 + b"}",
        b'{"x":' + b"[" * 16_000,
        b'{"x":' + b"[" * 8_000 + b"]" * 8_000 + b',"outbox":"a","seq":1}',
        b'{"outbox":"\\ud800","seq":1}',
        b'{"outbox":"\xed\xa0\x80","seq":1}',
        b'{"outbox":"a","seq":1}{',
        '{"outbox":"a","seq":1}'.encode("utf-16"),
        b'{"seq":1}',
        b"[]",
        b"null",
        b"",
    ],
)
def test_hostile_json_is_malformed(received: bytes) -> None:
    with pytest.raises(DecodeError) as refused:
        Stored.decode(received, now_ns=NOW_NS)
    assert refused.value.reason is Reason.MALFORMED


def test_a_refusal_does_not_repeat_what_was_sent_at_length() -> None:
    received = json.dumps(golden_of(PostureState) | {"posture": "x" * 5000}).encode()
    with pytest.raises(DecodeError) as refused:
        PostureState.decode(received, now_ns=NOW_NS)
    assert len(refused.value.message) < 200


def test_fields_a_newer_sender_adds_are_ignored_and_the_last_of_two_counts() -> None:
    received = b'{"outbox":"a","seq":1,"seq":2,"added":{"deep":[1,2]}}'
    assert Stored.decode(received, now_ns=NOW_NS) == Stored(outbox="a", seq=2)


def test_messages_have_a_cap_of_bytes() -> None:
    message = Stored(outbox="a", seq=1).encode()
    padded = message + b" " * (MAX_JSON_BYTES - len(message))
    assert Stored.decode(padded, now_ns=NOW_NS).seq == 1
    with pytest.raises(DecodeError) as refused:
        Stored.decode(padded + b" ", now_ns=NOW_NS)
    assert refused.value.reason is Reason.TOO_LONG


def test_the_longest_allowed_messages_fit_the_cap() -> None:
    sensors = tuple(f"{i:064d}" for i in range(GatewayStatus.MAX_SENSORS))
    status = GatewayStatus(
        state="online", version="v" * MAX_TEXT, sensors=sensors, reason="r" * MAX_TEXT
    )
    assert GatewayStatus.decode(status.encode(), now_ns=NOW_NS) == status
    nudge = NudgeEvent(at_ns=T, rounded_for_s=1.0, reason="r" * MAX_TEXT, sensors=sensors)
    assert NudgeEvent.decode(nudge.encode(), now_ns=NOW_NS) == nudge


@pytest.mark.parametrize(("kind", "field"), [(SensorStatus, "at_ns"), (Rejected, "at_ns")])
def test_a_day_ahead_is_just_allowed(kind: Kind, field: str) -> None:
    for at_ns in (EARLIEST_UTC_NS, NOW_NS + FUTURE_LIMIT_NS):
        received = json.dumps(golden_of(kind) | {field: at_ns}).encode()
        assert getattr(kind.decode(received, now_ns=NOW_NS), field) == at_ns
