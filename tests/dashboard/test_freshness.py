from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES, Activity, Posture
from dashboard.reading import freshness
from dashboard.reading.freshness import Freshness
from store.ports import Notice
from tests.dashboard import seed
from tests.dashboard.conftest import EVENING_NS

UTC = ZoneInfo("UTC")
MINUTE_NS = 60 * NS_PER_S


def news(latest_ns: int | None, *health: object, now_ns: int = EVENING_NS) -> freshness.News:
    return freshness.news(latest_ns, health, now_ns=now_ns, zone=UTC, rate_hz=50.0)  # type: ignore[arg-type]


def word(**changes: object) -> object:
    return seed.health_of("PL-0001-T4", **({"at_ns": EVENING_NS - NS_PER_S} | changes))  # type: ignore[arg-type]


def test_recent_data_is_live() -> None:
    assert news(EVENING_NS - 2 * NS_PER_S, word()).kind is Freshness.LIVE


def test_a_store_that_cannot_be_read_or_written_is_the_reason_whatever_sensors_said() -> None:
    latest_ns = EVENING_NS - 10 * MINUTE_NS
    syncing = [word(state="syncing", backlog=720_000, backlog_total=1_440_000)]
    unread = freshness.news(latest_ns, syncing, now_ns=EVENING_NS, zone=UTC, unread=True)  # type: ignore[arg-type]
    assert (unread.kind, unread.headline) == (Freshness.STALE, "Last data 17:20")
    assert "cannot be read" in unread.detail
    full = Notice("analytics", "disk-full", "The disk is full.", EVENING_NS - 9 * MINUTE_NS)
    found = freshness.news(latest_ns, syncing, now_ns=EVENING_NS, zone=UTC, notice=full)  # type: ignore[arg-type]
    assert found.detail == "Nothing could be stored since 17:21: The disk is full."
    empty = freshness.news(None, (), now_ns=EVENING_NS, zone=UTC, notice=full)
    assert (empty.kind, empty.detail) == (Freshness.EMPTY, found.detail)
    live = freshness.news(EVENING_NS, (), now_ns=EVENING_NS, zone=UTC, notice=full)
    assert live.kind is Freshness.LIVE


def test_a_backlog_says_how_much_of_it_is_in() -> None:
    slow = word(state="syncing", backlog=720_000, backlog_total=1_440_000)
    fast = word(state="syncing", backlog=100_000, backlog_total=1_440_000)
    found = news(None, slow, fast)
    assert found.kind is Freshness.SYNCING
    assert found.progress == 0.5
    assert (found.headline, found.detail) == ("Syncing 50 %", "4 h of 8 h in")


def ahead(latest_ns: int | None, *health: object, **said: object) -> freshness.News:
    return freshness.news(  # type: ignore[arg-type]
        latest_ns, health, now_ns=EVENING_NS, zone=UTC, ahead=True, **said
    )


def test_while_now_is_known_what_is_missing_is_on_its_way_and_nothing_is_stale() -> None:
    behind_ns = EVENING_NS - 90 * MINUTE_NS
    left = word(state="syncing", backlog=547_200, backlog_total=1_440_000)
    found = ahead(behind_ns, left, word(outbox_batches=3))
    assert (found.kind, found.headline, found.progress) == (Freshness.AHEAD, "Live", 0.62)
    assert found.detail == "Catching up: 62 % of the earlier data is here, read up to 16:00"
    assert ahead(None, left).detail == "Catching up: 62 % of the earlier data is here"
    found = ahead(behind_ns, word())
    assert (found.kind, found.progress, found.advice) == (Freshness.AHEAD, None, "")
    assert found.detail == "Earlier data is here up to 16:00; the rest follows"
    assert ahead(None).detail == "Earlier data is still arriving"


def test_while_now_is_known_of_one_sensor_what_to_do_about_the_other_is_said() -> None:
    behind_ns = EVENING_NS - 10 * MINUTE_NS
    one_away = ahead(behind_ns, word(), word(state="absent"))
    assert one_away.kind is Freshness.AHEAD
    assert one_away.advice.startswith("Bring the sensors near the gateway")
    assert ahead(behind_ns, word(state="offline"), word(state="offline")).advice == ""


def test_what_is_as_new_as_can_be_is_live_without_a_word_of_what_is_missing() -> None:
    found = ahead(EVENING_NS - 2 * NS_PER_S, word(state="syncing", backlog=900, backlog_total=1000))
    assert found == freshness.News(Freshness.LIVE, "Live")


