"""The dashboard's door: who is signed in, what people see who may not come in, and the name in the page's frame."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any

import streamlit as st

from signals import doors, roles
from signals.dashboard import cards
from signals.model import SignalsError
from signals.roles import Access, Person, Role
from signals.words import clean

PROJECT = "sign-in project"  # in the session: the folder whose access.yaml counts

PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via")  # what a proxy says about whom it asks for

DOES: dict[Role, str] = {
    "viewer": "You read everything and change nothing.",
    "reviewer": "You read everything and record decisions.",
    "editor": "You read everything, record decisions and save the policy.",
}

MAX_LINKS, MAX_LINK, LINK_SECONDS = 1000, 2000, 600  # links kept at once, characters of one, how long

FRESH = 0.5  # seconds that the settings of sign-in are not read again: a redraw asks for them three times

KEPT = 31 * 24 * 3600  # seconds; a day longer than Streamlit's cookie lives

# Sign-ins that ended here, each with when: signing out in one tab ends the others too, and a cookie copied before it.
_ended: dict[tuple[str, ...], float] = {}

_wanted: dict[str, tuple[float, str, dict[str, str]]] = {}  # by browser: when, page, query

# The name stands in Streamlit's own bar, left of its menu, so that the page below loses no height.
STYLE = """<style>
[data-testid="stLayoutWrapper"]:has(> .st-key-who) { position: absolute; width: auto; }
.st-key-who { position: fixed; top: 0; right: 3.4rem; height: 3.75rem; width: auto; z-index: 1000000; }
.st-key-who .sg { font-size: 14px; white-space: nowrap; }
.st-key-who .sg b { display: inline-block; max-width: 16rem; overflow: hidden; text-overflow: ellipsis;
  vertical-align: bottom; }
/* Streamlit says at the same place that it is working. */
.stApp:has(.st-key-who) [data-testid="stStatusWidget"] { position: fixed; top: auto; right: 1rem; bottom: 0.5rem;
  background: var(--paper); border-radius: 8px; }
.st-key-door { max-width: 40rem; margin: 8vh auto 0; }
.st-key-door h1 { font-size: 24px; padding: 0; margin: 0 0 6px; }
@media (max-width: 760px) { .st-key-who .sg b { max-width: 6.5rem; } }
@media print { .st-key-who { display: none; } }
</style>"""


def person() -> Person | None:
    """Who is signed in, as ``access.yaml`` has it now; None when nobody has to sign in.

    Raises:
        SignalsError: When sign-in is configured and nobody is signed in, or somebody without a role.
    """
    if configured() is None:
        return None
    claims = _claims()
    if claims is None:
        raise SignalsError("you are not signed in", "Reload the page and sign in")
    if PROJECT not in st.session_state:
        raise SignalsError("the project is not known yet", "Reload the page")
    path = Path(st.session_state[PROJECT]) / roles.ACCESS
    access = roles.load_access(path)
    role, why = roles.role_of(access, claims)
    name = roles.name_of(access, claims)
    if role is None:
        raise SignalsError(f"{name} has no role: {why}", f"Ask {access.ask or roles.KEEPERS}")
    return Person(name, role, claims, path)


def lacks(role: Role) -> str:
    """Why the reader may not do what needs this role, to be shown where the button would be; empty when they may."""
    somebody = person()
    if somebody is None or roles.may(somebody.role, role):
        return ""
    return f"It takes the role {role}; you are a {somebody.role}."


def configured() -> doors.SignIn | None:
    """How people sign in; None when they do not.

    Raises:
        SignalsError: When the settings cannot be used, or are not those that the server was started with.
    """
    return _settings(tuple(st.get_option("secrets.files")), int(time.monotonic() / FRESH))


@lru_cache(maxsize=1)
def _settings(names: tuple[str, ...], _tick: int) -> doors.SignIn | None:
    files = [Path(name) for name in names]
    written = doors.read_auth(files)
    loaded = st.secrets.load_if_toml_exists()
    if not loaded and any(path.is_dir() for path in files):
        raise SignalsError("the folder of secrets cannot be read", f"Compare it with {doors.DOCS}")
    in_use = st.secrets.get("auth") if loaded else None
    if written is None and in_use is None:
        return None
    if in_use is None or (written is not None and written != _plain(in_use)):
        raise SignalsError("the sign-in settings were changed while the dashboard runs", "Start it again")
    if st.get_option("server.trustedUserHeaders"):
        raise SignalsError("server.trustedUserHeaders is set beside sign-in", "Remove that setting")
    return doors.check(_plain(in_use))


def _plain(table: Any) -> dict[str, Any]:
    """Streamlit's own tables as plain ones; an empty one when it is no table."""
    found = table.to_dict() if hasattr(table, "to_dict") else table
    return dict(found) if isinstance(found, Mapping) else {}


