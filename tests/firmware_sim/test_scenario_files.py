"""Wearers from files: what they do is what the file says, and nothing else is let through."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement, Posture
from firmware_sim.faults import DriftingClock, SlippedStrap
from firmware_sim.fleet import TruthSpan
from firmware_sim.scenario_files import MAX_MOVES, MAX_SCENARIO_BYTES, ScenarioFile, decode_scenario
from firmware_sim.testing import FastAir, Worn

TWO_MOVES = b"""
hours = 0.1
placements = ["T4", "L5"]
[[move]]
posture = "upright"
hold_s = 60.0
[[move]]
posture = "rounded"
activity = "typing"
reach_s = 10.0
hold_s = 30.0
curl_deg = 28.0
"""
NOW_NS = 1_767_225_600 * NS_PER_S


def test_the_wearer_does_what_the_file_says_and_stays_so() -> None:
    wearer = Worn.of(decode_scenario(TWO_MOVES, toml=True), None, now_ns=NOW_NS)
    spans = wearer.truth.spans(wearer.start_ns, wearer.start_ns + 3600 * NS_PER_S)
    told = [
        (round((span.start_ns - wearer.start_ns) / NS_PER_S), span.posture, span.activity)
        for span in spans
        if span.start_ns - wearer.start_ns > 60 * NS_PER_S
    ]
    rounded = (Posture.ROUNDED, Activity.TYPING)
    assert told[-1][1:] == rounded
    assert (
        124 <= told[-1][0] <= 132
    )  # 60 s of calibration, 2 and 60 s upright, most of 10 s on the way
    assert spans[-1].end_ns == wearer.start_ns + 3600 * NS_PER_S


def test_the_sensors_measure_it_and_a_plan_happens_to_them() -> None:
    told = decode_scenario(TWO_MOVES, toml=True)
    slip = SlippedStrap(at_s=90.0, lasts_s=20.0, forward_deg=30.0, sensor="T4")
    drift = DriftingClock(at_s=0.0, lasts_s=360.0, ppm=100.0, sensor="PL-L5")
    plain, faulted = (Worn.of(told, plan, now_ns=NOW_NS) for plan in (None, [slip, drift]))
    for worn in (plain, faulted):
        for sensor in worn.sensors:
            sensor.firmware.advance(NOW_NS)
    (usual,), (slipped,) = plain.taken("T4"), faulted.taken("T4")
    at_s = (usual.true_ns - plain.start_ns) / NS_PER_S
    during = (at_s > 90.5) & (at_s < 109.5)
    outside = (at_s < 90) | (at_s > 110)
    assert (usual.samples[outside] == slipped.samples[outside]).all()
    turned_deg = flexion_deg(slipped.samples) - flexion_deg(usual.samples)
    assert turned_deg[during] == pytest.approx(30.0, abs=0.1)
    rates_hz = [len(worn.taken("L5")[0].sequences) / 360.0 for worn in (plain, faulted)]
    assert rates_hz[1] / rates_hz[0] == pytest.approx(1 + 100e-6, abs=60e-6)


def flexion_deg(samples: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(samples[:, 2].astype(float), samples[:, 0].astype(float)))


def test_a_habit_is_drawn_by_the_seed() -> None:
    days = [rounded_day(0.9, seed) for seed in (1, 1, 2)]
    assert days[0] == days[1] != days[2]
    assert rounded_s(days[0]) > 3 * rounded_s(rounded_day(0.1, 1))


def rounded_day(share: float, seed: int) -> list[TruthSpan]:
    part = {"doing": "desk", "low_min": 20, "high_min": 30}
    habit = {"hours": 2.0, "seed": seed, "habit": {"rounded": share, "parts": [part]}}
    return FastAir(None, decode_scenario(msgspec.json.encode(habit), toml=False)).did()


def rounded_s(day: list[TruthSpan]) -> float:
    spans = (span for span in day if span.posture is Posture.ROUNDED)
    return sum(span.end_ns - span.start_ns for span in spans) / NS_PER_S


def test_without_either_it_is_the_usual_working_day() -> None:
    assert decode_scenario(b"{}", toml=False) == ScenarioFile()
    assert ScenarioFile().placements == (Placement.T4, Placement.L5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hours = 25.0", "hours"),
        ("hour = 1.0", "hour"),
        ("placements = []", "placements"),
        ("placements = ['T4', 'T4']", "twice"),
        ("placements = ['knee']", "knee"),
        ("[[move]]\nposture = 'upright'", "hold_s"),
        ("[[move]]\nposture = 'upright'\nhold_s = 1.0\nsway = 1.0", "sway"),
        (
            "[[move]]\nposture = 'upright'\nhold_s = 1.0\n[habit]\nparts = [{doing = 'walk', low_min = 1.0, high_min = 2.0}]",
            "both",
        ),
        ("[habit]\nparts = [{doing = 'walk', low_min = 3.0, high_min = 2.0}]", "low_min"),
        ("[habit]\nparts = []", "parts"),
    ],
)
def test_what_is_no_scenario_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(SettingError) as refused:
        decode_scenario(text.encode(), toml=True)
    assert said in refused.value.message


def test_a_scenario_has_its_caps() -> None:
    told = decode_scenario(TWO_MOVES, toml=True)
    moves = (told.moves[0],) * MAX_MOVES
    data = msgspec.json.encode(msgspec.structs.replace(told, moves=moves))
    if len(data) <= MAX_SCENARIO_BYTES:
        assert decode_scenario(data, toml=False).moves == moves
    more = b'{"move":[' + b",".join([b'{"posture":"upright","hold_s":1}'] * (MAX_MOVES + 1)) + b"]}"
    with pytest.raises(SettingError, match="move"):
        decode_scenario(more, toml=False)
    with pytest.raises(SettingError, match="bytes"):
        decode_scenario(b" " * (MAX_SCENARIO_BYTES + 1), toml=True)
