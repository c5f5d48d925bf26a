"""truth.csv: which seconds count, and what no recording can say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.validation import truth
from analytics.validation.truth import Interval, read_truth, true_codes
from contracts.errors import Reason, RecordingError
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture

HEAD = "start_s,end_s,posture,activity\n"


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    (folder / truth.TRUTH).write_text(head + rows, encoding="utf-8")
    return folder


def test_intervals_are_read_and_what_is_empty_is_unknown(tmp_path: Path) -> None:
    folder = written(tmp_path, "0,30,upright,sitting\n32.5,60,,walking\n")
    assert read_truth(folder) == (
        Interval(0.0, 30.0, Posture.UPRIGHT, Activity.SITTING),
        Interval(32.5, 60.0, Posture.UNKNOWN, Activity.WALKING),
    )


def test_only_seconds_wholly_inside_one_interval_count() -> None:
    intervals = (
        Interval(0.5, 3.0, Posture.UPRIGHT, Activity.SITTING),
        Interval(3.0, 4.5, Posture.ROUNDED, Activity.DRIVING),
        Interval(6.0, 6.9, Posture.ROUNDED, Activity.DRIVING),  # shorter than a second
    )
    inside, posture, activity = true_codes(intervals, np.arange(8) * NS_PER_S)
    assert inside.tolist() == [False, True, True, True, False, False, False, False]
    assert [POSTURES[c] for c in posture[inside]] == ["upright", "upright", "rounded"]
    assert [ACTIVITIES[c] for c in activity[inside]] == ["sitting", "sitting", "driving"]
    assert not posture[~inside].any()


def test_seconds_that_are_no_whole_ones_of_the_recording_count_by_their_own_bounds() -> None:
    intervals = (Interval(0.0, 2.0, Posture.UPRIGHT, Activity.SITTING),)
    inside, _, _ = true_codes(
        intervals, np.array([-NS_PER_S // 4, 3 * NS_PER_S // 4, NS_PER_S + 1])
    )
    assert inside.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "holds no interval"),
        ("0,30,slouch,sitting\n", "line 2"),
        ("0,30,upright,juggling\n", "line 2"),
        ("0,x,upright,sitting\n", "line 2"),
        ("0,30\n", "line 2"),
        ("0,30,upright,sitting,more\n", "line 2"),
        ("5,5,upright,sitting\n", "is no interval"),
        ("-1,5,upright,sitting\n", "is no interval"),
        ("0,nan,upright,sitting\n", "is no interval"),
        ("0,inf,upright,sitting\n", "is no interval"),
        ("0,30,upright,sitting\n29,40,rounded,sitting\n", "line 3 begins before"),
    ],
)
def test_what_no_recording_can_hold_is_refused_with_its_line(
    tmp_path: Path, rows: str, said: str
) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        read_truth(written(tmp_path, rows))
    assert caught.value.reason is Reason.BAD_RECORDING
    assert "start_s,end_s,posture,activity" in caught.value.hint


def test_other_columns_and_what_is_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="columns are not"):
        read_truth(written(tmp_path, "0,30,upright\n", head="start_s,end_s,posture\n"))
    (tmp_path / truth.TRUTH).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_truth(tmp_path)
    (tmp_path / truth.TRUTH).unlink()
    with pytest.raises(RecordingError, match="cannot be read"):
        read_truth(tmp_path)


def test_a_file_beyond_the_caps_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path, "0,1,upright,sitting\n1,2,upright,sitting\n")
    monkeypatch.setattr(truth, "MAX_INTERVALS", 2)
    assert len(read_truth(folder)) == 2
    monkeypatch.setattr(truth, "MAX_INTERVALS", 1)
    with pytest.raises(RecordingError, match="over 1 intervals"):
        read_truth(folder)
    monkeypatch.setattr(truth, "MAX_BYTES", 10)
    with pytest.raises(RecordingError, match="over 10 bytes"):
        read_truth(folder)
