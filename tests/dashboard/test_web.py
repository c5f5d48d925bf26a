"""What the server answers to requests, asked as a program would: a real server, a real registry."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

from dashboard.entry import accounts
from dashboard.entry.door import COOKIE
from dashboard.exports import kinds as exports
from dashboard.served.requests import MAX_FORM_BYTES, local_path
from store.open import open_registry
from store.people_ports import Account, Role
from store.ports import Wearer
from tests.dashboard import screenshots, seed, signing_in

PASSWORD_OF_KIM = "four words of a song"
PAGE = {"Accept": "text/html"}


@dataclass(frozen=True)
class Site:
    """A server, and tokens of a client and of a therapist whom the client lets look."""

    netloc: str
    registry_url: str
    client: str
    therapist: str
    password: str  # of the login "kim"


@dataclass(frozen=True)
class Answer:
    """An answer that has been read."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    seed.main([str(folder)])
    store_url, registry_url = seed.urls(folder)
    registry = open_registry(registry_url)
    registry.put_wearer(Wearer("c-2", "Somebody else"))
    _, password = accounts.add(registry.people, "kim", "Kim", {Role.EMPLOYER}, must_change=False)
    registry.close()
    client = signing_in.token(registry_url, wearer=seed.WEARER)
    therapist = signing_in.token(registry_url, role=Role.THERAPIST, granted=[seed.WEARER])
    with screenshots.served(store_url, registry_url, folder / "log") as address:
        yield Site(urlsplit(address).netloc, registry_url, client, therapist, password)


def ask(
    site: Site,
    path: str,
    *,
    method: str = "GET",
    token: str = "",
    form: dict[str, str] | None = None,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPConnection(site.netloc, timeout=60)
    sent = dict(headers or {})
    if token:
        sent["Cookie"] = f"{COOKIE}={token}"
    if form is not None:
        body, method = urlencode(form), "POST"
    if body is not None:
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    try:
        connection.request(method, path, body=body, headers=sent)
        found = connection.getresponse()
        cookies = found.headers.get_all("Set-Cookie") or []
        named = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, named, cookies, found.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def refusals(site: Site) -> list[tuple[str, str, str | None]]:
    registry = open_registry(site.registry_url)
    try:
        looks = registry.people.looks(limit=1000)
        return [(k.account, k.act, k.wearer) for k in looks if not k.allowed]
    finally:
        registry.close()


@pytest.mark.parametrize("path", ["/", "/week", "/today?client=demo-001", "/nothing/like/it"])
def test_a_stranger_is_sent_to_the_sign_in_and_back(site: Site, path: str) -> None:
    answer = ask(site, path, headers=PAGE)
    assert answer.status == 303
    onward = "" if path == "/" else "?next=" + quote(path, safe="")
    assert answer.headers["location"] == f"/sign-in{onward}"
    assert ask(site, path).status == 401
    assert ask(site, path, token="made-up", headers=PAGE).status == 303


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/host-config",
        "/media/abc.png",
        "/component/x/index.html",
        f"/export/{seed.WEARER}/week.csv",
        "/auth/login",
        "/oauth2callback",
        "/app/static/x",
    ],
)
def test_nothing_of_streamlits_answers_a_stranger(site: Site, path: str) -> None:
    assert ask(site, path).status == 401


def test_what_is_open_is_no_more_than_health_icon_and_program(site: Site) -> None:
    assert ask(site, "/_stcore/health").text == "ok"
    assert ask(site, "/favicon.png").status == 200
    page = ask(site, "/", token=site.client, headers=PAGE).text
    script = page.split('src="./static/')[1].split('"')[0]
    assert ask(site, f"/static/{script}").status == 200


@pytest.mark.parametrize(
    "path", ["/_stcore/agent/interact", "/_stcore/metrics", "/_stcore/upload_file/a/b"]
)
def test_ways_in_that_nobody_needs_are_shut_for_all(site: Site, path: str) -> None:
    assert ask(site, path, token=site.client).status == 404


def upgrade(site: Site, token: str, **headers: str) -> int:
    sent = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": f"http://{site.netloc}",
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent["Cookie"] = f"{COOKIE}={token}"
    connection = http.client.HTTPConnection(site.netloc, timeout=60)
    try:
        connection.request("GET", "/_stcore/stream", headers=sent)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_pages_connection_is_opened_by_our_page_for_who_is_signed_in(site: Site) -> None:
    assert upgrade(site, site.client) == 101
    assert upgrade(site, "") == 403
    assert upgrade(site, "made-up") == 403
    assert upgrade(site, site.client, Origin="http://localhost:3000") == 403
    assert upgrade(site, site.client, Origin="null") == 403


