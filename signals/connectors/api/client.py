"""One HTTP client for every connector that asks a server: patient, bounded, and silent about secrets.

- An answer of 429 or 5xx, a server that cannot be reached, and an answer that breaks off are asked for again, at most
  ``ATTEMPTS`` times, after what ``Retry-After`` says, else after a pause that doubles.
- A source asks at most ``per_minute`` times in any 60 seconds.
- https only, except to this machine; redirects are followed on the same host only.
- Messages name the address as sources.yaml writes it, with ``${NAME}`` unfilled, and never a secret.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from signals.connectors import stopping
from signals.connectors.api.access import address
from signals.connectors.env import scrub, secrets
from signals.model import Problem, Project, SignalsError, Source

if TYPE_CHECKING:
    import ssl

    import httpx

ATTEMPTS = 6
LONGEST_PAUSE = 60.0
LONGEST_WISH = 300.0
"""Seconds. A server that wants us to wait longer than that is left alone: the next pull goes on."""
TIMEOUT = 30.0
DEADLINE = 300.0
"""Seconds for one answer as a whole: a server that sends a byte now and then does not hold a pull for ever."""
MAX_BYTES = 64_000_000
REDIRECTS = 5
GOES_ON = "the next pull goes on where this one stopped"


REASONS = (
    ("refused", "the connection is refused"),
    ("not known", "no such host"),
    ("No address", "no such host"),
    ("certificate", "its certificate is not valid"),
    ("unreachable", "no way to that network"),
    ("reset", "the connection was reset"),
    ("closed", "the connection was closed"),
)
LASTING = ("no such host", "its certificate is not valid")
"""Reasons that do not pass by waiting."""


@dataclass(frozen=True)
class Clock:
    """The time and how to let it pass; tests bring their own."""

    now: Callable[[], float] = time.time  # seconds since 1970
    ticks: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = stopping.pause


CLOCK = Clock()


class StatusError(SignalsError):
    """The server answered, and said no."""

    def __init__(self, status: int, what: str, remedy: str, **place: Any) -> None:
        super().__init__(what, remedy, **place)
        self.status = status


class _AgainError(Exception):
    """Worth asking again. ``after``: seconds that the server asked for."""

    def __init__(self, what: str, remedy: str, status: int | None = None, after: float | None = None) -> None:
        super().__init__(what)
        self.what, self.remedy, self.status, self.after = what, remedy, status, after


Renew = Callable[["Client"], Mapping[str, str]]


@contextmanager
def client(
    source: Source,
    written: Source,
    project: Project,
    *,
    headers: Mapping[str, str],
    per_minute: int,
    renew: Renew | None = None,
) -> Iterator[Client]:
    """A client of the server at the source's ``url:``.

    Args:
        source: With its variables filled in.
        written: As it stands in sources.yaml: says which texts are secret.
        project: For the place that messages name.
        headers: Sent with every request; they may sign in.
        per_minute: Requests in any 60 seconds, unless the source says otherwise.
        renew: Asks for headers that sign in for some minutes: by ``sign_in``, and whenever the server says 401.

    Raises:
        SignalsError: When the address cannot be used.
    """
    import httpx

    base, local = address(source, project)
    with httpx.Client(
        headers={"Accept": "application/json", "User-Agent": "signals-verdict", **headers},
        timeout=TIMEOUT, follow_redirects=False, trust_env=not local,
        verify=_trusted(not local, *(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))),
    ) as http:  # fmt: skip
        budget = int(source.options.get("per_minute") or per_minute)
        yield Client(http, base, source, written, project, budget, _parts(headers), renew)


@cache
def _trusted(trust_env: bool, *_said: str | None) -> ssl.SSLContext:
    """Whose certificates are believed, read once: to read them takes longer than many an answer.

    ``_said`` is what the environment says of them, which httpx heeds when ``trust_env`` is true.
    """
    import httpx

    return httpx.create_ssl_context(trust_env=trust_env)


def _parts(headers: Mapping[str, str]) -> list[str]:
    """What signs in, as it may come back in a message."""
    return [text for value in headers.values() for text in (value, value.partition(" ")[2]) if text]


class Client:
    """Asks one server, for one source."""

    def __init__(
        self,
        http: httpx.Client,
        base: str,
        source: Source,
        written: Source,
        project: Project,
        per_minute: int,
        hidden: Sequence[str],
        renew: Renew | None = None,
    ) -> None:
        self._http, self._base, self._source, self._per_minute = http, base, source, per_minute
        self._renew = renew
        self._place: dict[str, Any] = {"file": str(project.sources_path), "line": source.line}
        self._shown = str(written.options.get("url", "")).rstrip("/")
        host = [urlsplit(base).hostname or ""] if "$" in self._shown else []
        self._hidden = tuple(sorted({*secrets(dict(written.options)), *hidden, *host}, key=len, reverse=True))
        self._asked: deque[float] = deque()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON that the server answers; parameters that are None are left out."""
        return self._ask("GET", path, {key: value for key, value in (params or {}).items() if value is not None}, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a JSON question that changes nothing (a search)."""
        return self._ask("POST", path, {}, body)

    def sign_in(self) -> None:
        """Ask for what signs in from now on; what did so until now is no longer sent.

        Raises:
            StatusError: When the server refuses.
        """
        renew, self._renew = self._renew, None  # a refusal to renew is final
        try:
            self._http.headers.pop("Authorization", None)
            headers = renew(self) if renew else {}
        finally:
            self._renew = renew
        self._http.headers.update(headers)
        self._hidden = tuple(sorted({*self._hidden, *_parts(headers)}, key=len, reverse=True))

    def _ask(self, method: str, path: str, params: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        try:
            return self._patiently(method, path, params, body)
        except StatusError as error:
            if error.status != 401 or self._renew is None:
                raise
        self.sign_in()
        return self._patiently(method, path, params, body)

    def _patiently(self, method: str, path: str, params: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            after = error.after if isinstance(error, _AgainError) else None
            doubled = min(LONGEST_PAUSE, 2.0 ** (state.attempt_number - 1))
            return doubled * random.uniform(0.75, 1.0) if after is None else after  # noqa: S311  (only spreads the load)

        again = Retrying(
            retry=retry_if_exception_type(_AgainError), stop=stop_after_attempt(ATTEMPTS), wait=pause,
            sleep=CLOCK.sleep, reraise=True,
        )  # fmt: skip
        try:
            return again(self._once, method, path, params, body)
        except _AgainError as error:
            self._fail(path, f"{error.what} ({ATTEMPTS} attempts)", error.remedy, error.status)

    def _fail(self, path: str, what: str, remedy: str, status: int | None = None) -> NoReturn:
        """One line: which source, which address, what the server said, what to do."""
        told = scrub(f"{self._shown}{path} {what}", self._hidden)
        told = "".join(char if char.isprintable() else " " for char in told)
        message = f"source {self._source.name!r}: {told}"
        if status is None:
            raise SignalsError(message, remedy, **self._place)
        raise StatusError(status, message, remedy, **self._place)

    def _once(self, method: str, path: str, params: Mapping[str, Any], body: Mapping[str, Any] | None) -> Any:
        import httpx

        stopping.check()
        self._wait_for_turn()
        url, query = self._base + path, dict(params)
        try:
            for _ in range(REDIRECTS):
                with self._http.stream(method, url, params=query or None, json=body) as response:
                    if not response.is_redirect:
                        raw = self._body(response, path)
                        return self._read(response, raw, path)
                    url, query = self._target(response, method, path), {}
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            remedy, reason = "Check `url:` and that the server runs", _reason(error)
            if reason in LASTING:
                self._fail(path, f"cannot be reached: {reason}", remedy)
            raise _AgainError(f"cannot be reached: {reason}", remedy) from None
        except httpx.TimeoutException:
            raise _AgainError(f"does not answer within {TIMEOUT:g} s", f"Try again later; {GOES_ON}") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            what = f"breaks off in the middle of its answer: {_reason(error)}"
            raise _AgainError(what, f"Try again later; {GOES_ON}") from None
        return self._fail(path, f"redirects more than {REDIRECTS} times", "Write the final address in `url:`")

    def _wait_for_turn(self) -> None:
        """Keep to the budget: at most so many requests in any 60 seconds."""
        if len(self._asked) >= self._per_minute:
            rest = self._asked[0] + 60.0 - CLOCK.ticks()
            if rest > 0:
                CLOCK.sleep(rest)
            self._asked.popleft()
        self._asked.append(CLOCK.ticks())

    def _target(self, response: httpx.Response, method: str, path: str) -> str:
        """Where a redirect leads: only on the same host, and never from https to http."""
        here = response.url
        there = here.join(response.headers.get("location", ""))
        same = (there.host, there.scheme) == (here.host, here.scheme) and there.port == here.port
        upgraded = there.host == here.host and (here.scheme, there.scheme) == ("http", "https")
        if (same or upgraded) and (method == "GET" or response.status_code in (307, 308)):
            return str(there)
        what = f"redirects ({response.status_code}) to another place, which is not followed"
        return self._fail(path, what, "Write the final address in `url:`", response.status_code)

    def _body(self, response: httpx.Response, path: str) -> bytes:
        """The whole answer, unpacked, up to the limit."""
        parts: list[bytes] = []
        size, start = 0, CLOCK.ticks()
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                what = f"answers with more than {MAX_BYTES // 1_000_000} MB at once"
                self._fail(path, what, "Select fewer rows with the source's keys")
            stopping.check()
            if CLOCK.ticks() - start > DEADLINE:
                raise _AgainError(f"takes more than {DEADLINE:g} s for one answer", f"Try again later; {GOES_ON}")
        return b"".join(parts)

    def _read(self, response: httpx.Response, raw: bytes, path: str) -> Any:
        status = response.status_code
        if status == 429 or status >= 500:
            self._again(response, status, path)
        if status >= 400:
            self._refused(status, raw, path)
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            if "html" in response.headers.get("content-type", ""):
                self._fail(path, "answers with a web page and not with JSON", "Check `url:`: it must lead to the API")
            what = "is cut off or is no JSON: the answer cannot be read"
            raise _AgainError(what, f"Try again later; {GOES_ON}") from None
        if not isinstance(answer, (dict, list)):
            self._fail(path, "answers with JSON of another form", "Check `url:`: it must lead to the API")
        return answer

    def _again(self, response: httpx.Response, status: int, path: str) -> NoReturn:
        after = retry_after(response.headers.get("retry-after"), CLOCK.now())
        remedy = f"Try again later; {GOES_ON}"
        what = f"fails with status {status}"
        if status == 429:
            what = "is asked too often (status 429)"
            remedy = f"Lower `per_minute:` (now {self._per_minute}) or try again later; {GOES_ON}"
        if after is not None and after > LONGEST_WISH:
            self._fail(path, f"{what} and wants us to wait {after:,.0f} s", remedy, status)
        raise _AgainError(what, remedy, status, after)

    def _refused(self, status: int, raw: bytes, path: str) -> NoReturn:
        remedy = {
            401: "Check the source's credentials: they are missing, wrong or no longer valid",
            403: "Ask for the right to read this with the source's credentials",
            404: "Check `url:` (it must lead to the API) and the names or ids that the source gives",
        }.get(status, "Check the keys of the source")
        said = _message(raw)
        self._fail(path, f"refuses with status {status}" + (f": {said}" if said else ""), remedy, status)


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or as a date; None when it says nothing that can be read."""
    from email.utils import parsedate_to_datetime

    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) and seconds < 1e9 else None


def _reason(error: Exception) -> str:
    """What went wrong, in few words: nothing of a request may come along."""
    text = str(error)
    return next((words for sign, words in REASONS if sign in text), type(error).__name__)


def _message(raw: bytes) -> str:
    """What the server says of its refusal, when it says so in a usual place."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return ""
    for key in ("message", "error", "detail"):
        found = said.get(key) if isinstance(said, dict) else None
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return " ".join(found.split())[:200]
    return ""


def named(error: SignalsError, source: Source, project: Project) -> SignalsError:
    """The error with the source's name and place, for what is raised without knowing them."""
    return SignalsError(
        tuple(
            replace(one, what=f"source {source.name!r}: {one.what}", file=str(project.sources_path), line=source.line)
            if isinstance(one, Problem) and not one.file
            else one
            for one in error.problems
        )
    )
