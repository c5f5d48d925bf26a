"""Sensors as cards: those that are worn, those that were found, and what to do where there is none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import SensorHealth
from contracts.units import DEG_PER_RAD
from contracts.vocabulary import Placement
from dashboard.frame import cards
from dashboard.look import figures, text
from dashboard.look.theme import Paper
from dashboard.reading import freshness
from dashboard.reading.freshness import when
from dashboard.reading.queries import Sensor
from dashboard.sensors import live_angles

#: Below this the battery may not last the day.
LOW_BATTERY_PERCENT: Final = 20
#: Signal in words (common): at −65 dBm and above nothing is lost, at −80 and below much may be.
STRONG_DBM: Final = -65
WEAK_DBM: Final = -80
#: States in which nobody can say whether the sensor is there.
_GONE: Final = frozenset({"offline", "stopped", "absent", "backing_off", "unknown", "refused"})
#: Free sensors that are listed.
MAX_FOUND: Final = 24
#: Placements in the order in which they are proposed, and what each is good for.
PROPOSED: Final = {
    Placement.T4: "Recommended. Between the shoulder blades, a hand’s breadth below the neck. Tells upright from rounded.",
    Placement.L5: "Recommended with T4. Where a belt sits, on the spine. Together they tell rounding from leaning.",
    Placement.C7: "The bump at the base of the neck. Refines where the upper back rounds.",
    Placement.T12: "At the lowest ribs, on the spine. Shows a collapsed chest.",
    Placement.HEAD: "On a band at the back of the head. A proxy for the head held forward.",
    Placement.STERNUM: "On the breastbone, in place of T4.",
}

AGREE_FIRST: Final = (
    '<div class="pl"><section class="pl-card pl-empty" role="status"><h2>First say what you agree to</h2>'
    "<p>Nothing is measured before that.</p>"
    '<p><a class="pl-do" href="/my-data" target="_self">Read and agree under My data</a></p></section></div>'
)


@dataclass(frozen=True, slots=True)
class Found:
    """A sensor that nobody wears, as the gateways last heard it."""

    sensor: str
    health: SensorHealth

    @property
    def there(self) -> bool:
        """Whether it can be read just now."""
        return self.health.state not in _GONE


def latest(health: Sequence[SensorHealth]) -> dict[str, SensorHealth]:
    """The latest word on each sensor, whichever gateway it came from."""
    return {word.sensor: word for word in sorted(health, key=lambda h: h.at_ns)}


def found(health: Sequence[SensorHealth], free: Collection[str]) -> list[Found]:
    """The free sensors that were ever heard: those that are there first, by signal; at most MAX_FOUND."""
    heard = [Found(s, word) for s, word in latest(health).items() if s in free and word.at_ns]
    heard.sort(key=lambda f: (not f.there, -(f.health.rssi_dbm or -127), f.sensor))
    return heard[:MAX_FOUND]


def proposed(worn: Collection[Placement]) -> list[Placement]:
    """Placements for the next sensor: those without one first, T4 and L5 before others."""
    return sorted(PROPOSED, key=lambda place: place in worn)


def signal(rssi_dbm: int | None) -> str:
    """The radio signal in words."""
    if rssi_dbm is None:
        return "unknown signal"
    if rssi_dbm >= STRONG_DBM:
        return "strong signal"
    return "fair signal" if rssi_dbm > WEAK_DBM else "weak signal"


def low(health: SensorHealth | None) -> bool:
    """Whether the battery should be charged."""
    charge = None if health is None else health.battery_percent
    return charge is not None and charge < LOW_BATTERY_PERCENT


def worn(sensor: Sensor, now_ns: int, zone: ZoneInfo, page: Paper) -> str:
    """A sensor that is worn: where, how it does, and what to do about it."""
    health = sensor.health
    if health is None or not health.at_ns:
        state, facts, advice = (
            "not seen yet",
            [],
            "Switch it on near the gateway. It shows here by itself.",
        )
    else:
        state, facts = _state(health, now_ns), _facts(health, now_ns, zone)
        advice = _advice(health, now_ns)
    dot = "live" if live_angles.sends(health, now_ns) else "stale"
    listed = "".join(f'<div><dt>{k}</dt><dd class="num">{escape(v)}</dd></div>' for k, v in facts)
    told = f'<p class="pl-advice now">{escape(advice)}</p>' if advice else ""
    return (
        f'<div class="pl"><section class="pl-card pl-sensor" aria-label="{escape(text.PLACEMENT[sensor.placement])}">'
        f"{figures.back(sensor.placement, page)}<div><h3>{escape(text.PLACEMENT[sensor.placement])}</h3>"
        f'<p class="state"><span class="pl-dot {dot}"></span>{escape(text.sentence(state))}'
        f'<span class="quiet"> · {escape(sensor.sensor)}</span></p>'
        f"{_battery(health)}<dl>{listed}</dl>{told}</div></section></div>"
    )


def _battery(health: SensorHealth | None) -> str:
    charge = None if health is None else health.battery_percent
    if charge is None:
        return ""
    mood = "low" if low(health) else ""
    said = "Battery low: charge it" if low(health) else "Battery"
    return (
        f'<div class="pl-charge {mood}"><span class="bar" aria-hidden="true"><span style="width:{charge}%"></span></span>'
        f'<span class="num">{said} {charge} %</span></div>'
    )


def _facts(health: SensorHealth, now_ns: int, zone: ZoneInfo) -> list[tuple[str, str]]:
    seen_ns = health.last_sample_ns or health.at_ns
    return [
        ("Signal", _strength(health, now_ns)),
        ("Last reading" if health.last_sample_ns else "Last heard", when(seen_ns, now_ns, zone)),
        ("Firmware", health.firmware or "not told"),
        ("Gateway", health.gateway),
    ]


def _strength(health: SensorHealth, now_ns: int) -> str:
    """How strongly it is heard: the last strength says nothing of one that is out of reach."""
    gone = health.state in _GONE and health.state != "refused"
    if gone or not freshness.heard(health, now_ns):
        return "None just now"
    dbm = "" if health.rssi_dbm is None else f" ({health.rssi_dbm} dBm)".replace("-", "−")
    return text.sentence(signal(health.rssi_dbm).removesuffix(" signal")) + dbm


def _advice(health: SensorHealth, now_ns: int) -> str:
    if health.state == "offline":
        return "Its gateway is offline: see that it has power and network. The sensor keeps its readings."
    if health.state == "refused":
        return f"The gateway does not read this sensor: {health.reason or 'it is not on its list'}."
    if health.state in _GONE or not freshness.heard(health, now_ns):
        # where the battery is not known, it may be empty
        charged = health.battery_percent is not None and not low(health)
        near = "Bring it near the gateway" + ("." if charged else " and charge it.")
        return f"{near} It keeps what it measures until then."
    if not live_angles.sends(health, now_ns):
        return "It is connected, and what it kept is still coming in." if health.backlog else ""
    return ""


def _state(health: SensorHealth, now_ns: int) -> str:
    if not freshness.heard(health, now_ns):
        return cards.NOT_HEARD
    return {"live": "connected", "syncing": "sending what it kept"}.get(
        health.state, cards.SENSOR_STATE.get(health.state, health.state.replace("_", " "))
    )


def listed(sensors: Sequence[Found], now_ns: int, zone: ZoneInfo) -> str:
    """Sensors that nobody wears, with what tells them apart: who shakes one sees it move here."""
    rows = "".join(_found(one, now_ns, zone) for one in sensors)
    return f'<div class="pl"><ul class="pl-found" aria-label="Sensors found">{rows}</ul></div>'


def _found(one: Found, now_ns: int, zone: ZoneInfo) -> str:
    health = one.health
    charge = "" if health.battery_percent is None else f"battery {health.battery_percent} %"
    seen = "here now" if one.there else f"last heard {when(health.at_ns, now_ns, zone)}"
    words = " · ".join(filter(None, (seen, signal(health.rssi_dbm) if one.there else "", charge)))
    moving = ""
    if live_angles.sends(health, now_ns) and health.turning_rad_s is not None:
        turns = health.turning_rad_s * DEG_PER_RAD >= live_angles.MOVING_DEG_S
        moving = f'<span class="light {"moving" if turns else "still"}">{"moving" if turns else "still"}</span>'
    return (
        f'<li class="{"there" if one.there else "gone"}"><b>{escape(one.sensor)}</b>'
        f'<span class="quiet num">{escape(words)}</span>{moving}</li>'
    )


def nothing_found(health: Sequence[SensorHealth], now_ns: int, zone: ZoneInfo) -> str:
    """No sensor that could be paired: what to do, and whether the gateway is the matter."""
    away = [h for h in health if h.state in ("offline", "stopped") and h.at_ns]
    gateway = ""
    if away:
        last = max(away, key=lambda h: h.at_ns)
        gateway = (
            f"Gateway {last.gateway} is {'offline' if last.state == 'offline' else 'stopped'} since "
            f"{when(last.at_ns, now_ns, zone)}: see that it has power and network first."
        )
    return cards.empty(
        "No sensor to pair is in sight",
        gateway,
        "Charge a sensor, switch it on and bring it within a few metres of the gateway. "
        "It shows here by itself within half a minute.",
    )


def place_words(place: Placement) -> str:
    """A placement as an option: its name and where that is."""
    return f"**{text.PLACEMENT[place]}**  \n:small[{PROPOSED[place]}]"
