from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from contracts.records import SensorHealth
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.look.theme import LIGHT
from dashboard.reading.queries import Sensor
from dashboard.sensors import cards
from tests.dashboard import seed

BERLIN = ZoneInfo("Europe/Berlin")
#: 2026-03-29 01:30:00 UTC: half an hour after Berlin's clocks went from 2 to 3.
NOW_NS = 1_774_747_800 * NS_PER_S


def health(sensor: str = "PL-1", age_s: float = 0.0, **changes: object) -> SensorHealth:
    usual = {"last_sample_ns": NOW_NS - round(age_s * NS_PER_S), "firmware": "1.4.2"}
    return seed.health_of(sensor, NOW_NS - round(age_s * NS_PER_S), **(usual | changes))


def card(word: SensorHealth | None) -> str:
    return cards.worn(Sensor("PL-1", Placement.T4, word), NOW_NS, BERLIN, LIGHT)


def test_a_worn_sensor_says_where_how_and_since_when() -> None:
    shown = card(health())
    for words in (
        "Upper back (T4)", "Connected", "PL-1", "Battery 87 %", "Strong (−58 dBm)", "just now",
        "1.4.2", "home", "The back, Upper back (T4) marked",
    ):  # fmt: skip
        assert words in shown
    assert "charge it" not in shown


@pytest.mark.parametrize(("percent", "low"), [(20, False), (19, True), (0, True), (None, False)])
def test_a_battery_under_twenty_percent_is_low(percent: int | None, low: bool) -> None:
    word = health(battery_percent=percent)
    assert cards.low(word) is low
    assert ("Battery low: charge it" in card(word)) is low


def test_times_are_on_the_wearers_clock_also_across_daylight_saving() -> None:
    shown = card(health(age_s=3600, state="absent"))
    assert "01:30" in shown  # an hour before 03:30, as the clocks went
    assert "Bring it near the gateway" in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("offline", "gateway is offline"),
        ("refused", "does not read this sensor: not on the list"),
        ("backing_off", "Bring it near the gateway"),
    ],
)
def test_what_is_not_there_says_what_to_do(state: str, words: str) -> None:
    assert words in card(health(age_s=60, state=state, reason="not on the list"))


@pytest.mark.parametrize(("percent", "charge"), [(61, False), (19, True), (None, True)])
@pytest.mark.parametrize("state", ["absent", "live"])
def test_a_silent_sensor_is_to_be_charged_only_where_it_may_be_empty(
    state: str, percent: int | None, charge: bool
) -> None:
    shown = card(health(age_s=3600, state=state, battery_percent=percent))
    assert "Bring it near the gateway" in shown
    assert ("charge it. It keeps" in shown) is charge
    assert "Connected" not in shown


@pytest.mark.parametrize(
    ("state", "age_s", "there"),
    [("live", 0, True), ("refused", 0, True), ("absent", 0, False), ("live", 3600, False)],
)
def test_a_signal_is_of_what_is_heard_now(state: str, age_s: float, there: bool) -> None:
    shown = card(health(age_s=age_s, state=state))
    assert ("Strong (−58 dBm)" in shown) is there
    assert ("None just now" in shown) is not there


def test_a_sensor_that_nobody_has_heard_of_says_so() -> None:
    assert "Not seen yet" in card(None)
    assert "Switch it on near the gateway" in card(None)


@pytest.mark.parametrize(
    ("rssi_dbm", "words"),
    [
        (-65, "strong signal"),
        (-66, "fair signal"),
        (-79, "fair signal"),
        (-80, "weak signal"),
        (None, "unknown signal"),
    ],
)
def test_the_signal_in_words(rssi_dbm: int | None, words: str) -> None:
    assert cards.signal(rssi_dbm) == words


def test_found_are_free_ones_by_who_is_there_and_by_signal() -> None:
    words = [
        health("far", rssi_dbm=-85),
        health("near", rssi_dbm=-45),
        health("gone", age_s=7200, state="absent", rssi_dbm=-30),
        health("taken"),
        seed.health_of("never", 0, state="unknown"),
    ]
    found = cards.found(words, {"far", "near", "gone", "never"})
    assert [(one.sensor, one.there) for one in found] == [
        ("near", True), ("far", True), ("gone", False),
    ]  # fmt: skip


def test_of_two_gateways_the_latest_word_counts() -> None:
    words = [health("PL-1", state="live"), health("PL-1", age_s=30, state="absent")]
    (one,) = cards.found(words, {"PL-1"})
    assert one.there


def test_only_so_many_found_ones_are_listed() -> None:
    words = [health(f"PL-{i}") for i in range(100)]
    assert len(cards.found(words, {w.sensor for w in words})) == cards.MAX_FOUND


def test_who_shakes_a_sensor_sees_which_it_is() -> None:
    words = [health("a", turning_rad_s=0.02), health("b", turning_rad_s=2.0)]
    rows = cards.listed(cards.found(words, {"a", "b"}), NOW_NS, BERLIN)
    assert rows.index("<b>a</b>") < rows.index(">still<") < rows.index("<b>b</b>")
    assert rows.index("<b>b</b>") < rows.index(">moving<")


def test_t4_and_l5_are_proposed_first_and_taken_places_last() -> None:
    assert cards.proposed(())[:2] == [Placement.T4, Placement.L5]
    assert cards.proposed({Placement.T4})[0] is Placement.L5
    assert cards.proposed({Placement.T4})[-1] is Placement.T4
    assert set(cards.proposed(())) == set(Placement)


def test_nothing_found_blames_the_gateway_where_it_is_offline() -> None:
    away = [health("PL-1", age_s=7200, state="offline")]
    shown = cards.nothing_found(away, NOW_NS, BERLIN)
    assert "Gateway home is offline since 00:30" in shown
    assert "Gateway" not in cards.nothing_found([], NOW_NS, BERLIN)
    assert "Charge a sensor" in cards.nothing_found([], NOW_NS, BERLIN)


def test_words_from_the_air_are_escaped() -> None:
    bad = health("PL-1", firmware="<script>", state="refused", reason="<b>no</b>", age_s=60)
    assert "<script>" not in card(bad)
    assert "<b>no" not in card(bad)
