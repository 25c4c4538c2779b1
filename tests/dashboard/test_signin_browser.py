"""Signing in with a real provider, in a real Chromium: who sees what, who may write what, and how it ends."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dashboard.conftest import settings, settled, turn_to
from dashboard.editor_keys import replace

from signals.dashboard.policy_editor import bundle
from signals.review import load, store_of
from signals.versions import history

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("oidc_provider_mock") is None, reason="the provider of the tests is not installed"),
]

ACCESS = """\
ask: the release council
viewer: ["*@example.com"]
reviewer: [rev@example.com]
editor: [ed@example.com]
groups: {claim: groups, editor: [release-council]}
"""
PEOPLE: dict[str, dict[str, Any]] = {
    "vi": {"name": "Vi Ewer", "email": "vi@example.com", "email_verified": True},
    "rev": {"name": "Rev Iewer", "email": "Rev@Example.com", "email_verified": True},
    "ed": {"name": "Ed Itor", "email": "ed@example.com", "email_verified": True},
    "nobody": {"name": "No Body", "email": "no@example.org", "email_verified": True},
    "unverified": {"name": "Ed Itor", "email": "ed@example.com", "email_verified": False},
    "silent": {"name": "Ed Itor", "email": "ed@example.com"},
    "evil": {"name": "Ed Itor", "email": "ed@example.com.evil", "email_verified": True},
    "group": {"name": "Grace", "groups": ["x", "release-council"]},
    "hostile": {
        "name": "<img src=x onerror=alert(1)> ![x](http://192.0.2.1/x) <ed@example.com>",
        "email": "h@example.com", "email_verified": True,
    },
}  # fmt: skip
PAGES = ("", "signals", "reconcile", "policy", "decisions", "sources")
EDIT = ("owner: release-council", "owner: somebody-else")


@dataclass(frozen=True)
class Running:
    """A dashboard with sign-in."""

    address: str
    project: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def started(command: list[str], root: Path, project: Path, health: str) -> Iterator[None]:
    """Run a server until the end of the block."""
    with (project / f"log-{Path(command[-1]).name}.txt").open("w+") as log:
        process = subprocess.Popen(command, cwd=root, env=settings(project), stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(300):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(log.read())
                try:
                    urllib.request.urlopen(health, timeout=2).close()
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def running(root: Path, example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The dashboard over a copy of the example, and a provider that knows ``PEOPLE``; both on loopback."""
    project = Path(shutil.copytree(example, tmp_path_factory.mktemp("signed") / "project"))
    provider, port = free_port(), free_port()
    (project / "access.yaml").write_text(ACCESS)
    (project / ".streamlit").mkdir(exist_ok=True)
    (project / ".streamlit" / "secrets.toml").write_text(
        "[auth]\n"
        'redirect_uri = "http://localhost:{port}/oauth2callback"\n'
        'cookie_secret = "4Zq0vX8mN2bW7tR5yU1oP9aS6dF3gH-k"\n'
        "[auth.acme]\n"
        'client_id = "signals"\nclient_secret = "s"\n'
        f'server_metadata_url = "http://localhost:{provider}/.well-known/openid-configuration"\n'
    )
    people = [word for sub, claims in PEOPLE.items() for word in ("--user-claims", json.dumps({"sub": sub, **claims}))]
    asked = [sys.executable, "-m", "oidc_provider_mock", *people, "--port", str(provider)]
    served = [sys.executable, "-m", "signals", "serve", "--project", str(project), "--port", str(port)]
    with (
        started(asked, root, project, f"http://localhost:{provider}/.well-known/openid-configuration"),
        started(served, root, project, f"http://localhost:{port}/_stcore/health"),
    ):
        yield Running(f"http://localhost:{port}", project)


@pytest.fixture(autouse=True)
def roles(running: Running) -> None:
    """Every test begins with the same roles."""
    (running.project / "access.yaml").write_text(ACCESS)


@pytest.fixture
def visit(browser: Any, running: Running) -> Iterator[Callable[..., Any]]:
    """A page in a browser of its own, signed in as somebody when ``as_`` says so."""
    contexts: list[Any] = []
    outside: list[str] = []

    def go(as_: str = "", path: str = "", cookies: list[Any] | None = None) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        if cookies:
            context.add_cookies(cookies)
        page = context.new_page()
        page.on("request", lambda request: _outside(page, running.address, request.url, outside))
        page.on("dialog", lambda dialog: outside.append(f"a script ran: {dialog.message}"))
        page.goto(f"{running.address}/{path}")
        if as_:
            sign_in(page, as_)
        return page

    yield go
    for context in contexts:
        context.close()
    assert outside == []