def test_what_the_gateway_has_and_analytics_not_yet() -> None:
    found = news(EVENING_NS - 90 * MINUTE_NS, word(outbox_batches=12))
    assert (found.kind, found.detail) == (Freshness.CATCHING_UP, "Read up to 16:00")


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (
            (word(state="offline", at_ns=EVENING_NS - 25 * MINUTE_NS),),
            "Gateway offline since 17:05",
        ),
        (
            (word(state="absent", at_ns=EVENING_NS - 25 * MINUTE_NS),),
            "Sensors out of reach or switched off",
        ),
        ((word(state="absent"), word(state="refused")), "Sensor refused"),
        ((word(state="ended"), word(state="ended")), "Sensors switched off"),
        ((word(state="absent"),), "Sensors out of reach or switched off"),
        ((word(state="connecting"),), "Connecting to the sensors"),
        ((word(state="live"),), "Waiting for the next reading"),
        (
            (word(at_ns=EVENING_NS - 30 * MINUTE_NS),),
            "Nothing heard since 17:00; do gateway and analytics run?",
        ),
        ((), "No sensor has been heard yet"),
    ],
)
def test_old_data_is_called_old_and_why(health: tuple[object, ...], why: str) -> None:
    found = news(EVENING_NS - 208 * MINUTE_NS, *health)
    assert found.kind is Freshness.STALE
    assert (found.headline, found.detail) == ("Last data 14:02", why)


@pytest.mark.parametrize(
    ("state", "do"),
    [
        ("offline", "See that the gateway has power"),
        ("ended", "Switch the sensors on."),
        ("absent", "Bring the sensors near the gateway"),
        ("holding", "Make room"),
    ],
)
def test_where_nothing_comes_it_is_said_what_to_do(state: str, do: str) -> None:
    advice = news(EVENING_NS - 208 * MINUTE_NS, word(state=state)).advice
    assert advice.startswith(do)
    assert advice.endswith("they come in by themselves.")


def test_no_advice_where_nothing_can_be_done_here() -> None:
    assert news(EVENING_NS - 208 * MINUTE_NS, word(state="connecting")).advice == ""
    assert news(EVENING_NS - 208 * MINUTE_NS).advice == ""
    assert news(EVENING_NS - NS_PER_S, word()).advice == ""


def test_data_of_another_day_is_dated() -> None:
    assert news(EVENING_NS - 24 * 60 * MINUTE_NS).headline == "Last data 2 Mar, 17:30"


def test_no_data_at_all() -> None:
    assert news(None).kind is Freshness.EMPTY


def frames_of(postures: list[Posture | None]) -> FrameBlock:
    """Seconds that end at EVENING_NS; None is a gap."""
    frames, _ = seed.day_of([seed.Stretch(len(postures) / 60, Activity.SITTING)], 0)
    there = [i for i, p in enumerate(postures) if p is not None]
    columns = {name: getattr(frames, name)[there] for name in FrameBlock.__slots__}
    columns["posture"] = np.array([POSTURES.index(p) for p in postures if p is not None], np.uint8)
    columns["start_ns"] = columns["start_ns"] + EVENING_NS - len(postures) * NS_PER_S
    return FrameBlock(**columns)


U, R = Posture.UPRIGHT, Posture.ROUNDED


@pytest.mark.parametrize(
    ("postures", "held_s", "at_least"),
    [
        ([U] * 10 + [R] * 20, 20, False),
        ([U] * 10 + [R] * 20 + [U] * 5 + [R] * 20, 45, False),
        ([U] * 10 + [R] * 20 + [U] * 6 + [R] * 20, 20, False),
        ([U] * 10 + [R] * 20 + [None] * 5 + [R] * 20, 45, False),
        ([R] * 20 + [None] * 6 + [R] * 20, 20, False),
        ([R] * 30, 30, True),
        ([U] * 30 + [R], 1, False),
    ],
)
def test_how_long_a_posture_has_been_held(
    postures: list[Posture | None], held_s: int, at_least: bool
) -> None:
    found = freshness.moment(frames_of(postures), now_ns=EVENING_NS + NS_PER_S, bridge_s=5.0)
    assert found is not None
    assert (found.frame.posture, found.held_s, found.at_least) == (R, held_s, at_least)
    assert found.current


def test_an_old_second_is_not_now() -> None:
    found = freshness.moment(frames_of([U] * 5), now_ns=EVENING_NS + MINUTE_NS, bridge_s=5.0)
    assert found is not None
    assert not found.current


def test_no_frames_no_moment() -> None:
    assert freshness.moment(FrameBlock.from_rows(()), now_ns=EVENING_NS, bridge_s=5.0) is None
