"""One signed POST, patient and bounded, that follows no redirect and tells nobody what is secret.

The signature is that of Standard Webhooks 1.0: HMAC-SHA256 over ``id.timestamp.body``, in base64, in the header
``webhook-signature``; the timestamp is that of the attempt, the id is that of the news. Any library for that scheme
verifies it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit

from signals.connectors.api.access import loopback
from signals.connectors.api.client import LASTING, REASONS, Clock, retry_after
from signals.connectors.env import Missing, expand, scrub, secrets
from signals.model import Receiver, SignalsError
from signals.receivers import problem_of
from signals.sharing.fit import short
from signals.words import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ATTEMPTS = 4
TIMEOUT = 15.0
"""Seconds for one attempt as a whole; Standard Webhooks asks for 15 to 30."""
BUDGET = 60.0
"""Seconds after which no attempt begins: a pull must not wait for a receiver that is ill."""
MOST_SAID = 120
"""Characters of what a receiver says of a refusal."""
SHORTEST_HIDDEN = 6
"""Characters of a part of a secret address that no message may hold."""
SHORTEST_SECRET = 24
"""Bytes of a signing secret that Standard Webhooks asks for."""
PREFIX = "whsec_"
CLOCK = Clock()


@dataclass(frozen=True)
class Address:
    """A receiver with its variables filled in."""

    url: str
    key: bytes | None  # what signs
    hidden: tuple[str, ...]  # what no message may hold
    id: str  # a hash of address and form: what the store knows it by


class NotDeliveredError(Exception):
    """The message did not arrive; the text says why, in one line, without secrets."""


class _AgainError(Exception):
    """Worth another attempt. ``after``: seconds that the receiver asked for."""

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after


def address_of(receiver: Receiver) -> Address | None:
    """The receiver's address; None when its variable is empty by default (``${NAME:-}``): it is switched off.

    Raises:
        SignalsError: When a variable is not set, or its value cannot be used; whose it is says the caller.
    """
    filled = {}
    for key, text in (("url", receiver.url), ("secret", receiver.secret)):
        value = expand(text)
        if isinstance(value, Missing):
            off = ", or write url: ${NAME:-} to switch the receiver off while it is not" if key == "url" else ""
            raise SignalsError(f"{key}: {value.what}", f"Set it{off}")
        filled[key] = value.strip()
    if not filled["url"]:
        return None
    wrong = problem_of(filled["url"])
    if wrong is not None:
        raise SignalsError(f"url: {wrong[0]}", wrong[1])
    # The form belongs to the address: a chat and a program behind one gateway are two that want to be told.
    id_ = hashlib.sha256(f"{receiver.format} {filled['url']}".encode()).hexdigest()
    return Address(filled["url"], _key(receiver, filled["secret"]), _hidden(receiver, filled), id_)


def _hidden(receiver: Receiver, filled: dict[str, str]) -> tuple[str, ...]:
    """What no message may hold, longest first: secrets, and of a secret address also its host, path and long parts."""
    found = {*secrets(receiver.url, receiver.secret), filled["secret"], filled["secret"].removeprefix(PREFIX)}
    if "$" in receiver.url:
        parts = urlsplit(filled["url"])
        inner = f"{parts.path}?{parts.query}" if parts.query else parts.path
        found |= {filled["url"], parts.hostname or "", inner, parts.path, parts.query}
        found |= {part for part in re.split(r"[/?&=;]", inner) if len(part) >= SHORTEST_HIDDEN}
    found |= {unquote(text) for text in found}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _key(receiver: Receiver, text: str) -> bytes | None:
    if not receiver.secret:
        return None
    key = text.encode()
    if text.startswith(PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise SignalsError(f"secret: what follows {PREFIX} is not base64", "Copy the whole secret") from None
    if len(key) < SHORTEST_SECRET:
        remedy = f"Take {SHORTEST_SECRET} random bytes or more: openssl rand -base64 32"
        raise SignalsError(f"secret: {len(key)} bytes are too few to sign with", remedy)
    return key


def signature(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: ``v1,`` and the base64 of the HMAC-SHA256 of ``id.timestamp.body``."""
    digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(address: Address, id_: str, body: bytes) -> dict[str, str]:
    """The headers of one attempt, made now."""
    timestamp = int(CLOCK.now())
    found = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "signals-verdict",
        "Accept-Encoding": "identity",  # an answer is read as it comes
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
    }
    if address.key is not None:
        found["webhook-signature"] = signature(address.key, id_, timestamp, body)
    return found