def _outside(page: Any, address: str, url: str, found: list[str]) -> None:
    ours = page.url.startswith(address)  # the provider's own pages may ask whom they like
    if ours and urlsplit(url).scheme in ("http", "ws") and urlsplit(url).hostname not in ("localhost", "127.0.0.1"):
        found.append(url)


def sign_in(page: Any, sub: str) -> None:
    page.get_by_role("button", name="Sign in with acme").click()
    page.get_by_role("button", name=sub, exact=True).click()
    page.wait_for_selector(".sg .card, .sg .problem, .cm-content", timeout=60_000)
    settled(page)


def frame(page: Any) -> str:
    text: str = page.locator(".st-key-who .sg").inner_text()
    return text


def evidence(page: Any) -> int:
    count: int = page.locator(
        ".sg .card, .sg .banner, [data-testid=stSelectbox], .cm-content, textarea, svg.forest"
    ).count()
    return count


# --- who sees what --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_who_is_not_signed_in_sees_the_sign_in_page_only(
    visit: Callable[..., Any], running: Running, path: str
) -> None:
    page = visit(path=path)
    page.get_by_role("button", name="Sign in with acme").wait_for()
    page.wait_for_load_state("networkidle")
    assert evidence(page) == 0
    told = page.content()
    for release in load(running.project).releases:
        assert release.id not in told
    assert page.get_by_role("link", name="Policy").count() == 0


@pytest.mark.parametrize(
    "sub, shown",
    [
        ("vi", "Vi Ewer · viewer"),
        ("rev", "Rev Iewer · reviewer"),
        ("ed", "Ed Itor · editor"),
        ("group", "Grace · editor"),
    ],
)
def test_the_frame_says_who_is_signed_in_and_their_role(visit: Callable[..., Any], sub: str, shown: str) -> None:
    page = visit(as_=sub)
    page.wait_for_selector(".sg .banner")
    assert frame(page) == shown
    page.locator(".st-key-who").get_by_role("button", name="Sign out").wait_for()


@pytest.mark.parametrize(
    "sub, says",
    [
        ("nobody", ["No Body <no@example.org>", "Nothing in access.yaml gives this person a role"]),
        ("unverified", ["Ed Itor <subject unverified>", "The provider says that ed@example.com is not verified"]),
        ("silent", ["Ed Itor <subject silent>", "the provider has verified no plain e-mail address"]),
        ("evil", ["Ed Itor <ed@example.com.evil>", "Nothing in access.yaml gives this person a role"]),
    ],
)
def test_who_has_no_role_sees_who_they_are_and_whom_to_ask(
    visit: Callable[..., Any], sub: str, says: list[str]
) -> None:
    page = visit(as_=sub)
    told = page.locator(".sg .problem").inner_text()
    for part in (*says, "Ask the release council"):
        assert part in told
    assert evidence(page) == 0
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session**")


def test_a_hostile_name_is_only_a_name(visit: Callable[..., Any]) -> None:
    page = visit(as_="hostile")
    page.wait_for_selector(".sg .banner")
    assert frame(page).startswith("img src=x onerror=alert(1)")
    assert page.locator(".st-key-who img").count() == 0
    assert page.locator(".st-key-who .sg span").get_attribute("title").split("<")[1].startswith("h@example.com>")


def test_the_frame_takes_no_room_from_the_page(visit: Callable[..., Any], browser: Any, server: Any) -> None:
    page = visit(as_="vi")
    page.wait_for_selector(".sg .banner")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    other = context.new_page()
    other.goto(server.address)
    other.wait_for_selector(".sg .banner")
    place = "Math.round(document.querySelector('.sg .banner').getBoundingClientRect().top)"
    page.wait_for_timeout(300)
    assert page.evaluate(place) == other.evaluate(place)
    context.close()


def test_what_streamlit_says_of_its_work_does_not_cover_the_name(visit: Callable[..., Any]) -> None:
    page = visit(path="?release=all-agree", as_="vi")
    page.wait_for_selector(".sg .banner")
    put = "() => { const a = document.createElement('div'); a.dataset.testid = 'stStatusWidget'; a.id = 'probe'; "
    put += "a.textContent = 'Stop'; document.querySelector('[data-testid=stHeader]').append(a); "
    put += "return a.getBoundingClientRect().top }"
    assert page.evaluate(put) > 800


def test_a_link_opens_its_page_after_signing_in(visit: Callable[..., Any]) -> None:
    page = visit(path="reconcile?release=all-agree", as_="vi")
    page.wait_for_function("location.pathname === '/reconcile' && location.search === '?release=all-agree'")
    page.goto(page.url.split("/reconcile")[0])  # it is kept for once only
    page.wait_for_selector(".sg .banner")
    assert urlsplit(page.url).path == "/"


# --- who may write what ---------------------------------------------------------------------------------------------


