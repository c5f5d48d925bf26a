"""What a frame says for itself, to the word."""

from __future__ import annotations

import pytest

from analytics.core.explain import Centre, Centres, explain
from analytics.core.postures import PostureTeller
from analytics.core.shipped import shipped_postures
from contracts.records import Frame
from contracts.settings import PostureSettings
from contracts.vocabulary import Activity, ActivitySource, Placement, Posture, Quality
from tests.analytics.core.wearers import calibrated

T4, L5 = Placement.T4, Placement.L5
CENTRES = Centres(
    {
        Posture.UPRIGHT: Centre(0.0, 0.0, 0.0),
        Posture.ROUNDED: Centre(24.0, 2.0, 0.0),
        Posture.FORWARD_LEAN: Centre(16.0, 15.0, 0.0),
        Posture.RECLINED: Centre(-18.0, -38.0, 0.0),
        Posture.LEFT_LEAN: Centre(23.0, 4.0, -13.0),
        Posture.RIGHT_LEAN: Centre(23.0, 4.0, 13.0),
    },
    own=True,
)


def frame(posture: Posture, confidence: float = 0.95, **values: object) -> Frame:
    return Frame(
        start_ns=0, posture=posture, activity=Activity.SITTING,
        activity_source=ActivitySource.TRUNK, confidence=confidence,
        **{"lateral_deg": 0.0, "quality": Quality.OK, "samples": 100, **values},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (
            frame(Posture.ROUNDED, thorax_flexion_deg=25.0, pelvis_flexion_deg=2.0),
            (
                "The upper trunk is 25° forward, the lower trunk 2° forward: most like your own rounded "
                "pose (24° forward above, 2° forward below)."
            ),
        ),
        (
            frame(Posture.ROUNDED, 0.6, thorax_flexion_deg=22.0, pelvis_flexion_deg=11.0),
            (
                "The upper trunk is 22° forward, the lower trunk 11° forward: most like your own rounded "
                "pose (24° forward above, 2° forward below), or else leaning forward at the hip (16° forward above, "
                "15° forward below)."
            ),
        ),
        (
            frame(Posture.UPRIGHT, thorax_flexion_deg=0.2, pelvis_flexion_deg=-3.0),
            (
                "The upper trunk is upright, the lower trunk 3° back: most like your own upright "
                "(upright)."
            ),
        ),
        (
            frame(Posture.LEFT_LEAN, thorax_flexion_deg=20.0, lateral_deg=-12.0),
            (
                "The upper trunk is 20° forward, 12° to the left: most like leaning to the left "
                "(23° forward above, 4° forward below, 13° to the left)."
            ),
        ),
        (
            frame(Posture.ROUNDED, thorax_flexion_deg=25.0, missing=(L5,), quality=Quality.PARTIAL),
            (
                "The upper trunk is 25° forward: most like your own rounded pose (24° forward above, 2° forward "
                "below). One sensor cannot tell rounding from leaning at the hip for sure. "
                "L5 sent little or nothing."
            ),
        ),
        (
            frame(Posture.UPRIGHT, thorax_flexion_deg=1.0, suspect=(T4,)),
            (
                "The upper trunk is 1° forward: most like your own upright (upright). "
                "Less sure, since something is wrong with T4."
            ),
        ),
        (
            frame(Posture.RECLINED, thorax_flexion_deg=-0.5, pelvis_flexion_deg=-30.5),
            (
                "The upper trunk is upright, the lower trunk 30° back: most like reclined "
                "(18° back above, 38° back below)."
            ),
        ),
        (
            frame(Posture.RECLINED, pelvis_flexion_deg=-38.0),
            "The lower trunk is 38° back: most like reclined (18° back above, 38° back below).",
        ),
        (frame(Posture.UNKNOWN), "No posture is named for this second."),
        (
            frame(Posture.UNKNOWN, quality=Quality.UNCALIBRATED),
            "The sensors are not calibrated on this wearer yet, so no posture is named.",
        ),
    ],
)
def test_a_frame_explains_itself(of: Frame, text: str) -> None:
    assert explain(of, CENTRES) == text


def test_the_centres_are_the_wearers_own() -> None:
    teller = PostureTeller(shipped_postures(), PostureSettings())
    centres = teller.centres(calibrated(T4, L5, slump={T4: 31.0, L5: -6.0}))
    assert centres is not None
    assert centres.own
    rounded = centres.of[Posture.ROUNDED]
    assert rounded.thorax_deg == pytest.approx(31.0, abs=1.5)
    assert rounded.pelvis_deg == pytest.approx(-6.0, abs=1.5)
    alone = teller.centres(calibrated(T4, slump=None))
    assert alone is not None
    assert not alone.own
    assert alone.of[Posture.ROUNDED].pelvis_deg is None


def test_the_centres_of_a_two_fold_sensor_are_told_as_it_faces() -> None:
    teller = PostureTeller(shipped_postures(), PostureSettings())
    mounted = calibrated(T4, L5, slump={T4: 31.0, L5: -6.0}, two_fold=(L5,))
    as_mounted, exchanged = (teller.centres(mounted, {L5: sign}) for sign in (1, -1))
    truly = teller.centres(calibrated(T4, L5, slump={T4: 31.0, L5: 6.0}))
    assert as_mounted is not None
    assert exchanged is not None
    assert as_mounted.of[Posture.ROUNDED].pelvis_deg == pytest.approx(-6.0, abs=1.5)
    assert exchanged == truly


def test_the_lower_trunk_is_told_of_by_t12_where_only_it_is_worn() -> None:
    teller = PostureTeller(shipped_postures(), PostureSettings())
    centres = teller.centres(calibrated(T4, Placement.T12, slump={T4: 24.0, Placement.T12: 16.0}))
    assert centres is not None
    assert centres.of[Posture.ROUNDED].pelvis_deg == pytest.approx(16.0, abs=1.5)
