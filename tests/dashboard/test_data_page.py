"""My data as Streamlit runs it, on a real registry, and its pieces of HTML."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from contracts.errors import AccessError, Reason
from contracts.units import NS_PER_S
from dashboard.entry.access import Act
from dashboard.mine import cards, consent
from dashboard.pages import data
from dashboard.reading.sources import Sources
from store.people_ports import (
    Account,
    Consent,
    ConsentKind,
    Errand,
    ErrandKind,
    ErrandState,
    Grant,
    Look,
    Role,
)
from tests.dashboard import seed, visits
from tests.dashboard.conftest import EVENING_NS, Clock

DAY_NS = 86400 * NS_PER_S
UTC = ZoneInfo("UTC")
ME = visits.CLIENT.account
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def people(sources: Sources) -> Sources:
    """A client with two sensors, and two therapists."""
    seed.register(sources.registry)
    put = sources.registry.people.put_account
    put(Account(ME, "alma", "Alma Berg", frozenset({Role.CLIENT}), seed.WEARER))
    put(Account("ines", "ines", "Dr. Ines <Roth>", frozenset({Role.THERAPIST})))
    put(Account("tom", "tom", "Tomás Núñez", frozenset({Role.THERAPIST})))
    return sources


def run(found: Sources, clock: Clock) -> AppTest:
    return visits.run(data.page, lambda: visits.visit(found, Act.DATA, clock_ns=clock))


def test_everything_can_be_taken_away(people: Sources, clock: Clock) -> None:
    page = visits.shown(run(people, clock))
    for kind in ("everything.zip", "week.csv", "week.fhir.json"):
        assert f'href="/export/{seed.WEARER}/{kind}?week=2026-W10"' in page


def test_a_consent_is_given_to_the_version_that_was_read(people: Sources, clock: Clock) -> None:
    app = run(people, clock)
    assert "Not given yet" in visits.shown(app)
    app.button(key="agree monitoring").click().run()
    assert not app.exception
    version = consent.words(ConsentKind.MONITORING).version
    expected = Consent(seed.WEARER, ConsentKind.MONITORING, version, EVENING_NS)
    assert people.registry.people.consents(seed.WEARER) == [expected]
    assert "Given just now" in visits.shown(app)


def test_without_consent_nobody_wears_a_sensor(people: Sources, clock: Clock) -> None:
    given = Consent(seed.WEARER, ConsentKind.MONITORING, "1", EVENING_NS - DAY_NS)
    people.registry.people.give_consent(given)
    app = run(people, clock)
    app.button(key="withdraw monitoring").click().run()
    assert not app.exception
    (withdrawn,) = people.registry.people.consents(seed.WEARER)
    assert withdrawn.withdrawn_ns == EVENING_NS
    assert {a.end_ns for a in people.registry.assignments(seed.WEARER)} == {EVENING_NS}
    assert len(people.registry.assignments(seed.WEARER)) == 2


def test_leaving_the_employers_totals_leaves_the_sensors_where_they_are(
    people: Sources, clock: Clock
) -> None:
    given = Consent(seed.WEARER, ConsentKind.AGGREGATE, "1", EVENING_NS - DAY_NS)
    people.registry.people.give_consent(given)
    run(people, clock).button(key="withdraw aggregate").click().run()
    assert people.registry.people.consenting(ConsentKind.AGGREGATE) == []
    assert {a.end_ns for a in people.registry.assignments(seed.WEARER)} == {None}


def test_changed_words_are_asked_for_again(people: Sources, clock: Clock) -> None:
    older = Consent(seed.WEARER, ConsentKind.MONITORING, "0", EVENING_NS - DAY_NS)
    people.registry.people.give_consent(older)
    app = run(people, clock)
    assert "you agreed to version 0" in visits.shown(app)
    app.button(key="agree monitoring").click().run()
    assert "you agreed to version" not in visits.shown(app)


def test_a_therapist_is_let_look_for_so_long_and_it_is_taken_back(
    people: Sources, clock: Clock
) -> None:
    app = run(people, clock)
    assert "Nobody but you" in visits.shown(app)
    app.selectbox(key="grant to").set_value("ines").run()
    next(b for b in app.button if b.label == "Let look").click().run()
    assert not app.exception
    grants = people.registry.people.grants(wearer=seed.WEARER)
    assert grants == [Grant(seed.WEARER, "ines", EVENING_NS, EVENING_NS + 90 * DAY_NS)]
    page = visits.shown(app)
    assert "Dr. Ines &lt;Roth&gt;" in page
    assert "until 1 June 2026" in page
    assert app.selectbox(key="grant to").options == ["Tomás Núñez"]
    clock.now_ns += 5 * NS_PER_S
    app.button(key=f"revoke ines {EVENING_NS}").click().run()
    (ended,) = people.registry.people.grants(wearer=seed.WEARER)
    assert ended.end_ns == clock.now_ns
    assert "Nobody but you" in visits.shown(app)


def looked(found: Sources, at_ns: int, account: str, act: str, *, allowed: bool = True) -> None:
    found.registry.people.note_look(Look(at_ns, account, act, seed.WEARER, allowed=allowed))


def test_who_looked_is_told_by_day_and_name_with_what_was_refused(
    people: Sources, clock: Clock
) -> None:
    looked(people, EVENING_NS - DAY_NS, "ines", "week-review")
    looked(people, EVENING_NS - 60 * NS_PER_S, "tom", "session-sheet", allowed=False)
    looked(people, EVENING_NS - 30 * NS_PER_S, ME, "today")
    app = run(people, clock)
    page = visits.shown(app).split("pl-looks")[1]
    assert page.index("Today, 3 March") < page.index("17:29") < page.index("Yesterday, 2 March")
    assert "Tomás Núñez</b> wanted to open the session sheet" in page
    assert page.count("refused</span>") == 1
    assert "Dr. Ines &lt;Roth&gt;</b> looked at the week review" in page
    assert "You</b>" not in page
    app.toggle(key="only others").set_value(False).run()
    assert "You</b> looked at the day" in visits.shown(app)


def test_looks_are_listed_a_hundred_at_a_time(people: Sources, clock: Clock) -> None:
    for i in range(130):
        looked(people, EVENING_NS - i * NS_PER_S, "ines", "week")
    app = run(people, clock)
    assert visits.shown(app).count("looked at the week<") == 100
    next(b for b in app.button if b.label == "Earlier").click().run()
    assert visits.shown(app).count("looked at the week<") == 130


def errands(found: Sources) -> list[Errand]:
    return found.registry.people.errands(wearer=seed.WEARER)


def confirm(app: AppTest, word: str) -> None:
    app.text_input[0].set_value(word)
    next(b for b in app.button if b.label.startswith("Erase everything")).click().run()
    assert not app.exception


@pytest.mark.parametrize("word", ["", "erase", "ERASED", "yes"])
def test_nothing_is_erased_without_the_word(people: Sources, clock: Clock, word: str) -> None:
    app = run(people, clock)
    confirm(app, word)
    assert errands(people) == []
    assert "the word is ERASE" in app.error[0].value


def test_an_erasure_is_asked_for_under_the_number_that_was_shown(
    people: Sources, clock: Clock
) -> None:
    app = run(people, clock)
    before = visits.shown(app)
    confirm(app, "ERASE")
    (asked,) = errands(people)
    assert (asked.kind, asked.state, asked.account) == (ErrandKind.ERASE, ErrandState.ASKED, ME)
    assert len(asked.errand) == 32
    assert asked.errand in before
    after = visits.shown(app)
    assert f'href="/receipt/{asked.errand}"' in after
    app.run()
    assert "Take it away" not in visits.shown(app)
    clock.now_ns += 20 * NS_PER_S
    app.run()
    assert "Waiting for the analytics service, since" in visits.shown(app)


def test_a_page_that_is_opened_later_shows_the_erasure_under_way(
    people: Sources, clock: Clock
) -> None:
    number = "0" * 32
    people.registry.people.ask(Errand(number, ErrandKind.ERASE, seed.WEARER, ME, EVENING_NS))
    page = visits.shown(run(people, clock))
    assert f'href="/receipt/{number}"' in page
    assert "pl-consent" not in page


def test_an_erasure_that_failed_says_why_and_can_be_asked_for_again(
    people: Sources, clock: Clock
) -> None:
    number = "0" * 32
    people.registry.people.ask(Errand(number, ErrandKind.ERASE, seed.WEARER, ME, EVENING_NS))
    failure = '{"message":"The store refuses.","hint":"Ask in an hour."}'
    people.registry.people.finish_errand(
        number, ErrandState.FAILED, done_ns=EVENING_NS, result=failure
    )
    app = run(people, clock)
    assert "The store refuses. Ask in an hour." in visits.shown(app)
    confirm(app, "ERASE")
    assert len(errands(people)) == 2
    assert errands(people)[1].errand != number or errands(people)[0].errand != number


def test_when_it_is_done_nobody_is_signed_in_and_the_receipt_is_what_remains(
    people: Sources, clock: Clock
) -> None:
    gone = []

    def make() -> visits.Visit:
        visit = visits.visit(people, Act.DATA, clock_ns=clock)

        def who() -> object:
            if gone:
                raise AccessError(Reason.SIGNED_OUT, "You are signed out.", hint="Sign in.")
            return visits.CLIENT

        visit.gate.viewer = who  # type: ignore[assignment]
        return visit

    app = visits.run(data.page, make)
    confirm(app, "ERASE")
    (asked,) = errands(people)
    gone.append(True)
    app.run()
    page = visits.shown(app)
    assert "Everything was erased" in page
    assert f'href="/receipt/{asked.errand}"' in page


def test_what_a_receipt_says_to_keep() -> None:
    kept = cards.receipt_file("abc", "https://plumb.example/receipt/abc")
    assert "Number   abc" in kept
    assert "https://plumb.example/receipt/abc" in kept


def test_times_of_looks_are_the_wearers_own_across_daylight_saving() -> None:
    # 2026-03-29: in Berlin 01:59 is followed by 03:00.
    looks = [
        Look(1_774_749_600 * NS_PER_S, "ines", "today", seed.WEARER),
        Look(1_774_745_940 * NS_PER_S, "ines", "today", seed.WEARER),
    ]
    page = cards.looks(looks, str, ME, 1_774_749_600 * NS_PER_S, BERLIN)
    assert page.index("04:00") < page.index("01:59")
