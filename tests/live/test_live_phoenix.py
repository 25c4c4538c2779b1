"""A real Phoenix server, its contents written by its own client, pulled by ours.

Opt in with ``SIGNALS_LIVE_PHOENIX=/path/to/a/python`` that has arize-phoenix and arize-phoenix-client installed.
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

from signals.connectors.api import phoenix_fetch
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store

PYTHON = os.environ.get("SIGNALS_LIVE_PHOENIX", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="SIGNALS_LIVE_PHOENIX names no Python with arize-phoenix")
SERVER = {"connector": "phoenix", "url": "${LIVE_URL}"}
LANG = {"segment.lang": "example.metadata.lang"}
RELEASE = {"id": "r1", "kind": "prompt", "control": "control", "candidate": "candidate", "started": "2026-01-01"}


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server's address, and what its contents mean."""
    folder = tmp_path_factory.mktemp("phoenix")
    port = _free()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ, "PHOENIX_WORKING_DIR": str(folder), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(_free()), "PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_COLLECTOR_ENDPOINT": url,
    }  # fmt: skip
    command = [PYTHON, "-m", "phoenix.server.main", "serve"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 600
        while not _up(url):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.5)
        script = Path(__file__).with_name("write_phoenix.py")
        written = subprocess.run([PYTHON, script, url], env=environment, cwd=folder, capture_output=True, check=True)
        yield url, json.loads(written.stdout[written.stdout.index(b'{"meant"') :])["meant"]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _project(folder: Path, sources: dict[str, Any]) -> Any:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "sources.yaml").write_text(json.dumps({"releases": [RELEASE], "sources": sources}))
    return load_project(folder)


def test_what_was_written_is_what_is_pulled(server, tmp_path, monkeypatch):
    url, meant = server
    monkeypatch.setenv("LIVE_URL", url)
    monkeypatch.setattr(phoenix_fetch, "PAGE", 23)  # several pages, with the server's own cursors
    monkeypatch.setattr(phoenix_fetch, "NOTES", 7)
    application = {**SERVER, "project": "application"}
    sources = {
        "judge": {"signal": "judge", **SERVER, "dataset": "support", "map": LANG},
        "panel": {"signal": "panel", **application, "shape": "rating", "scale": [1, 5]},
        "thumbs": {"signal": "thumbs", **application, "shape": "feedback", "impressions": True, "reread": "2d"},
    }
    project = _project(tmp_path, sources)
    store = open_store(project.store_url)
    reports = pull(project, store)
    assert [report.error for report in reports] == [None, None, None]
    evidence = store.evidence(project.releases[0], list(sources))
    scores = {(r.variant, f"{r.item} {r.repeat}"): r.error or r.value for r in evidence.scores}
    assert scores == {(arm, name): word for arm, words in meant["scores"].items() for name, word in words.items()}
    assert Counter(w for w in scores.values() if isinstance(w, str)) == {"judge_error": 4, "system_error": 2}
    assert {dict(r.segment)["lang"] for r in evidence.scores} == {"en", "de"}
    assert len({r.fingerprint for r in evidence.scores}) == 1
    ratings = Counter((r.variant, r.item, r.rater, r.value) for r in evidence.ratings)
    assert ratings == Counter(tuple(one) for one in meant["ratings"]), "the one that was given anew counts once"
    thumbs = {arm: [0, 0, 0] for arm in meant["thumbs"]}
    for cell in evidence.feedback:
        up = round(cell.moments.n * cell.moments.mean)
        thumbs[cell.variant] = [
            a + b for a, b in zip(thumbs[cell.variant], (cell.moments.n, up, cell.impressions), strict=True)
        ]
    failed = {"control": 0, "candidate": 1}
    assert thumbs == {arm: [*meant["thumbs"][arm], meant["shown"] - failed[arm]] for arm in thumbs}
    assert [report.status for report in pull(project, store)] == ["unchanged"] * 3


def test_its_saved_answers_say_the_same(server, tmp_path, monkeypatch):
    url, _ = server
    monkeypatch.setenv("LIVE_URL", url)
    saved = tmp_path / "data" / "exports"
    saved.mkdir(parents=True)
    (dataset,) = httpx.get(f"{url}/v1/datasets").json()["data"]
    (saved / "examples.json").write_bytes(httpx.get(f"{url}/v1/datasets/{dataset['id']}/examples").content)
    for one in httpx.get(f"{url}/v1/datasets/{dataset['id']}/experiments").json()["data"]:
        for what, end in (("", "json"), ("/json", "json"), ("/csv", "csv"), ("/runs", "json")):
            answer = httpx.get(f"{url}/v1/experiments/{one['id']}{what}")
            (saved / f"{one['name']}{what.replace('/', '.')}.{end}").write_bytes(answer.content)
    sources = {
        "server": {"signal": "judge", **SERVER, "dataset": "support", "map": LANG},
        "files": {"signal": "judge", "connector": "phoenix", "path": "exports/*", "map": LANG},
    }
    project = _project(tmp_path, sources)
    store = open_store(project.store_url)
    assert [report.error for report in pull(project, store)] == [None, None]
    asked, read = (list(store.evidence(project.releases[0], [name]).scores) for name in sources)
    assert asked == read
    assert len(read) == 48
