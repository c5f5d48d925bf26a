from __future__ import annotations

import pytest

from contracts.records import CalibrationOutcome
from contracts.vocabulary import Placement
from dashboard.entry.access import Act
from dashboard.mine import consent
from dashboard.reading.sources import Sources
from dashboard.sensors import first_steps
from dashboard.sensors.first_steps import FirstStep, Way
from store.people_ports import Consent, ConsentKind
from store.ports import Assignment, Wearer
from tests.dashboard import seed, visits

AGREED = Consent("w", ConsentKind.MONITORING, "1", given_ns=1)
TAKEN_BACK = Consent("w", ConsentKind.MONITORING, "1", given_ns=1, withdrawn_ns=2)
COUNTED = Consent("w", ConsentKind.AGGREGATE, "1", given_ns=1)
WORN = Assignment("PL-1", "w", Placement.T4, start_ns=5)
GIVEN_BACK = Assignment("PL-1", "w", Placement.T4, start_ns=5, end_ns=8)
ACCEPTED = CalibrationOutcome(effective_ns=6, accepted=True, message="accepted")
REFUSED = CalibrationOutcome(effective_ns=6, accepted=False, message="moved")


@pytest.mark.parametrize(
    ("consents", "assignments", "outcomes", "following"),
    [
        ([], [], [], FirstStep.AGREE),
        ([COUNTED], [WORN], [ACCEPTED], FirstStep.AGREE),
        ([TAKEN_BACK], [WORN], [ACCEPTED], FirstStep.AGREE),
        ([AGREED], [], [], FirstStep.PAIR),
        ([AGREED], [GIVEN_BACK], [ACCEPTED], FirstStep.PAIR),
        ([TAKEN_BACK, AGREED], [GIVEN_BACK, WORN], [], FirstStep.CALIBRATE),
        ([AGREED], [WORN], [REFUSED], FirstStep.CALIBRATE),
        ([AGREED], [WORN], [ACCEPTED, REFUSED], None),
    ],
)
def test_the_next_step_of_somebody_new(
    consents: list[Consent],
    assignments: list[Assignment],
    outcomes: list[CalibrationOutcome],
    following: FirstStep | None,
) -> None:
    done = first_steps.way(consents, assignments, outcomes, now_ns=8)
    assert done.next_step is following
    assert bool(first_steps.card(done)) == (following is not None)


def test_the_card_leads_to_the_next_step_only() -> None:
    card = first_steps.card(Way(agreed=True, paired=False, calibrated=False))
    assert card.count("href=") == 1
    assert 'href="/my-sensors"' in card
    assert card.index("Say what you agree to") < card.index(">done<") < card.index("Pair your")
    assert 'aria-current="step"' in card


@pytest.mark.parametrize("kind", ConsentKind)
def test_every_consent_has_words_and_says_what_taking_it_back_means(kind: ConsentKind) -> None:
    words = consent.words(kind)
    assert words.kind is kind
    assert words.version
    assert all(words.says)
    assert words.withdrawing.endswith(".")


def test_what_is_measured_is_called_no_diagnosis() -> None:
    assert "no diagnosis and no treatment" in " ".join(consent.words(ConsentKind.MONITORING).says)


@pytest.fixture
def newcomer(sources: Sources) -> Sources:
    """Somebody who has nothing yet."""
    sources.registry.put_wearer(Wearer(seed.WEARER, "Alma Berg"))
    return sources


def test_the_card_is_for_whose_own_page_it_is(newcomer: Sources) -> None:
    assert "Say what you agree to" in first_steps.of(visits.visit(newcomer, Act.TODAY))
    assert first_steps.of(visits.visit(newcomer, Act.TODAY, viewer=visits.THERAPIST)) == ""


def test_a_simulated_person_is_asked_for_nothing(newcomer: Sources) -> None:
    newcomer.registry.put_wearer(Wearer(seed.WEARER, "Simulated client", simulated=True))
    assert first_steps.of(visits.visit(newcomer, Act.TODAY)) == ""
