"""The front door: open on this machine, shut to a network unless people sign in or somebody meant it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from signals import doors
from signals.doors import check, hostname, hosts, is_loopback, read_auth, stay_shut
from signals.model import SignalsError

GOOD: dict[str, Any] = {
    "redirect_uri": "https://signals.example.com/oauth2callback",
    "cookie_secret": "4Zq0vX8mN2bW7tR5yU1oP9aS6dF3gH-k",
    "client_id": "signals",
    "client_secret": "s3cret",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
}
PROVIDER = {name: GOOD[name] for name in doors.NEEDED}
SHARED = {name: GOOD[name] for name in ("redirect_uri", "cookie_secret")}


@pytest.mark.parametrize(
    "host, alone",
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("LOCALHOST", True), ("0.0.0.0", False), ("::", False), ("", False), (None, False), ("10.0.0.1", False),
        ("localhost.example.com", False), ("127.0.0.1.example.com", False), ("2130706433", False),
        ("example.com", False),
    ],
)  # fmt: skip
def test_which_hosts_are_this_machine_alone(host: str | None, alone: bool) -> None:
    assert is_loopback(host) == alone


@pytest.mark.parametrize(
    "header, name",
    [
        ("localhost:8501", "localhost"), ("[::1]:8501", "::1"), ("Signals.Example.com", "signals.example.com"),
        ("localhost@example.com", ""), ("localhost/x", ""), ("localhost:8501x", ""), ("[::1", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert hostname(header) == name


def test_what_is_set_up_well_is_taken() -> None:
    one = check(GOOD)
    assert (one.providers, one.origin, one.host) == (("",), "https://signals.example.com", "signals.example.com")
    assert check({**SHARED, "okta": PROVIDER, "entra": PROVIDER}).providers == ("entra", "okta")
    assert check({**GOOD, "okta": PROVIDER, "client_kwargs": {"scope": "openid"}}).providers == ("", "okta")
    local = check({**GOOD, "redirect_uri": "http://localhost:{port}/oauth2callback"})
    assert (local.origin, local.host) == ("http://localhost:{port}", "localhost")
    assert hosts(one)[0] == "signals.example.com"
    assert hosts(None) == ()


@pytest.mark.parametrize(
    "change, says",
    [
        ({"cookie_secret": None}, "has no cookie_secret. Make one with"),
        ({"cookie_secret": ""}, "has no cookie_secret"),
        ({"cookie_secret": "xxx"}, "cookie_secret is the example's"),
        ({"cookie_secret": "x" * 64}, "cookie_secret is the example's"),
        ({"cookie_secret": "aZ0bY1cX2dW3eV4f"}, "simple enough to be guessed"),
        ({"cookie_secret": "1234567890" * 4}, "simple enough to be guessed"),
        ({"cookie_secret": "A-LONG-RANDOM-COOKIE-SECRET-THAT-YOU-MADE"}, "cookie_secret is the example's"),
        ({"cookie_secret": 12345}, "has no cookie_secret"),
        ({"redirect_uri": None}, "has no redirect_uri"),
        ({"redirect_uri": "https://signals.example.com/"}, "ends with /oauth2callback"),
        ({"redirect_uri": "signals.example.com/oauth2callback"}, "is not an address"),
        ({"redirect_uri": "http://signals.example.com/oauth2callback"}, "redirect_uri does not begin with https://"),
        ({"redirect_uri": "https://[/oauth2callback"}, "is not an address"),
        ({"client_id": None}, "[auth] has no client_id"),
        ({"client_secret": "  "}, "[auth] has no client_secret"),
        ({"server_metadata_url": "http://id.example.com/x"}, "server_metadata_url does not begin with https://"),
        ({"o_kta": PROVIDER}, "[auth.o_kta]: a provider's name cannot hold an underscore"),
        ({"okta": {"client_id": "x"}}, "[auth.okta] has no client_secret"),
    ],
)
def test_what_is_missing_or_not_safe_is_refused(change: dict[str, Any], says: str) -> None:
    auth = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(SignalsError) as caught:
        check(auth)
    (line,) = [line for line in str(caught.value).splitlines() if says in line]
    assert line.startswith(".streamlit/secrets.toml: ")
    for secret in (GOOD["client_secret"], GOOD["cookie_secret"]):
        assert secret not in str(caught.value)


def test_an_empty_table_is_sign_in_that_lacks_everything() -> None:
    with pytest.raises(SignalsError) as caught:
        check({})
    assert len(caught.value.problems) == len(doors.NEEDED) + 2


def test_a_secrets_file_that_cannot_be_read_never_opens_the_door(tmp_path: Path) -> None:
    missing, broken, other = tmp_path / "no.toml", tmp_path / "broken.toml", tmp_path / "other.toml"
    other.write_text("[database]\nurl = 'x'\n")
    assert read_auth([missing, other]) is None
    broken.write_text('[auth]\ncookie_secret = hunter2"\n')
    with pytest.raises(SignalsError, match=r"broken.toml: is not valid TOML") as caught:
        read_auth([missing, broken])
    assert "hunter2" not in str(caught.value)
    broken.write_text("auth = 'yes'\n")
    with pytest.raises(SignalsError, match="auth is not a table"):
        read_auth([broken])
    broken.write_bytes(b"[auth]\nx = '\xff'\n")
    with pytest.raises(SignalsError, match="is not valid TOML"):
        read_auth([broken])
    broken.write_text("[auth]\n")
    assert read_auth([broken, other]) == {}


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.0.2.7", "signals.example.com"])
def test_a_network_needs_sign_in_or_somebody_who_means_it(address: str | None) -> None:
    with pytest.raises(SignalsError, match=r"nobody has to sign in.*--open-to-network"):
        stay_shut(address, None, meant=False)
    stay_shut(address, None, meant=True)
    stay_shut(address, check(GOOD), meant=False)
    stay_shut("127.0.0.1", None, meant=False)


# --- the command ----------------------------------------------------------------------------------------------------


def serve(project: Path, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signals", "serve", "--project", str(project), "--port", "1", *words],
        cwd=root, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sources.yaml").write_text("sources: {}\n")
    (tmp_path / "hierarchy.yaml").write_bytes((root / "hierarchy.yaml").read_bytes())
    (tmp_path / ".streamlit").mkdir()
    return tmp_path


def test_serve_refuses_a_network_in_one_line(project: Path, root: Path) -> None:
    done = serve(project, root, "--address", "0.0.0.0")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "listens at 0.0.0.0, and nobody has to sign in" in done.stderr


def test_serve_refuses_sign_in_that_is_half_set_up(project: Path, root: Path) -> None:
    secrets = project / ".streamlit" / "secrets.toml"
    secrets.write_text("[auth\n")
    done = serve(project, root)
    assert (done.returncode, done.stdout) == (2, "")
    assert ".streamlit/secrets.toml: is not valid TOML" in done.stderr
    secrets.write_text("[auth]\n" + "".join(f'{name} = "{value}"\n' for name, value in GOOD.items()))
    done = serve(project, root)
    assert (done.returncode, done.stdout) == (2, "")
    assert "access.yaml: no such file" in done.stderr
    (project / "access.yaml").write_text("viewer: ['*']\n")
    assert "access.yaml:1:10: '*': a * stands only for" in serve(project, root).stderr


def test_the_example_of_the_page_is_refused_until_it_is_filled_in(root: Path) -> None:
    import tomllib

    page = (root / "docs" / "sign-in.md").read_text(encoding="utf-8")
    auth = tomllib.loads(page.split("```toml\n", 1)[1].split("```", 1)[0])["auth"]
    with pytest.raises(SignalsError, match="cookie_secret is the example's"):
        check(auth)
    assert check({**auth, "cookie_secret": GOOD["cookie_secret"]}).host == "signals.example.com"
