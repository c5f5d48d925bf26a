from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest

from contracts.errors import Reason, StoreError
from contracts.records import CalibrationOutcome
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, Pattern, Posture, Quality
from dashboard.frame import cards
from dashboard.reading import focus, queries
from dashboard.reading.freshness import Freshness, Moment, News
from dashboard.reading.queries import Now, Numbers, Person, Sensor
from dashboard.today import calibrated
from dashboard.today import cards as today_cards
from tests.dashboard import seed
from tests.dashboard.conftest import EVENING_NS

UTC = ZoneInfo("UTC")
FRAMES, EPISODES = seed.day_of(seed.WORKDAY[:10], EVENING_NS)


def state(*, current: bool = True, worn: bool = True, **frame: object) -> Now:
    last = msgspec.structs.replace(next(FRAMES.rows()), **frame)
    moment = Moment(frame=last, current=current, worn=worn, held_s=192.0, at_least=False)
    return Now(News(Freshness.LIVE, "Live"), moment, (), PostureSettings())


def test_the_posture_now_is_said_in_words() -> None:
    card = today_cards.now(
        state(
            posture=Posture.ROUNDED,
            activity=Activity.TYPING,
            activity_source=ActivitySource.AGENT,
            trunk_flexion_deg=18.2,
            confidence=0.71,
        ),
        UTC,
    )
    for words in (
        "Rounded", "for 3 min 12 s", "Trunk flexion", "18°",
        "Typing, reported by a linked device", "fairly sure (71 %)",
    ):  # fmt: skip
        assert words in card


def test_a_posture_that_was_computed_ahead_is_not_said_to_have_begun_just_then() -> None:
    seen = state(posture=Posture.ROUNDED)
    assert seen.moment is not None
    card = today_cards.now(replace(seen, moment=replace(seen.moment, held_s=None)), UTC)
    assert "Rounded" in card
    assert "for how long is not known yet" in card
    assert "min" not in re.sub(r"<[^>]*>", "", card)


def test_what_is_not_worn_is_never_called_upright() -> None:
    card = today_cards.now(
        state(worn=False, posture=Posture.UPRIGHT, activity=Activity.NOT_WORN), UTC
    )
    assert "Not worn" in card
    assert "Upright" not in card
    assert "never as good posture" in card


def test_an_old_posture_is_not_told_as_the_present_one() -> None:
    card = today_cards.now(state(current=False, posture=Posture.UPRIGHT), UTC)
    assert "Not known now" in card
    assert "Last seen at 17:30: upright." in card


def test_a_second_without_posture_or_calibration_says_so() -> None:
    card = today_cards.now(
        state(
            posture=Posture.UNKNOWN,
            activity=Activity.UNKNOWN,
            quality=Quality.UNCALIBRATED,
            missing=(seed.Placement.L5,),
            trunk_flexion_deg=None,
            thorax_flexion_deg=None,
        ),
        UTC,
    )
    for words in ("Not known", "not calibrated yet", "no readings from Low back (L5)"):
        assert words in card
    assert "pl-gauge" not in card
    assert "sure" not in card


@pytest.mark.parametrize(("deg", "width"), [(-8.0, "0.0%"), (22.5, "50.0%"), (80.0, "100.0%")])
def test_the_gauge_stays_within_its_ends(deg: float, width: str) -> None:
    assert f'class="fill" style="width:{width}"' in today_cards.now(
        state(trunk_flexion_deg=deg), UTC
    )


def test_one_sensor_shows_the_inclination_it_has() -> None:
    card = today_cards.now(state(trunk_flexion_deg=None, thorax_flexion_deg=9.0), UTC)
    assert "Upper trunk inclination" in card


def test_words_of_others_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    person = Person("c", evil, UTC, False, None, None)
    sensor = Sensor("s", seed.Placement.T4, seed.health_of("s", 0, state=evil))
    area = msgspec.structs.replace(seed.UPPER, rule=evil, pattern=evil, why=evil, standing=evil,
                                   front=(evil,), back=(evil,))  # fmt: skip
    episode = msgspec.structs.replace(EPISODES[0], explanation=evil, focus=(area,))
    made = [
        cards.head(person, evil, own=False),
        cards.news(News(Freshness.STALE, evil, evil, advice=evil), [sensor]),
        cards.episode_facts(episode, UTC),
        cards.episode_focus(episode, UTC),
        cards.ranking(focus.rank([episode])),
        cards.trouble(StoreError(Reason.STORE_CORRUPT, evil, hint=evil)),
    ]
    for markup in made:
        assert "<script" not in markup
        assert "&lt;" in markup


def test_the_head_names_somebody_else_and_oneself_not() -> None:
    person = Person("c", "Anna", UTC, True, None, None)
    other = cards.head(person, "Today, 3 March", own=False)
    assert "<h1>Anna</h1>" in other
    assert "Today, 3 March" in other
    assert "simulated" in other
    assert "<h1>Today, 3 March</h1>" in cards.head(person, "Today, 3 March", own=True)


