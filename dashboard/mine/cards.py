"""My data as pieces of HTML: what can be taken away, what was agreed, who may look and who did. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from contracts.errands import ErrandFailure
from contracts.units import NS_PER_S
from dashboard.look import clock, text
from dashboard.look.act_words import words_of
from dashboard.mine.consent import Words
from dashboard.reading.freshness import when
from store.people_ports import Consent, ConsentKind, Errand, ErrandState, Grant, Look

#: Analytics takes an errand up within seconds; after so long it is not there.
TAKEN_UP_WITHIN_NS: Final = 15 * NS_PER_S
#: What to type to erase.
CONFIRMATION: Final = "ERASE"
_WHAT_GOES: Final = (
    "Everything measured: seconds, minutes, days, episodes, reminders, calibrations.",
    "Your settings, sensors, pain diary, consents, who may look, and who looked.",
    "What therapists noted about you here.",
    "Your account. You are signed out, and there is no way back.",
    "What a sensor or gateway still holds of you is let go when it arrives.",
)
_KINDS: Final = (
    ("everything.zip", "Everything", "All that is kept of you, in open formats, with a page that explains it"),
    ("week.csv", "This week as a table", "Days and episodes, for a spreadsheet"),
    ("week.fhir.json", "This week as FHIR", "For a clinic’s own records"),
)  # fmt: skip


NOBODY_MAY: Final = '<div class="pl"><p class="quiet">Nobody but you.</p></div>'
NOBODY_DID: Final = '<div class="pl"><p class="quiet">Nobody yet. Whoever does is written down here, with the time.</p></div>'


def downloads(wearer: str, week: str) -> str:
    """What can be taken away, as links. ``week``: an ISO week, ``2026-W47``."""
    rows = "".join(
        f'<li><a class="pl-do" href="/export/{escape(wearer)}/{kind}?week={escape(week)}" target="_self" '
        f'download>{escape(title)}</a><span class="quiet">{escape(more)}</span></li>'
        for kind, title, more in _KINDS
    )
    return f'<div class="pl"><ul class="pl-downloads">{rows}</ul></div>'


def consent(words: Words, given: Consent | None, now_ns: int, zone: ZoneInfo) -> str:
    """One consent: what it says, and whether it was given."""
    says = "".join(f"<li>{escape(line)}</li>" for line in words.says)
    if given is None:
        optional = words.kind is not ConsentKind.MONITORING
        state, mood = ("Not given, optional", "") if optional else ("Not given yet", "open")
    else:
        state, mood = f"Given {when(given.given_ns, now_ns, zone)}", "given"
    older = ""
    if given is not None and given.version != words.version:
        older = (
            f'<p class="pl-advice now">The words have changed since: you agreed to version '
            f"{escape(given.version)}.</p>"
        )
    return (
        f'<div class="pl"><section class="pl-card pl-consent {mood}" aria-label="{escape(words.title)}">'
        f'<div class="top"><h3>{escape(words.title)}</h3><span class="pl-chip num">{escape(state)}</span></div>'
        f"<ul>{says}</ul>{older}"
        f'<p class="quiet">To take it back: {escape(words.withdrawing)} '
        f"<span>Version {escape(words.version)} of these words.</span></p></section></div>"
    )


def grant(one: Grant, name: str, zone: ZoneInfo) -> str:
    """Who may look, since when and until when."""
    until = "until you take it back" if one.end_ns is None else f"until {_day(one.end_ns, zone)}"
    return (
        f'<div class="pl pl-grant"><b>{escape(name)}</b> <span class="quiet num">since '
        f"{_day(one.start_ns, zone)}, {until}</span></div>"
    )


def ended(grants: Sequence[Grant], name_of: Callable[[str], str], zone: ZoneInfo) -> str:
    """Who might look before."""
    rows = "".join(
        f'<li>{escape(name_of(g.account))} <span class="quiet num">{_day(g.start_ns, zone)} – '
        f"{_day(g.end_ns or g.start_ns, zone)}</span></li>"
        for g in grants
    )
    return f'<div class="pl"><ul class="pl-plain">{rows}</ul></div>'


def looks(
    found: Sequence[Look], name_of: Callable[[str], str], me: str, now_ns: int, zone: ZoneInfo
) -> str:
    """Who looked and when, latest first, by day of the wearer; what was refused is marked."""
    today = clock.day_of(now_ns, zone)
    days = [
        f"<h3>{escape(text.day_name(day, today))}</h3><ul>"
        + "".join(_look(look, name_of, me, zone) for look in of_day)
        + "</ul>"
        for day, of_day in groupby(found, key=lambda look: clock.day_of(look.at_ns, zone))
    ]
    return f'<div class="pl"><div class="pl-looks">{"".join(days)}</div></div>'


def _look(look: Look, name_of: Callable[[str], str], me: str, zone: ZoneInfo) -> str:
    if not look.account:
        who = "Somebody not signed in"
    else:
        who = "You" if look.account == me else name_of(look.account)
    act = words_of(look.act)
    refused = "" if look.allowed else '<span class="pl-chip refused">refused</span>'
    words = f"{act.did} {act.what}" if look.allowed else f"wanted to {act.do} {act.what}"
    return (
        f'<li><span class="num quiet">{clock.clock_time(look.at_ns, zone)}</span>'
        f"<span><b>{escape(who)}</b> {escape(words)}</span>{refused}</li>"
    )


def what_goes(number: str, address: str) -> str:
    """What an erasure takes, and the number of its receipt, before it is asked for."""
    rows = "".join(f"<li>{escape(line)}</li>" for line in _WHAT_GOES)
    return (
        f'<div class="pl"><div class="pl-goes"><ul>{rows}</ul>'
        "<p><b>Keep this number.</b> Your account goes too, so it is the only way to your receipt, which "
        "says what was removed and when, and not whose it was.</p>"
        f'<p class="pl-number-kept num">{escape(number)}</p>'
        f'<p class="quiet">{escape(address)}</p></div></div>'
    )


def receipt_file(number: str, address: str) -> str:
    """The same to keep as a file."""
    return (
        "Plumbline: your receipt of an erasure\n\n"
        f"Number   {number}\nAddress  {address}\n\n"
        "The receipt says what was removed and when. It does not say whose it was, so nobody can find it\n"
        "for you: keep this number.\n"
    )


def erasing(errand: Errand, now_ns: int, zone: ZoneInfo) -> str:
    """How far an erasure is."""
    if errand.state is ErrandState.FAILED:
        return _erasure("It could not be erased", *_failure(errand.result), errand.errand)
    since = when(errand.asked_ns, now_ns, zone)
    if now_ns - errand.asked_ns > TAKEN_UP_WITHIN_NS:
        words = f"Waiting for the analytics service, since {since}."
        more = "It erases as soon as it runs; you need not stay."
    else:
        words, more = f"Asked for {since}.", "This takes seconds."
    return _erasure("Everything is being erased", words, more, errand.errand)


def erased(number: str) -> str:
    """It is done, and the account is gone."""
    return _erasure(
        "Everything was erased", "Your account is gone, and you are signed out.", "", number
    )


def _erasure(title: str, words: str, more: str, number: str) -> str:
    return (
        '<div class="pl"><section class="pl-card pl-erasing" role="status" aria-label="Erasure">'
        f"<h3>{escape(title)}</h3><p>{escape(words)} {escape(more)}</p>"
        f'<p><a class="pl-do" href="/receipt/{escape(number)}" target="_self">Open the receipt</a> '
        f'<span class="quiet num">number {escape(number)}</span></p></section></div>'
    )


def _failure(result: str) -> tuple[str, str]:
    try:
        failure = msgspec.json.decode(result, type=ErrandFailure)
    except msgspec.MsgspecError:
        return "The analytics service did not say why.", "Ask again, or tell who runs Plumbline."
    return failure.message, failure.hint


def _day(at_ns: int, zone: ZoneInfo) -> str:
    day = clock.day_of(at_ns, zone)
    return f"{day.day} {day:%B %Y}"
