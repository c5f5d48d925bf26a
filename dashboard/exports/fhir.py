"""The week as a FHIR R4B Bundle: a collection that a clinic's system can file. docs/fhir.md explains each part.

Made through the models of fhir.resources, so that what does not fit FHIR raises here and not at the receiver.
The person is a pseudonymous id; no name leaves. Standard posture codes know only sitting, standing and lying, so
the codes are our own, under ``urn:plumbline:code``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from fhir.resources.R4B.bundle import Bundle

from contracts.records import Episode
from dashboard.look import clock, text
from dashboard.look.safety import muscle, safety
from dashboard.reading.focus_order import ReviewedArea
from dashboard.review.model import ReviewDay, WeekReview
from store.people_ports import PainTap, Verdict
from store.ports import Assignment

Json = dict[str, Any]

CODES: Final = "urn:plumbline:code"
WEARERS: Final = "urn:plumbline:wearer"
SENSORS: Final = "urn:plumbline:sensor"
OBSERVATIONS: Final = "urn:plumbline:observation"
TAGS: Final = "urn:plumbline:tag"
UCUM: Final = "http://unitsofmeasure.org"
_LOINC: Final = "http://loinc.org"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_PAIN: Final = {
    "system": _LOINC,
    "code": "72514-3",
    "display": "Pain severity - 0-10 verbal numeric rating [Score] - Reported",
}
#: The names of our own codes.
CODE_NAMES: Final = {
    "week": "Posture summary of a week",
    "rounded-time": "Time in rounded posture",
    "worn-time": "Time that the sensors were worn",
    "rounded-rate": "Rounded time for each worn hour",
    "rounded-episode": "Episode of sustained rounded posture",
    "mean-flexion": "Mean trunk flexion against the own upright",
    "peak-flexion": "Largest trunk flexion against the own upright",
    "activity": "Activity during the episode",
    "pattern": "Part of the trunk that was rounded",
    "pain-tap": "Pain as tapped on a body figure",
    "posture-system": "Wearable posture monitoring system",
    "tilt-sensor": "Inertial sensor worn on the trunk",
    "placement": "Where on the body the sensor is worn",
}
#: Every id of a resource comes from this and what it is about: sent twice, it is the same resource.
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:plumbline")


def bundle(review: WeekReview) -> bytes:
    """The week as UTF-8 JSON. A client who is simulated is tagged so in every resource."""
    made = _Maker(review)
    entries = [*made.people_and_devices(), made.week(), *made.days(), *made.episodes()]
    entries += made.pain()
    whole = Bundle.model_validate(
        {
            "resourceType": "Bundle",
            "meta": made.meta,
            "identifier": {"system": OBSERVATIONS, "value": made.key("bundle")},
            "type": "collection",
            "timestamp": made.time(review.made_ns),
            "entry": entries,
        }
    )
    return f"{whole.model_dump_json(indent=1)}\n".encode()


class _Maker:
    """The resources of one review, each with its address within the bundle."""

    def __init__(self, review: WeekReview) -> None:
        self._review = review
        self._wearer = review.person.wearer
        simulated = {"system": TAGS, "code": "simulated", "display": "Of a simulated client"}
        test = {"system": _REASON, "code": "HTEST", "display": "test health data"}
        known = {"tag": [simulated], "security": [test]} if review.person.simulated else {}
        self.meta: Json = {"source": "urn:plumbline", **known}

    def key(self, *parts: str) -> str:
        """What a resource is about, as its business identifier."""
        return "/".join((self._wearer, self._review.week.name, *parts))

    def time(self, at_ns: int) -> str:
        """On the client's clock, with its offset from UTC."""
        return clock.local(at_ns, self._review.person.zone).isoformat()

    def people_and_devices(self) -> Iterator[Json]:
        """The patient, the system that computed, and the sensors worn in the week."""
        patient = {"identifier": [{"system": WEARERS, "value": self._wearer}]}
        yield self._entry("Patient", patient, self._wearer)
        kit = {"type": _concept("posture-system"), "patient": self._patient()}
        yield self._entry("Device", kit | {"manufacturer": "Plumbline"}, f"{self._wearer}/kit")
        for worn in self._review.assignments:
            key = f"{self._wearer}/{worn.sensor}/{worn.start_ns}"
            yield self._entry("Device", self._sensor(worn), key)

    def week(self) -> Json:
        """The week's figures; with them the areas to assess, as notes under the words that stand with them."""
        review = self._review
        figures = review.figures
        value: Json = _absent()
        if figures.rounded_min_h is not None:
            value = {"valueQuantity": _quantity(figures.rounded_min_h, "min/h")}
        notes = [{"text": safety().standing}]
        notes += [{"text": _area(a)} for a in review.areas if a.verdict is not Verdict.REJECTED]
        found = self._observation("week", review.start_ns, review.end_ns) | value
        found |= {
            "component": [
                _component("worn-time", _quantity(figures.worn_s / 60, "min")),
                _component("rounded-time", _quantity(figures.rounded_s / 60, "min")),
            ],
            "note": notes,
        }
        return self._entry("Observation", found, self.key("week"))

    def days(self) -> Iterator[Json]:
        """An observation a day that has begun."""
        for day in self._review.week_days:
            start_ns, end_ns = clock.day_bounds_ns(day.day, self._review.person.zone)
            if start_ns < self._review.made_ns:
                found = self._observation("rounded-time", start_ns, end_ns) | _day(day)
                yield self._entry("Observation", found, self.key("day", day.day.isoformat()))

    def episodes(self) -> Iterator[Json]:
        """An observation an episode, by time."""
        for episode in sorted(self._review.episodes, key=lambda e: e.start_ns):
            found = self._observation("rounded-episode", episode.start_ns, episode.end_ns)
            found |= _episode(episode)
            if episode.ongoing:
                found["status"] = "preliminary"
            yield self._entry("Observation", found, self.key("episode", str(episode.start_ns)))

    def pain(self) -> list[Json]:
        """An observation a pain tap."""
        return [
            self._entry("Observation", self._tap(t), self.key("pain", str(t.at_ns), t.region))
            for t in self._review.pain
        ]

    def _tap(self, tap: PainTap) -> Json:
        found: Json = {
            "status": "final",
            "category": [{"coding": [{"system": _CATEGORY, "code": "survey"}]}],
            "code": {"coding": [_PAIN, _coding("pain-tap")]},
            "subject": self._patient(),
            "effectiveDateTime": self.time(tap.at_ns),
            "valueQuantity": _quantity(tap.score, "{score}"),
            "bodySite": {"text": text.sentence(tap.region)},
        }
        return found | ({"note": [{"text": tap.note}]} if tap.note.strip() else {})

    def _sensor(self, assignment: Assignment) -> Json:
        until = "" if assignment.end_ns is None else f" until {self.time(assignment.end_ns)}"
        placed = {"text": text.PLACEMENT[assignment.placement]}
        return {
            "identifier": [{"system": SENSORS, "value": assignment.sensor}],
            "type": _concept("tilt-sensor"),
            "property": [{"type": _concept("placement"), "valueCode": [placed]}],
            "patient": self._patient(),
            "parent": {"reference": _address("Device", f"{self._wearer}/kit")},
            "note": [{"text": f"Worn from {self.time(assignment.start_ns)}{until}."}],
        }

    def _observation(self, code: str, start_ns: int, end_ns: int) -> Json:
        return {
            "status": "preliminary" if end_ns > self._review.made_ns else "final",
            "category": [{"coding": [{"system": _CATEGORY, "code": "activity"}]}],
            "code": _concept(code),
            "subject": self._patient(),
            "effectivePeriod": {"start": self.time(start_ns), "end": self.time(end_ns)},
            "device": {"reference": _address("Device", f"{self._wearer}/kit")},
        }

    def _patient(self) -> Json:
        return {"reference": _address("Patient", self._wearer)}

    def _entry(self, kind: str, resource: Json, key: str) -> Json:
        whole = {"resourceType": kind, "meta": self.meta, **resource}
        if kind == "Observation":
            whole["identifier"] = [{"system": OBSERVATIONS, "value": key}]
        return {"fullUrl": _address(kind, key), "resource": whole}


