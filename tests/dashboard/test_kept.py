"""What pages keep of the series equals the store: after any commits that analytics makes, and erasing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.core.pipeline import Pipeline, PipelineConfig
from analytics.service import load_focus_table
from contracts.errors import Reason, StoreError
from contracts.imu import ImuSamples
from contracts.records import CalibrationOutcome, FrameBlock, Nudge, Rollup
from contracts.settings import CalibrationPlan, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import NudgeKind, Placement
from dashboard.reading import kept, kept_rows
from dashboard.reading.kept import KeptSeries
from store.open import open_series
from store.ports import Commit, SeriesStore, WearerRows
from tests.influx import GivenServer, InfluxServer
from tests.store.records import erase

START_NS = 1_772_524_800 * NS_PER_S  # 2026-03-03 08:00 UTC
DAY = (START_NS - 8 * 3600 * NS_PER_S, START_NS + 16 * 3600 * NS_PER_S)
RATE_HZ = 10
UPRIGHT = CalibrationPlan(effective_ns=START_NS, upright_ns=(START_NS, START_NS + 6 * NS_PER_S))
WEARER = "w-1"


@dataclass
class Spy:
    """The store, and how many rows it gave."""

    store: SeriesStore
    rows: int = 0
    error: StoreError | None = None
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str):
        ask = getattr(self.store, name)

        def asked(*arguments: object) -> object:
            self.calls.append(name)
            if self.error is not None:
                raise self.error
            found = ask(*arguments)
            self.rows += len(found)
            return found

        return asked


class Clock:
    """Time by hand, in s."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def ns(self) -> int:
        return round(self.now_s * NS_PER_S)


def at_once(work: Callable[[], None]) -> None:
    work()


