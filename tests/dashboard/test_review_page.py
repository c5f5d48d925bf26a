"""The week review as Streamlit runs it: a therapist's words are kept, audited and taken back; a replay is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from analytics import replay
from contracts.errands import MAX_REPLAY_NS, ErrandFailure, ReplayDay, ReplayResult, ReplayWish
from contracts.errors import AccessError
from contracts.units import NS_PER_S
from dashboard.entry.access import Act, Viewer
from dashboard.entry.visit import Visit
from dashboard.look.weeks import IsoWeek
from dashboard.pages import review
from dashboard.review import replay as replay_view
from dashboard.review import session_form, words
from store.open import open_registry, open_series
from store.people_ports import Errand, ErrandKind, ErrandState, FocusEdit, Role, Verdict
from store.ports import Commit, Notice, Wearer, WearerRows
from tests.dashboard import reviewed, seed, visits
from tests.dashboard.reviewed import NOW_NS, WEARER, WEEK, ZONE, Client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    series_url, registry_url = seed.urls(tmp_path)
    found = Client(open_series(series_url), open_registry(registry_url))
    reviewed.fill(found)
    yield found
    found.series.close()
    found.registry.close()


def opened(client: Client, week: IsoWeek = WEEK) -> AppTest:
    return visits.run(review.page, lambda: reviewed.visit(client, Act.REVIEW), week=week.name)


def places(app: AppTest) -> list[str]:
    """The areas as they are listed, each with its place."""
    return re.findall(r'place num">(.)</span><h3>(.*?)</h3>', visits.shown(app))


def edits(client: Client) -> dict[str, FocusEdit]:
    return {edit.rule: edit for edit in client.registry.people.focus_edits(WEARER)}


def audited(client: Client, act: Act) -> int:
    return sum(look.act == act for look in client.registry.people.looks(wearer=WEARER))


def test_the_page_says_what_the_model_says_in_the_order_of_five_minutes(client: Client) -> None:
    found = reviewed.review(client)
    app = opened(client)
    shown = visits.shown(app)
    parts = (
        words.headline(found),
        f"{words.min_h(found.figures.rounded_min_h)}</div>",
        "usually 4 min/h",
        "Sensors: Upper back (T4) and Low back (L5). Calibrated on Monday, 16 February.",
        "Rounded, by week",
        "by weekday and hour",
        "Rounded minutes an hour of each activity",
        "Upper back rounding</h3>",
        "not a diagnosis",
        "Pain, mean of the day",
        "4.2 → ",
        "saddle",
    )
    at = [shown.index(part) for part in parts]
    assert at == sorted(at)
    for link in ("sheet.pdf", "week.csv", "week.fhir.json"):
        assert f"/export/{WEARER}/{link}?week=2026-W10" in shown
    assert len(app.radio[0].options) == 12


def test_areas_stand_as_the_therapist_put_them(client: Client) -> None:
    app = opened(client)
    assert places(app) == [
        ("1", "Long seated or driving time"),
        ("2", "Upper back rounding"),
        ("–", "Low back slump"),
    ]
    assert "stand up hourly" in [note.value for note in app.text_area]


def test_a_verdict_an_order_and_a_note_are_kept_audited_and_taken_back(client: Client) -> None:
    app = opened(client)
    app.segmented_control(key=f"verdict {WEARER} upper_thoracic").set_value(Verdict.ACCEPTED).run()
    assert edits(client)["upper_thoracic"].verdict is Verdict.ACCEPTED
    app.button(key=f"Move up {WEARER} upper_thoracic").click().run()
    assert [name for _, name in places(app)][:2] == [
        "Upper back rounding",
        "Long seated or driving time",
    ]
    app.text_area(key=f"note {WEARER} upper_thoracic").set_value("left side first").run()
    assert edits(client)["upper_thoracic"].note == "left side first"
    assert edits(client)["upper_thoracic"].place == 1
    assert audited(client, Act.EDIT_FOCUS) == 3
    app.button(key="undo").click().run()
    assert edits(client)["upper_thoracic"].note == ""
    assert app.text_area(key=f"note {WEARER} upper_thoracic").value == ""
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert edits(client)["upper_thoracic"].verdict is Verdict.OPEN
    assert places(app)[0] == ("1", "Long seated or driving time")
    assert not app.exception
    with pytest.raises(KeyError):
        app.button(key="undo")


def test_a_note_on_one_client_never_stands_under_another(client: Client) -> None:
    other = "demo-002"
    client.registry.put_wearer(Wearer(other, "Somebody else", ZONE.key))
    days = WEEK.bounds_ns(ZONE)
    rows = WearerRows(
        other,
        seed.FrameBlock.from_rows(()),
        client.series.episodes(WEARER, *days),
        client.series.minutes(WEARER, *days),
        client.series.days(WEARER, *days),
    )
    client.series.commit(Commit(wearers=[rows]))
    shown = [WEARER]

    def visit() -> Visit:
        made = reviewed.visit(client, Act.REVIEW)
        both = replace(made.viewer, granted=frozenset({WEARER, other}))
        made.gate.viewer = lambda: both
        return replace(made, viewer=both, person=replace(made.client, wearer=shown[0]))

    app = visits.run(review.page, visit, week=WEEK.name)
    app.text_area(key=f"note {WEARER} upper_thoracic").set_value("left side first").run()
    shown[0] = other
    app.run()
    assert [area.value for area in app.text_area] == [""] * 3
    assert client.registry.people.focus_edits(other) == []
    with pytest.raises(KeyError):
        app.button(key="undo")
    app.text_area(key=f"note {other} upper_thoracic").set_value("calm").run()
    (said,) = client.registry.people.focus_edits(other)
    assert (said.wearer, said.note) == (other, "calm")
    assert edits(client)["upper_thoracic"].note == "left side first"


def test_what_is_rejected_goes_last_and_can_be_opened_again(client: Client) -> None:
    app = opened(client)
    app.segmented_control(key=f"verdict {WEARER} long_seated").set_value(Verdict.REJECTED).run()
    assert places(app)[0] == ("1", "Upper back rounding")
    assert [place for place, _ in places(app)] == ["1", "–", "–"]
    assert app.button(key=f"Move up {WEARER} long_seated").disabled
    app.segmented_control(key=f"verdict {WEARER} lumbar_slump").set_value(Verdict.OPEN).run()
    assert edits(client)["lumbar_slump"].verdict is Verdict.OPEN


def test_a_note_longer_than_is_kept_cannot_be_typed(client: Client) -> None:
    app = opened(client)
    assert {note.proto.max_chars for note in app.text_area} == {500}


def add_session(app: AppTest, day: date, at: time | None, note: str = "") -> None:
    app.date_input(key=f"session day {WEARER}").set_value(day)
    app.time_input(key=f"session time {WEARER}").set_value(at)
    app.text_input(key=f"session note {WEARER}").set_value(note)
    next(b for b in app.button if b.label == "Add the session").click().run()


def test_several_sessions_of_a_day_are_added_and_each_is_taken_back(client: Client) -> None:
    app, people, day = opened(client), client.registry.people, WEEK.days[2]
    before = people.sessions(WEARER)
    add_session(app, day, time(9, 30), " scalenes ")
    add_session(app, day, time(17, 0))
    morning, evening = people.sessions(WEARER)[len(before) :]
    assert (morning.note, morning.account) == ("scalenes", reviewed.THERAPIST)
    assert morning.at_ns == reviewed.local_ns(day, 9) + 30 * 60 * NS_PER_S
    assert evening.at_ns == reviewed.local_ns(day, 17)
    assert "scalenes" in visits.shown(app)
    assert ", 09:30" in visits.shown(app)
    assert ", 17:00" in visits.shown(app)
    assert app.text_input(key=f"session note {WEARER}").value == ""
    app.selectbox(key=f"session of {WEARER}").set_value(morning.at_ns).run()
    app.button(key="session back").click().run()
    assert people.sessions(WEARER) == [*before, evening]
    assert app.button(key="session back").disabled
    assert audited(client, Act.NOTE_SESSION) == 3


def test_a_session_without_a_time_or_at_anothers_is_refused_and_nothing_typed_is_lost(
    client: Client,
) -> None:
    app, people, day = opened(client), client.registry.people, WEEK.days[2]
    before = len(people.sessions(WEARER))
    add_session(app, day, None, "scalenes")
    assert "It was not said when the session began." in visits.shown(app)
    assert app.text_input(key=f"session note {WEARER}").value == "scalenes"
    add_session(app, day, time(9, 30), "scalenes")
    add_session(app, day, time(9, 30), "another")
    assert "noted already" in visits.shown(app)
    assert app.text_input(key=f"session note {WEARER}").value == "another"
    assert [s.note for s in people.sessions(WEARER)[before:]] == ["scalenes"]


def test_a_session_of_an_hour_that_is_not_or_comes_twice_is_one_moment() -> None:
    day, utc = date(2026, 10, 25), ZoneInfo("UTC")
    twice_ns = session_form.begun_ns(day, time(2, 30), ZoneInfo("Europe/Berlin"))
    assert twice_ns == session_form.begun_ns(day, time(0, 30), utc)
    skipped_ns = session_form.begun_ns(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Berlin"))
    assert skipped_ns == session_form.begun_ns(date(2026, 3, 29), time(1, 30), utc)


def test_choosing_an_episode_shows_its_trace(client: Client) -> None:
    app = opened(client)
    found = reviewed.review(client)
    slump = next(e for e in found.episodes[:12] if e.pattern == "lumbar_slump")
    app.radio[0].set_value(str(slump.start_ns)).run()
    shown = visits.shown(app)
    assert slump.explanation in shown
    app.toggle(key="every episode").set_value(True).run()
    assert len(app.radio[0].options) == len(found.episodes)


def test_other_weeks_are_a_step_away_and_an_unworn_one_is_unknown(client: Client) -> None:
    app = opened(client)
    assert app.button(key="Week after of week").disabled
    app.button(key="Week before of week").click().run()
    assert "2026-W09" in app.query_params["week"]
    assert "Last week, 23 February – 1 March 2026" in visits.shown(app)
    empty = opened(client, WEEK.moved(-8))
    assert "unknown, neither good nor bad" in visits.shown(empty)
    assert not empty.text_area


def test_who_is_not_let_look_gets_nothing(client: Client) -> None:
    """The page itself asks the gate, whoever opened it."""

    def visit() -> Visit:
        made = reviewed.visit(client, Act.REVIEW)
        stranger = Viewer("stranger", "S", frozenset({Role.THERAPIST}))
        made.gate.viewer = lambda: stranger
        return made

    app = visits.run(review.page, visit, week=WEEK.name)
    assert "access under My data" in visits.shown(app)
    assert "Rounded" not in visits.shown(app)
    look = client.registry.people.looks(wearer=WEARER)[0]
    assert (look.account, look.act, look.allowed) == ("stranger", Act.REVIEW, False)
    with pytest.raises(AccessError):
        visit().people.edit_focus(WEARER, [])


# the replay


def asked(client: Client) -> Errand:
    return client.registry.people.errands(wearer=WEARER)[-1]


def day(n: int, rounded_s: int, episodes: int) -> ReplayDay:
    return ReplayDay(
        start_ns=reviewed.local_ns(WEEK.days[n], 0),
        worn_s=7200,
        rounded_s=rounded_s,
        episodes=episodes,
        longest_episode_s=60,
    )


RESULT = ReplayResult(
    mark_deg=15.0,
    own_mark_deg=12.0,
    wished=(day(0, 600, 1), day(1, 1800, 3)),
    own=(day(0, 1200, 2), day(1, 2400, 5)),
    told=(day(0, 900, 2), day(1, 2100, 4)),
)


def test_a_replay_is_asked_for_waited_for_and_answered(client: Client) -> None:
    app = opened(client)
    app.slider(key="replay mark").set_value(15).run()
    app.button(key="replay ask").click().run()
    errand = asked(client)
    wished = msgspec.json.decode(errand.body, type=ReplayWish)
    assert (wished.start_ns, wished.end_ns, wished.mark_deg) == (
        WEEK.bounds_ns(ZONE)[0],
        NOW_NS,  # the week is under way
        15.0,
    )
    assert (errand.kind, errand.account) == (ErrandKind.REPLAY, reviewed.THERAPIST)
    assert audited(client, Act.ASK_REPLAY) == 1
    assert "go on reading meanwhile" in visits.shown(app)
    assert app.button(key="replay ask").disabled
    client.registry.people.finish_errand(
        errand.errand,
        ErrandState.DONE,
        done_ns=NOW_NS,
        result=msgspec.json.encode(RESULT).decode(),
    )
    app.run()
    shown = visits.shown(app)
    assert "10 rounded minutes a worn hour, 5 min less than at the client’s own 12°" in shown
    assert "By angle alone is less than what Plumbline weighs" in shown
    assert not app.button(key="replay ask").disabled


def test_what_analytics_answers_stands_on_the_page_beside_what_was_told(client: Client) -> None:
    app = opened(client)
    app.slider(key="replay mark").set_value(18).run()
    app.button(key="replay ask").click().run()
    errand = asked(client)
    steps = replay.replay(
        WEARER,
        msgspec.json.decode(errand.body, type=ReplayWish),
        series=client.series,
        registry=client.registry,
    )
    result = replay.finish(steps, lambda: None)
    client.registry.people.finish_errand(
        errand.errand,
        ErrandState.DONE,
        done_ns=NOW_NS,
        result=msgspec.json.encode(result).decode(),
    )
    app.run()
    assert replay_view.said(result) in visits.shown(app)
    figures = reviewed.review(client).figures
    assert sum(day.rounded_s for day in result.told) == figures.rounded_s
    assert sum(day.worn_s for day in result.told) == figures.worn_s
    assert 0 < sum(d.rounded_s for d in result.wished) < sum(d.rounded_s for d in result.own)


def test_a_replay_that_fails_says_why(client: Client) -> None:
    app = opened(client)
    app.button(key="replay ask").click().run()
    client.registry.people.finish_errand(
        asked(client).errand,
        ErrandState.FAILED,
        done_ns=NOW_NS,
        result=msgspec.json.encode(
            ErrandFailure(message="No frame is kept.", hint="Wait.")
        ).decode(),
    )
    app.run()
    assert "No frame is kept." in visits.shown(app)
    assert "could not be looked at again at 15°" in visits.shown(app)


def test_the_answers_figures_are_weighted_and_like_stands_beside_like() -> None:
    shown = replay_view.answer(RESULT, ZONE)
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", shown)
    assert cells[5:10] == ["Mon 2 Mar", "5 min/h", "10 min/h", "8 min/h", "2 → 1"]
    assert cells[-5:] == ["Week", "10 min/h", "15 min/h", "12 min/h", "7 → 4"]
    nothing = ReplayResult(mark_deg=15.0, own_mark_deg=12.0, wished=(), own=(), told=())
    assert "Nothing of this week can be looked at again" in replay_view.said(nothing)


def test_where_analytics_is_away_or_waits_it_is_said() -> None:
    found = replay_view.Replay(15.0, NOW_NS)
    later_ns = NOW_NS + 90 * NS_PER_S
    assert "not answered for 1 min 30 s" in replay_view.waiting(found, later_ns, [])
    assert "plumbline analytics" in replay_view.waiting(found, later_ns, [])
    notice = Notice("analytics", "disk-full", "The disk is <full>.", NOW_NS)
    assert "The disk is &lt;full&gt;." in replay_view.waiting(found, later_ns, [notice])


def test_only_what_is_kept_by_seconds_can_be_wished_for() -> None:
    start_ns, end_ns = WEEK.bounds_ns(ZONE)
    late = replay_view.wish(WEEK, ZONE, 15.0, start_ns + MAX_REPLAY_NS)
    assert late is not None
    assert late.end_ns == end_ns
    assert replay_view.wish(WEEK, ZONE, 15.0, start_ns + MAX_REPLAY_NS + 1) is None
    assert replay_view.wish(WEEK, ZONE, 15.0, start_ns) is None
    assert "Seconds are kept for a month" in replay_view.gone()


def test_only_the_weeks_own_latest_replay_counts_and_what_cannot_be_read_has_failed() -> None:
    start_ns, end_ns = WEEK.bounds_ns(ZONE)

    def errand(at: int, start_ns: int, **rest: object) -> Errand:
        wish = ReplayWish(start_ns=start_ns, end_ns=end_ns, mark_deg=10.0 + at)
        body = msgspec.json.encode(wish).decode()
        made = Errand(f"e{at}", ErrandKind.REPLAY, WEARER, "t", at, body)
        return replace(made, **rest)

    mine, later = errand(1, start_ns), errand(3, start_ns)
    other = errand(5, start_ns - NS_PER_S)
    erase = replace(errand(9, start_ns), kind=ErrandKind.ERASE)
    found = replay_view.latest([later, mine, other, erase], WEEK, ZONE)
    assert found == replay_view.Replay(13.0, 3)
    assert found.waiting
    broken = errand(7, start_ns, state=ErrandState.DONE, result="{")
    failed = replay_view.latest([broken, replace(mine, body="no")], WEEK, ZONE)
    assert failed is not None
    assert failed.failure is not None
    assert replay_view.latest([other, erase], WEEK, ZONE) is None