def edited(page: Any) -> None:
    page.wait_for_selector(".cm-content", timeout=60_000)
    replace(page, *EDIT)
    page.get_by_text("Unsaved draft").wait_for()


def open_save(page: Any) -> None:
    page.wait_for_function("!document.querySelector('.st-key-policy-save button').disabled")
    page.get_by_role("button", name="Save …").click()
    page.get_by_label("Reason for the change").fill("it moved")


def press_save(page: Any) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()


needs_editor = pytest.mark.skipif(bundle() is None, reason="the editor is not bundled: `make editor`")


@needs_editor
@pytest.mark.parametrize("sub, role", [("vi", "viewer"), ("rev", "reviewer")])
def test_who_may_not_save_the_policy_is_told_why(
    visit: Callable[..., Any], running: Running, sub: str, role: str
) -> None:
    before = (running.project / "hierarchy.yaml").read_text(encoding="utf-8")
    page = visit(path="policy", as_=sub)
    edited(page)
    page.get_by_text(f"Cannot be saved yet: It takes the role editor; you are a {role}.").wait_for()
    assert page.get_by_role("button", name="Save …").is_disabled()
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    assert page.get_by_role("dialog").count() == 0
    assert (running.project / "hierarchy.yaml").read_text(encoding="utf-8") == before


@needs_editor
def test_an_editor_saves_under_their_own_name_until_the_role_is_taken_away(
    visit: Callable[..., Any], running: Running
) -> None:
    policy = running.project / "hierarchy.yaml"
    before = policy.read_text(encoding="utf-8")
    page = visit(path="policy", as_="ed")
    edited(page)
    open_save(page)
    assert page.get_by_label("Your name").count() == 0
    # Between opening the question and the click, somebody makes them a viewer.
    (running.project / "access.yaml").write_text(ACCESS.replace("editor: [ed@example.com]", "editor: []"))
    press_save(page)
    page.get_by_text("Ed Itor <ed@example.com> may not save the policy as viewer: it takes the role editor.").wait_for()
    assert policy.read_text(encoding="utf-8") == before
    (running.project / "access.yaml").write_text(ACCESS)
    press_save(page)
    page.get_by_text("Saved as version").wait_for()
    newest = history(load(running.project))[0]
    assert (newest.by, newest.because) == ("Ed Itor <ed@example.com>", "it moved")
    assert EDIT[1] in policy.read_text(encoding="utf-8")
    assert store_of(load(running.project)).verify_audit() == []
    # And then all of it: a part of the page that redraws alone shows nothing any more either.
    (running.project / "access.yaml").write_text("viewer: [somebody@example.org]\n")
    page.get_by_role("tab", name="History").click()
    page.get_by_text("You have no role here").wait_for()
    assert evidence(page) == 0


def test_a_viewer_cannot_open_the_drawer(visit: Callable[..., Any]) -> None:
    page = visit(as_="vi")
    button = page.get_by_role("button", name="Record decision")
    button.wait_for()
    assert button.is_disabled()
    page.keyboard.press("d")
    page.wait_for_timeout(1000)
    assert page.get_by_role("dialog").count() == 0


def test_a_reviewer_decides_under_their_own_name_until_the_role_is_taken_away(
    visit: Callable[..., Any], running: Running
) -> None:
    page = visit(path="?release=all-agree", as_="rev")
    store = store_of(load(running.project))
    before = len(store.decisions())
    page.get_by_role("button", name="Record decision").click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_label("Who decides")
    page.wait_for_function("document.querySelector('[role=dialog] input[disabled]')?.value")
    assert name.input_value() == "Rev Iewer <rev@example.com>"
    dialog.get_by_label("Why").fill("as the verdict says")
    dialog.get_by_label("Why").blur()
    (running.project / "access.yaml").write_text(ACCESS.replace("reviewer: [rev@example.com]", "reviewer: []"))
    dialog.get_by_role("button", name="Record", exact=True).click()
    dialog.get_by_text("may not record a decision as viewer: it takes the role reviewer").wait_for()
    assert len(store.decisions()) == before
    (running.project / "access.yaml").write_text(ACCESS)
    dialog.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text("is recorded").wait_for()
    newest = store.decisions()[0]
    assert (newest.by, newest.call, newest.release) == ("Rev Iewer <rev@example.com>", "ship", "all-agree")
    assert store.verify_audit() == []


def test_a_drawer_that_stands_open_closes_when_every_role_is_gone(visit: Callable[..., Any], running: Running) -> None:
    page = visit(path="?release=all-agree", as_="rev")
    page.get_by_role("button", name="Record decision").click()
    page.get_by_role("dialog").get_by_label("Why").fill("x")
    (running.project / "access.yaml").write_text("viewer: [somebody@example.org]\n")
    page.get_by_role("dialog").get_by_role("button", name="Record", exact=True).click()
    page.get_by_text("You have no role here").wait_for()
    assert evidence(page) == 0


