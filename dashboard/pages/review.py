"""The week of a client in five minutes. Thin: figures from the model, HTML from cards and charts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
import streamlit as st

from contracts.records import Episode
from dashboard.entry.access import Act
from dashboard.entry.visit import Visit
from dashboard.frame import cards, week_chooser
from dashboard.frame.parts import callback, part
from dashboard.look import theme, weeks
from dashboard.reading import focus_order
from dashboard.reading.focus_order import Hand, ReviewedArea
from dashboard.review import cards as review_cards
from dashboard.review import charts, episode_trace, replay, session_form
from dashboard.review.model import WeekReview, week_review
from store.people_checks import MAX_NOTE
from store.people_ports import Errand, ErrandKind, FocusEdit, Verdict

_WAIT_S: Final = 2
_SHOWN_EPISODES: Final = 12
#: Ends within an entry, so that one sees that there are more.
_LIST_HEIGHT_PX: Final = 442
_LONG_LIST: Final = 6
#: Steps that can be taken back on one page.
_MAX_UNDO: Final = 20
#: In the session: the rules of the areas in the order in which they stand on the page.
_ORDER: Final = "areas as they stand"
#: Held from the look at what was said of the areas until more is: two tabs may decide at once.
_DECIDING: Final = threading.Lock()
Words = Callable[[Sequence[ReviewedArea], Hand], list[FocusEdit]]
_VERDICTS: Final = {
    Verdict.OPEN: "Open",
    Verdict.ACCEPTED: "Accept",
    Verdict.REJECTED: "Reject",
}


def page(visit: Visit) -> None:
    """The chosen week: what changed first, then what it rests on."""
    person, now_ns = visit.client, visit.clock_ns()
    begin = weeks.shown_first(now_ns, person.zone)
    week = week_chooser.choose(person, now_ns, own=visit.own, begin=begin)
    _review(visit, week)


@part
def _review(visit: Visit, week: weeks.IsoWeek) -> None:
    now_ns = visit.clock_ns()
    review = week_review(visit.series, visit.registry, visit.people, visit.client, week, now_ns)
    page = theme.paper(st.context.theme.type)
    st.html(review_cards.links(review))
    st.html(review_cards.headline(review))
    if review.empty:
        st.html(review_cards.nothing(review))
        st.html(review_cards.figure(charts.trend(review.trend, page)))
        return
    st.html(review_cards.numbers(review))
    st.html(review_cards.figure(charts.trend(review.trend, page)))
    st.html(review_cards.figure(charts.heat(review.cells)))
    st.html(review_cards.figure(review_cards.activities(review.activities)))
    st.html(cards.part("Episodes that matter"))
    st.fragment(_episodes)(visit, review)
    st.html(cards.part("Areas to assess"))
    st.session_state.pop(_ORDER, None)
    st.fragment(_areas)(visit, review)
    st.html(cards.part("Pain over exposure"))
    st.html(review_cards.figure(charts.pain_over_exposure(review.days, page)))
    st.html(cards.part("Before and after a session"))
    st.fragment(session_form.sessions)(visit, review)
    st.html(cards.part("What would this week look like at another mark?"))
    waiting = _replay_of(visit, review) is not None
    st.fragment(_replay, run_every=_WAIT_S if waiting else None)(visit, review)
    st.html(cards.part("Before anyone works on the body"))
    st.html(cards.warnings())


@part
def _episodes(visit: Visit, review: WeekReview) -> None:
    """By exposure: those that matter first. The chosen one with what was around it."""
    if not review.episodes:
        st.html(cards.empty("No episode in this week", *cards.NO_EPISODE))
        return
    zone = review.person.zone
    left, right = st.columns([4, 7], gap="medium")
    with left:
        chosen = _choose_episode(review)
    with right, st.container(border=True):
        st.html(review_cards.episode(chosen, zone))
        model = episode_trace.around(visit.series, review.person, chosen, review.settings)
        if model is None:
            st.html(cards.empty("Nothing is kept of its seconds", "Its figures above are."))
        else:
            page = theme.paper(st.context.theme.type)
            st.html(episode_trace.trace(model, page))


def _choose_episode(review: WeekReview) -> Episode:
    every = len(review.episodes) > _SHOWN_EPISODES and st.toggle(
        f"All {len(review.episodes)} episodes", key="every episode"
    )
    shown = review.episodes if every else review.episodes[:_SHOWN_EPISODES]
    by_start = {str(e.start_ns): e for e in shown}
    height: Literal["content"] | int = _LIST_HEIGHT_PX if len(shown) > _LONG_LIST else "content"
    with st.container(height=height, border=False):
        chosen = st.radio(
            "Episode, most rounded time first",
            list(by_start),
            format_func=lambda start: review_cards.episode_line(
                by_start[start], review.person.zone
            ),
            key=f"review episode {review.person.wearer} {review.week.name} {every}",
            label_visibility="collapsed",
        )
    return by_start[chosen]


@part
def _areas(visit: Visit, review: WeekReview) -> None:
    """What the week points to, ranked; a therapist decides. Every word is saved as it is said."""
    wearer = review.person.wearer
    areas = _areas_now(visit, review)
    if not areas:
        st.html(cards.empty("No area this week", "No rule points anywhere for these episodes."))
        return
    st.html(review_cards.standing())
    may = visit.gate.may(Act.EDIT_FOCUS, wearer)
    # There also while it is empty: a field whose place changes loses what is being typed in it.
    with st.container(key="undo place"):
        if may:
            _undo(visit)
    kept = sum(area.verdict is not Verdict.REJECTED for area in areas)
    for place, area in _as_they_stand(areas):
        with st.container(border=True, key=f"area {area.area.rule}"):
            st.html(review_cards.area(area, place, review.person.zone))
            if may:
                _decide(visit, review, area, first=place == 1, last=place >= kept)


def _as_they_stand(areas: Sequence[ReviewedArea]) -> list[tuple[int, ReviewedArea]]:
    """Areas with their place, in the order in which they stand on the page.

    Moving changes that at once; what is set aside goes to the end when the page is next opened, since a
    field whose place changes loses what is being typed in it.
    """
    order = st.session_state.setdefault(_ORDER, [area.area.rule for area in areas])
    return sorted(
        enumerate(areas, 1),
        key=lambda placed: (
            order.index(placed[1].area.rule) if placed[1].area.rule in order else len(order)
        ),
    )


def _areas_now(visit: Visit, review: WeekReview) -> tuple[ReviewedArea, ...]:
    edits = visit.people.focus_edits(review.person.wearer)
    return focus_order.reviewed(review.episodes, edits)


def _decide(
    visit: Visit, review: WeekReview, area: ReviewedArea, *, first: bool, last: bool
) -> None:
    """The therapist's hands on one area: verdict, place and note."""
    rule, rejected = area.area.rule, area.verdict is Verdict.REJECTED
    # by client too: what is typed about one must never stand under another
    whose = f"{visit.client.wearer} {rule}"
    verdict_key, note_key = f"verdict {whose}", f"note {whose}"
    st.session_state[verdict_key] = area.verdict
    # At first, and where another tab has said more since.
    if st.session_state.get(f"read {whose}") != area.note:
        st.session_state[note_key] = st.session_state[f"read {whose}"] = area.note

    @callback
    def decide() -> None:
        verdict = Verdict(st.session_state[verdict_key] or Verdict.OPEN)
        _say(visit, review, lambda areas, hand: focus_order.decided(areas, rule, verdict, hand))

    @callback
    def move(by: int) -> None:
        _say(visit, review, lambda areas, hand: focus_order.reordered(areas, rule, by, hand))
        st.session_state.pop(_ORDER, None)

    @callback
    def note() -> None:
        words = st.session_state[note_key]
        _say(visit, review, lambda areas, hand: focus_order.noted(areas, rule, words, hand))
        # What was kept stands in the field already, where more may have been typed since.
        st.session_state[f"read {whose}"] = words.strip()

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "Verdict",
            list(_VERDICTS),
            format_func=_VERDICTS.__getitem__,
            key=verdict_key,
            on_change=decide,
            label_visibility="collapsed",
            width="content",
        )
        _movers(rule, whose, move, up=not (first or rejected), down=not (last or rejected))
    st.text_area(
        "Note",
        key=note_key,
        max_chars=MAX_NOTE,
        height=68,
        on_change=note,
        placeholder="A note for the record and the printed sheet; kept when you leave the field",
        label_visibility="collapsed",
    )


