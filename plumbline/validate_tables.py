"""The tables of ``plumbline validate`` as rows of text, for the terminal and for the report alike."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.validation.figures import Compared, PostureFigures
from analytics.validation.scoring import Study
from plumbline.validate_runs import MAIN_SETS
from plumbline.validate_summary import Summary
from plumbline.validate_tables_more import more_sheets
from plumbline.validate_words import (
    WORDS,
    Sheet,
    difference,
    figure,
    mistakes,
    plain,
    signed,
    word,
    words,
    worn,
)


def sheets(summary: Summary) -> list[Sheet]:
    """The tables that were asked for and have rows, in the order of the report."""
    made = [
        *(_postures(summary), _f1(summary), _upright_rounded(summary)),
        *(_episodes(summary), _faults(summary)),
        *(_confidence(summary), _worst(summary), _missed(summary)),
        *(_driving(summary), _mountings(summary)),
        *more_sheets(summary),
    ]
    return [sheet for sheet in made if sheet.rows and summary.shows(sheet.part)]


def _postures(summary: Summary) -> Sheet:
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            str(f.people),
            f"{f.seconds:,}",
            figure(f.accuracy),
            figure(f.accuracy_outside_windows),
            figure(f.mean_accuracy),
            figure(f.macro_f1),
        )
        for f in summary.postures
    ]
    return Sheet(
        "postures",
        "Six postures, a second",
        (
            *("", "sensors", "people", "seconds", "accuracy", "outside calibration windows"),
            *("mean of the people", "macro F1"),
        ),
        tuple(rows),
        "Every whole UTC second inside a true interval that has a sample counts; unknown is wrong. "
        f"Seconds without any sample: {_silent(summary)}. In brackets: 95 % interval over people.",
    )


def _silent(summary: Summary) -> str:
    counts = {
        f"{WORDS[f.study]}, {worn(f.sensors)}": f.silent_s for f in summary.postures if f.silent_s
    }
    return "; ".join(f"{count} ({name})" for name, count in counts.items()) or "none"


def _f1(summary: Summary) -> Sheet:
    labels = summary.postures[0].true if summary.postures else ()
    rows = [
        (WORDS[f.study], worn(f.sensors), *(figure(f.f1[label]) for label in labels))
        for f in summary.postures
    ]
    return Sheet("postures", "F1 of each posture", ("", "sensors", *words(labels)), tuple(rows))


def _upright_rounded(summary: Summary) -> Sheet:
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            figure(f.upright_rounded_six, 4),
            figure(f.upright_rounded_two, 4),
        )
        for f in summary.postures
    ]
    return Sheet(
        "postures",
        "Upright against rounded, balanced accuracy",
        ("", "sensors", "among six postures", "as two classes"),
        tuple(rows),
        "Over seconds that are truly upright or rounded. As two classes, forward_lean counts as "
        "rounded: both bend the upper trunk forward, and one sensor cannot tell which.",
    )


def _episodes(summary: Summary) -> Sheet:
    rows = []
    for f in summary.postures:
        e = f.episodes
        rows.append(
            (
                *(WORDS[f.study], worn(f.sensors), f"{e.found} of {e.true}"),
                figure(f.episode_recall),
                f"{e.false_upright} in {e.upright_h:.2f} h",
                f"{e.false_other} in {e.other_h:.2f} h",
                plain(100 * e.overrun_share_upright, 1),
                plain(100 * e.overrun_share_other, 1),
                signed(e.onset_error_median_s, 1),
                plain(e.onset_error_abs_p95_s, 1),
                plain(100 * e.onset_within_3_s, 1),
            )
        )
    return Sheet(
        "episodes",
        "Sustained rounded episodes of 30 s and more",
        (
            *("", "sensors", "found", "recall", "false while upright", "false in the rest"),
            *("upright time in episodes, %", "other time in episodes, %"),
            *("onset error, median, s", "onset error, 95th, s", "onset within 3 s, %"),
        ),
        tuple(rows),
        "True rounded intervals at most 5 s apart are one episode. Found: one found episode covers at "
        "least half. False: less than half of a found episode is truly rounded. The 95th is of the "
        "error's size.",
    )


def _faults(summary: Summary) -> Sheet:
    found = [f for f in _main(summary.postures) if f.sensors != "T4"]
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            one.recording,
            one.fault,
            f"{one.start_s:.0f}–{one.end_s:.0f} s",
        )
        for f in found
        for one in f.episode_faults
    ]
    return Sheet(
        "episodes",
        "Every episode that was missed, and every false one",
        ("", "sensors", "recording", "", "when"),
        tuple(rows),
        "With the kit and with all four sensors; of the other sets in the JSON file.",
    )


def _confidence(summary: Summary) -> Sheet:
    rows = []
    for f in summary.postures:
        bins = [row for row in f.reliability.rows if row.low >= 0.4]
        rows.append(
            (
                WORDS[f.study],
                worn(f.sensors),
                figure(f.reliability.expected_error),
                figure(f.calibration_error_named),
                *(f"{plain(r.right)} of {r.seconds:,}" if r.seconds else "–" for r in bins),
            )
        )
    return Sheet(
        "confidence",
        "Calibration of the confidence",
        (
            *("", "sensors", "expected calibration error", "of the seconds named"),
            *(f"right at 0.{k}–{(k + 1) / 10:.1f}" for k in range(4, 10)),
        ),
        tuple(rows),
        "Share of the seconds said with such a confidence that were right; ten bins of equal width, all "
        "counted seconds, those called unknown among them, but for the second figure. Bins below 0.4 are in "
        "the JSON file. Draws with fewer different people have larger errors, so the interval may lie "
        "above the figure.",
    )


def _worst(summary: Summary) -> Sheet:
    rows = [
        (
            WORDS[f.study],
            worn(f.sensors),
            one.person,
            plain(one.accuracy, 3),
            mistakes(one),
        )
        for f in _main(summary.postures)
        for one in f.worst
    ]
    return Sheet(
        "people",
        "The worst five people",
        ("", "sensors", "person", "accuracy", "mistakes, most seconds first"),
        tuple(rows),
        "Of the kit, all four sensors and T4 alone; everybody's accuracy with every set is in the JSON "
        "file.",
    )


def _missed(summary: Summary) -> Sheet:
    found = [f for f in _main(summary.postures) if f.study is Study.SITTING and f.sensors != "T4"]
    rows = []
    for f in found:
        for one in f.missed:
            t = one.trial
            rows.append(
                (
                    *(worn(f.sensors), one.recording, f"{t.start_s:.0f}–{t.end_s:.0f} s"),
                    *(word(t.true), word(t.said), f"{100 * t.right:.0f}"),
                    *(signed(angle, 0) for angle in t.angles_deg),
                )
            )
    told = "; ".join(f"{len(f.missed)} of {f.trials} with {worn(f.sensors)}" for f in found)
    return Sheet(
        "people",
        "Half minutes of a posture that were mostly called another",
        (
            *("sensors", "recording", "when", "true", "said most", "right, %"),
            *("upper trunk, °", "lower trunk, °", "to the side, °"),
        ),
        tuple(rows),
        f"{told}. Medians of the calibrated angles, forward and to the right positive: several are not "
        "what the posture's name says.",
    )


def _main(rows: Sequence[PostureFigures]) -> Sequence[PostureFigures]:
    """Those of the sets that matter most; all, where there are none of them."""
    return [f for f in rows if f.sensors in MAIN_SETS] or rows


def _driving(summary: Summary) -> Sheet:
    return Sheet(
        "driving",
        "The same people seated at rest and under a car's acceleration",
        ("sensors", "people", "seated", "in a car", "difference"),
        tuple(_compared_row(one) for one in summary.driving),
    )


def _mountings(summary: Summary) -> Sheet:
    rows = [
        (WORDS[one.study], one.mounting, *_compared_row(one.compared)) for one in summary.mountings
    ]
    return Sheet(
        "mounting",
        "Sensors turned on the body, accuracy of six postures",
        ("", "mounting", "sensors", "people", "as recorded", "turned", "difference"),
        tuple(rows),
        "The samples are turned in memory. Random: each sensor of each recording by a rotation of its "
        "own, any direction as likely as any other, all draws together.",
    )


def _compared_row(one: Compared) -> tuple[str, ...]:
    return (
        worn(one.sensors),
        str(one.people),
        figure(one.accuracy_first),
        figure(one.accuracy_second),
        difference(one.difference),
    )