def test_every_answer_has_its_headers(site: Site) -> None:
    pages = {
        "/sign-in": ask(site, "/sign-in"),
        "/": ask(site, "/", token=site.client, headers=PAGE),
        "303": ask(site, "/", headers=PAGE),
        "401": ask(site, "/"),
        "404": ask(site, "/_stcore/metrics"),
        "health": ask(site, "/_stcore/health"),
    }
    for name, answer in pages.items():
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "same-origin", name
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], name
    ours = pages["/sign-in"].headers
    assert ours["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert ours["cache-control"] == "no-store"
    assert "unsafe-inline" not in ours["content-security-policy"]
    assert (
        "'unsafe-inline'" not in pages["/"].headers["content-security-policy"].split("style-src")[0]
    )


def test_signing_in_gives_a_cookie_that_no_script_and_no_other_site_gets(site: Site) -> None:
    form = {"login": "KIM ", "password": site.password, "next": "/team?x=1"}
    answer = ask(site, "/sign-in", form=form)
    assert (answer.status, answer.headers["location"]) == (303, "/team?x=1")
    (cookie,) = answer.cookies
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes
    token = cookie.split(";")[0].removeprefix(f"{COOKIE}=")
    assert ask(site, "/", token=token, headers=PAGE).status == 200
    assert ask(site, "/sign-in?next=/team", token=token).headers["location"] == "/team"
    behind_tls = ask(site, "/sign-in", form=form, headers={"X-Forwarded-Proto": "https"})
    assert "secure" in behind_tls.cookies[0].lower()
    out = ask(site, "/sign-out", method="POST", token=token)
    assert (out.status, out.headers["location"]) == (303, "/sign-in?out")
    assert "max-age=0" in out.cookies[0].lower()
    assert "You are signed out" in ask(site, "/sign-in?out").text
    assert ask(site, "/", token=token, headers=PAGE).status == 303


def test_a_wrong_password_is_said_in_words_and_what_was_typed_is_escaped(site: Site) -> None:
    answer = ask(site, "/sign-in", form={"login": '"><script>x', "password": "nonsense"})
    assert answer.status == 401
    assert 'role="alert"' in answer.text
    assert "<script" not in answer.text
    assert "nonsense" not in answer.text
    assert not answer.cookies


def test_who_guesses_has_to_wait(site: Site) -> None:
    for _ in range(5):
        assert ask(site, "/sign-in", form={"login": "guessed", "password": "x"}).status == 401
    answer = ask(site, "/sign-in", form={"login": "guessed", "password": "x"})
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert "Too many attempts" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_can_post_nothing(site: Site, headers: dict[str, str]) -> None:
    form = {"login": "kim", "password": site.password}
    for path in ("/sign-in", "/sign-out", "/password", "/_stcore/upload_file/a/b"):
        answer = ask(site, path, form=form, token=site.client, headers=headers)
        assert answer.status == 403
        assert not answer.cookies
    assert ask(site, "/", token=site.client, headers=PAGE).status == 200


def test_a_link_on_another_site_opens_the_page_by_way_of_ours(site: Site) -> None:
    answer = ask(site, "/week?a=1&b=2", headers=PAGE | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/week?a=1&amp;b=2">' in answer.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("login=" + "x" * MAX_FORM_BYTES, "application/x-www-form-urlencoded"),
        ("&".join(f"f{n}=1" for n in range(9)), "application/x-www-form-urlencoded"),
        (json.dumps({"login": "kim"}), "application/json"),
        ("login=ö", "application/x-www-form-urlencoded"),
    ],
    ids=["long", "many", "json", "not-ascii"],
)
def test_a_form_that_is_none_is_refused(site: Site, body: str, kind: str) -> None:
    answer = ask(
        site,
        "/sign-in",
        method="POST",
        body=body.encode().decode("latin-1"),
        headers={"Content-Type": kind},
    )
    assert answer.status == 400
    assert "This form cannot be read" in answer.text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/week?client=a", "/week?client=a"),
        ("/", "/"),
        ("", "/"),
        ("week", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/" + "x" * 512, "/"),
        ("/sign-in?next=/sign-in", "/"),
        ("/sign-out", "/"),
        ("javascript:alert(1)", "/"),
        ("//[", "/"),
    ],
)
def test_onward_is_a_path_of_ours_or_home(text: str, path: str) -> None:
    assert local_path(text) == path