def _movers(rule: str, whose: str, move: Callable[[int], None], *, up: bool, down: bool) -> None:
    """The buttons that move an area, each usable or not."""
    for words, icon, by, usable in (
        ("Move up", ":material/arrow_upward:", -1, up),
        ("Move down", ":material/arrow_downward:", 1, down),
    ):
        with st.container(key=f"step {words} {rule}", width="content"):
            st.button(
                words,
                icon=icon,
                key=f"{words} {whose}",
                on_click=move,
                args=(by,),
                disabled=not usable,
            )


def _hand(visit: Visit) -> Hand:
    return Hand(visit.client.wearer, visit.viewer.account, visit.clock_ns())


def _say(visit: Visit, review: WeekReview, words: Words) -> None:
    """Keep words on areas as these are now: another tab may have said something since the page was made."""
    wearer = review.person.wearer
    with _DECIDING:
        before = _areas_now(visit, review)
        edits = words(before, _hand(visit))
        visit.people.edit_focus(wearer, edits)
    done = st.session_state.setdefault(f"done {wearer}", [])
    done.append((before, edits))
    del done[:-_MAX_UNDO]


def _undo(visit: Visit) -> None:
    """Take the last word back, as long as the page is open and nobody has said more."""
    wearer = visit.client.wearer
    done = st.session_state.get(f"done {wearer}", [])

    @callback
    def take_back() -> None:
        before, edits = done.pop()
        st.session_state.pop(_ORDER, None)
        with _DECIDING:
            focus_order.check_standing(edits, visit.people.focus_edits(wearer))
            visit.people.edit_focus(wearer, focus_order.restored(before, edits, _hand(visit)))

    if done:
        words = review_cards.undone(done[-1][1])
        st.button(f"Undo: {words}", icon=":material/undo:", on_click=take_back, key="undo")


