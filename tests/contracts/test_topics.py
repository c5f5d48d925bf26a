"""Topics: pinned, read back, and everything else refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.errors import DecodeError, Reason
from contracts.topics import MAX_TOPIC_CHARS, Kind, Topic
from tests.contracts.strategies import ids, value_or_refusal

PINNED = [
    (topics.gateway_status("home", "gw"), "plumbline/v1/home/gateway/gw/status"),
    (topics.command("home", "gw"), "plumbline/v1/home/gateway/gw/command"),
    (topics.reply("home", "gw"), "plumbline/v1/home/gateway/gw/reply"),
    (topics.imu("home", "gw", "s"), "plumbline/v1/home/gateway/gw/sensor/s/imu"),
    (topics.ahead("home", "gw", "s"), "plumbline/v1/home/gateway/gw/sensor/s/ahead"),
    (topics.sensor_status("home", "gw", "s"), "plumbline/v1/home/gateway/gw/sensor/s/status"),
    (topics.stored("home", "gw", "s"), "plumbline/v1/home/gateway/gw/sensor/s/stored"),
    (topics.posture("home", "w"), "plumbline/v1/home/wearer/w/posture"),
    (topics.episode("home", "w"), "plumbline/v1/home/wearer/w/episode"),
    (topics.nudge("home", "w"), "plumbline/v1/home/wearer/w/nudge"),
    (topics.context("home", "w"), "plumbline/v1/home/wearer/w/context"),
    (topics.not_now("home", "w"), "plumbline/v1/home/wearer/w/not-now"),
    (topics.rejected("home"), "plumbline/v1/home/rejected"),
]
OF_GATEWAY: dict[Kind, Callable[[str, str], str]] = {
    Kind.GATEWAY_STATUS: topics.gateway_status,
    Kind.COMMAND: topics.command,
    Kind.REPLY: topics.reply,
}
OF_SENSOR: dict[Kind, Callable[[str, str, str], str]] = {
    Kind.IMU: topics.imu,
    Kind.AHEAD: topics.ahead,
    Kind.SENSOR_STATUS: topics.sensor_status,
    Kind.STORED: topics.stored,
}
OF_WEARER: dict[Kind, Callable[[str, str], str]] = {
    Kind.POSTURE: topics.posture,
    Kind.EPISODE: topics.episode,
    Kind.NUDGE: topics.nudge,
    Kind.CONTEXT: topics.context,
    Kind.NOT_NOW: topics.not_now,
}


@pytest.mark.parametrize(("built", "pinned"), PINNED)
def test_topics_are_pinned(built: str, pinned: str) -> None:
    assert built == pinned
    topics.parse(built)


def test_every_kind_is_pinned() -> None:
    assert {topics.parse(built).kind for built, _ in PINNED} == set(Kind)
    assert set(OF_GATEWAY) | set(OF_SENSOR) | set(OF_WEARER) | {Kind.REJECTED} == set(Kind)


@given(ids, ids, ids)
def test_what_is_built_is_read(site: str, owner: str, sensor: str) -> None:
    for kind, build in (OF_GATEWAY | OF_WEARER).items():
        assert topics.parse(build(site, owner)) == Topic(kind, site, owner)
    for kind, build_sensor in OF_SENSOR.items():
        assert topics.parse(build_sensor(site, owner, sensor)) == Topic(kind, site, owner, sensor)
    assert topics.parse(topics.rejected(site)) == Topic(Kind.REJECTED, site)


@given(
    st.lists(
        st.sampled_from(
            (
                "plumbline",
                "v1",
                "v2",
                "home",
                "gateway",
                "sensor",
                "wearer",
                "imu",
                "status",
                "posture",
                "rejected",
                "",
                "+",
                "#",
                "a b",
                "ä",
                "\0",
                "x" * 65,
            )
        ),
        max_size=9,
    ).map("/".join)
    | st.text(max_size=80)
)
def test_any_topic_is_read_or_refused(topic: str) -> None:
    found = value_or_refusal(topics.parse, topic)
    if found is not None:
        assert rebuilt(found) == topic


def rebuilt(found: Topic) -> str:
    if found.kind is Kind.REJECTED:
        return topics.rejected(found.site)
    if found.kind in OF_SENSOR:
        return OF_SENSOR[found.kind](found.site, found.owner, found.sensor)
    return (OF_GATEWAY | OF_WEARER)[found.kind](found.site, found.owner)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("", Reason.BAD_TOPIC),
        ("plumbline", Reason.BAD_TOPIC),
        ("plumbline/v2/home/rejected", Reason.BAD_TOPIC),
        ("/plumbline/v1/home/rejected", Reason.BAD_TOPIC),
        ("plumbline/v1/home/rejected/", Reason.BAD_TOPIC),
        ("plumbline/v1/home/gateway/gw/imu", Reason.BAD_TOPIC),
        ("plumbline/v1/home/gateway/gw/sensor/s/posture", Reason.BAD_TOPIC),
        ("plumbline/v1/home/wearer/w/status", Reason.BAD_TOPIC),
        ("plumbline/v1//rejected", Reason.BAD_ID),
        ("plumbline/v1/+/rejected", Reason.BAD_ID),
        ("plumbline/v1/home/gateway/#/status", Reason.BAD_ID),
        ("plumbline/v1/home/gateway/gw/sensor//imu", Reason.BAD_ID),
        ("plumbline/v1/home/wearer/Jane Doe/posture", Reason.BAD_ID),
        (f"plumbline/v1/home/wearer/{'w' * 65}/posture", Reason.BAD_ID),
        ("plumbline/v1/home/wearer/w\n/posture", Reason.BAD_ID),
    ],
)
def test_refusals(topic: str, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        topics.parse(topic)
    assert refused.value.reason is reason


def test_the_longest_topic_fits_and_one_more_character_over_the_cap_does_not() -> None:
    longest = topics.imu("s" * 64, "g" * 64, "x" * 64)
    assert len(longest) <= MAX_TOPIC_CHARS
    assert topics.parse(longest).sensor == "x" * 64
    topics_at_cap = "a" * MAX_TOPIC_CHARS
    for topic, reason in (
        (topics_at_cap, Reason.BAD_TOPIC),
        (topics_at_cap + "a", Reason.TOO_LONG),
    ):
        with pytest.raises(DecodeError) as refused:
            topics.parse(topic)
        assert refused.value.reason is reason
