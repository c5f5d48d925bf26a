"""Every page of every role in a browser that signed in by the form: for pictures and for what axe finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PageTimeoutError

from dashboard.entry import access
from dashboard.entry.access import Act
from store.people_ports import Role
from tests.dashboard.clinic import LOGINS, Clinic

DESKTOP: Final = (1280, 900)
PHONE: Final = (390, 844)
PATIENCE_MS: Final = 60_000
Scheme = Literal["light", "dark"]
#: The client whom a therapist looks at, and one whom the seeded client may not look at.
SHOWN: Final = "sim-001"
FOREIGN: Final = "sim-002"
#: Streamlit has run the script, nothing is stale or still a skeleton, and pictures have come.
_SETTLED: Final = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app !== null
        && app.getAttribute('data-test-script-state') === 'notRunning'
        && document.querySelector('[data-testid="stMain"] [data-testid="stHtml"]') !== null
        && document.querySelector('[data-testid="stSkeleton"]') === null
        && [...document.images].every(image => image.complete)
        && [...document.querySelectorAll('.stVegaLiteChart')]
               .every(chart => chart.querySelector('svg, canvas') !== null);
}"""


@dataclass(frozen=True)
class Shot:
    """A page to look at: its name, who is signed in (None: nobody), and its address."""

    name: str
    role: Role | None
    path: str


def _pages(role: Role) -> list[Shot]:
    """The pages of a role, as the navigation leads to them."""
    about = f"?client={SHOWN}" if role is Role.THERAPIST else ""
    return [
        Shot(f"{role}-{act}", role, f"/{act}" + ("" if act is Act.CLIENTS else about))
        for act in access.PAGES
        if act in access.ALLOWED[role]
    ]


#: All there is to see of a clinic with data.
SHOTS: Final = (
    Shot("sign-in", None, "/sign-in"),
    *(shot for role in Role for shot in _pages(role)),
    Shot("client-password", Role.CLIENT, "/password"),
    Shot("client-refused", Role.CLIENT, f"/{Act.WEEK}?client={FOREIGN}"),
)
#: What the same people see before anything was measured.
EMPTY_SHOTS: Final = tuple(
    Shot(f"{shot.name}-empty", shot.role, shot.path)
    for role in (Role.CLIENT, Role.THERAPIST)
    for shot in _pages(role)
)


class Doorman:
    """Signs browsers in by the form, once a role, and remembers the cookie."""

    def __init__(self, browser: Browser, address: str, clinic: Clinic) -> None:
        self._browser = browser
        self._address = address
        self._passwords = {login.login: login.password for login in clinic.made.logins}
        self._states: dict[Role, dict[str, object]] = {}

    @contextmanager
    def window(
        self, role: Role | None, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light"
    ) -> Iterator[BrowserContext]:
        """A window of a person of that role, or of nobody."""
        state = None if role is None else self._state(role)
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            base_url=self._address,
            storage_state=state,  # type: ignore[arg-type]  # as it was given out
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context
        finally:
            context.close()

    def _state(self, role: Role) -> dict[str, object]:
        if role not in self._states:
            with self.window(None) as context:
                page = context.new_page()
                sign_in(page, LOGINS[role], self._passwords[LOGINS[role]])
                self._states[role] = dict(context.storage_state())
        return self._states[role]


def sign_in(page: Page, login: str, password: str) -> None:
    """By the form, as a person does."""
    page.goto("/sign-in")
    page.get_by_label("Name or e-mail").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator('[data-testid="stApp"]')).to_be_attached(timeout=PATIENCE_MS)


def settled(page: Page, shot: Shot) -> None:
    """Wait until the page stands."""
    if shot.path in ("/sign-in", "/password"):
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        return
    try:
        page.wait_for_function(_SETTLED, timeout=PATIENCE_MS)
    except PageTimeoutError:
        state = page.locator('[data-testid="stApp"]').get_attribute("data-test-script-state")
        said = page.locator("body").inner_text()
        raise AssertionError(f"{shot.name} does not settle ({state}): {said[:1000]}") from None
    broken = page.locator('[data-testid="stException"]')
    if broken.count():
        raise AssertionError(f"{shot.name} is broken: {broken.first.inner_text()[:1000]}")


def chosen(shots: Collection[Shot], words: str) -> list[Shot]:
    """The shots whose name has one of the words (by commas) in it; all for none."""
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    return [shot for shot in shots if not wanted or any(word in shot.name for word in wanted)]