def _day(day: ReviewDay) -> Json:
    """Worn and rounded minutes. Of a day that was not worn nothing is known, which is said so."""
    figures = day.figures
    worn = [_component("worn-time", _quantity(figures.worn_s / 60, "min"))]
    if figures.rounded_min_h is None:
        return _absent() | {"component": worn}
    rate = _component("rounded-rate", _quantity(figures.rounded_min_h, "min/h"))
    return {
        "valueQuantity": _quantity(figures.rounded_s / 60, "min"),
        "component": [*worn, rate],
    }


def _episode(episode: Episode) -> Json:
    return {
        "valueQuantity": _quantity(episode.rounded_s / 60, "min"),
        "component": [
            _component("mean-flexion", _quantity(episode.mean_flexion_deg, "deg")),
            _component("peak-flexion", _quantity(episode.peak_flexion_deg, "deg")),
            _said("activity", text.ACTIVITY[episode.activity]),
            _said("pattern", text.PATTERN[episode.pattern]),
        ],
        "note": [{"text": episode.explanation}],
    }


def _area(found: ReviewedArea) -> str:
    area = found.area
    front = ", ".join(muscle(key).name for key in area.front)
    back = ", ".join(muscle(key).name for key in area.back)
    accepted = " Accepted by the therapist." if found.verdict is Verdict.ACCEPTED else ""
    inferred = " Inferred, not measured." if area.inferred else ""
    return (
        f"Area to assess: {text.pattern(area.rule)} ({text.duration(found.exposure_s)} in "
        f"{text.count(len(found.episodes), 'episode')}). Front: {front}. Back: {back}. "
        f"{area.why} {area.standing}{inferred}{accepted}"
    )


def _coding(code: str) -> Json:
    return {"system": CODES, "code": code, "display": CODE_NAMES[code]}


def _concept(code: str) -> Json:
    return {"coding": [_coding(code)]}


def _component(code: str, quantity: Json) -> Json:
    return {"code": _concept(code), "valueQuantity": quantity}


def _said(code: str, words: str) -> Json:
    return {"code": _concept(code), "valueCodeableConcept": {"text": words}}


def _quantity(value: float, unit: str) -> Json:
    return {"value": round(value, 2), "unit": unit, "system": UCUM, "code": unit}


def _absent() -> Json:
    return {
        "dataAbsentReason": {
            "coding": [{"system": _ABSENT, "code": "unknown", "display": "Unknown"}]
        }
    }


def _address(kind: str, key: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_SPACE, f'{kind}/{key}')}"
