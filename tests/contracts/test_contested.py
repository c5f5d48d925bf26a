"""One connection that ends soon is an accident, four in a row are another service."""

from __future__ import annotations

from contracts.contested import SOON_S, TIMES, Contest


def lived(contest: Contest, *lives_s: float) -> str:
    now_s = 0.0
    for life_s in lives_s:
        contest.up(now_s)
        now_s += life_s
        contest.down(now_s)
        now_s += 1.0
    return contest.said


def test_connections_that_all_end_soon_are_contested() -> None:
    assert lived(Contest("x"), *[0.5] * (TIMES - 1)) == ""
    assert "another service" in lived(Contest("x"), *[0.5] * TIMES)
    assert "under the id x?" in lived(Contest("x"), *[0.5] * 1000)


def test_one_that_lasts_ends_the_suspicion() -> None:
    contest = Contest("x")
    assert lived(contest, *[0.5] * TIMES)
    assert lived(contest, SOON_S) == ""
    assert lived(contest, *[0.5] * (TIMES - 1), SOON_S, 0.5) == ""


def test_connections_that_never_come_up_say_nothing() -> None:
    contest = Contest("x")
    for now_s in range(2 * TIMES):
        contest.down(float(now_s))
    assert contest.said == ""
