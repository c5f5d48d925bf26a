"""A replay on real stores: whole days of the wearer's zone, beside live work, as told and at two marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from analytics.replay import finish, replay
from contracts.errands import ErrandFailure, ReplayDay, ReplayResult, ReplayWish
from contracts.errors import SettingError
from contracts.records import FrameBlock, Rollup
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from store import open_series
from store.people_ports import Errand, ErrandKind, ErrandState
from store.ports import Commit, SeriesStore, Wearer, WearerRows
from tests.analytics.hand_worker import BEGIN_NS, HandWorker
from tests.store.records import frames_from

WEARER = "w"
#: 2026-09-20 and the two days after it begin at 22:00 UTC the day before in Berlin.
DAY_S = [1_789_855_200 + 86_400 * n for n in range(3)]
SETTINGS = PostureSettings(rounded_warn_deg=12.0, episode_s=60.0)


def held(start_s: int, *pieces: tuple[int, float]) -> FrameBlock:
    """Frames of seconds held at these flexions."""
    flexion_deg = np.concatenate([np.full(seconds, deg) for seconds, deg in pieces])
    block = frames_from(start_s, flexion_deg.size)
    block.activity[:] = list(Activity).index(Activity.SITTING)
    block.trunk_flexion_deg[:] = flexion_deg
    return block


def told(start_s: int, worn_s: int, rounded_s: int) -> Rollup:
    return Rollup(
        start_ns=start_s * NS_PER_S,
        worn_s=worn_s,
        posture_s={Posture.ROUNDED: rounded_s},
        activity_s={Activity.SITTING: worn_s},
        rounded_activity_s={Activity.SITTING: rounded_s},
        episodes=3,
        longest_episode_s=99,
    )


def fill(store: SeriesStore) -> None:
    """Two days with frames, of which the second is over 20 minutes long, and one without."""
    first = held(DAY_S[0] + 3600, (300, 13.0), (100, 5.0), (200, 18.0))
    # its episode crosses the border of a step
    second = held(DAY_S[1] + 1000, (900, 16.0))
    rows = WearerRows(
        WEARER,
        FrameBlock.concat([first, second]),
        days=[told(DAY_S[0], 600, 500), told(DAY_S[1], 900, 10), told(DAY_S[2], 50, 40)],
    )
    store.commit(Commit([rows]))


def day(start_s: int, worn_s: int, rounded_s: int, episodes: int, longest_s: int) -> ReplayDay:
    return ReplayDay(
        start_ns=start_s * NS_PER_S,
        worn_s=worn_s,
        rounded_s=rounded_s,
        episodes=episodes,
        longest_episode_s=longest_s,
    )


RESULT = ReplayResult(
    mark_deg=15.0,
    own_mark_deg=12.0,
    wished=(
        day(DAY_S[0], 600, 200, 1, 200),
        day(DAY_S[1], 900, 900, 1, 900),
        day(DAY_S[2], 0, 0, 0, 0),  # its frames are no longer kept
    ),
    own=(
        day(DAY_S[0], 600, 500, 2, 300),
        day(DAY_S[1], 900, 900, 1, 900),
        day(DAY_S[2], 0, 0, 0, 0),
    ),
    told=(
        day(DAY_S[0], 600, 500, 3, 99),
        day(DAY_S[1], 900, 10, 3, 99),
        day(DAY_S[2], 50, 40, 3, 99),
    ),
)
#: From the middle of the first day to the middle of the last.
WISH = ReplayWish(
    start_ns=(DAY_S[0] + 40_000) * NS_PER_S,
    end_ns=(DAY_S[2] + 40_000) * NS_PER_S,
    mark_deg=15.0,
)


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[HandWorker]:
    hand = HandWorker(tmp_path)
    hand.registry.put_wearer(Wearer(WEARER, "Somebody", "Europe/Berlin"))
    hand.registry.set_settings(WEARER, SETTINGS)
    hand.clock_ns = 0  # live
    yield hand
    hand.close()


def ask(hand: HandWorker, body: str) -> None:
    hand.registry.people.ask(Errand("e", ErrandKind.REPLAY, WEARER, "a", 1, body))


def wish_body(wish: ReplayWish) -> str:
    return msgspec.json.encode(wish).decode()


@pytest.mark.parametrize("kind", ["sqlite", "influx"])
def test_whole_days_at_both_marks_and_as_told(
    hand: HandWorker, kind: str, request: pytest.FixtureRequest
) -> None:
    store: SeriesStore = hand.store
    if kind == "influx":
        store = open_series(request.getfixturevalue("influx_server").url())
    fill(store)
    steps: list[None] = []
    found = finish(
        replay(WEARER, WISH, series=store, registry=hand.registry), lambda: steps.append(None)
    )
    assert found == RESULT
    assert len(steps) > 3 * 70  # a day is read in pieces
    if kind == "influx":
        store.close()


def test_asked_for_by_a_page_it_is_done_beside_live_work(hand: HandWorker) -> None:
    fill(hand.store)
    hand.wear("live", T4="s4", L5="s5")
    hand.start()
    ask(hand, wish_body(WISH))
    turns, second = 0, 0
    while hand.registry.people.errands()[0].state is ErrandState.ASKED:
        if turns % 20 == 0:
            hand.send("s4", second)
            hand.send("s5", second)
            second += 1
        hand._now_s += 0.05
        hand.worker.turn(hand._now_s)
        turns += 1
    (errand,) = hand.registry.people.errands()
    assert errand.state is ErrandState.DONE
    assert msgspec.json.decode(errand.result, type=ReplayResult) == RESULT
    assert turns > 3 * 70
    live = hand.store.frames("live", 0, 2**62)
    assert int(live.start_ns[-1]) >= BEGIN_NS + (second - 3) * NS_PER_S
    assert hand.store.count_rows(WEARER)["frames"] == 1500  # nothing of it was written


def test_what_cannot_be_replayed_says_why(hand: HandWorker) -> None:
    hand.start()
    wrong = {
        "e1": ("not json", "cannot be read"),
        "e2": (wish_body(WISH).replace("15.0", "75.0"), "mark_deg"),
        "e3": ('{"start_ns":1,"end_ns":2}', "cannot be read"),
    }
    for name, (body, _) in wrong.items():
        hand.registry.people.ask(Errand(name, ErrandKind.REPLAY, WEARER, "a", 1, body))
    for _ in range(20):
        hand.turn()
    for errand in hand.registry.people.errands():
        assert errand.state is ErrandState.FAILED
        failure = msgspec.json.decode(errand.result, type=ErrandFailure)
        assert wrong[errand.errand][1] in failure.message
    with pytest.raises(SettingError, match="no wearer"):
        finish(
            replay("nobody", WISH, series=hand.store, registry=hand.registry),
            lambda: None,
        )


def test_a_wearer_without_any_data_has_no_days(hand: HandWorker) -> None:
    found = finish(replay(WEARER, WISH, series=hand.store, registry=hand.registry), lambda: None)
    assert (found.wished, found.own, found.told) == ((), (), ())