def test_an_access_file_that_does_not_load_gives_nobody_a_role(visit: Callable[..., Any], running: Running) -> None:
    page = visit(as_="ed")
    page.wait_for_selector(".sg .banner")
    (running.project / "access.yaml").write_text("viewer: [a@example.com]\neditor: [ed@example.com, secret name]\n")
    page.reload()
    page.get_by_text("Nobody has a role: access.yaml is missing or cannot be used, line 2.").wait_for()
    assert "secret name" not in page.content()  # whoever can sign in reads this page
    assert evidence(page) == 0


# --- how it ends ----------------------------------------------------------------------------------------------------


def test_signing_out_ends_every_tab_and_every_copy_of_the_cookie(visit: Callable[..., Any], running: Running) -> None:
    page = visit(as_="vi", path="?release=all-agree")
    page.wait_for_selector(".sg .banner")
    copied = page.context.cookies()
    tab = page.context.new_page()
    tab.goto(f"{running.address}/policy")
    tab.wait_for_selector(".cm-content, textarea")
    elsewhere = visit(cookies=copied)
    elsewhere.wait_for_selector(".sg .banner")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session**")
    assert not [one for one in page.context.cookies(running.address) if one["name"] == "_streamlit_user"]
    for other in (tab, elsewhere):
        turn_to(other, "Sources")
        other.get_by_role("button", name="Sign in with acme").wait_for()
        assert evidence(other) == 0
    again = visit(cookies=copied)
    again.get_by_role("button", name="Sign in with acme").wait_for()
    back = visit(as_="vi")  # signing in anew works
    back.wait_for_selector(".sg .banner")


def test_a_cookie_that_was_changed_signs_nobody_in(visit: Callable[..., Any]) -> None:
    page = visit(as_="vi")
    page.wait_for_selector(".sg .banner")
    cookies = page.context.cookies()
    whole = next(one for one in cookies if one["name"] == "_streamlit_user")
    packed, stamp, signature = whole["value"].rsplit(".", 2)
    said = json.loads(zlib.decompress(base64.urlsafe_b64decode(packed.removeprefix(".") + "==")))
    text = said if isinstance(said, str) else json.dumps(said)
    assert "vi@example.com" in text
    forged = text.replace("vi@example.com", "ed@example.com")
    body = forged if isinstance(said, str) else json.loads(forged)
    changed = "." + base64.urlsafe_b64encode(zlib.compress(json.dumps(body).encode())).decode().rstrip("=")
    last = "A" if signature[-2] != "A" else "B"
    for value in (f"{changed}.{stamp}.{signature}", f"{packed}.{stamp}.{signature[:-2]}{last}{signature[-1]}", "x", ""):
        others = [one for one in cookies if one["name"] != "_streamlit_user"]
        other = visit(cookies=[*others, {**whole, "value": value}])
        other.get_by_role("button", name="Sign in with acme").wait_for()
        assert evidence(other) == 0
    untouched = visit(cookies=cookies)
    untouched.wait_for_selector(".sg .banner")


def test_opened_under_another_name_the_page_says_which_one_works(visit: Callable[..., Any], running: Running) -> None:
    page = visit()
    page.goto(running.address.replace("localhost", "127.0.0.1"))
    page.get_by_text("Sign-in works under the name localhost; this page was opened as 127.0.0.1.").wait_for()


# --- without sign-in ------------------------------------------------------------------------------------------------


def test_without_sign_in_another_name_or_a_proxy_is_refused(browser: Any, server: Any) -> None:
    port = urlsplit(server.address).port
    for address, headers, says in (
        (f"http://signals.localhost:{port}", {}, "the page was asked for under the name 'signals.localhost'"),
        (server.address, {"X-Forwarded-For": "192.0.2.7"}, "the page was asked for through a proxy (X-Forwarded-For)"),
    ):
        context = browser.new_context(extra_http_headers=headers)
        page = context.new_page()
        page.goto(address)
        page.get_by_text(says).wait_for()
        assert evidence(page) == 0
        context.close()


def test_listening_to_a_network_shows_one_sentence_unless_it_is_meant(
    browser: Any, root: Path, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for meant in (False, True):
        if meant:
            monkeypatch.setenv("SIGNALS_OPEN_TO_NETWORK", "1")
        port = free_port()
        command = [
            sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.address=0.0.0.0"
        ]  # fmt: skip
        with started(command, root, example, f"http://127.0.0.1:{port}/_stcore/health"):
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            if meant:
                page.wait_for_selector(".sg .banner", timeout=60_000)
            else:
                page.get_by_text("the dashboard listens at 0.0.0.0, and nobody has to sign in").wait_for()
                assert evidence(page) == 0
            page.close()
