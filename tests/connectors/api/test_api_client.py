"""The client that all servers are asked with: patient with faults, bounded, silent about secrets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signals.connectors.api import client as module
from signals.connectors.api.access import basic, bearer, loopback, secret
from signals.connectors.api.client import Client, StatusError, client, retry_after
from signals.connectors.api.paging import by_cursor, by_number, by_offset
from signals.connectors.env import resolved
from signals.model import Project, SignalsError, Source

TOKEN = "tok-very-secret-1234567890"


def opened(headers: dict[str, str] | None = None, per_minute: int = 600, **options: Any) -> Any:
    options = {"url": "${SERVER_URL}", "token": "${SERVER_TOKEN}", **options}
    written = Source("nightly", "judge", "tool", options, line=7)
    project = Project(Path("/p"), Path("/p/h.yaml"), Path("/p/data/sources.yaml"), "sqlite:////p/s.db", (), (written,))
    filled = resolved(written, project)
    return client(filled, written, project, headers=headers or bearer(TOKEN), per_minute=per_minute)


@pytest.fixture
def api(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("SERVER_TOKEN", TOKEN)
    with opened() as one:
        yield one


def fails(ask: Any) -> str:
    with pytest.raises(SignalsError) as caught:
        ask()
    message = str(caught.value)
    assert "\n" not in message
    assert TOKEN not in message
    assert "127.0.0.1" not in message, "what the variable of the address held"
    assert message.startswith("/p/data/sources.yaml:7: source 'nightly': ")
    return message


def test_what_is_sent(api, server):
    server.answer = lambda asked: server.Answer({"a": 1})
    assert api.get("/x", {"limit": 5, "cursor": None}) == {"a": 1}
    assert api.post("/y", {"q": "z"}) == {"a": 1}
    get, post = server.asked
    assert (get.method, get.path, get.query) == ("GET", "/x", {"limit": "5"})
    assert (post.method, post.body) == ("POST", {"q": "z"})
    assert get.headers["authorization"] == f"Bearer {TOKEN}"
    assert basic("a", "b") == {"Authorization": "Basic YTpi"}


@pytest.mark.parametrize("fault", ["busy", "down", "dead", "cut", "short", "gzip"])
def test_a_passing_fault_is_asked_again(api, server, clock, fault):
    server.answer = lambda asked: server.Answer({"rows": list(range(50))})
    server.faults.extend(
        {
            "busy": [server.Answer({}, 429), server.Answer({}, 429, {"Retry-After": "2"})],
            "down": [server.Answer({}, 500), server.Answer(b"<html>", 503)],
            "dead": [server.Answer(dead=True)],
            "cut": [server.Answer({"rows": [1, 2, 3]}, cut=9)],
            "short": [server.Answer({"rows": [1, 2, 3]}, cut=9, short=True)],
            "gzip": [server.Answer(gzip.compress(b"{}")[:9], headers={"Content-Encoding": "gzip"})],
        }[fault]
    )
    assert api.get("/x") == {"rows": list(range(50))}
    assert clock.slept
    assert clock.slept[-1:] == [2.0] or fault != "busy"


def test_pauses_double_and_end(api, server, clock):
    server.answer = lambda asked: server.Answer({}, 503)
    message = fails(lambda: api.get("/x"))
    assert "${SERVER_URL}/x fails with status 503 (6 attempts). Try again later; the next pull goes on" in message
    assert len(server.asked) == 6
    assert len(clock.slept) == 5
    assert all(0.75 * 2**n <= pause <= 2**n for n, pause in enumerate(clock.slept))


def test_the_server_says_when(api, server, clock):
    server.faults.extend(
        [server.Answer({}, 429, {"Retry-After": "17"}),
         server.Answer({}, 503, {"Retry-After": clock.http_date(clock.now + 17 + 40)})]
    )  # fmt: skip
    assert api.get("/x") == {}
    assert clock.slept == [17.0, 40.0]


def test_a_server_that_wants_us_to_wait_long_is_left_alone(api, server, clock):
    server.faults.append(server.Answer({}, 429, {"Retry-After": "3600"}))
    message = fails(lambda: api.get("/x"))
    assert "is asked too often (status 429) and wants us to wait 3,600 s. Lower `per_minute:` (now 600)" in message
    assert not clock.slept


@pytest.mark.parametrize("text", ["soon", "", None, "nan", "inf", "1e300"])
def test_a_wish_that_cannot_be_read_is_none(text):
    assert retry_after(text, 0.0) is None


def test_a_date_that_has_passed_is_now(clock):
    assert retry_after(clock.http_date(1000.0), 2000.0) == 0.0


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "refuses with status 401: no such key. Check the source's credentials"),
        (403, "refuses with status 403: no such key. Ask for the right to read"),
        (404, "refuses with status 404: no such key. Check `url:`"),
        (400, "refuses with status 400: no such key. Check the keys of the source"),
    ],
)
def test_a_refusal_is_told_once(api, server, status, says):
    server.answer = lambda asked: server.Answer({"error": {"message": "no such\n key"}}, status)
    assert says in fails(lambda: api.get("/x"))
    assert len(server.asked) == 1
    with pytest.raises(StatusError) as caught:
        api.get("/x")
    assert caught.value.status == status


def test_a_server_that_repeats_our_secret_is_not_quoted(api, server):
    server.answer = lambda asked: server.Answer(
        {"message": f"bad {asked.headers['authorization']} at {server.url}"}, 400
    )
    assert "bad *** at ***" in fails(lambda: api.get("/x"))


def test_a_page_that_stays_cut_is_refused(api, server):
    server.answer = lambda asked: server.Answer({"rows": [1, 2, 3]}, cut=9, short=True)
    assert "is cut off or is no JSON: the answer cannot be read (6 attempts)" in fails(lambda: api.get("/x"))


def test_a_web_page_is_no_answer(api, server):
    server.answer = lambda asked: server.Answer(b"<html>sign in</html>", headers={"Content-Type": "text/html"})
    assert "answers with a web page and not with JSON. Check `url:`" in fails(lambda: api.get("/x"))
    server.answer = lambda asked: server.Answer(b'"fine"')
    assert "JSON of another form" in fails(lambda: api.get("/x"))


def test_an_answer_has_a_size_and_a_time(api, server, clock, monkeypatch):
    server.answer = lambda asked: server.Answer(
        gzip.compress(b"[" + b" " * 2_000_000 + b"]"), headers={"Content-Encoding": "gzip"}
    )
    monkeypatch.setattr(module, "MAX_BYTES", 1_000_000)
    assert "answers with more than 1 MB at once" in fails(lambda: api.get("/x"))
    monkeypatch.setattr(module, "MAX_BYTES", 64_000_000)
    monkeypatch.setattr(module, "DEADLINE", -1.0)
    assert "takes more than" in fails(lambda: api.get("/x"))


def test_nobody_there(monkeypatch, clock):
    monkeypatch.setenv("SERVER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SERVER_TOKEN", TOKEN)
    with opened() as api:
        assert "${SERVER_URL}/x cannot be reached: the connection is refused (6 attempts)" in fails(
            lambda: api.get("/x")
        )


def test_a_host_that_does_not_exist_is_not_waited_for(monkeypatch, clock):
    monkeypatch.setenv("SERVER_TOKEN", TOKEN)
    monkeypatch.setenv("SERVER_URL", "https://no-such-host.invalid")
    with opened() as api:
        assert "${SERVER_URL}/x cannot be reached: " in fails(lambda: api.get("/x"))


def test_redirects_stay_on_the_host(api, server):
    server.answer = lambda asked: (
        server.Answer({"at": asked.path}) if asked.path == "/new" else server.Answer(b"", 302, {"Location": "/new?a=1"})
    )
    assert api.get("/old", {"q": 1}) == {"at": "/new"}
    assert [asked.query for asked in server.asked] == [{"q": "1"}, {"a": "1"}]
    assert "redirects (302) to another place" in fails(lambda: api.post("/old", {}))
    server.answer = lambda asked: server.Answer(b"", 302, {"Location": "https://elsewhere.example/steal"})
    assert "redirects (302) to another place, which is not followed" in fails(lambda: api.get("/old"))
    server.answer = lambda asked: server.Answer(b"", 307, {"Location": asked.path})
    assert "redirects more than 5 times" in fails(lambda: api.post("/old", {}))


def test_the_budget_holds_in_any_minute(server, clock, monkeypatch):
    monkeypatch.setenv("SERVER_TOKEN", TOKEN)
    times = []
    server.answer = lambda asked: times.append(clock.now) or server.Answer({})
    with opened(per_minute=3) as api:
        for number in range(10):
            clock.now += number
            api.get("/x")
    assert len(times) == 10
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[3:], strict=False))
    with opened(per_minute=2) as api:
        api.get("/x")
        before = list(clock.slept)
        api.get("/x")
        assert clock.slept == before, "within the budget nobody waits"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://mlflow.example", "not encrypted (http)"),
        ("ftp://mlflow.example", "is not the address of a server"),
        ("mlflow.example", "is not the address of a server"),
        ("https://", "is not the address of a server"),
        ("https://h:99999", "is not the address of a server"),
        ("https://h/?key=1", "is not the address of a server"),
        ("https://me:pw@h", "holds a user name or a password"),
    ],
)
def test_addresses_that_are_not_used(monkeypatch, url, says):
    monkeypatch.setenv("SERVER_URL", url)
    monkeypatch.setenv("SERVER_TOKEN", TOKEN)
    with pytest.raises(SignalsError) as caught, opened():
        pass
    assert says in str(caught.value)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_needs_no_encryption(host):
    assert loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "0.0.0.0", "example.org"])
def test_other_machines_do(host):
    assert not loopback(host)


def test_a_credential_is_one_line():
    for bad in ("", "a\nb", "tök"):
        with pytest.raises(SignalsError, match="`token:` is empty or holds characters") as caught:
            secret(Source("s", "x", "t", {"token": bad}), "token")
        assert not bad or bad not in str(caught.value)
    assert secret(Source("s", "x", "t", {"token": " abc\n"}), "token") == "abc"
    assert secret(Source("s", "x", "t", {}), "token") is None


# --- paging ---------------------------------------------------------------------------------------------------------


def cursors(answers: dict[str | None, Any], start: str | None = None) -> list[Any]:
    pages = by_cursor(lambda cursor: answers[cursor], lambda a: a["rows"], lambda a: a.get("next"), start=start)
    return [(list(page.rows), page.following) for page in pages]


def test_cursors_lead_to_the_end():
    answers = {None: {"rows": [1], "next": "a"}, "a": {"rows": [], "next": "b"}, "b": {"rows": [2], "next": ""}}
    assert cursors(answers) == [([1], "a"), ([], "b"), ([2], None)]
    assert cursors(answers, "b") == [([2], None)]


@pytest.mark.parametrize("again", ["a", "b"])
def test_a_cursor_that_comes_again_is_refused(again):
    answers = {None: {"rows": [1], "next": "a"}, "a": {"rows": [2], "next": "b"}, "b": {"rows": [3], "next": again}}
    with pytest.raises(SignalsError, match="the same page cursor again"):
        cursors(answers)


def test_a_list_has_an_end(monkeypatch):
    monkeypatch.setattr("signals.connectors.api.paging.MAX_PAGES", 5)
    count = iter(range(100))
    with pytest.raises(SignalsError, match="more than 5 pages"):
        list(by_cursor(lambda cursor: {}, lambda a: [1], lambda a: next(count)))


def numbers(rows: list[Any], size: int, **keys: Any) -> list[Any]:
    asked = []

    def ask(number: int) -> list[Any]:
        asked.append(number)
        first = number if keys.get("step") else (number - 1) * size
        return rows[first : first + size]

    last = keys.pop("last", lambda answer: None)
    found = [row for page in by_number(ask, list, last=last, size=size, **keys) for row in page.rows]
    return [found, asked]


def test_pages_by_number_and_by_offset():
    rows = list(range(7))
    assert numbers(rows, 3) == [rows, [1, 2, 3]]
    assert numbers(rows[:6], 3) == [rows[:6], [1, 2, 3]]
    assert numbers(rows[:6], 3, last=lambda answer: 2) == [rows[:6], [1, 2]]
    assert numbers(rows, 3, first=0, step=3) == [rows, [0, 3, 6]]
    assert numbers(rows, 3, start="2") == [rows[3:], [2, 3]]


def test_a_page_that_comes_again_is_refused():
    with pytest.raises(SignalsError, match="the same page again"):
        list(by_number(lambda number: [1, 2], list, last=lambda answer: None, size=2))


def test_pages_by_offset_end_with_an_empty_one():
    rows, asked = list(range(7)), []

    def ask(offset: int) -> list[int]:
        asked.append(offset)
        return rows[offset : offset + (3 if offset else 2)]  # fewer than asked for is no end

    pages = list(by_offset(ask, list))
    assert ([row for page in pages for row in page.rows], asked) == (rows, [0, 2, 5, 7])
    assert [page.following for page in pages] == ["2", "5", "7", None]
    assert [row for page in by_offset(ask, list, start="5") for row in page.rows] == [5, 6]
    with pytest.raises(SignalsError, match="the same page again"):
        list(by_offset(lambda offset: [1, 2], list))
