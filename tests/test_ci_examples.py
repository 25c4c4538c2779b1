"""The pipelines in docs/examples do what they say: each script is run by bash, on the bundled example."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from signals.strictyaml import load

NEEDS = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(NEEDS), reason=f"not here: {', '.join(NEEDS)}")

GITHUB = {  # of the contexts and functions, those that exist and that we use
    "github.ref", "github.token", "github.repository", "github.event_name", "github.event.pull_request.number",
    "github.event.pull_request.head.repo.full_name",
}  # fmt: skip
NAME = re.compile(r"(?<!['\w.])[a-z_]+(?:\.[a-z_]+)+")


class Comments:
    """The part of GitHub's API that the workflow uses, with 120 comments of others, one of them forged."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [
            {"id": number, "user": {"login": "mara"} if number % 2 else None, "body": f"comment {number}"}
            for number in range(1, 121)
        ]
        self.seen: list[tuple[str, str]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
                start = query["per_page"] * (query["page"] - 1)
                self._say(api.comments[start : start + query["per_page"]])

            def do_POST(self) -> None:
                assert urlsplit(self.path).path == "/repos/org/repo/issues/7/comments"
                one = {"id": 999, "user": {"login": "github-actions[bot]"}, "body": self._body()}
                api.comments.append(one)
                self._say(one, 201)

            def do_PATCH(self) -> None:
                (one,) = [one for one in api.comments if self.path.endswith(f"/issues/comments/{one['id']}")]
                one["body"] = self._body()
                self._say(one)

            def _body(self) -> str:
                return str(json.loads(self.rfile.read(int(self.headers["content-length"])))["body"])

            def _say(self, answer: Any, status: int = 200) -> None:
                api.seen.append((self.command, self.headers["authorization"]))
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def api() -> Iterator[Comments]:
    one = Comments()
    yield one
    one.close()


@pytest.fixture
def checkout(root: Path, demo_store: str, tmp_path: Path) -> Path:
    """The bundled example as a checkout of its own, pulled already: the pull of the pipeline finds nothing new."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(root / "hierarchy.yaml", folder)
    shutil.copytree(root / "data", folder / "data", ignore=shutil.ignore_patterns("signals.db*"))
    shutil.copy(demo_store.removeprefix("sqlite:///"), folder / "data" / "signals.db")
    return folder


class Runner:
    """Runs scripts as GitHub does: in one folder, each in a shell of its own, talking through files."""

    def __init__(self, folder: Path, tmp_path: Path, api: str) -> None:
        self.folder, self.output, self.summary = folder, tmp_path / "output", tmp_path / "summary"
        for file in (self.output, self.summary):
            file.touch()
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_API_URL": api,
            "GITHUB_REPOSITORY": "org/repo", "RUNNER_TEMP": str(tmp_path), "OMP_NUM_THREADS": "1",
            "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",  # it is installed: nothing is fetched
        }  # fmt: skip

    def run(self, script: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            words, cwd=self.folder, env=self.env | env, capture_output=True, text=True, check=False, timeout=300
        )

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


def filled(text: str) -> str:
    """The text with its expressions filled in, as far as the workflow needs it."""
    values = {"github.token": "t0ken", "github.event.pull_request.number": "7"}
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: values[found[1]], text)


def steps_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow["jobs"]["verdict"]["steps"]
    return found


@pytest.fixture
def workflow(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = load(root / "docs" / "examples" / "signals.yml").data
    return found


def run_all(workflow: dict[str, Any], runner: Runner, release: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run each step that a run on a pull request of this repository would run, in order."""
    assert workflow["jobs"]["verdict"]["defaults"] == {"run": {"shell": "bash"}}
    done = {}
    for step in steps_of(workflow):
        if "run" not in step:
            continue
        condition = step.get("if", "")
        if "steps.decide.outputs.call ==" in condition and runner.outputs["call"] != condition.split("'")[1]:
            continue
        env = {name: filled(str(value)) for name, value in step.get("env", {}).items()}
        done[step["name"]] = runner.run(step["run"], {"RELEASE": release} | env)
        if done[step["name"]].returncode:
            break
    return done


def test_a_rollback_is_commented_reported_and_fails(
    workflow: dict[str, Any], checkout: Path, tmp_path: Path, api: Comments
) -> None:
    runner = Runner(checkout, tmp_path, api.url)
    api.comments[3]["user"] = {"login": "mallory"}
    api.comments[3]["body"] = "<!-- signals-verdict release=tuesday-large -->\nSHIP, honestly"
    done = run_all(workflow, runner, workflow["env"]["RELEASE"])
    assert {name: one.returncode for name, one in done.items()} == {
        "Install": 0, "Pull the evidence": 0, "Decide": 0, "Comment on the pull request": 0, "Fail on ROLLBACK": 1
    }, [one.stdout[-500:] + one.stderr for one in done.values()]  # fmt: skip
    assert "9 the same as last time" in " ".join(done["Pull the evidence"].stdout.split())
    assert runner.outputs == {"call": "rollback"}
    comment = (checkout / "verdict" / "comment.md").read_text()
    assert "## ROLLBACK: `tuesday-large`" in comment
    assert runner.summary.read_text() == comment
    assert len(api.comments) == 121
    assert api.comments[-1]["body"] == comment
    assert {token for _, token in api.seen} == {"Bearer t0ken"}
    call = ET.parse(checkout / "verdict" / "junit.xml").getroot().find(".//testcase[@name='call']/failure")
    assert call is not None
    assert call.get("type") == "rollback"
    assert json.loads((checkout / "verdict" / "verdict.json").read_text())["call"] == "rollback"
    assert (checkout / "verdict" / "memo.html").read_text().startswith("<!doctype html>")
    assert done["Fail on ROLLBACK"].stdout.startswith("::error title=ROLLBACK::")
    # The next run renews that comment, and leaves the forged one alone.
    (checkout / "verdict" / "comment.md").write_text(comment.replace("## ROLLBACK", "## HOLD"))
    step = next(step for step in steps_of(workflow) if step.get("name") == "Comment on the pull request")
    assert runner.run(step["run"], {"TOKEN": "t0ken", "NUMBER": "7", "RELEASE": "tuesday-large"}).returncode == 0
    assert len(api.comments) == 121
    assert "## HOLD" in api.comments[-1]["body"]
    assert "SHIP, honestly" in api.comments[3]["body"]


def test_a_hold_passes_and_a_mistake_does_not(
    workflow: dict[str, Any], checkout: Path, tmp_path: Path, api: Comments
) -> None:
    runner = Runner(checkout, tmp_path, api.url)
    done = run_all(workflow, runner, "tuesday-small")
    assert list(done)[-1] == "Comment on the pull request"
    assert [one.returncode for one in done.values()] == [0, 0, 0, 0]
    assert runner.outputs == {"call": "hold"}
    decide = next(step for step in steps_of(workflow) if step.get("id") == "decide")
    wrong = runner.run(decide["run"], {"RELEASE": "tuesday-smal"})
    assert wrong.returncode == 2
    assert "Did you mean 'tuesday-small'?" in wrong.stderr


def test_the_workflow_holds_to_its_language(workflow: dict[str, Any], root: Path) -> None:
    assert set(workflow) == {"name", "on", "permissions", "concurrency", "env", "jobs"}
    assert set(workflow["on"]) == {"pull_request", "workflow_dispatch"}  # pull_request_target would give forks rights
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    known = set(GITHUB)
    for step in steps_of(workflow):
        assert set(step) <= {"name", "id", "if", "env", "run", "uses", "with"}
        # A value is handed over in a variable: written into a script, a title could be a command.
        assert "${{" not in step.get("run", "")
        for text in [step.get("if", ""), *map(str, step.get("env", {}).values())]:
            assert set(NAME.findall(text)) <= known, text
        if "id" in step:
            names = re.findall(r'echo "(\w+)=.*>> "\$GITHUB_OUTPUT"', step["run"])
            known |= {f"steps.{step['id']}.{name}" for name in ("outcome", *(f"outputs.{name}" for name in names))}
    assert "steps.decide.outputs.call" in known
    text = (root / "docs" / "examples" / "signals.yml").read_text()
    for expression in re.findall(r"\$\{\{ ([^…]*?) \}\}", text):
        assert set(NAME.findall(expression)) <= known
    assert "://" not in text


def test_the_gitlab_job_fails_by_its_last_command(root: Path, checkout: Path, tmp_path: Path) -> None:
    job = load(root / "docs" / "examples" / "signals.gitlab-ci.yml").data["verdict"]
    runner = Runner(checkout, tmp_path, "")
    for release, code in ((job["variables"]["RELEASE"], 20), ("tuesday-small", 10), ("all-agree", 0)):
        assert runner.run("\n".join(job["script"]), {"RELEASE": release}).returncode == code
    assert job["allow_failure"] == {"exit_codes": [10]}
    for path in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (checkout / path).stat().st_size > 1_000
