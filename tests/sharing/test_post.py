"""One delivery: signed as the standard says, patient, bounded, and silent about secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import threading
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from sharing.conftest import SECRET, Answer, Receiver, Time

from signals import model
from signals.model import SignalsError
from signals.sharing import post
from signals.sharing.post import Address, NotDeliveredError, address_of, signature

BODY = '{"type":"verdict.new","data":"−0.6 pp"}'.encode()


@pytest.fixture
def address(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Address:
    monkeypatch.setenv("HOOK", f"{receiver.url}/hook/s3cr3t-path")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    found = address_of(model.Receiver(1, "${HOOK}", "json", "${HOOK_SECRET}"))
    assert found is not None
    return found


def test_the_signature_is_that_of_the_standard() -> None:
    """The worked example of the specification's reference library: key, id, timestamp and body give this text."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_what_it_got(address: Address, receiver: Receiver, clock: Time) -> None:
    post.post(address, "verdict_1", BODY)
    (got,) = receiver.got
    assert got.body == BODY
    assert got.path == "/hook/s3cr3t-path"
    assert got.headers["content-type"].startswith("application/json")
    assert got.headers["webhook-id"] == "verdict_1"
    assert got.headers["webhook-timestamp"] == str(int(clock.now))
    # By hand, from what came over the wire: nothing of ours takes part.
    key = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
    signed = f"verdict_1.{got.headers['webhook-timestamp']}.".encode() + got.body
    version, _, text = got.headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert base64.b64decode(text) == hmac.new(key, signed, hashlib.sha256).digest()