def _claims() -> Mapping[str, Any] | None:
    """What the provider said of the reader; None when nobody is signed in."""
    said = st.user.to_dict()
    return None if said.get("is_logged_in") is not True or _key(said) in _ended else said


def _key(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Which sign-in this is."""
    return tuple(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce", "jti"))


# --- the door -------------------------------------------------------------------------------------------------------


def gate(root: Path) -> Callable[[], None] | None:
    """Ask first on every redraw whether the reader may see anything.

    Args:
        root: The project's folder; its ``access.yaml`` counts.

    Returns:
        None when they may; else what draws the only page that they see.
    """
    st.session_state[PROJECT] = str(root)
    try:
        sign_in = configured()
        _reachable(sign_in)
    except SignalsError as error:
        return partial(_shut, error)
    if sign_in is None:
        return None
    claims = _claims()
    if claims is None:
        return partial(_ask, sign_in)
    try:
        access = roles.load_access(root / roles.ACCESS)
    except SignalsError as error:
        # Its lines name people, and whoever is signed in may be anybody: the reader is told where, the log what.
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - somebody's typing error, not ours: no traceback
        return partial(_unreadable, claims, error)
    role, why = roles.role_of(access, claims)
    return partial(_turned_away, access, claims, why) if role is None else None


def leave_if_gone() -> None:
    """In a part of the page that redraws alone: redraw all of it when the reader may not see it any more."""
    try:
        person()
    except SignalsError:
        st.rerun()


def _reachable(sign_in: doors.SignIn | None) -> None:
    meant = os.environ.get(doors.OPEN) == "1"
    doors.stay_shut(st.get_option("server.address"), sign_in, meant=meant)
    if sign_in is not None or meant:
        return
    asked = st.context.headers.get("Host")
    passed_on = [name for name in PROXIED if name in st.context.headers]
    if passed_on or (asked and not doors.is_loopback(doors.hostname(asked))):
        name = f"under the name {doors.hostname(asked or '')!r:.80}"
        came = f"through a proxy ({passed_on[0]})" if passed_on else name
        raise SignalsError(
            f"the page was asked for {came}, and nobody has to sign in: without sign-in it is for this machine alone",
            f"Open it as http://localhost, or set up sign-in ({doors.DOCS}), or start with --open-to-network",
        )


def _door() -> st.delta_generator.DeltaGenerator:
    st.html(STYLE)
    return st.container(key="door")


def _shut(error: SignalsError) -> None:
    with _door():
        st.html(cards.wrap(cards.problem("Signals stays shut", error)))


def _ask(sign_in: doors.SignIn) -> None:
    """The sign-in page. It names nothing of the project."""
    with _door():
        st.html(cards.wrap("<h1>Signals</h1><p>Sign in to see the releases.</p>"))
        asked = doors.hostname(st.context.headers.get("Host") or "")
        if asked and asked != sign_in.host:
            told = f"Sign-in works under the name {sign_in.host}; this page was opened as {asked}."
            st.html(cards.wrap(cards.notice("Open it under its other name", told)))
        for name in sign_in.providers:
            label = f"Sign in with {name}" if name else "Sign in"
            st.button(label, type="primary", key=f"sign-in-{name}", on_click=st.login, args=(name or None,))


def _turned_away(access: Access, claims: Mapping[str, Any], why: str) -> None:
    """Who signed in and may not see anything: who they are, and whom to ask."""
    again = roles.has_ended(access, claims)
    title = "Sign in again" if again else "You have no role here"
    ask = "" if again else f"<p>Ask {escape(access.ask or roles.KEEPERS)} for one.</p>"
    _known(title, roles.name_of(access, claims), f"<p>{escape(clean(why[:1].upper() + why[1:]))}.</p>{ask}", claims)


def _unreadable(claims: Mapping[str, Any], error: SignalsError) -> None:
    first = error.problems[0]
    place = f", line {first.line}" if first.line else ""
    what = f"<p>Nobody has a role: {roles.ACCESS} is missing or cannot be used{place}. The server's log says more.</p>"
    _known("You have no role here", roles.name_of(roles.NOBODY, claims), what, claims)


def _known(title: str, name: str, words: str, claims: Mapping[str, Any]) -> None:
    with _door():
        st.html(
            cards.wrap(
                f'<section class="problem" role="alert"><h2>{title}</h2><p>You are signed in as '
                f"<b>{escape(name)}</b>.</p>{words}</section>"
            )
        )
        st.button("Sign out", key="sign-out", on_click=_sign_out, args=(claims,))


def badge() -> None:
    """The reader's name, role and the way out, in the page's frame; nothing when nobody has to sign in."""
    somebody = person()
    if somebody is None:
        return
    name, _, identity = somebody.name.rpartition(" <")
    shown = name or identity.strip("<>")
    with st.container(key="who", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(STYLE)
        told = f"{somebody.name}. {DOES[somebody.role]}"
        st.html(cards.wrap(f'<span title="{escape(told)}"><b>{escape(shown)}</b> · {somebody.role}</span>'))
        st.button("Sign out", key="sign-out", type="tertiary", on_click=_sign_out, args=(somebody.claims,))


# --- a link that was opened before signing in -----------------------------------------------------------------------


def remember(page: str) -> None:
    """Keep which page and release the reader asked for: the way over the provider ends at the first page.

    Args:
        page: Path of the page, empty for the first.
    """
    token, query = _browser(), st.query_params.to_dict()
    if not token or not (page or query) or len(str(query)) > MAX_LINK:
        return
    _wanted.pop(token, None)
    while len(_wanted) >= MAX_LINKS:
        _wanted.pop(next(iter(_wanted)), None)
    _wanted[token] = (time.monotonic(), page, query)


def resume(pages: Sequence[Any]) -> None:
    """Go to what the reader asked for before signing in."""
    at, page, query = _wanted.pop(_browser(), (0.0, "", {}))
    target = next((one for one in pages if one.url_path == page), None)
    if target is not None and (page or query) and time.monotonic() - at < LINK_SECONDS:
        st.switch_page(target, query_params=query)


def _browser() -> str:
    """What tells this browser from others, before and after signing in: the secret against forged requests.

    Streamlit writes it as ``2|mask|secret under the mask|time``, under another mask each time; empty without it.
    """
    parts = (st.context.cookies.get("_streamlit_xsrf") or "").split("|")
    try:
        _, mask, masked, _ = parts
        return bytes(a ^ b for a, b in zip(bytes.fromhex(masked), cycle(bytes.fromhex(mask)), strict=False)).hex()
    except ValueError:
        return ""


def _sign_out(claims: Mapping[str, Any]) -> None:
    now = time.time()
    for key in [key for key, at in _ended.items() if now - at > KEPT]:
        _ended.pop(key, None)
    _ended[_key(claims)] = now
    st.logout()
