"""``notify:`` in ``data/sources.yaml``: who is told of a new or changed verdict.

Read strictly, with the rest of the file. What is secret is named and not written: the signing secret, and the address
of a chat, which is enough to post there. Variables are filled in when something is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from signals.connectors.api.access import loopback
from signals.connectors.env import VARIABLE
from signals.model import Problem, Receiver, SignalsError
from signals.strictyaml import Document, Loc, suggest, validate

_ONE_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\}")


def receivers(document: Document, releases: Sequence[str], problems: list[Problem]) -> tuple[Receiver, ...]:
    """The receivers that the file declares; each mistake is added to ``problems`` with its line and column.

    Args:
        document: The whole file.
        releases: Ids of the declared releases.
        problems: Where mistakes go.
    """
    entries = document.data.get("notify") if isinstance(document.data, dict) else None
    found: list[Receiver] = []
    for place, _ in enumerate(entries if isinstance(entries, list) else []):
        loc: Loc = ("notify", place)
        try:
            entry = validate(document, _model(), loc)
        except SignalsError as error:
            problems += error.problems
            continue
        problems += _problems(document, loc, entry, releases)
        line = document.place(loc)[0]
        one = Receiver(place + 1, entry.url, entry.format, entry.secret or "", tuple(entry.releases or ()), line)
        twice = next((other for other in found if (other.url, other.format) == (one.url, one.format)), None)
        if twice is not None:
            what = f"this address is given twice (first on line {twice.line})"
            problems.append(document.problem((*loc, "url"), what, "Name all its releases in one entry"))
        found.append(one)
    return tuple(found)


def problem_of(url: str) -> tuple[str, str] | None:
    """What is wrong with an address whose variables are filled in, and what to do; None when nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or not url.isprintable() or " " in url:
        return "is not the address of a receiver", "It looks like https://HOST/PATH"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password", "Messages are signed with `secret:`; leave them out"
    if parts.scheme == "http" and not loopback(host):
        return "is not encrypted (http): the message could be read on the way", "Use https, or a tunnel to 127.0.0.1"
    return None


def _model() -> Any:
    from typing import Annotated, Literal

    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

    from signals.connectors.options import Text

    def known(word: object) -> object:
        if word not in ("json", "slack"):
            raise ValueError(f"must be json or slack. {suggest(str(word), ('json', 'slack'))}")
        return word

    class ReceiverEntry(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        url: Text
        format: Annotated[Literal["json", "slack"], BeforeValidator(known)] = "json"
        secret: Text | None = None
        releases: Annotated[list[Text], Field(min_length=1)] | None = None

    return ReceiverEntry


def _problems(document: Document, loc: Loc, entry: Any, releases: Sequence[str]) -> list[Problem]:
    found = []
    if entry.format == "slack":
        if not _ONE_VARIABLE.fullmatch(entry.url):
            part = "a part of the address" if VARIABLE.search(entry.url) else "the address"
            what = f"{part} of a chat stands in the file: whoever has the address can post there"
            remedy = "Put the whole of it into one variable and write url: ${NAME}"
            found.append(document.problem((*loc, "url"), what, remedy))
    elif not VARIABLE.search(entry.url) and (wrong := problem_of(entry.url)) is not None:
        found.append(document.problem((*loc, "url"), f"url: {wrong[0]}", wrong[1]))
    if entry.secret is None and entry.format == "json":
        what = "key 'secret' is missing: nobody could tell the message from a forged one"
        found.append(document.problem(loc, what, "Add `secret: ${NAME}`", key=True))
    if entry.secret is not None and not _ONE_VARIABLE.fullmatch(entry.secret):
        what = "the secret stands in the file" if "${" not in entry.secret else "the secret is more than one variable"
        found.append(document.problem((*loc, "secret"), what, "Put it into a variable and write secret: ${NAME}"))
    for place, name in enumerate(entry.releases or ()):
        if name not in releases:
            what = f"no release is called {name!r}"
            found.append(document.problem((*loc, "releases", place), what, suggest(name, releases)))
    return found