def post(address: Address, id_: str, body: bytes) -> None:
    """Send the body, and again while that may help, for ``BUDGET`` seconds and the ``TIMEOUT`` of the last attempt.

    Args:
        address: Where to.
        id_: The same for each attempt at the same news: receivers tell doubles by it.
        body: JSON.

    Raises:
        NotDeliveredError: When no attempt was answered with success.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type

    start = CLOCK.ticks()

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after = error.after if isinstance(error, _AgainError) else None
        return 2.0 ** (state.attempt_number - 1) if after is None else after

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or CLOCK.ticks() - start + pause(state) > BUDGET

    again = Retrying(
        retry=retry_if_exception_type(_AgainError), stop=enough, wait=pause, sleep=CLOCK.sleep, reraise=True
    )  # fmt: skip
    try:
        again(_bounded, address, id_, body)
    except _AgainError as error:
        tries = again.statistics.get("attempt_number", 1)
        wish = "" if error.after is None or error.after <= BUDGET else f", asks us to wait {error.after:,.0f} s"
        _fail(f"{error}{wish} ({tries} {'attempt' if tries == 1 else 'attempts'})", address)


def _bounded(address: Address, id_: str, body: bytes) -> None:
    """One attempt that ends after ``TIMEOUT`` seconds whatever the receiver does.

    A timeout of the client starts anew with each byte that comes. So the attempt runs beside us, and its connection is
    cut when its time is over.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    streams: list[Any] = []
    http = _client(address)

    def noted(event: str, about: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            streams.append(about["return_value"])

    def attempt() -> None:
        try:
            with http:
                _once(http, address, id_, body, noted)
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            ended.put(error)
        else:
            ended.put(None)

    Thread(target=attempt, name="signals-notify", daemon=True).start()
    try:
        error = ended.get(timeout=TIMEOUT)
    except BaseException as stopped:
        for stream in streams:
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        if isinstance(stopped, Empty):
            raise _AgainError(f"does not answer within {TIMEOUT:g} s") from None
        raise
    if error is not None:
        raise error


def _client(address: Address) -> httpx.Client:
    import httpx

    local = loopback(urlsplit(address.url).hostname or "")
    try:
        return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=not local)
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:  # a proxy may hold a password: not its text
        what = "cannot be reached: the proxy or the certificates that environment variables name cannot be used"
        _fail(f"{what} ({type(error).__name__}); look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE", address)


def _once(
    http: httpx.Client, address: Address, id_: str, body: bytes, noted: Callable[[str, dict[str, Any]], None]
) -> None:
    import httpx

    given = headers(address, id_, body)
    try:
        with http.stream("POST", address.url, content=body, headers=given, extensions={"trace": noted}) as response:
            status = response.status_code
            if response.is_success:
                return
            said = _said(response, address)
            after = retry_after(response.headers.get("retry-after"), CLOCK.now())
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        reason = _reason(error)
        if reason in LASTING:
            _fail(f"cannot be reached: {reason}", address)
        raise _AgainError(f"cannot be reached: {reason}") from None
    except httpx.TimeoutException:
        raise _AgainError(f"does not answer within {TIMEOUT:g} s") from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _AgainError(f"breaks off: {_reason(error)}") from None
    except (httpx.InvalidURL, UnicodeError):
        _fail("is not the address of a receiver", address)
    if 300 <= status < 400:
        _fail(f"redirects ({status}) to another place, which is not followed", address)
    if status in (408, 429) or status >= 500:
        raise _AgainError(f"answers with status {status}{said}", after)
    _fail(f"refuses with status {status}{said}", address)


def _said(response: httpx.Response, address: Address) -> str:
    """The beginning of an answer in plain text, such as Slack's ``invalid_blocks``; nothing of a page.

    Only what comes first, so that an answer without end is not waited for. Secrets are hidden before it is cut.
    """
    if not response.headers.get("content-type", "").startswith("text/plain"):
        return ""
    text = clean(next(response.iter_raw(), b"").decode("utf-8", "replace"))
    text = short(_without(text, address.hidden), MOST_SAID)
    return f": {text}" if text else ""


def _without(text: str, hidden: tuple[str, ...]) -> str:
    """The text without the hidden ones, nor the beginning of one where the text breaks off."""
    text = scrub(text, hidden)
    for one in hidden:
        for size in range(len(one) - 1, SHORTEST_HIDDEN - 1, -1):
            if text.endswith(one[:size]):
                return f"{text[:-size]}***"
    return text


def _reason(error: Exception) -> str:
    text = str(error)
    return next((words for sign, words in REASONS if sign in text), type(error).__name__)


def _fail(what: str, address: Address) -> NoReturn:
    raise NotDeliveredError(scrub(what, address.hidden)) from None
