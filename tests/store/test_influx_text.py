"""What goes to InfluxDB and comes back as text, against lines written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.errors import InvariantError, StoreError
from contracts.records import Frame, FrameBlock, SensorHealth
from contracts.units import NS_PER_S
from contracts.vocabulary import (
    PLACEMENTS,
    POSTURES,
    Activity,
    ActivitySource,
    Posture,
    Quality,
)
from store import influx_flux, influx_lines
from store.ports import StreamKey
from tests.store.records import episode, minute

AT_S = 1_700_000_000
FRAME = Frame(
    start_ns=AT_S * NS_PER_S,
    posture=Posture.UPRIGHT,
    activity=Activity.SITTING,
    activity_source=next(iter(ActivitySource)),
    confidence=0.87,
    quality=next(iter(Quality)),
    samples=100,
    missing=(PLACEMENTS[1],),
    suspect=(PLACEMENTS[0], PLACEMENTS[2]),
    thorax_flexion_deg=-12.34,
    trunk_flexion_deg=0.0,
)


def test_a_frame_is_one_line_of_whole_numbers() -> None:
    upright = POSTURES.index(Posture.UPRIGHT)
    block = FrameBlock.from_rows([FRAME])
    (line,) = influx_lines.frame_lines([("w-1", block)])
    assert line == (
        f"frame,wearer=w-1 angles=5i,posture={upright}i,activity={block.activity[0]}i,"
        f"activity_source={block.activity_source[0]}i,confidence_percent=87i,"
        f"quality={block.quality[0]}i,samples=100i,missing=2i,suspect=5i,"
        "thorax_flexion_cdeg=-1234i,trunk_flexion_cdeg=0i 1700000000000000000"
    )


def test_frames_from_before_doubts_have_none_among_those_that_may() -> None:
    columns = {
        "_time": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"],
        "suspect": ["", "5"],
    }
    columns |= {name: ["1", "1"] for name in influx_lines.CODE_FIELDS if name != "suspect"}
    columns |= {"angles": ["0", "0"]}
    assert influx_flux.frames_of(columns).suspect.tolist() == [0, 5]
    del columns["suspect"]
    assert influx_flux.frames_of(columns).suspect.tolist() == [0, 0]


def test_bodies_are_quoted() -> None:
    told = episode(AT_S, AT_S + 60)
    changed = type(told)(
        **{f: getattr(told, f) for f in told.__struct_fields__} | {"explanation": 'a "b" \\ \n'}
    )
    (line,) = influx_lines.episode_lines("w", [changed], 7)
    assert line.startswith('episode,wearer=w body="{\\"start_ns\\":1700000000000000000,')
    assert '\\"explanation\\":\\"a \\\\\\"b\\\\\\" \\\\\\\\ \\\\n\\"' in line
    assert line.endswith(",end_ns=1700000060000000000i 1700000000000000007")


def test_a_rollup_carries_what_other_programs_may_sum() -> None:
    (line,) = influx_lines.rollup_lines("minute", "w", [minute(AT_S)], 1)
    assert line.endswith(",worn_s=60i,rounded_s=20i 1700000000000000001")


def test_what_has_no_time_lies_at_the_start_of_2020() -> None:
    key = StreamKey("gw", "PL-1", "box")
    assert influx_lines.cursor_line(key, 12, 3) == (
        "cursor,gateway=gw,sensor=PL-1,outbox=box seq=12i 1577836800000000003"
    )
    health = SensorHealth(gateway="gw", sensor="PL-1", at_ns=1, state="ok")
    (line,) = influx_lines.health_lines([health], 4)
    assert line.startswith('health,gateway=gw,sensor=PL-1 body="{')
    assert line.endswith(" 1577836800000000004")


@pytest.mark.parametrize("size", [0, 1, 60_000, 1_000_000])
def test_a_snapshot_is_cut_into_strings_that_fit(size: int) -> None:
    snapshot = np.random.default_rng(1).bytes(size)
    line = influx_lines.snapshot_line("w", snapshot, 1)
    fields = dict(field.split("=", 1) for field in line.split(" ")[1].split(","))
    parts = [fields[f"part{n}"].strip('"') for n in range(int(fields["parts"].rstrip("i")))]
    assert max(map(len, parts)) <= influx_lines.PART_CHARS
    assert influx_lines.snapshot_of_parts(parts) == snapshot


def test_a_snapshot_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.influx_lines.MAX_PARTS", 2)
    with pytest.raises(InvariantError, match="snapshot"):
        influx_lines.snapshot_line("w", np.random.default_rng(1).bytes(200_000), 1)


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a=b", 'a"', "a\n", "é", "x" * 65])
def test_a_key_that_is_no_id_is_refused(name: str) -> None:
    with pytest.raises(InvariantError, match="no id"):
        influx_lines.frame_lines([(name, FrameBlock.from_rows([FRAME]))])


def test_an_answer_in_csv() -> None:
    text = (
        ',result,table,_time,body\r\n,_result,0,2024-01-01T00:00:00Z,"say ""x"", or\u2028y"\r\n\r\n'
    )
    assert influx_flux.parse_csv(text, "host") == {
        "_time": ["2024-01-01T00:00:00Z"],
        "body": ['say "x", or\u2028y'],
    }
    assert influx_flux.parse_csv("\r\n", "h") == influx_flux.parse_csv("", "h") == {}


@pytest.mark.parametrize(
    "text",
    [
        "error,reference\r\nthe query broke,12\r\n",
        ",error,reference\r\n,the query broke,12\r\n",
        "result,_value\r\n_result,1\r\n\r\nerror,reference\r\nthe query broke,12\r\n",
        "result,_value\r\n_result,1\r\n\r\nresult,other\r\n_result,1\r\n",
        "result,_value\r\n_result\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_none(text: str) -> None:
    with pytest.raises(StoreError, match="broke off"):
        influx_flux.parse_csv(text, "host")


def test_times_keep_their_nanoseconds() -> None:
    cells = ["1970-01-01T00:00:00Z", "2024-01-01T00:00:00.000000001Z", "1969-12-31T23:59:59.5Z"]
    assert influx_flux.times_ns(cells).tolist() == [0, 1_704_067_200_000_000_001, -500_000_000]


def test_a_question_holds_names_as_text_only() -> None:
    asked = influx_flux.source("b", 0, 2**63, wearer='" or true or "${x}\\')
    assert 'r.wearer == "\\" or true or \\"\\${x}\\\\"' in asked
    assert f"stop: time(v: {2**63 - 2})" in asked