class Person:
    """Somebody who is measured: what their pipeline gives is what analytics commits."""

    def __init__(self) -> None:
        self.pipeline = Pipeline(
            PipelineConfig(
                placements=(Placement.T4, Placement.L5),
                settings=PostureSettings(episode_s=20.0, nudge_after_s=30.0),
                calibrations=(UPRIGHT,),
                timezone="UTC",
                focus_table=load_focus_table(),
            )
        )
        self.at_s = 0

    def lives(self, seconds: int, forward_deg: float) -> Commit:
        """So many seconds with the upper trunk held forward, as a commit."""
        both = [
            self.pipeline.update(place, self._samples(seconds, deg))
            for place, deg in ((Placement.L5, 0.0), (Placement.T4, forward_deg))
        ]
        self.at_s += seconds
        return self._commit(both[0] + both[1])

    def _samples(self, seconds: int, forward_deg: float) -> ImuSamples:
        count = seconds * RATE_HZ
        times_ns = START_NS + (self.at_s * RATE_HZ + np.arange(count)) * (NS_PER_S // RATE_HZ)
        si = np.zeros((count, 6), np.float32)
        si[:, 0] = 9.81 * np.cos(np.radians(forward_deg))
        si[:, 2] = 9.81 * np.sin(np.radians(forward_deg))
        return ImuSamples(times_ns, si, float(RATE_HZ))

    def stops(self) -> Commit:
        return self._commit(self.pipeline.finish())

    def _commit(self, output) -> Commit:
        rows = WearerRows(
            WEARER,
            frames=output.frames,
            ahead=kept_rows.part_of(
                output.frames, max(0, len(output.frames) - 1), len(output.frames)
            ),
            episodes=output.episodes,
            minutes=output.minutes,
            days=output.days,
            nudges=[
                Nudge(
                    at_ns=START_NS + self.at_s * NS_PER_S,
                    kind=NudgeKind.POSTURE,
                    held_for_s=30,
                    given=True,
                )
            ],
            calibrations=[
                CalibrationOutcome(
                    effective_ns=c.plan.effective_ns, accepted=c.accepted, message=c.message
                )
                for c in output.calibrations
            ],
        )
        return Commit([rows])


def same(seen: FrameBlock, there: FrameBlock) -> bool:
    return list(seen.rows()) == list(there.rows())


def check(view: KeptSeries, store: SeriesStore) -> None:
    """All that a page asks is as in the store."""
    assert view.wearers() == store.wearers()
    assert view.minutes(WEARER, *DAY) == store.minutes(WEARER, *DAY)
    assert view.episodes(WEARER, *DAY) == store.episodes(WEARER, *DAY)
    assert view.days(WEARER, *DAY) == store.days(WEARER, *DAY)
    assert view.days_of([WEARER, "w-2"], *DAY) == store.days_of([WEARER, "w-2"], *DAY)
    assert view.calibrations_of([WEARER, "w-2"]) == store.calibrations_of([WEARER, "w-2"])
    assert view.nudges(WEARER, *DAY) == store.nudges(WEARER, *DAY)
    assert view.calibrations(WEARER) == store.calibrations(WEARER)
    assert same(view.ahead(WEARER), store.ahead(WEARER))
    latest = store.latest_frame(WEARER)
    assert same(view.latest_frame(WEARER), latest)
    end_ns = int(latest.start_ns[-1]) + NS_PER_S if len(latest) else START_NS
    for back_s in (10, 600, 4000, 200_000):
        asked = (WEARER, end_ns - back_s * NS_PER_S, end_ns)
        assert same(view.frames(*asked), store.frames(*asked))
    middle = (WEARER, START_NS + 5 * NS_PER_S, START_NS + 50 * NS_PER_S)
    assert same(view.frames(*middle), store.frames(*middle))


STEPS = st.lists(
    st.one_of(
        # live or a backlog, rounded or not
        st.tuples(st.integers(1, 90), st.sampled_from([0.0, 25.0])),
        st.just("off"),  # taken off for a while, everything under way ends
        st.just("restart"),  # what was committed last comes again
        st.just("erase"),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeriesStore]:
    store = open_series(f"sqlite:{tmp_path_factory.mktemp('kept')}/series.sqlite")
    yield store
    store.close()


def follow(store: SeriesStore, steps: list[object]) -> None:
    """Look after every step, and between them at times that are chosen by the step."""
    erase(store, WEARER)
    clock, person = Clock(), Person()
    view = KeptSeries(store, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    last = person.lives(10, 0.0)
    store.commit(last)
    for number, step in enumerate(steps):
        if step == "erase":
            erase(store, WEARER)
        elif step == "off":
            last = person.stops()
            store.commit(last)
            person.at_s += 120
        elif step == "restart":
            if len(store.latest_frame(WEARER)):
                store.commit(last)
        else:
            last = person.lives(*step)
            store.commit(last)
        if number % 3 != 1:  # some commits come between two looks
            clock.now_s += kept.WEARERS_FRESH_S
            check(view, store)


@given(steps=STEPS)
@example(steps=[(120, 25.0), (90, 0.0), (30, 25.0), (111, 25.0), "erase", "off"])
@settings(max_examples=60)
def test_what_is_kept_equals_the_store(sqlite_store: SeriesStore, steps: list[object]) -> None:
    follow(sqlite_store, steps)


@given(steps=STEPS)
@settings(max_examples=8)
def test_what_is_kept_equals_an_influxdb(
    influx_server: InfluxServer | GivenServer, steps: list[object]
) -> None:
    store = open_series(influx_server.url())
    try:
        follow(store, steps)
    finally:
        store.close()


@pytest.fixture
def spy(tmp_path: Path) -> Iterator[Spy]:
    store = open_series(f"sqlite:{tmp_path}/series.sqlite")
    yield Spy(store)
    store.close()


def test_a_long_day_is_read_once_and_then_what_is_new(spy: Spy) -> None:
    clock, person = Clock(), Person()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    for _ in range(20):
        spy.store.commit(person.lives(300, 0.0))
    for look in range(20):
        clock.now_s += 2.0
        spy.store.commit(person.lives(2, 25.0))
        spy.rows = 0
        view.minutes(WEARER, *DAY)
        view.episodes(WEARER, *DAY)
        view.frames(WEARER, START_NS, START_NS + 4 * 3600 * NS_PER_S)
        if look > 2:
            assert spy.rows < 15  # two looks' frames, the last minutes and the episode under way


def test_parts_of_a_page_share_a_look(spy: Spy) -> None:
    clock, person = Clock(), Person()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    spy.store.commit(person.lives(10, 0.0))
    first = view.minutes(WEARER, *DAY)
    spy.calls.clear()
    clock.now_s += kept.FRESH_S / 2
    assert view.minutes(WEARER, *DAY) == first
    assert spy.calls == []


def test_whatever_is_written_behind_its_back_is_seen_within_a_minute(spy: Spy) -> None:
    clock, person = Clock(), Person()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    spy.store.commit(person.lives(300, 0.0))
    check(view, spy.store)
    changed: Rollup = msgspec.structs.replace(spy.store.minutes(WEARER, *DAY)[0], worn_s=7)
    spy.store.commit(Commit([WearerRows(WEARER, FrameBlock.concat([]), minutes=[changed])]))
    for _ in range(round(kept_rows.WHOLE_EVERY_S / 2)):
        clock.now_s += 2.0
        view.minutes(WEARER, *DAY)
    check(view, spy.store)


def test_a_store_that_fails_is_told_and_what_is_kept_stays(spy: Spy) -> None:
    clock, person = Clock(), Person()
    clock.now_s = 1000.0
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    spy.store.commit(person.lives(100, 0.0))
    minutes = view.minutes(WEARER, *DAY)
    spy.error = StoreError(Reason.STORE_UNREACHABLE, "It is away.")
    clock.now_s += 5.0
    assert view.minutes(WEARER, *DAY) == minutes
    assert view.trouble is not None
    assert view.trouble.since_ns == 1005 * NS_PER_S
    with pytest.raises(StoreError, match="away"):
        view.episodes(WEARER, *DAY)  # it was never read
    spy.calls.clear()
    for _ in range(5):
        view.minutes(WEARER, *DAY)
    assert spy.calls == []  # nobody waits for it again so soon
    clock.now_s += kept.RETRY_S
    view.minutes(WEARER, *DAY)
    assert view.trouble.since_ns == 1005 * NS_PER_S
    spy.error = None
    clock.now_s += kept.RETRY_S
    spy.store.commit(person.lives(100, 0.0))
    check(view, spy.store)
    assert view.trouble is None


def test_nobody_waits_for_a_store_that_hangs(spy: Spy) -> None:
    """Whether it serves again is asked by one, beside the pages, however long that takes."""
    clock, person, asked = Clock(), Person(), list[Callable[[], None]]()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=asked.append)
    spy.store.commit(person.lives(100, 0.0))
    minutes = view.minutes(WEARER, *DAY)
    spy.error = StoreError(Reason.STORE_UNREACHABLE, "It hangs.")
    for _ in range(20):
        clock.now_s += kept.RETRY_S
        assert view.minutes(WEARER, *DAY) == minutes
    assert spy.calls[1:] == ["minutes"]
    assert len(asked) == 1
    asked.pop()()
    assert view.trouble is not None
    clock.now_s += kept.RETRY_S
    assert view.minutes(WEARER, *DAY) == minutes
    spy.error = None
    asked.pop()()
    assert view.trouble is None
    spy.store.commit(person.lives(100, 0.0))
    check(view, spy.store)


def test_what_is_kept_is_capped(spy: Spy) -> None:
    clock, person = Clock(), Person()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    for number in range(2 * kept.MAX_DAYS):
        view.minutes(f"w-{number}", *DAY)
        view.latest_frame(f"w-{number}")
    assert len(view._rows) == kept.MAX_DAYS
    assert len(view._windows) == kept.MAX_WINDOWS
    spy.store.commit(person.lives(60, 0.0))
    person.at_s += kept_rows.MAX_FRAMES_NS // NS_PER_S
    check(view, spy.store)
    spy.store.commit(person.lives(60, 0.0))
    clock.now_s += kept.WEARERS_FRESH_S
    check(view, spy.store)
    assert len(view._window(WEARER).block) < 100


def test_answers_are_capped_and_so_are_the_days_of_many(
    spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, person = Clock(), Person()
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    for number in range(2 * kept.MAX_ANSWERS):
        view.nudges(f"w-{number}", *DAY)
        view.days_of([f"w-{number}"], *DAY)
    assert len(view._answers) == len(view._many) == kept.MAX_ANSWERS
    spy.store.commit(person.lives(60, 0.0))
    monkeypatch.setattr(kept, "MAX_DAYS_OF_MANY", 3)
    for number in range(5):
        found = view.days_of([WEARER, f"w-{number}"], *DAY)
        assert found == spy.store.days_of([WEARER], *DAY) != {}
    assert len(view._many) == 3


def test_what_is_over_is_asked_for_once_a_minute(spy: Spy) -> None:
    clock, person = Clock(), Person()
    clock.now_s = DAY[1] / NS_PER_S + 1.0
    view = KeptSeries(spy, clock_s=clock, clock_ns=clock.ns, beside=at_once)
    spy.store.commit(person.lives(60, 0.0))
    first = [view.nudges(WEARER, *DAY), view.days_of([WEARER], *DAY)]
    assert all(first)
    spy.store.commit(person.lives(60, 25.0))
    spy.calls.clear()
    clock.now_s += kept.PAST_FRESH_S - 1.0
    assert [view.nudges(WEARER, *DAY), view.days_of([WEARER], *DAY)] == first
    assert spy.calls == []
    clock.now_s += 1.0
    check(view, spy.store)
