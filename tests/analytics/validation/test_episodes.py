"""Found episodes against true ones, on cases small enough to count by hand."""

from __future__ import annotations

import math

import pytest

from analytics.validation.episodes import (
    EpisodeScore,
    Stretch,
    episode_figures,
    joined,
    score_episodes,
)
from analytics.validation.truth import Interval
from contracts.records import Episode
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Pattern, Posture

START_NS = 1_700_000_000 * NS_PER_S


def found(*stretches: Stretch) -> list[Episode]:
    return [
        Episode(
            start_ns=START_NS + round(start_s * NS_PER_S),
            end_ns=START_NS + round(end_s * NS_PER_S),
            pattern=Pattern.UPPER_THORACIC,
            activity=Activity.SITTING,
            mean_flexion_deg=20.0,
            peak_flexion_deg=25.0,
            rounded_s=int(end_s - start_s),
            confidence=0.9,
            ongoing=False,
            explanation="",
        )
        for start_s, end_s in stretches
    ]


def truth(*rows: tuple[float, float, Posture]) -> tuple[Interval, ...]:
    return tuple(Interval(start, end, posture, Activity.SITTING) for start, end, posture in rows)


SESSION = truth(
    (0, 60, Posture.UPRIGHT),
    (62, 100, Posture.ROUNDED),
    (105, 130, Posture.ROUNDED),  # 5 s apart: one episode of 68 s
    (132, 160, Posture.ROUNDED),  # and on: 98 s in all
    (170, 260, Posture.FORWARD_LEAN),
    (270, 299, Posture.ROUNDED),  # shorter than an episode
    (310, 400, Posture.ROUNDED),
)


def scored(*stretches: Stretch) -> EpisodeScore:
    return score_episodes(found(*stretches), START_NS, SESSION)


def test_rounded_stretches_at_most_five_seconds_apart_are_one() -> None:
    assert joined([(0, 10), (15, 20), (25.5, 30)]) == [(0, 20), (25.5, 30)]
    assert joined([]) == []


def test_an_episode_is_found_when_one_found_covers_half_of_it() -> None:
    assert scored((61, 158), (311, 400)).found == 2
    assert scored((111, 160), (311, 400)).found == 2  # 49 of 98 s
    assert scored((112, 160), (311, 400)).found == 1
    two_halves = scored((62, 110), (115, 160))
    assert (two_halves.true, two_halves.found) == (2, 0)
    assert two_halves.missed_s == ((62, 160), (310, 400))


def test_the_onset_is_that_of_the_found_episode_that_covers_most() -> None:
    assert scored((60, 90), (96, 160), (314, 400)).onset_error_s == (34.0, 4.0)


def test_a_false_episode_is_put_where_most_of_it_lies() -> None:
    false = scored((0, 30), (40, 75), (180, 250), (255, 330))
    assert (false.false_upright, false.false_other) == (2, 1)
    assert false.false_s == ((0, 30), (40, 75), (180, 250))
    assert false.overrun_upright_s == 30 + 20
    assert false.overrun_other_s == 70 + 5
    assert (false.upright_s, false.other_s) == (60, 90)


def test_a_found_episode_that_begins_too_early_is_not_false_but_its_time_is_told() -> None:
    early = scored((210, 400))
    assert (early.false_upright, early.false_other, early.found) == (0, 0, 1)
    assert early.overrun_other_s == 50
    assert early.onset_error_s == (-100.0,)


def test_figures_add_recordings_up() -> None:
    figures = episode_figures([scored((61, 158), (311, 400)), scored((0, 40), (62, 160))])
    assert (figures.true, figures.found) == (4, 3)
    assert figures.recall == 0.75
    assert figures.false_an_hour_upright == pytest.approx(1 / (120 / 3600))
    assert figures.false_an_hour_other == 0.0
    assert figures.onset_error_median_s == 0.0  # of −1, 1 and 0
    assert figures.onset_within_3_s == 1.0
    assert figures.overrun_share_upright == pytest.approx(40 / 120)


def test_nothing_gives_no_figures_rather_than_good_ones() -> None:
    nothing = episode_figures([score_episodes([], 0, truth((0, 9, Posture.RECLINED)))])
    assert math.isnan(nothing.recall)
    assert math.isnan(nothing.false_an_hour_upright)
    assert math.isnan(nothing.onset_error_median_s)
    assert nothing.false_an_hour_other == 0.0
