"""Where a server is and how to sign in: from variables only, encrypted, and never in a message."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from signals.model import Project, SignalsError, Source


def address(source: Source, project: Project) -> tuple[str, bool]:
    """The base URL without a slash at its end, and whether it is on this machine.

    Raises:
        SignalsError: When it is no address, not encrypted, or holds credentials.
    """
    place: dict[str, Any] = {"file": str(project.sources_path), "line": source.line}
    base = str(source.options["url"]).strip().rstrip("/")
    parts = urlsplit(base)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        what = f"source {source.name!r}: `url:` is not the address of a server"
        raise SignalsError(what, "It looks like https://HOST or https://HOST/PATH", **place)
    if parts.username is not None or parts.password is not None:
        remedy = "Leave them out there and name them by the keys that this connector has for them"
        raise SignalsError(f"source {source.name!r}: `url:` holds a user name or a password", remedy, **place)
    if parts.scheme == "http" and not loopback(host):
        what = f"source {source.name!r}: `url:` is not encrypted (http): credentials and texts could be read on the way"
        raise SignalsError(what, "Use https, or a tunnel to 127.0.0.1", **place)
    return base, loopback(host)


def loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bearer(token: str) -> dict[str, str]:
    """The header that signs in with a token."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> dict[str, str]:
    """The header that signs in with a name and a password."""
    from base64 import b64encode

    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def secret(source: Source, key: str) -> str | None:
    """A credential of the source, None when it gives none.

    Raises:
        SignalsError: When it cannot stand in a header, such as one with a line break from a badly read file.
    """
    text = source.options.get(key)
    if text is None:
        return None
    text = str(text).strip()
    if not text or not text.isascii() or not text.isprintable():
        what = f"source {source.name!r}: `{key}:` is empty or holds characters that no credential has"
        raise SignalsError(what, "Set its variable to the bare credential, on one line")
    return text