def test_the_code_in_the_docs_verifies_it(
    address: Address, receiver: Receiver, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.post(address, "verdict_1", BODY)
    (got,) = receiver.got
    (code,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "webhooks.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    genuine = names["genuine"]
    assert genuine(got.headers, got.body, SECRET) is True
    assert genuine(got.headers, got.body + b" ", SECRET) is False
    assert genuine({**got.headers, "webhook-id": "verdict_2"}, got.body, SECRET) is False
    assert genuine({**got.headers, "webhook-timestamp": "1"}, got.body, SECRET) is False


def test_it_tries_again_with_the_same_id_and_a_new_signature(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.faults += [Answer(500), Answer(503, {"Retry-After": "7"}), Answer(429, {"Retry-After": "11"})]
    post.post(address, "verdict_1", BODY)
    assert clock.slept == [1.0, 7.0, 11.0]
    assert {got.headers["webhook-id"] for got in receiver.got} == {"verdict_1"}
    assert {got.body for got in receiver.got} == {BODY}
    assert len({got.headers["webhook-signature"] for got in receiver.got}) == 4


def test_a_date_in_retry_after_is_honoured(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.faults += [Answer(429, {"Retry-After": formatdate(clock.now + 30, usegmt=True)})]
    post.post(address, "verdict_1", BODY)
    assert clock.slept == [30.0]


def test_it_gives_up_after_some_attempts(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.always = Answer(500, {"Content-Type": "text/plain"}, b"rollup_error\n@channel")
    with pytest.raises(NotDeliveredError, match=r"answers with status 500: rollup_error @channel \(4 attempts\)"):
        post.post(address, "verdict_1", BODY)
    assert len(receiver.got) == 4


def test_it_does_not_wait_longer_than_its_budget(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.always = Answer(429, {"Retry-After": "3600"})
    with pytest.raises(NotDeliveredError, match=r"status 429, asks us to wait 3,600 s \(1 attempt\)"):
        post.post(address, "verdict_1", BODY)
    assert clock.slept == []
    receiver.always = Answer(429, {"Retry-After": "25"})
    with pytest.raises(NotDeliveredError):
        post.post(address, "verdict_2", BODY)
    assert clock.slept == [25.0, 25.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(address: Address, receiver: Receiver, clock: Time, status: int) -> None:
    other = Receiver()
    try:
        receiver.always = Answer(status, {"Location": f"{other.url}/elsewhere"})
        with pytest.raises(NotDeliveredError, match=rf"redirects \({status}\) to another place, which is not followed"):
            post.post(address, "verdict_1", BODY)
        assert len(receiver.got) == 1
        assert other.got == []
    finally:
        other.close()


def test_a_refusal_is_final_for_now(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.always = Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, b"invalid_blocks")
    with pytest.raises(NotDeliveredError, match=r"^refuses with status 400: invalid_blocks$"):
        post.post(address, "verdict_1", BODY)
    assert len(receiver.got) == 1


def test_a_receiver_that_does_not_answer(
    address: Address, receiver: Receiver, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "TIMEOUT", 0.2)
    receiver.faults += [Answer(hang=1.0), Answer(dead=True)]
    post.post(address, "verdict_1", BODY)
    assert len(receiver.got) == 3
    receiver.always = Answer(hang=1.0)
    with pytest.raises(NotDeliveredError, match=r"does not answer within 0.2 s \(4 attempts\)"):
        post.post(address, "verdict_1", BODY)


@pytest.mark.parametrize("status", [200, 500])
def test_a_receiver_that_drips_its_answer_is_cut_off(
    address: Address, receiver: Receiver, clock: Time, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Each byte comes soon enough for a timeout between two of them."""
    monkeypatch.setattr(post, "TIMEOUT", 0.5)
    receiver.always = Answer(status, drips="head")
    with pytest.raises(NotDeliveredError, match=r"does not answer within 0.5 s \(4 attempts\)"):
        post.post(address, "verdict_1", BODY)
    while any(thread.name == "signals-notify" for thread in threading.enumerate()):  # the connections were cut
        receiver.over.wait(0.05)
    assert len(receiver.got) == 4


def test_an_answer_without_end_is_not_waited_for(address: Address, receiver: Receiver, clock: Time) -> None:
    receiver.always = Answer(400, drips="body")
    with pytest.raises(NotDeliveredError, match=r"^refuses with status 400: so slowx*$"):
        post.post(address, "verdict_1", BODY)
    assert receiver.dripped < 50


@pytest.mark.parametrize(
    "name, value",
    [
        ("HTTPS_PROXY", "socks5://user:pa55word@127.0.0.1:1"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://[pa55word"),
        ("HTTPS_PROXY", "http://user:pa55word@127.0.0.1:1"),
        ("HTTPS_PROXY", "http://user:pa55word@127.0.0.1:port"),
        ("SSL_CERT_FILE", "/no/such/pa55word"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_no_traceback(
    clock: Time, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for other in ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.lower(), raising=False)
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOOK", "https://receiver.invalid/s3cr3t-path")
    found = address_of(model.Receiver(1, "${HOOK}", "slack"))
    assert found is not None
    with pytest.raises(NotDeliveredError, match=r"cannot be reached|breaks off|is not the address") as raised:
        post.post(found, "verdict_1", BODY)
    assert "pa55word" not in str(raised.value)


def test_a_receiver_that_is_not_there(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}/s3cr3t-path")
    found = address_of(model.Receiver(1, "${HOOK}", "slack"))
    assert found is not None
    with pytest.raises(NotDeliveredError, match=r"cannot be reached: the connection is refused \(4 attempts\)"):
        post.post(found, "verdict_1", BODY)


def test_a_message_without_a_secret_is_not_signed(
    receiver: Receiver, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", receiver.url)
    found = address_of(model.Receiver(1, "${HOOK}", "slack"))
    assert found is not None
    post.post(found, "verdict_1", BODY)
    assert "webhook-signature" not in receiver.got[0].headers


def test_what_the_receiver_says_back_tells_no_secret(address: Address, receiver: Receiver, clock: Time) -> None:
    said = f"no such hook: {address.url} {SECRET}".encode()
    receiver.always = Answer(404, {"Content-Type": "text/plain"}, said)
    with pytest.raises(NotDeliveredError) as raised:
        post.post(address, "verdict_1", BODY)
    assert "s3cr3t" not in str(raised.value)
    assert SECRET[:40] not in str(raised.value)


@pytest.mark.parametrize(
    "said",
    [
        "no such hook: /services/T0SECRET1/B0SECRET2/XYZsecret",
        "no team T0SECRET1, no channel B0SECRET2",
        "a" * 112 + " XYZsecret",
        "key QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=",
        "it breaks off in XYZsecr",
        "path /services/T0SECRET1/B0SECRET2",
        "spelled %58YZsecret and XYZsecret",
    ],
)
def test_what_is_kept_of_an_answer_holds_no_part_of_a_secret(
    said: str, receiver: Receiver, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", f"{receiver.url}/services/T0SECRET1/B0SECRET2/XYZsecret")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    found = address_of(model.Receiver(1, "${HOOK}", "json", "${HOOK_SECRET}"))
    assert found is not None
    receiver.always = Answer(404, {"Content-Type": "text/plain"}, said.encode())
    with pytest.raises(NotDeliveredError) as raised:
        post.post(found, "verdict_1", BODY)
    for part in ("SECRET1", "SECRET2", "XYZs", "QUJDREVG"):
        assert part not in str(raised.value)


@pytest.mark.parametrize(
    "url, secret, says",
    [
        ("http://example.org/hook", SECRET, "not encrypted"),
        ("http://169.254.169.254/latest", SECRET, "not encrypted"),
        ("https://user:pass@example.org", SECRET, "user name or a password"),
        ("ftp://example.org", SECRET, "not the address of a receiver"),
        ("https://exa mple.org", SECRET, "not the address of a receiver"),
        ("https://example.org:99999", SECRET, "not the address of a receiver"),
        ("https://example.org/\u202e", SECRET, "not the address of a receiver"),
        ("https://example.org", "short", "5 bytes are too few"),
        ("https://example.org", "whsec_%%%", "not base64"),
        ("https://example.org", "whsec_QUJD", "3 bytes are too few"),
        (None, SECRET, "HOOK is not set"),
        ("https://example.org", None, "HOOK_SECRET is not set"),
    ],
)
def test_what_cannot_be_used_is_told_without_its_value(
    url: str | None, secret: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("HOOK", url), ("HOOK_SECRET", secret)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(SignalsError, match=says) as raised:
        address_of(model.Receiver(1, "${HOOK}", "json", "${HOOK_SECRET}"))
    assert "example.org" not in str(raised.value)
    assert SECRET[6:] not in str(raised.value)


def test_an_empty_default_switches_a_receiver_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    assert address_of(model.Receiver(1, "${HOOK:-}", "slack")) is None
