"""What every series store promises, on each adapter."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import InvariantError, Reason, StoreError
from contracts.records import (
    CalibrationOutcome,
    Episode,
    Frame,
    FrameBlock,
    Nudge,
    NudgeAfter,
    NudgeFelt,
    Rollup,
    SensorHealth,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, NudgeKind
from store.ports import Commit, SeriesStore, StreamKey, WearerRows
from tests.store import processes
from tests.store.records import (
    BLOCKS,
    CALIBRATIONS,
    EPISODES,
    FIRST_S,
    FRAMES,
    HEALTH,
    IDS,
    NUDGES,
    ROLLUPS,
    assert_same_frames,
    by_start,
    episode,
    erase,
    frames_from,
    minute,
    nudge,
)

EVER = (0, 2**63 - 1)
NOBODY = FrameBlock.from_rows(())
KEY = processes.KEY
shared = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def rows(wearer: str = "w", frames: FrameBlock = NOBODY, **rest: object) -> WearerRows:
    return WearerRows(wearer, frames, **rest)


def write(store: SeriesStore, *wearers: WearerRows) -> None:
    store.commit(Commit(wearers))


@shared
@given(outcomes=st.lists(CALIBRATIONS, max_size=5))
def test_calibrations_come_back_exactly(
    store: SeriesStore, outcomes: list[CalibrationOutcome]
) -> None:
    erase(store, "w")
    write(store, rows(calibrations=outcomes))
    latest = {outcome.effective_ns: outcome for outcome in outcomes}
    assert store.calibrations("w") == [latest[at_ns] for at_ns in sorted(latest)]
    assert store.calibrations("somebody else") == []


@shared
@given(frames=BLOCKS, wearer=IDS)
def test_frames_come_back_exactly(store: SeriesStore, frames: FrameBlock, wearer: str) -> None:
    erase(store, wearer)
    write(store, rows(wearer, frames))
    assert_same_frames(store.frames(wearer, *EVER), frames)


@shared
@given(minutes=st.lists(ROLLUPS, max_size=8), days=st.lists(ROLLUPS, max_size=3))
def test_rollups_come_back_exactly(
    store: SeriesStore, minutes: list[Rollup], days: list[Rollup]
) -> None:
    erase(store, "w")
    write(store, rows(minutes=minutes, days=days))
    assert store.minutes("w", *EVER) == by_start(minutes)
    assert store.days("w", *EVER) == by_start(days)


@shared
@given(episodes=st.lists(EPISODES, max_size=8))
def test_episodes_come_back_exactly(store: SeriesStore, episodes: list[Episode]) -> None:
    erase(store, "w")
    write(store, rows(episodes=episodes))
    assert store.episodes("w", *EVER) == by_start(episodes)


@shared
@given(nudges=st.lists(NUDGES, max_size=8))
def test_nudges_come_back_exactly(store: SeriesStore, nudges: list[Nudge]) -> None:
    erase(store, "w")
    write(store, rows(nudges=nudges))
    latest: dict[tuple[int, str], Nudge] = {}
    for one in nudges:
        key = (one.at_ns, one.kind.value)
        latest[key] = known(latest.get(key), one)
    assert store.nudges("w", *EVER) == [latest[key] for key in sorted(latest)]
    assert store.nudges("somebody else", *EVER) == []


def known(before: Nudge | None, new: Nudge) -> Nudge:
    """A row written again: what it does not know of later facts stays."""
    if before is None:
        return new
    kept: dict[str, object] = {}
    if new.felt is None:
        kept |= {"felt": before.felt, "felt_why": before.felt_why}
    if new.after is None:
        names = ("after", "upright_after_s", "held_s")
        kept |= {name: getattr(before, name) for name in names}
    return msgspec.structs.replace(new, **kept)


def test_what_is_learned_of_a_nudge_comes_to_its_row(store: SeriesStore) -> None:
    write(store, rows(nudges=[nudge(60), nudge(60, NudgeKind.BREAK), nudge(90)]))
    at = {"at_ns": 60 * NS_PER_S, "kind": NudgeKind.POSTURE}
    pulse = NudgeFelt(**at, felt=False, why='no "answer" from the sensor, ' + "ä" * 40)
    first = NudgeAfter(**at, after=Afterwards.UPRIGHT, upright_after_s=7)
    write(store, rows(felt=[pulse], sequels=[first]))
    write(
        store,
        rows(sequels=[NudgeAfter(**at, after=Afterwards.UPRIGHT, upright_after_s=7, held_s=31)]),
    )
    write(store, rows(nudges=[nudge(60)]))  # once more, as after a commit that was in doubt
    prompt, nudged, later = store.nudges("w", *EVER)
    assert (prompt.felt, prompt.after, later.felt, later.after) == (None,) * 4
    assert (nudged.felt, nudged.felt_why) == (False, pulse.why)
    assert (nudged.after, nudged.upright_after_s, nudged.held_s) == (Afterwards.UPRIGHT, 7, 31)


def test_a_fact_of_no_nudge_is_nothing(store: SeriesStore) -> None:
    pulse = NudgeFelt(at_ns=60 * NS_PER_S, kind=NudgeKind.POSTURE, felt=True)
    write(store, rows(felt=[pulse], nudges=[nudge(61)]))
    assert store.nudges("w", *EVER) == [nudge(61)]
    assert store.count_rows("w")["nudges"] == 1


@shared
@given(
    days=st.dictionaries(IDS, st.lists(ROLLUPS, max_size=3), max_size=4),
    start_s=st.integers(FIRST_S, FIRST_S + 20),
    length_s=st.integers(0, 20),
)
def test_days_of_several_are_the_days_of_each(
    store: SeriesStore, days: dict[str, list[Rollup]], start_s: int, length_s: int
) -> None:
    write(store, *(rows(wearer, days=found) for wearer, found in days.items()))
    for interval in (EVER, (start_s * NS_PER_S, (start_s + length_s) * NS_PER_S)):
        each = {wearer: store.days(wearer, *interval) for wearer in days}
        found = store.days_of([*days, *days, "nobody"], *interval)
        assert found == {wearer: of for wearer, of in each.items() if of}
    for wearer in days:
        erase(store, wearer)


def test_days_of_a_thousand_are_one_question(store: SeriesStore) -> None:
    wearers = [f"somebody-of-a-large-clinic-{number:04d}" for number in range(1000)]
    write(store, *(rows(wearer, days=[minute(86_400)]) for wearer in wearers))
    found = store.days_of([*wearers, 'no"id', "a|b", ".*"], *EVER)
    assert sorted(found) == wearers
    assert store.days_of([".*"], *EVER) == store.days_of([], *EVER) == {}


def test_what_several_have_last_is_what_each_has_last(store: SeriesStore) -> None:
    whole = frames_from(FIRST_S, 3)
    bare = replace(frames_from(FIRST_S + 3, 3), head_flexion_deg=np.full(3, np.nan))
    write(store, rows("a", FrameBlock.concat([whole, bare])), rows("b", whole))
    write(store, rows("c", days=[minute(86_400)]))
    found = store.latest_frames(["a", "b", "b", "c", "nobody", ".*"])
    assert set(found) == {"a", "b"}
    for wearer, block in found.items():
        assert_same_frames(block, store.latest_frame(wearer))
    assert store.latest_frames([]) == store.latest_frames(["nobody"]) == {}


def test_calibrations_of_several_are_those_of_each(store: SeriesStore) -> None:
    later, earlier = (
        CalibrationOutcome(effective_ns=at_s * NS_PER_S, accepted=bool(at_s % 2), message="said")
        for at_s in (7, 4)
    )
    write(store, rows("a", calibrations=[later, earlier]), rows("b", calibrations=[later]))
    found = store.calibrations_of(["b", "a", "nobody", ".*"])
    assert found == {"a": [earlier, later], "b": [later]}
    assert store.calibrations_of([]) == {}


@shared
@given(frames=st.lists(FRAMES, max_size=3), wearer=IDS)
def test_the_second_computed_ahead_comes_back_exactly_and_is_the_last(
    store: SeriesStore, frames: list[Frame], wearer: str
) -> None:
    erase(store, wearer)
    assert len(store.ahead(wearer)) == 0
    for frame in frames:
        ahead = FrameBlock.from_rows([frame])
        write(store, WearerRows(wearer, ahead=ahead))
        write(store, WearerRows(wearer))  # what has none leaves the one before
        assert_same_frames(store.ahead(wearer), ahead)
    assert store.count_rows(wearer)["ahead"] == min(len(frames), 1)
    assert len(store.ahead("somebody else")) == 0


def test_the_second_computed_ahead_is_no_frame_and_no_checkpoint(
    store: SeriesStore, open_again: Callable[..., SeriesStore]
) -> None:
    only = WearerRows("ahead-alone", ahead=frames_from(FIRST_S, 1))
    store.commit(Commit([rows("w", frames_from(FIRST_S, 2), snapshot=b"s")], {KEY: 1}))
    store.commit(Commit([only, WearerRows("w", ahead=frames_from(FIRST_S + 9, 1))]))
    assert_same_frames(open_again(read_only=True).ahead("w"), frames_from(FIRST_S + 9, 1))
    assert store.checkpoint().snapshots == {"w": b"s"}
    assert store.checkpoint().cursors == {KEY: 1}
    assert [(w.wearer, w.frames) for w in store.wearers()] == [("w", 2)]
    assert len(store.frames("w", *EVER)) == 2
    assert store.latest_frame("w").start_ns.tolist() == [(FIRST_S + 1) * NS_PER_S]
    assert set(store.latest_frames(["w", "ahead-alone"])) == {"w"}
    assert store.minutes("w", *EVER) == store.days("w", *EVER) == []
    assert store.prune_frames((FIRST_S + 60) * NS_PER_S) == 2
    assert erase(store, "ahead-alone") == 1
    assert len(store.ahead("ahead-alone")) == 0


def test_what_was_computed_ahead_is_there_for_whoever_goes_on(
    store: SeriesStore, open_again: Callable[..., SeriesStore]
) -> None:
    write(store, WearerRows("w", ahead=frames_from(FIRST_S, 1)))
    store.close()
    after = open_again()
    after.claim()
    assert_same_frames(after.ahead("w"), frames_from(FIRST_S, 1))
    write(after, WearerRows("w", ahead=frames_from(FIRST_S + 1, 1)))
    assert_same_frames(after.ahead("w"), frames_from(FIRST_S + 1, 1))
    assert after.count_rows("w")["ahead"] == 1


def test_of_what_is_computed_ahead_the_newest_second_alone_is_taken(store: SeriesStore) -> None:
    crooked = frames_from(FIRST_S, 1)
    crooked.start_ns[0] += 1
    for refused, said in ((frames_from(FIRST_S, 2), "newest alone"), (crooked, "whole second")):
        with pytest.raises(InvariantError, match=said):
            store.commit(Commit([rows("w", frames_from(FIRST_S, 5), ahead=refused)], {KEY: 1}))
    assert store.wearers() == []
    assert len(store.ahead("w")) == 0


def test_nudges_of_one_second_and_of_an_interval(store: SeriesStore) -> None:
    both = [nudge(60, NudgeKind.BREAK), nudge(60)]
    write(store, rows("w", nudges=[*both, nudge(61)]), rows("v", nudges=[nudge(60)]))
    assert store.nudges("w", 60 * NS_PER_S, 61 * NS_PER_S) == both
    assert store.nudges("w", 60 * NS_PER_S + 1, 62 * NS_PER_S) == [nudge(61)]
    assert store.nudges("w", 61 * NS_PER_S, 61 * NS_PER_S) == []


@shared
@given(health=st.lists(HEALTH, max_size=6, unique_by=lambda h: (h.gateway, h.sensor)))
def test_health_comes_back_exactly(store: SeriesStore, health: list[SensorHealth]) -> None:
    store.commit(Commit(health=health))
    found = {(h.gateway, h.sensor): h for h in store.health()}
    assert {(h.gateway, h.sensor): h for h in health}.items() <= found.items()


@shared
@given(
    pairs=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=10),
    start_s=st.integers(0, 70),
    length_s=st.integers(0, 20),
)
def test_episodes_that_overlap_an_interval(
    store: SeriesStore, pairs: list[tuple[int, int]], start_s: int, length_s: int
) -> None:
    erase(store, "w")
    kept = by_start([episode(a, a + b) for a, b in pairs])
    write(store, rows(episodes=kept))
    start_ns, end_ns = start_s * NS_PER_S, (start_s + length_s) * NS_PER_S
    wanted = [e for e in kept if e.start_ns < end_ns and e.end_ns > start_ns]
    assert store.episodes("w", start_ns, end_ns) == wanted


def test_intervals_hold_their_start_and_not_their_end(store: SeriesStore) -> None:
    write(store, rows(frames=frames_from(100, 10), minutes=[minute(60), minute(120)]))
    found = store.frames("w", 103 * NS_PER_S, 105 * NS_PER_S)
    assert (found.start_ns // NS_PER_S).tolist() == [103, 104]
    assert len(store.frames("w", 103 * NS_PER_S + 1, 105 * NS_PER_S + 1)) == 2
    assert store.minutes("w", 60 * NS_PER_S, 120 * NS_PER_S) == [minute(60)]
    assert store.days("w", *EVER) == []


def test_the_same_commit_twice_is_one(store: SeriesStore) -> None:
    commit = Commit(
        [rows("w", frames_from(FIRST_S, 50), minutes=[minute(FIRST_S)], snapshot=b"s")], {KEY: 4}
    )
    store.commit(commit)
    store.commit(commit)
    assert len(store.frames("w", *EVER)) == 50
    assert store.minutes("w", *EVER) == [minute(FIRST_S)]
    assert store.checkpoint().cursors == {KEY: 4}


def test_a_later_row_replaces_an_earlier_one(store: SeriesStore) -> None:
    write(store, rows(frames=frames_from(FIRST_S, 5), episodes=[episode(10, 70)]))
    write(store, rows(frames=frames_from(FIRST_S, 5, samples=7), episodes=[episode(10, 130)]))
    assert store.frames("w", *EVER).samples.tolist() == [7] * 5
    assert store.episodes("w", *EVER) == [episode(10, 130)]


def test_checkpoint_keeps_snapshots_that_did_not_change(store: SeriesStore) -> None:
    other = StreamKey("gw", "s1", "another-box")
    store.commit(Commit([rows("a", snapshot=b"1"), rows("b", snapshot=b"2")], {KEY: 1}))
    store.commit(Commit([rows("a", snapshot=b"3"), rows("b")], {KEY: 2, other: 9}))
    checkpoint = store.checkpoint()
    assert checkpoint.snapshots == {"a": b"3", "b": b"2"}
    assert checkpoint.cursors == {KEY: 2, other: 9}


def test_an_empty_store_says_so(store: SeriesStore) -> None:
    assert store.wearers() == []
    assert store.health() == []
    assert len(store.latest_frame("w")) == 0
    assert len(store.frames("w", *EVER)) == 0
    assert store.episodes("w", *EVER) == []
    assert store.checkpoint().snapshots == {}
    assert erase(store, "w") == 0


def test_wearers_are_those_with_frames_latest_first(store: SeriesStore) -> None:
    write(store, rows("old", frames_from(100, 5)), rows("new", frames_from(200, 7)), rows("none"))
    found = [(w.wearer, w.first_ns, w.last_ns, w.frames) for w in store.wearers()]
    assert found == [
        ("new", 200 * NS_PER_S, 206 * NS_PER_S, 7),
        ("old", 100 * NS_PER_S, 104 * NS_PER_S, 5),
    ]
    assert store.latest_frame("old").start_ns.tolist() == [104 * NS_PER_S]


def test_pruning_forgets_frames_and_nothing_else(store: SeriesStore) -> None:
    write(
        store,
        rows("a", frames_from(100, 10), minutes=[minute(60)], episodes=[episode(100, 110)]),
        rows("b", frames_from(105, 10)),
    )
    assert store.prune_frames(107 * NS_PER_S) == 9
    assert store.frames("a", *EVER).start_ns[0] == 107 * NS_PER_S
    assert len(store.minutes("a", *EVER)) == 1
    assert len(store.episodes("a", *EVER)) == 1


def test_erasing_forgets_one_wearer_wholly(store: SeriesStore) -> None:
    whole = {
        "minutes": [minute(60)],
        "days": [minute(0)],
        "episodes": [episode(1, 2)],
        "nudges": [nudge(60), nudge(60, NudgeKind.BREAK)],
        "calibrations": [CalibrationOutcome(effective_ns=1, accepted=True, message="accepted")],
    }
    write(
        store,
        rows("a", frames_from(100, 10), snapshot=b"x", ahead=frames_from(300, 1), **whole),
        rows("b", frames_from(100, 3), snapshot=b"y", ahead=frames_from(300, 1), **whole),
    )
    counted = {
        "frames": 10,
        "minutes": 1,
        "days": 1,
        "episodes": 1,
        "nudges": 2,
        "calibrations": 1,
        "ahead": 1,
        "snapshots": 1,
    }
    assert store.count_rows("a") == counted
    assert erase(store, "a") == 18
    assert store.count_rows("a") == dict.fromkeys(counted, 0)
    assert len(store.frames("a", *EVER)) == 0
    assert store.minutes("a", *EVER) == store.days("a", *EVER) == []
    assert store.episodes("a", *EVER) == []
    assert store.calibrations("a") == []
    assert store.nudges("a", *EVER) == []
    assert store.days_of("ab", *EVER) == {"b": [minute(0)]}
    assert len(store.ahead("a")) == 0
    assert len(store.ahead("b")) == 1
    assert len(store.nudges("b", *EVER)) == 2
    assert len(store.calibrations("b")) == 1
    assert store.checkpoint().snapshots == {"b": b"y"}
    assert [w.wearer for w in store.wearers()] == ["b"]
    assert erase(store, "a") == 0


def test_a_commit_that_fails_leaves_nothing_behind(store: SeriesStore) -> None:
    crooked = frames_from(FIRST_S, 3)
    crooked.start_ns[2] += 1
    with pytest.raises(Exception, match="whole second"):
        store.commit(Commit([rows("a", frames_from(FIRST_S, 5)), rows("b", crooked)], {KEY: 1}))
    assert store.wearers() == []
    assert store.checkpoint().cursors == {}


def test_a_reader_sees_what_a_writer_commits(
    store: SeriesStore, open_again: Callable[..., SeriesStore]
) -> None:
    reader = open_again(read_only=True)
    assert reader.wearers() == []
    write(store, rows(frames=frames_from(FIRST_S, 5)))
    assert len(reader.frames("w", *EVER)) == 5
    with pytest.raises(Exception, match="cannot be written"):
        write(reader, rows(frames=frames_from(FIRST_S, 6)))


def _assert_whole(store: SeriesStore) -> int:
    """Cursors and snapshots never run ahead of the rows; gives the number of commits."""
    checkpoint = store.checkpoint()
    commits = checkpoint.cursors.get(KEY, 0)
    last = checkpoint.snapshots.get("a", b"")
    digits = len(last) // processes.SNAPSHOT_REPEATS
    assert last == last[:digits] * processes.SNAPSHOT_REPEATS
    snapshots = int(last[:digits]) + 1 if last else 0
    for wearer in "ab":
        assert len(store.frames(wearer, *EVER)) >= max(commits, snapshots) * 40
    return commits


@pytest.fixture
def writer(store: SeriesStore, store_url: str):
    """A process that commits until it is killed."""
    assert store.wearers() == []
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=processes.commit_for_ever, args=(store_url, started))
    process.start()
    assert started.wait(60)
    yield process
    process.kill()
    process.join(30)
    process.close()


def test_readers_go_on_while_another_process_writes(
    writer: multiprocessing.Process, open_again: Callable[..., SeriesStore]
) -> None:
    reader = open_again(read_only=True)
    seen = [_assert_whole(reader)]
    ends_s = time.monotonic() + 60
    while len(seen) < 15 or seen[-1] == seen[0]:
        seen.append(_assert_whole(reader))
        assert time.monotonic() < ends_s
    assert writer.is_alive()
    assert seen == sorted(seen)


def test_killed_in_a_commit_it_goes_on_as_if_nothing_had_happened(
    writer: multiprocessing.Process, open_again: Callable[..., SeriesStore]
) -> None:
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(30)
    store = open_again()
    commits = _assert_whole(store)
    assert commits >= 1
    # The snapshot is that of the cursor: both are of the last commit that was made wholly.
    assert store.checkpoint().snapshots == {"a": processes.snapshot(commits - 1)}
    store.commit(processes.numbered(commits))
    for wearer in "ab":
        assert len(store.frames(wearer, *EVER)) == (commits + 1) * 40
    assert store.checkpoint().cursors == {KEY: commits + 1}


def test_one_at_a_time_computes_into_a_store(
    store: SeriesStore, open_again: Callable[..., SeriesStore]
) -> None:
    store.claim()
    store.claim()
    second = open_again()
    with pytest.raises(StoreError, match="Another analytics") as refused:
        second.claim()
    assert refused.value.reason is Reason.STORE_IN_USE
    write(second, rows(frames=frames_from(FIRST_S, 3)))  # an erasure or an import needs no claim
    store.close()
    second.claim()


def test_one_that_was_killed_leaves_no_claim_behind(store: SeriesStore, store_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    claimed = spawn.Event()
    other = spawn.Process(target=processes.claim_for_ever, args=(store_url, claimed))
    other.start()
    assert claimed.wait(60)
    with pytest.raises(StoreError, match="Another analytics"):
        store.claim()
    other.kill()
    other.join(60)
    store.claim()
