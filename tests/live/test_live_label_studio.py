"""A real Label Studio server, its contents written by its own client, pulled by ours.

Opt in with ``SIGNALS_LIVE_LABEL_STUDIO=/path/to/a/python`` that has label-studio (1.x) installed.
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

from signals import connectors
from signals.connectors import Tally
from signals.connectors.api.client import Client
from signals.connectors.label_studio import server as module
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store

PYTHON = os.environ.get("SIGNALS_LIVE_LABEL_STUDIO", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="SIGNALS_LIVE_LABEL_STUDIO names no Python with label-studio")
LEGACY = "0123456789abcdef0123456789abcdef01234567"
SETTINGS = {
    "LABEL_STUDIO_USERNAME": "admin@example.com", "LABEL_STUDIO_PASSWORD": "pw-0123456789",
    "LABEL_STUDIO_USER_TOKEN": LEGACY, "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "false",
}  # fmt: skip
ENTRY = {"connector": "label_studio", "url": "${LIVE_URL}", "token": "${LIVE_TOKEN}"}
RELEASE = {"id": "r1", "kind": "prompt", "control": "control", "candidate": "candidate", "started": "2026-01-01"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server's address, and what its contents mean."""
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        PYTHON, "-m", "label_studio.server", "start", "--no-browser", "--data-dir", str(folder / "data"),
        "--port", str(port), "--internal-host", "127.0.0.1",
    ]  # fmt: skip
    environment = {**os.environ, **SETTINGS, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 400
        while not _up(url):
            alive = process.poll() is None
            assert alive, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.5)
        script = Path(__file__).with_name("write_label_studio.py")
        written = subprocess.run(
            [PYTHON, script, url, LEGACY], env=environment, cwd=folder, capture_output=True, check=True
        )
        yield url, json.loads(written.stdout[written.stdout.index(b"{") :])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_what_was_written_is_what_is_pulled(server, tmp_path, monkeypatch):
    url, meant = server
    numbers = meant["projects"]
    monkeypatch.setenv("LIVE_URL", url)
    monkeypatch.setenv("LIVE_TOKEN", meant["token"])
    monkeypatch.setattr(module, "PAGE", 7)
    panel = {"project": [numbers["control"], numbers["candidate"]], "map": {"segment.lang": "lang"}}
    sources = {
        "panel": {"signal": "panel", **ENTRY, **panel, "reread": "1h"},
        "pairs": {"signal": "panel", **ENTRY, "project": numbers["pairs"], "shape": "preference", "empty": "tie"},
        "named": {"signal": "panel", **ENTRY, **panel, "map": {"rater": "completed_by.email"}},
    }
    (tmp_path / "data").mkdir()

    def project_of(entries: dict[str, Any]) -> Any:
        (tmp_path / "data" / "sources.yaml").write_text(json.dumps({"releases": [RELEASE], "sources": entries}))
        return load_project(tmp_path)

    def read(entry: dict[str, Any]) -> list[Any]:
        project = project_of({"one": {"signal": "panel", **entry}})
        return list(connectors.get("label_studio").read(project.sources[0], project, Tally()))

    project = project_of(sources)
    store = open_store(project.store_url)
    renewed = _wrong_first(monkeypatch)
    reports = pull(project, store)
    assert [report.error for report in reports] == [None, None, None]
    assert len(renewed) == 6, "each source signs in, is refused once, and signs in again"

    def ratings(name: str) -> list[Any]:
        return list(store.evidence(project.releases[0], [name]).ratings)

    wanted = Counter((arm, item, str(who), count) for arm, item, who, count in meant["ratings"])
    assert Counter((r.variant, r.item, r.rater, r.value) for r in ratings("panel")) == wanted
    assert {(r.variant, r.item) for r in ratings("panel") if r.status == "skipped"} == {
        ("control", "ticket-012"), ("candidate", "ticket-012"),
    }  # fmt: skip
    assert [(r.item, r.attempt, r.value) for r in ratings("panel") if r.attempt == 2] == [("ticket-001", 2, 4)] * 2
    assert {r.rater for r in ratings("named")} == {f"{name}@example.com" for name in ("admin", "ann", "bob", "cyd")}
    pairs = store.evidence(project.releases[0], ["pairs"]).preferences
    assert Counter((p.item, p.rater, p.left, p.right, p.choice) for p in pairs) == Counter(
        (item, str(who), left, right, choice) for item, who, left, right, choice in meant["pairs"]
    )

    # The server's own export says the same, and so does the legacy token.
    signed = {"Authorization": f"Token {LEGACY}"}
    for name, number in numbers.items():
        raw = httpx.get(f"{url}/api/projects/{number}/export?exportType=JSON", headers=signed, timeout=60).content
        (tmp_path / "data" / f"{name}.json").write_bytes(raw)
    monkeypatch.setenv("LIVE_TOKEN", LEGACY)
    exported = read({"connector": "label_studio", "path": "c*.json", "map": panel["map"]})
    assert exported == read({**ENTRY, **panel})
    assert len(exported) == sum(wanted.values())
    pairs_too = {"shape": "preference", "empty": "tie"}
    assert read({"connector": "label_studio", "path": "pairs.json", **pairs_too}) == read(
        {**ENTRY, "project": numbers["pairs"], **pairs_too}
    )
    with pytest.raises(Exception, match="runs from 1 to 5 by its form, and from 1 to 7 by `scale:`"):
        read({**ENTRY, **panel, "scale": [1, 7]})

    # Pulled again: nothing changes, an edit changes its record, and what is deleted is gone.
    project = project_of({"panel": sources["panel"]})
    assert pull(project, store)[0].status == "unchanged"
    before = {r.record: r for r in ratings("panel")}
    task = json.loads((tmp_path / "data" / "control.json").read_text())[3]
    note = task["annotations"][0]
    note["result"][0]["value"]["rating"] = 1 + note["result"][0]["value"]["rating"] % 5
    changed = httpx.patch(
        f"{url}/api/annotations/{note['id']}/", headers=signed, json={"result": note["result"]}, timeout=60
    )
    assert changed.status_code == 200
    assert pull(project, store)[0].error is None
    after = {r.record: r for r in ratings("panel")}
    assert set(after) == set(before)
    assert [(r.item, r.variant, r.rater) for name, r in after.items() if r != before[name]] == [
        (task["data"]["item_id"], "control", str(note["completed_by"]))
    ]
    assert httpx.delete(f"{url}/api/tasks/{task['id']}/", headers=signed, timeout=60).status_code == 204
    assert pull(project, store)[0].error is None
    assert {r.record: r for r in ratings("panel")} == {
        name: r for name, r in after.items() if (r.item, r.variant) != (task["data"]["item_id"], "control")
    }


def _wrong_first(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let each first access token of a source be one that the server refuses, as one that has run out."""
    real, given = module._access, list[str]()
    last: list[Client] = []

    def access(token: str, api: Client) -> Any:
        header = real(token, api)
        given.append(header["Authorization"])
        if any(one is api for one in last):
            return header
        last.append(api)
        return {"Authorization": header["Authorization"][:-3] + "AAA"}

    monkeypatch.setattr(module, "_access", access)
    return given
