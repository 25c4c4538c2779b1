"""A real PostgreSQL of our own, started from the system's binaries for the length of a test session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

STARTED_WITHIN = 30.0


def _binaries() -> Path | None:
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _as_user() -> tuple[list[str], int | None]:
    """Command prefix and user id that the server runs under: it refuses to be root."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if shutil.which("setpriv"):
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user.pw_uid
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user (or no setpriv) to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a server of our own, without a database name."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: no initdb on the path or under /usr/lib/postgresql")
    psycopg = pytest.importorskip("psycopg")
    prefix, user = _as_user()
    # Not under pytest's own folder: that one is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="signals-postgres-"))
    if user is not None:
        os.chown(folder, user, -1)
    process = None
    try:
        made = subprocess.run(
            [*prefix, binaries / "initdb", "-D", folder / "data", "-U", "signals", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        port = _free_port()
        process = subprocess.Popen(
            [*prefix, binaries / "postgres", "-D", folder / "data", "-p", str(port), "-h", "127.0.0.1", "-k", folder,
             "-c", "fsync=off", "-c", "max_connections=60"],
            cwd="/", stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"),
        )  # fmt: skip
        address = f"postgresql://signals@127.0.0.1:{port}"
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "PostgreSQL did not start in time"
                time.sleep(0.1)
            else:
                break
        yield address
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once, without writing anything out: all of it is thrown away
            process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)
