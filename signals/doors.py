"""Who can reach the dashboard: where it listens, whether people sign in, and when it must stay shut.

On loopback it is open: who sits at the machine could use the command line as well. On any other address it is shown
only to people who sign in, or when somebody said that it is meant to be open.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from signals.model import Problem, SignalsError

SECRETS = Path(".streamlit") / "secrets.toml"
OPEN = "SIGNALS_OPEN_TO_NETWORK"  # what `signals serve --open-to-network` sets for the dashboard
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CALLBACK = "/oauth2callback"
DOCS = "docs/sign-in.md"

NEEDED = ("client_id", "client_secret", "server_metadata_url")
SHARED = ("redirect_uri", "cookie_secret", "client_kwargs", "expose_tokens")  # of all providers, so none by itself

MIN_SECRET = 32  # characters; 32 random letters are more than anybody can try
MIN_SIGNS = 11  # different ones among them: digits alone, or what a hand typed, have fewer
EXAMPLES = ("change-me", "changeme", "change_me", "cookie", "secret", "example", "placeholder", "password")


@dataclass(frozen=True)
class SignIn:
    """What ``[auth]`` says, checked: people sign in with one of these providers."""

    providers: tuple[str, ...]  # names as written; empty text for the one directly under ``[auth]``
    origin: str  # where people reach the dashboard: https://signals.example.com; may hold {port}
    host: str  # the name in it


def is_loopback(host: str | None) -> bool:
    """Whether an address to listen at, or a host that a browser asked for, is this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback(None), is_loopback("localhost.example.com")
    (True, False, False, False)
    """
    if not host:
        return False  # listening nowhere in particular is listening everywhere
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def hostname(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty when it is not one.

    >>> hostname("[::1]:8501"), hostname("signals.example.com"), hostname("a@b:1")
    ('::1', 'signals.example.com', '')
    """
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        _ = parts.port  # raises when it is no number
    except ValueError:
        return ""
    return name if parts.username is None and not (parts.path or parts.query or parts.fragment) else ""


def read_auth(files: Iterable[Path]) -> Mapping[str, Any] | None:
    """The ``[auth]`` table of the secrets files, the last one that has it; None when none has.

    Raises:
        SignalsError: When a file is there and cannot be read: without this the dashboard would be open to everybody.
    """
    found: Mapping[str, Any] | None = None
    for path in files:
        if path.is_dir():
            continue  # secrets as folders of files: Streamlit reads them
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SignalsError(f"cannot be read: {error.strerror}", file=_shown(path)) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            # The parser's message names the place, never the text, which is secret.
            raise SignalsError(f"is not valid TOML: {error}", f"Compare it with {DOCS}", file=_shown(path)) from None
        auth = table.get("auth")
        if auth is not None and not isinstance(auth, dict):
            raise SignalsError("auth is not a table", "Write `[auth]` on a line of its own", file=_shown(path))
        found = auth if auth is not None else found
    return found


def _shown(path: Path) -> str:
    return "/".join(path.parts[-2:])


def check(auth: Mapping[str, Any]) -> SignIn:
    """What an ``[auth]`` table sets up.

    Raises:
        SignalsError: One problem per setting that is missing, left as in the example, or not safe.
    """
    problems: list[Problem] = []

    def wrong(what: str, remedy: str) -> None:
        problems.append(Problem(what, remedy, SECRETS.as_posix()))

    sections = {name: value for name, value in auth.items() if isinstance(value, Mapping) and name not in SHARED}
    if any(name in auth for name in NEEDED) or not sections:
        sections[""] = auth
    for name, section in sorted(sections.items()):
        place = f"[auth.{name}]" if name else "[auth]"
        if "_" in name:
            wrong(f"{place}: a provider's name cannot hold an underscore", "Choose another name")
        for key in NEEDED:
            if not isinstance(section.get(key), str) or not section[key].strip():
                wrong(f"{place} has no {key}", "Your provider shows it where Signals is registered")
        metadata = section.get("server_metadata_url")
        if isinstance(metadata, str) and metadata.strip() and not _safe(metadata):
            wrong(f"{place}: server_metadata_url does not begin with https://", "Take the provider's https address")
    origin, host = _place(auth.get("redirect_uri"), wrong)
    _secret(auth.get("cookie_secret"), wrong)
    if find_spec("authlib") is None:
        wrong("sign-in is configured and its package is not installed", "Run: pip install 'signals-verdict[auth]'")
    if problems:
        raise SignalsError(tuple(problems))
    return SignIn(tuple(sorted(sections)), origin, host)


def _safe(address: str) -> bool:
    """Whether nobody on the way can read along: https, or this machine."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    except ValueError:
        return False


def _place(redirect: object, wrong: Any) -> tuple[str, str]:
    example = f"Write the dashboard's address with {CALLBACK}, as https://signals.example.com{CALLBACK}"
    if not isinstance(redirect, str) or not redirect.strip():
        wrong("[auth] has no redirect_uri", example)
        return "", ""
    plain = redirect.replace("{port}", "0")  # Streamlit fills in its own port
    try:
        parts = urlsplit(plain)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not parts.path.endswith(CALLBACK):
        wrong(f"[auth]: redirect_uri is not an address that ends with {CALLBACK}", example)
    elif not _safe(plain):
        wrong("[auth]: redirect_uri does not begin with https://", "Only on this machine is http safe")
    return redirect.removesuffix(CALLBACK), host


def _secret(secret: object, wrong: Any) -> None:
    make = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
    if not isinstance(secret, str) or not secret:
        wrong("[auth] has no cookie_secret", make)
    elif any(word in secret.lower() for word in EXAMPLES) or len(secret) < MIN_SECRET or len(set(secret)) < MIN_SIGNS:
        wrong("[auth]: cookie_secret is the example's, or simple enough to be guessed", make)


def hosts(sign_in: SignIn | None) -> tuple[str, ...]:
    """The names that Streamlit's ``server.allowedHosts`` is to know; empty is every name.

    Streamlit answers other names with a page that never ends loading. Without sign-in the dashboard looks at the name
    itself and says what is wrong.
    """
    return tuple(dict.fromkeys((sign_in.host, *LOOPBACK))) if sign_in is not None else ()


def stay_shut(address: str | None, sign_in: SignIn | None, *, meant: bool) -> None:
    """Refuse to show the dashboard to a network that nobody meant.

    Args:
        address: Where it listens; None is everywhere.
        sign_in: How people sign in; None when they do not.
        meant: Somebody said that it is open to the network on purpose.

    Raises:
        SignalsError: When it listens beyond this machine, and nobody signs in, and nobody said so.
    """
    if sign_in is None and not meant and not is_loopback(address):
        raise SignalsError(
            f"the dashboard listens at {address or 'every address'}, and nobody has to sign in: whoever reaches it "
            "could read everything, record decisions and change the policy",
            f"Set up sign-in ({DOCS}), or listen at 127.0.0.1, or, when it is meant, start with --open-to-network "
            f"({OPEN}=1 for `streamlit run`)",
        )