def _replay_of(visit: Visit, review: WeekReview) -> replay.Replay | None:
    """The replay of this week that is waited for, if there is one."""
    person = review.person
    found = replay.latest(visit.people.errands(person.wearer), review.week, person.zone)
    return found if found is not None and found.waiting else None


@part
def _replay(visit: Visit, review: WeekReview) -> None:
    person, now_ns = review.person, visit.clock_ns()
    found = replay.latest(visit.people.errands(person.wearer), review.week, person.zone)
    waiting = found is not None and found.waiting
    if st.session_state.get("replay waiting") and not waiting:
        st.session_state["replay waiting"] = False
        st.rerun()  # the answer is there: the page stops asking every two seconds
    st.session_state["replay waiting"] = waiting
    if replay.wish(review.week, person.zone, 15.0, now_ns) is None:
        st.html(replay.gone())
        return
    if visit.gate.may(Act.ASK_REPLAY, person.wearer):
        _ask_replay(visit, review, waiting=waiting)
    if found is None:
        return
    if found.result is not None:
        st.html(replay.answer(found.result, person.zone))
    elif found.failure is not None:
        st.html(replay.failed(found))
    else:
        st.html(replay.waiting(found, now_ns, visit.registry.notices()))


def _ask_replay(visit: Visit, review: WeekReview, *, waiting: bool) -> None:
    person = review.person
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mark_deg = st.slider(
            "Rounded from this trunk flexion on, degrees",
            *replay.MARKS_DEG,
            value=15,
            key="replay mark",
            width=360,
        )
        asked = st.button("Look again", key="replay ask", disabled=waiting)
    wished = replay.wish(review.week, person.zone, float(mark_deg), visit.clock_ns())
    if asked and wished is not None:
        visit.people.ask(
            Errand(
                errand=secrets.token_hex(16),
                kind=ErrandKind.REPLAY,
                wearer=person.wearer,
                account=visit.viewer.account,
                asked_ns=visit.clock_ns(),
                body=msgspec.json.encode(wished).decode(),
            )
        )
        st.rerun()
