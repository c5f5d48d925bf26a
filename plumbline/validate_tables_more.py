"""Tables of activities, of what was said of sensors, and of the inclination against cameras."""

from __future__ import annotations

from plumbline.validate_summary import Summary
from plumbline.validate_words import WORDS, Sheet, figure, mistakes, plain, word, words, worn


def more_sheets(summary: Summary) -> list[Sheet]:
    """The tables, in the order of the report; one without rows where there is nothing to tell."""
    return [
        *(_activities(summary), _activity_people(summary), _seated(summary)),
        *(_told(summary), _slips(summary), _orientation(summary)),
    ]


def _activities(summary: Summary) -> Sheet:
    labels = summary.activities[0].true if summary.activities else ()
    rows = [
        (
            *(
                worn(f.sensors),
                str(f.people),
                f"{f.seconds:,}",
                figure(f.accuracy),
                figure(f.macro_f1),
            ),
            *(figure(f.f1[label]) for label in labels),
        )
        for f in summary.activities
    ]
    return Sheet(
        "activities",
        "Activities, a second",
        (
            *("sensors", "people", "seconds", "accuracy", "macro F1"),
            *(f"F1 {label}" for label in words(labels)),
        ),
        tuple(rows),
        "Any other word, such as unknown, is wrong.",
    )


def _activity_people(summary: Summary) -> Sheet:
    rows = [
        (
            worn(f.sensors),
            one.person,
            plain(one.accuracy, 3),
            mistakes(one),
        )
        for f in summary.activities
        for one in f.worst
    ]
    return Sheet(
        "activities",
        "Activities by person, the worst five",
        ("sensors", "person", "accuracy", "mistakes, most seconds first"),
        tuple(rows),
    )


def _seated(summary: Summary) -> Sheet:
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            figure(f.right),
            ", ".join(f"{word(name)} {seconds:,} s" for name, seconds in f.said_s.items()),
        )
        for f in summary.seated
    ]
    return Sheet(
        "activities",
        "What the people who sit or drive were said to do",
        ("", "sensors", "right", "said"),
        tuple(rows),
    )


def _told(summary: Summary) -> Sheet:
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            f"{f.seconds:,}",
            ", ".join(f"{name} {seconds:,} s" for name, seconds in f.said_s.items()),
        )
        for f in summary.told
    ]
    return Sheet(
        "trouble",
        "What was said of the sensors, which nobody is known to have moved",
        ("", "sensors", "seconds", "said"),
        tuple(rows),
        "Two people's recordings have long losses; nothing slipped that anyone wrote down, so slipped and "
        "swapped would be false alarms.",
    )


def _slips(summary: Summary) -> Sheet:
    found = summary.trouble
    rows = [
        (row.kind, str(row.slips), figure(row.told, 2), str(row.false))
        for row in (found.slips if found else ())
    ]
    note = ""
    if found:
        note = (
            f"Of {found.swaps} simulated swaps of the two sensors {found.swaps_named} were called a swap, "
            f"and {found.swaps_told} a swap or a slip. Of {found.seconds:,} s without either, "
            f"{found.false_alarm_s} s were called slipped or swapped."
        )
    return Sheet(
        "trouble",
        "Slips simulated on the people who sit, T4 + L5",
        ("one sensor turns by", "slips", "told", "before it, or of the other sensor"),
        tuple(rows),
        note,
    )


def _orientation(summary: Summary) -> Sheet:
    trials = summary.orientation
    rows = [
        (t.trial, plain(t.scored_s, 0), *map(plain, (t.packets_deg, t.picked_deg, t.full_rate_deg)))
        for t in trials
    ]
    if trials:
        mean = [
            plain(sum(values) / len(trials))
            for values in (
                [t.packets_deg for t in trials],
                [t.picked_deg for t in trials],
                [t.full_rate_deg for t in trials],
            )
        ]
        rows.append(("mean of the trials", plain(sum(t.scored_s for t in trials), 0), *mean))
    full_hz = f"{trials[0].full_rate_hz:.0f}" if trials else ""
    return Sheet(
        "orientation",
        "Inclination against cameras, root mean square error in degrees",
        (
            *("trial", "s of movement", "through the packets, 50 Hz int16"),
            *("the same, readings picked at the ticks", f"VQF alone, {full_hz} Hz float"),
        ),
        tuple(rows),
        "Through the packets: what firmware that integrates at its full rate sends over Bluetooth, decoded "
        "and filtered as the product does. Six axes: no magnetometer. Only where the trial says movement.",
    )
