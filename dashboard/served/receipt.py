"""A plain page that anyone with the number may open: what an erasure removed and when, and not whose it was.

The number is all that leads here. It was made when the erasure was asked for, and is too long to guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.errands import ErrandFailure
from contracts.errors import PlumblineError
from contracts.units import NS_PER_S
from contracts.vocabulary import is_id
from dashboard.look import text
from dashboard.served import html as web_html
from dashboard.served.stores import Stores
from store.people_ports import ErrandState, People, Receipt

#: Questions to the registry at once; they are short.
_ASKING: Final = 2
#: While it is under way the page asks again after so many seconds.
_AGAIN_S: Final = 3
#: Rows and notes that are shown; a receipt has fewer.
MAX_ROWS: Final = 60
_WORDS: Final = {
    "frames": "Seconds",
    "nudges": "Reminders",
    "calibrations": "Calibrations, what came of them",
    "ahead": "The second last shown ahead",
    "snapshots": "Computations under way",
    "wearer": "The client’s entry",
    "assignment": "Sensors worn",
    "calibration": "Calibrations, when",
    "posture_settings": "Settings",
    "not_now": "Wish for no nudges",
    "account": "Account",
    "access_grant": "Who might look",
    "consent": "Consents",
    "look": "Looks",
    "pain": "Pain diary",
    "therapy_session": "Sessions",
    "focus_edit": "Therapists’ notes on focus areas",
    "errand": "What was asked for",
    "sign_in": "Sign-ins",
}


class _Body(msgspec.Struct):
    """What a receipt's JSON holds; what it has beside is left out."""

    series: dict[str, int] = {}
    registry: dict[str, int] = {}
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class Shown:
    """The page's words. ``again_s``: when it is worth looking again; None: nothing changes any more."""

    status: int
    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    again_s: int | None = None


def shown(people: People, number: str) -> Shown:
    """What to say under a number. StoreError where the registry cannot be asked."""
    receipt = people.receipt(number) if is_id(number) else None
    if receipt is not None:
        return _done(receipt)
    asked = next((e for e in people.errands() if e.errand == number), None)
    if asked is None:
        return Shown(
            404,
            "No receipt under this number",
            ("Look at the number once more: it has 32 digits and letters.",),
        )
    if asked.state is ErrandState.FAILED:
        return Shown(200, "It could not be erased", _why(asked.result))
    since = f"It was asked for on {_moment(asked.asked_ns)}."
    return Shown(
        200, "Everything is being erased", (since, "This takes seconds."), again_s=_AGAIN_S
    )


def _done(receipt: Receipt) -> Shown:
    try:
        body = msgspec.json.decode(receipt.body, type=_Body)
    except msgspec.MsgspecError:
        body = _Body(notes=["The counts of this receipt cannot be read."])
    rows = [
        ("Asked for", _moment(receipt.asked_ns)),
        ("Erased", _moment(receipt.erased_ns)),
        *((_name(key), f"{n:,}") for key, n in [*body.series.items(), *body.registry.items()] if n),
    ]
    return Shown(
        200,
        "Everything was erased",
        (
            f"This says what was removed, and not whose it was. Its number is {receipt.receipt}.",
            *body.notes[:MAX_ROWS],
        ),
        tuple(rows[:MAX_ROWS]),
    )


def _name(key: str) -> str:
    return _WORDS.get(key, text.sentence(key))


def _why(result: str) -> tuple[str, ...]:
    try:
        failure = msgspec.json.decode(result, type=ErrandFailure)
    except msgspec.MsgspecError:
        return ("The analytics service did not say why. Ask again under My data.",)
    return tuple(filter(None, (failure.message, failure.hint, "Ask again under My data.")))


def _moment(at_ns: int) -> str:
    """UTC: whose zone it was is gone too."""
    at = datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC)
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def route(stores: Stores) -> Route:
    """The page's place on the server. It asks nobody to sign in: whose account it was is gone."""
    asking = CapacityLimiter(_ASKING)

    async def answer(request: Request) -> Response:
        number = request.path_params["number"]
        try:
            said = await to_thread.run_sync(
                lambda: shown(stores.entrance().registry.people, number), limiter=asking
            )
        except PlumblineError as error:
            return web_html.trouble(error)
        return web_html.receipt(said.status, said.title, said.lines, said.rows, said.again_s)

    return Route("/receipt/{number}", answer)