def test_an_episode_shows_pairs_why_ground_and_the_standing_words() -> None:
    chosen = EPISODES[1]
    markup = cards.episode_focus(chosen, UTC)
    for words in (
        "Front: assess", "Pectoralis minor", "Back: related", "Rhomboids", "Long seated or driving time",
        "Janda&#x27;s upper crossed syndrome", "inferred", "not a diagnosis or treatment",
    ):  # fmt: skip
        assert words in markup
    assert markup.count("pl-pair") == len(chosen.focus)
    assert "inferred</span>" not in cards.episode_focus(
        msgspec.structs.replace(chosen, focus=(seed.UPPER,)), UTC
    )


def test_a_proxy_says_that_it_is_one() -> None:
    chosen = msgspec.structs.replace(EPISODES[0], pattern=Pattern.FORWARD_HEAD, focus=())
    assert "proxy" in cards.episode_facts(chosen, UTC)
    assert "No focus area" in cards.episode_focus(chosen, UTC)


def test_an_episode_that_goes_on_ends_now() -> None:
    going_on = msgspec.structs.replace(EPISODES[0], ongoing=True)
    assert "– now**" in cards.episode_line(going_on, UTC)
    assert "– now" not in cards.episode_line(EPISODES[0], UTC)
    assert "Upper back rounding · sitting · peak" in cards.episode_line(EPISODES[0], UTC)


def test_a_backlog_has_a_progress_bar() -> None:
    markup = cards.news(News(Freshness.SYNCING, "Syncing 62 %", "5 h of 8 h in", 0.62), [])
    assert 'aria-valuenow="62"' in markup
    assert "5 h of 8 h in" in markup


def test_what_to_do_stands_beside_what_is_stale() -> None:
    word = News(Freshness.STALE, "Last data 14:02", "Gateway offline", advice="See to it.")
    assert '<span class="advice">See to it.</span>' in cards.news(word, [])
    assert "advice" not in cards.news(News(Freshness.LIVE, "Live"), [])


def outcome(at_ns: int, *, accepted: bool, message: str = "") -> CalibrationOutcome:
    return CalibrationOutcome(
        effective_ns=at_ns, accepted=accepted, message=message, hint="Sit still for it."
    )


def test_a_refused_calibration_is_said_with_its_hint_and_where_to_go() -> None:
    refused = outcome(EVENING_NS, accepted=False, message="You <moved>.")
    now_ns = EVENING_NS + 60 * NS_PER_S
    card = calibrated.card([refused], state(), UTC, now_ns=now_ns, link="my-sensors")
    for words in (
        "Today, 3 March, 17:30: You &lt;moved&gt;. Sit still for it.",
        'href="my-sensors"',
        "Calibrate again",
    ):
        assert words in card
    assert "stays in force" not in card
    before = outcome(0, accepted=True)
    card = calibrated.card([before, refused], state(), UTC, now_ns=now_ns, link="")
    assert "The calibration before it stays in force." in card
    assert "href" not in card
    assert calibrated.card([refused, before], state(), UTC, now_ns=now_ns, link="x") == ""


def test_without_a_calibration_it_leads_to_the_wizard() -> None:
    worn = (Sensor("s", seed.Placement.T4, None),)
    waiting = Now(News(Freshness.EMPTY, "No data yet"), None, worn, PostureSettings())
    card = calibrated.card([], waiting, UTC, now_ns=0, link="my-sensors")
    assert "Not calibrated yet" in card
    assert "Calibrate now" in card
    uncalibrated = msgspec.structs.replace(next(FRAMES.rows()), quality=Quality.UNCALIBRATED)
    moment = Moment(uncalibrated, current=True, worn=True, held_s=1.0, at_least=False)
    seen = Now(waiting.news, moment, worn, PostureSettings())
    assert "Not calibrated yet" in calibrated.card([], seen, UTC, now_ns=0, link="")
    assert calibrated.card([], state(), UTC, now_ns=0, link="my-sensors") == ""
    nobody = Now(waiting.news, None, (), PostureSettings())
    assert calibrated.card([], nobody, UTC, now_ns=0, link="my-sensors") == ""


def test_numbers_of_an_empty_day_are_no_zero_percent() -> None:
    markup = today_cards.numbers(Numbers(0, 0, 0, 0.0, {}, {}))
    assert "– of worn time" in markup
    assert "none so far" in markup


@pytest.mark.parametrize(
    ("day", "sensors", "words"),
    [
        (date(2026, 3, 4), (), "not come yet"),
        (date(2026, 3, 2), (), "Nothing recorded"),
        (date(2026, 3, 3), (), "No sensor is assigned yet"),
        (date(2026, 3, 3), (Sensor("s", seed.Placement.T4, None),), "Put the sensors on"),
    ],
)
def test_an_empty_day_says_what_to_do(day: date, sensors: tuple[Sensor, ...], words: str) -> None:
    empty = queries.Day(day, 0, NS_PER_S, (), (), Numbers(0, 0, 0, 0.0, {}, {}), ())
    assert words in cards.empty_day(empty, date(2026, 3, 3), sensors)
