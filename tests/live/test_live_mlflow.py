"""A real MLflow server, its contents written by its own client, pulled by ours.

Opt in with ``SIGNALS_LIVE_MLFLOW=/path/to/a/python`` that has mlflow (3.x) installed; it cannot share our environment.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from signals.connectors.api import mlflow
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store

PYTHON = os.environ.get("SIGNALS_LIVE_MLFLOW", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="SIGNALS_LIVE_MLFLOW names no Python with mlflow")
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
         "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # fmt: skip
ENTRY = {"connector": "mlflow", "url": "${LIVE_URL}", "experiment": "support"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server's address, and what its contents mean."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = {**os.environ, **QUIET}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 300
        while not _up(url):
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.5)
        script = Path(__file__).with_name("write_mlflow.py")
        written = subprocess.run([PYTHON, script, url], env=environment, cwd=folder, capture_output=True, check=True)
        yield url, json.loads(written.stdout[written.stdout.index(b"{") :])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_what_was_written_is_what_is_pulled(server, tmp_path, monkeypatch):
    url, meant = server
    monkeypatch.setenv("LIVE_URL", url)
    monkeypatch.setattr(mlflow, "PAGE", 7)  # several pages, with the server's own tokens
    sources = {
        "judge": {"signal": "judge", **ENTRY, "map": {"segment.lang": "tags.lang"}, "reread": "1d"},
        "panel": {"signal": "panel", **ENTRY, "shape": "rating", "scale": [1, 5]},
        "thumbs": {"signal": "thumbs", **ENTRY, "shape": "feedback", "impressions": True},
    }
    release = {"id": "r1", "kind": "prompt", "control": "control", "candidate": "candidate", "started": "2026-01-01"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sources.yaml").write_text(json.dumps({"releases": [release], "sources": sources}))
    project = load_project(tmp_path)
    store = open_store(project.store_url)
    reports = pull(project, store)
    assert [report.error for report in reports] == [None, None, None]
    evidence = store.evidence(project.releases[0], list(sources))
    scores = {(r.variant, r.item): r.error or r.value for r in evidence.scores}
    assert scores == {(arm, item): word for arm, words in meant.items() for item, word in words.items()}
    assert {word for word in scores.values() if isinstance(word, str)} == {"system_error", "judge_error", "skipped"}
    failed = Counter(word for word in scores.values() if word == "system_error")["system_error"]
    assert len(evidence.ratings) == 2 * (48 - failed)
    assert {(c.variant, c.moments.n, c.moments.mean, c.impressions) for c in evidence.feedback} == {
        ("control", 6, 0.5, 24), ("candidate", 6, 0.5, 24 - failed),
    }  # fmt: skip
    assert [report.status for report in pull(project, store)] == ["unchanged"] * 3
