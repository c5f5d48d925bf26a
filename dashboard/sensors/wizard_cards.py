"""The calibration as the person sees it: what to do now, how long, and what came of it. Pure HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.doubts import listed
from contracts.records import CalibrationOutcome
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.look import clock, figures, text
from dashboard.look.theme import Paper
from dashboard.reading.calibrations import CALIBRATION_LASTS_NS
from dashboard.sensors.live_angles import LiveAngle
from dashboard.sensors.wizard import HOLDING, MOVING, Due, State, Step

_LASTS: Final = f"{CALIBRATION_LASTS_NS // (86400 * NS_PER_S)} days"
#: What is asked for in each step: the pose drawn, the big words, and what they mean.
_SAYS: Final = {
    Step.GET_READY: ("upright", "Sit upright", "Feet on the floor, back off the backrest, as tall as is comfortable."),
    Step.UPRIGHT: ("upright", "Hold still", "Stay upright and breathe as usual."),
    Step.TO_SLUMP: ("rounded", "Now let go", "Sink into the way you usually sit when nobody looks."),
    Step.SLUMP: ("rounded", "Hold still", "Stay in your usual slump."),
    Step.TO_BEND: ("bend", "Now bend forward", "From the hips, as if to tie a shoe."),
    Step.BEND: ("bend", "Hold still", "Stay bent forward."),
    Step.TO_STANDING: ("standing", "Now stand up", "Stand upright, arms at your sides."),
    Step.STANDING: ("standing", "Hold still", "Stay upright on your feet."),
    Step.WAITING: ("upright", "Done, you can move", "What you held is being looked at. The answer comes within seconds."),
}  # fmt: skip
_POSE_NAME: Final = {
    "upright": "Upright, seated",
    "rounded": "Usual slump",
    "bend": "Bent forward",
    "standing": "Upright, standing",
}
_DUE: Final = {
    Due.NEVER: (
        "Calibrate to begin",
        "Plumbline measures against your own upright. Until you have shown it, no posture is told.",
    ),
    Due.MOVED: (
        "Calibrate again",
        "A sensor seems to have moved since the last calibration. Put it back where it was first.",
    ),
    Due.OTHER_SENSORS: (
        "Calibrate again",
        "A sensor was put on after the last calibration, and nothing is known of how it sits.",
    ),
    Due.OLD: (
        "Calibrate again",
        f"The last calibration is over {_LASTS} old. Bodies and straps change.",
    ),
}


WHAT_IT_IS: Final = (
    '<div class="pl"><p>Put the sensors on as you wear them. After Start, hold each pose while it counts '
    "down: the page says when. Have it where you can see it while you sit and stand.</p></div>"
)

_NOTHING_DUE: Final = (
    "Nothing needs doing. It is proposed again when a sensor moves or is exchanged, and after "
    f"{_LASTS}."
)


def proposal(why: Due | None, last_ns: int | None, now_ns: int, zone: ZoneInfo) -> str:
    """Whether a calibration is due, or when the last was."""
    if why is not None:
        title, more = _DUE[why]
        classes = "pl-card pl-doubt"
    else:
        title = "Calibrated"
        last = "" if last_ns is None else f"{_moment(last_ns, now_ns, zone)}. "
        more = f"{last}{_NOTHING_DUE}"
        classes = "pl-card pl-fine"
    return (
        f'<div class="pl"><section class="{classes}" role="status" aria-label="Calibration">'
        f'<div class="what">{escape(title)}</div><div class="more num">{escape(more)}</div></section></div>'
    )


def poses(page: Paper, *, bend: bool, standing: bool) -> str:
    """What will be asked for, as pictures in a row."""
    wished = [
        "upright",
        "rounded",
        *(["bend"] if bend else []),
        *(["standing"] if standing else []),
    ]
    shown = "".join(
        f"<li>{figures.pose(name, page)}<span>{_POSE_NAME[name]}</span></li>" for name in wished
    )
    return f'<div class="pl"><ol class="pl-poses">{shown}</ol></div>'


def under_way(state: State, now_ns: int, page: Paper) -> str:
    """What to do now, with the seconds left."""
    drawn, title, more = _SAYS[state.step]
    left_s = state.left_s(now_ns)
    count = (
        ""
        if state.step is Step.WAITING
        else f'<div class="count num" aria-hidden="true">{left_s}</div>'
    )
    mood = "hold" if state.step in HOLDING else "move" if state.step in MOVING else "wait"
    return (
        f'<div class="pl"><section class="pl-card pl-wizard {mood}" aria-label="Calibration under way">'
        f'{figures.pose(drawn, page)}<div class="words">{_progress(state)}'
        f'<div class="title">{escape(title)}</div><div class="more">{escape(more)}</div></div>'
        f"{count}</section></div>"
    )


def said(state: State) -> str:
    """The same for who listens: it changes once a step, so that each step is said once."""
    if state.step not in _SAYS:
        return ""
    _, title, more = _SAYS[state.step]
    seconds = (
        "" if state.end_ns is None else f" {(state.end_ns - state.start_ns) // NS_PER_S} seconds."
    )
    timed = seconds if state.step in HOLDING else ""
    return (
        '<div class="pl"><div class="pl-said" role="alert" aria-live="assertive">'
        f"{escape(title)}. {escape(more)}{timed}</div></div>"
    )


def advice(state: State, angles: Sequence[LiveAngle]) -> str:
    """What is wrong with how a pose is held just now; empty where nothing is."""
    silent = [text.PLACEMENT[angle.placement] for angle in angles if not angle.sends]
    if silent:
        return _warned(
            f"{listed(silent)} {'sends' if len(silent) == 1 else 'send'} nothing just now."
        )
    moving = [angle for angle in angles if angle.still is False]
    if state.step not in HOLDING or not moving:
        return '<div class="pl"><p class="pl-advice"></p></div>'
    worst = max(moving, key=lambda angle: angle.turning_deg_s or 0.0)
    return _warned(
        f"Hold still: {text.PLACEMENT[worst.placement]} turns by {worst.turning_deg_s:.0f}° a second."
    )


def _warned(words: str) -> str:
    return f'<div class="pl"><p class="pl-advice now">{escape(words)}</p></div>'


def live(angles: Sequence[LiveAngle]) -> str:
    """Each worn sensor: how far it has tilted since the beginning, and whether it is still."""
    rows = "".join(_live(angle) for angle in angles)
    return f'<div class="pl"><ul class="pl-live" aria-label="Your sensors now">{rows}</ul></div>'


def _live(angle: LiveAngle) -> str:
    if not angle.sends:
        light, words = "off", "sends nothing"
    elif angle.still is None:
        light, words = "on", "sends"
    else:
        light = "still" if angle.still else "moving"
        words = f"{light}, {angle.turning_deg_s:.0f}° a second"
    change = "–" if angle.change_deg is None else f"{angle.change_deg:.0f}°"
    return (
        f'<li><span class="name">{escape(text.PLACEMENT[angle.placement])}</span>'
        f'<span class="deg num">{change}</span><span class="quiet">tilted since the start</span>'
        f'<span class="light {light} num">{escape(words)}</span></li>'
    )


def _progress(state: State) -> str:
    if state.plan is None:
        return ""
    windows = state.plan.windows
    held = [name for name in _POSE_NAME if name in windows]
    done = sum(1 for name in held if windows[name][1] <= state.start_ns)
    ticks = "".join(
        f'<li class="{"done" if i < done else "now" if i == done else ""}">{_POSE_NAME[name]}</li>'
        for i, name in enumerate(held)
    )
    return f'<ol class="pl-steps" aria-label="Poses">{ticks}</ol>'


def accepted(state: State, learned: Mapping[str, float]) -> str:
    """It was accepted; ``learned``: the middle angle in degrees of what was held, by pose."""
    outcome = state.outcome
    note = "" if outcome is None else outcome.message
    without = "" if note in ("", "accepted") else f"<p>{escape(_sentence(note))}</p>"
    items = "".join(f"<li>{escape(words)}</li>" for words in _learned(state.plan, learned))
    return (
        '<div class="pl"><section class="pl-card pl-fine pl-result" role="status" aria-label="Calibration">'
        '<div class="title">Accepted</div>'
        f"<ul>{items}</ul>{without}"
        '<p class="more">From here on your posture is told against this. What was recorded before it stays '
        "as it was told.</p>"
        '<a class="pl-do" href="/" target="_self">See your posture now</a></section></div>'
    )


def _learned(plan: CalibrationPlan | None, learned: Mapping[str, float]) -> list[str]:
    words = ["Your own upright when seated: every angle is counted from it."]
    if plan is None:
        return words
    if plan.rounded_ns is not None:
        deg = learned.get("rounded")
        known = "" if deg is None else f": it curls the trunk by {text.degrees(deg)}"
        words.append(f"Your usual slump{known}.")
    if plan.bend_ns is not None:
        deg = learned.get("bend")
        known = "" if deg is None else f", by {text.degrees(deg)} at the low back"
        words.append(f"A bend at the hip{known}: it will not be taken for rounding.")
    if plan.standing_ns is not None:
        words.append("Your own upright when standing, which differs from sitting.")
    return words


def refused(outcome: CalibrationOutcome) -> str:
    """It was refused: why, what to do, and that nothing was lost."""
    return (
        '<div class="pl"><section class="pl-card pl-doubt pl-result" role="alert" aria-label="Calibration">'
        f'<div class="title">Not accepted</div><p>{escape(_sentence(outcome.message))}</p>'
        f"<p><b>{escape(outcome.hint)}</b></p>"
        '<p class="more">The calibration before it, if there was one, stays in force.</p></section></div>'
    )


def unanswered(silent: Sequence[Placement], trouble: str) -> str:
    """No answer came: what may be the matter."""
    if silent:
        names = listed([text.PLACEMENT[p] for p in silent])
        why = f"{names} {'has' if len(silent) == 1 else 'have'} stopped sending. Bring it near the gateway and charge it."
    else:
        why = (
            trouble
            or "The analytics service has not answered. If this stays so, tell who runs Plumbline."
        )
    return (
        '<div class="pl"><section class="pl-card pl-doubt pl-result" role="alert" aria-label="Calibration">'
        f'<div class="title">No answer yet</div><p>{escape(why)}</p>'
        '<p class="more">The answer still counts when it comes, and shows here by itself.</p></section></div>'
    )


def cannot_start(silent: Sequence[Placement]) -> str:
    """Why a calibration cannot begin now: these sensors send nothing, or where none is named none is worn."""
    if not silent:
        words = "Pair a sensor first and put it on."
    else:
        names = listed([text.PLACEMENT[p] for p in silent])
        words = (
            f"{names} {'sends' if len(silent) == 1 else 'send'} nothing just now. Switch on and charge what "
            "is silent and bring it near the gateway, or give it back above. Start follows by itself."
        )
    return f'<div class="pl"><p class="pl-advice now" role="status">{escape(words)}</p></div>'


def history(
    plans: Sequence[CalibrationPlan],
    outcomes: Sequence[CalibrationOutcome],
    now_ns: int,
    zone: ZoneInfo,
    limit: int = 20,
) -> str:
    """Past calibrations, latest first, with what became of them; at most ``limit``."""
    by_ns = {o.effective_ns: o for o in outcomes}
    known = sorted({*by_ns, *(p.effective_ns for p in plans)}, reverse=True)
    poses_of = {p.effective_ns: p.windows for p in plans}
    rows = "".join(
        f'<tr><td class="num">{_moment(ns, now_ns, zone)}</td>'
        f"<td>{escape(' · '.join(n for p, n in _POSE_NAME.items() if p in poses_of.get(ns, ())) or '–')}</td>"
        f"<td>{_outcome(by_ns.get(ns))}</td></tr>"
        for ns in known[:limit]
    )
    more = f"<p class='quiet'>… and {len(known) - limit} before.</p>" if len(known) > limit else ""
    return (
        '<div class="pl"><table class="pl-table"><thead><tr><th>When</th><th>Poses</th><th>What came of it</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>{more}</div>"
    )


def _outcome(outcome: CalibrationOutcome | None) -> str:
    if outcome is None:
        return '<span class="quiet">no answer yet</span>'
    if outcome.accepted:
        return f"<b>{escape(_sentence(outcome.message))}</b>"
    return f"<b>Refused.</b> {escape(_sentence(outcome.message))} {escape(outcome.hint)}"


def _sentence(words: str) -> str:
    """A message that begins in the middle of a sentence, as one."""
    return words[:1].upper() + words[1:]


def _moment(at_ns: int, now_ns: int, zone: ZoneInfo) -> str:
    day = text.day_name(clock.day_of(at_ns, zone), clock.day_of(now_ns, zone))
    return f"{day}, {clock.clock_time(at_ns, zone)}"
