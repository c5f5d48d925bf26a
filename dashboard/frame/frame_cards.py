"""The frame's own pieces of HTML: who is signed in, and what is refused. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from contracts.errors import AccessError, Reason
from dashboard.entry.access import Viewer
from store.people_ports import Role

NO_ROLE: Final = (
    "Your account has no role yet.",
    "An administrator gives it one under People.",
)
NO_GRANT: Final = (
    "Nobody has let you look yet.",
    "A client does so under My data; their name then stands here by itself.",
)
NO_WEARER: Final = (
    "Your account belongs to nobody who wears sensors.",
    "An administrator connects the two under People.",
)
NOT_YOURS: Final = "This is not yours to see"
_ROLE: Final = {
    Role.CLIENT: "client",
    Role.THERAPIST: "therapist",
    Role.ADMINISTRATOR: "administrator",
    Role.EMPLOYER: "employer",
}


def who(viewer: Viewer) -> str:
    """The person signed in, with the ways out."""
    roles = ", ".join(_ROLE[role] for role in Role if role in viewer.roles)
    return (
        f'<div class="pl pl-who"><b>{escape(viewer.name)}</b><span class="quiet">{escape(roles)}</span>'
        '<a href="/password" target="_self">Change password</a>'
        '<form method="post" action="/sign-out"><button type="submit">Sign out</button></form></div>'
    )


def refused(error: AccessError) -> str:
    """Signed out, or not allowed: what is so, and the way on."""
    out = error.reason is Reason.SIGNED_OUT
    title = "You are signed out" if out else NOT_YOURS
    href, way = ("/sign-in", "Sign in") if out else ("/", "Back to your own pages")
    return (
        '<div class="pl"><section class="pl-card pl-empty" role="alert">'
        f"<h1>{title}</h1><p>{escape(error.hint)}</p>"
        f'<p><a class="pl-button" href="{href}" target="_self">{way}</a></p></section></div>'
    )