@pytest.mark.parametrize("kind", list(exports.KINDS))
def test_what_is_ones_own_or_granted_can_be_taken_and_no_other(site: Site, kind: str) -> None:
    mine = kind != exports.SHEET  # the sheet is the therapist's to hand over
    own = ask(site, f"/export/{seed.WEARER}/{kind}", token=site.client)
    assert own.status == (200 if mine else 403)
    granted = ask(site, f"/export/{seed.WEARER}/{kind}", token=site.therapist)
    assert granted.status == 200, granted.text
    assert granted.headers["content-type"] == exports.KINDS[kind].media_type
    assert granted.headers["content-disposition"].startswith("attachment; filename*=utf-8''plumb")
    assert granted.headers["cache-control"] == "no-store"
    before = len(refusals(site))
    for token in (site.client, site.therapist):
        for wearer in ("c-2", "nobody-at-all"):
            foreign = ask(site, f"/export/{wearer}/{kind}", token=token)
            assert foreign.status == 403
            assert "not yours to take" in foreign.text
    assert len(refusals(site)) == before + 4
    assert refusals(site)[0][1:] == (exports.KINDS[kind].act, "nobody-at-all")


def test_an_export_that_is_none(site: Site) -> None:
    assert ask(site, f"/export/{seed.WEARER}/secrets.txt", token=site.client).status == 404
    wrong = ask(site, f"/export/{seed.WEARER}/week.csv?week=2026-W99", token=site.client)
    assert wrong.status == 404


def test_who_has_to_change_the_password_does_nothing_else_before(site: Site) -> None:
    registry = open_registry(site.registry_url)
    account, password = accounts.add(registry.people, "new", "New", {Role.EMPLOYER})
    registry.close()
    cookie = ask(site, "/sign-in", form={"login": "new", "password": password}).cookies[0]
    token = cookie.split(";")[0].removeprefix(f"{COOKIE}=")
    assert ask(site, "/team", token=token, headers=PAGE).headers["location"] == "/password"
    assert ask(site, "/_stcore/host-config", token=token).status == 403
    assert upgrade(site, token) == 403
    form = {"old": password, "new": PASSWORD_OF_KIM, "again": "another"}
    differ = ask(site, "/password", form=form, token=token)
    assert differ.status == 400
    assert "differ" in differ.text
    done = ask(site, "/password", form=form | {"again": PASSWORD_OF_KIM}, token=token)
    assert done.status == 303
    fresh = done.cookies[0].split(";")[0].removeprefix(f"{COOKIE}=")
    assert ask(site, "/team", token=fresh, headers=PAGE).status == 200
    assert ask(site, "/team", token=token, headers=PAGE).status == 303
    assert account.must_change


def test_a_disabled_account_is_out_within_seconds(site: Site) -> None:
    registry = open_registry(site.registry_url)
    token = signing_in.token(site.registry_url, role=Role.EMPLOYER, login="leaver")
    assert ask(site, "/", token=token, headers=PAGE).status == 200
    leaver = registry.people.account_of_login("leaver")
    assert isinstance(leaver, Account)
    accounts.disable(registry.people, leaver)
    registry.close()
    ends_s = time.monotonic() + 30
    while ask(site, "/", token=token, headers=PAGE).status == 200:
        assert time.monotonic() < ends_s


def test_a_registry_that_is_not_there_is_said_and_waited_for(tmp_path: Path) -> None:
    store_url, registry_url = seed.urls(tmp_path)
    with screenshots.served(store_url, registry_url, tmp_path / "log") as address:
        site = Site(urlsplit(address).netloc, registry_url, "", "", "")
        answer = ask(site, "/sign-in", headers=PAGE)
        assert answer.status == 503
        assert "cannot be read just now" in answer.text
        assert "refresh" in answer.text
        assert ask(site, "/_stcore/health").text == "ok"
        assert ask(site, "/media/x", token="some").status == 503
        seed.main([str(tmp_path)])
        answer = ask(site, "/sign-in", headers=PAGE)
        assert answer.status == 200
        assert "plumbline account add" in answer.text
        signing_in.token(registry_url, wearer=seed.WEARER)
        assert "plumbline account add" not in ask(site, "/sign-in").text
