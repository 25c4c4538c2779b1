"""sources.yaml: read strictly, every mistake at its line and column, nothing half-loaded."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from signals.model import SignalsError
from signals.project import load_project, store_url

GOOD = """\
store: ${SIGNALS_TEST_STORE:-sqlite:///data/signals.db}
releases:
  - {id: prompt-v7, kind: prompt, control: prompt-v6, candidate: prompt-v7, started: 2026-11-10, owner: assistant-team}
  - id: prompt-v8
    kind: prompt
    control: prompt-v7
    candidate: prompt-v8
    started: 2026-11-17
    as_of: 2026-11-24T10:00:00+01:00
    synthetic: true
    split: 0.2
    family: autumn
sources:
  golden-set:
    signal: judge
    connector: promptfoo
    path: exports/promptfoo/*.json
    map: {item: vars.ticket_id, variant: provider.label, segment.plan: metadata.plan}
  panel-week-47:
    signal: panel
    connector: table
    path: exports/panel/*.csv
    shape: rating
    map: {item: ticket_id, rater: worker, variant: model, value: score, at: submitted_at, segment.plan: plan}
    where: {status: [done, checked], week: 47}
    values: {good: 1, bad: 0}
    timezone: Europe/Berlin
"""


def write(root: Path, text: str | bytes) -> Path:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "sources.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def problems(root: Path, text: str | bytes) -> list[tuple[int | None, int | None, str]]:
    with pytest.raises(SignalsError) as caught:
        load_project(write(root, text))
    return [(p.line, p.column, str(p).split("sources.yaml:", 1)[1].split(": ", 1)[-1]) for p in caught.value.problems]


def test_good(tmp_path, monkeypatch):
    monkeypatch.delenv("SIGNALS_TEST_STORE", raising=False)
    project = load_project(write(tmp_path, GOOD))
    assert project.store_url == f"sqlite:///{tmp_path}/data/signals.db"
    assert project.policy_path == tmp_path / "hierarchy.yaml"
    first, second = project.releases
    assert (first.id, first.kind, first.arms, first.started) == (
        "prompt-v7", "prompt", ("prompt-v6", "prompt-v7"), date(2026, 11, 10)
    )  # fmt: skip
    assert (first.as_of, first.synthetic) == (None, False)
    assert second.synthetic
    assert (first.split, first.family) == (None, "")
    assert (second.split, second.family) == (0.2, "autumn")
    assert second.as_of == datetime(2026, 11, 24, 9, tzinfo=UTC)
    judge, panel = project.sources
    assert (judge.name, judge.connector, judge.options["path"]) == (
        "golden-set",
        "promptfoo",
        "exports/promptfoo/*.json",
    )
    assert judge.map["segment.plan"] == "metadata.plan"
    assert (panel.where, panel.values) == ({"status": ["done", "checked"], "week": 47}, {"good": 1, "bad": 0})
    assert (panel.timezone, panel.options["shape"], panel.line) == ("Europe/Berlin", "rating", 19)
    monkeypatch.setenv("SIGNALS_TEST_STORE", "postgresql+psycopg://u:p@h/d")
    assert load_project(tmp_path).store_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    "url, expected",
    [
        ("sqlite:///data/x.db", "sqlite:////p/data/x.db"),
        ("sqlite+pysqlite:///x.db?timeout=5", "sqlite+pysqlite:////p/x.db?timeout=5"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql://h/d", "postgresql://h/d"),
    ],
)
def test_store_paths_are_relative_to_the_project(url, expected):
    assert store_url(url, Path("/p")) == expected


EDITS = {
    "duplicate release": ("id: prompt-v8", "id: prompt-v7", (4, 9, "'prompt-v7' is declared twice (first on line 3)")),
    "one arm": ("candidate: prompt-v8", "candidate: prompt-v7", (7, 16, "control and candidate are both 'prompt-v7'")),
    "kind": ("kind: prompt\n", "kind: prompts\n", (5, 11, "Input should be 'prompt'")),
    "date": ("started: 2026-11-17", "started: 17.11.2026", (8, 14, "must be a date such as 2026-11-10")),
    "zone of as_of": ("10:00:00+01:00", "10:00:00", (9, 12, "must name its zone")),
    "number as id": ("control: prompt-v7\n", "control: 1.10\n", (6, 14, "must be text: put it in quotes")),
    "release key": ("synthetic: true", "sythetic: true", (10, 5, "Did you mean 'synthetic'?")),
    "split": ("split: 0.2", "split: 20", (11, 12, "between 0 and 1, such as 0.5")),
    "split as text": ("split: 0.2", "split: half", (11, 12, "number")),
    "family": ("family: autumn", "family: 7", (12, 13, "must be text")),
    "outcome": ("family: autumn", "outcome: goood", (12, 14, "Did you mean 'good'?")),
    "outcome as yes": ("family: autumn", "outcome: true", (12, 14, "Known: bad, good, unknown")),
    "connector": ("or: promptfoo", "or: promptfo", (16, 16, "unknown connector 'promptfo'. Did you mean 'promptfoo'?")),
    "source key": ("timezone: Europe", "timezon: Europe", (27, 5, "unknown key 'timezon'. Did you mean 'timezone'?")),
    "zone": ("e/Berlin", "e/Berln", (27, 15, "unknown time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'?")),
    "shape": ("shape: rating", "shape: ratings", (23, 12, "unknown shape 'ratings'. Did you mean 'rating'?")),
    "field": ("rater: worker", "ratr: worker", (24, 28, "unknown field 'ratr' in map. Did you mean 'rater'?")),
    "segment": ("segment.plan: plan}", "segment.: plan}", (24, 91, "is not a segment")),
    "outside": ("exports/panel/", "../panel/", (22, 11, "leaves the folder of this file")),
    "absolute": ("exports/panel/", "/etc/", (22, 11, "leaves the folder of this file")),
    "mixed values": ("{good: 1,", "{good: {a: b},", (26, 28, "`values:` mixes recodings with fields")),
    "top key": ("releases:", "release:", (2, 1, "unknown key 'release'. Did you mean 'releases'?")),
    "tab": ("    signal: judge", "\tsignal: judge", (15, 1, "Indent with spaces")),
    "duplicate key": ("    shape: rating", "    path: rating", (23, 5, "key 'path' is written twice")),
    "missing path": ("    path: exports/panel/*.csv\n", "", (19, 3, "needs `path:` or `url:`")),
    "alias": ("exports/panel/*.csv", "*other", (22, 11, "")),
    "scale": ("    shape: rating", "    scale: [1, 0]\n    shape: rating", (23, 12, "runs from 1 to 0")),
    "grain": ("    shape: rating", "    grain: unit\n    shape: rating", (23, 5, "`grain:` is not for shape rating")),
    "variable of the store": (
        "SIGNALS_TEST_STORE:-sqlite:///data/signals.db", "NO_SUCH", (1, 8, "environment variable NO_SUCH is not set")
    ),
    "variable of a release": ("assistant-team", "'${NO_SUCH}'", (3, 106, "environment variable NO_SUCH is not set")),
    "broken variable": ("assistant-team", '"${1}"', (3, 106, "does not begin a variable")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(EDITS))
def test_one_mistake(tmp_path, name):
    old, new, (line, column, message) = EDITS[name]
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any((at, col) == (line, column) and message in what for at, col, what in found), found
    with pytest.raises(SignalsError) as caught:
        load_project(tmp_path)
    assert all("\n" not in str(p) for p in caught.value.problems)


def test_all_mistakes_at_once_in_order(tmp_path):
    text = GOOD
    for name in ("duplicate release", "date", "connector", "shape", "zone", "variable of the store"):
        text = text.replace(EDITS[name][0], EDITS[name][1], 1)
    found = [(line, column) for line, column, _ in problems(tmp_path, text)]
    assert found == [EDITS[n][2][:2] for n in (
        "variable of the store", "duplicate release", "date", "connector", "shape", "zone")]  # fmt: skip


def test_a_missing_secret_of_a_source_stops_nothing_here(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH", raising=False)
    text = GOOD.replace("    path: exports/panel/*.csv", "    url: ${NO_SUCH}\n    query: SELECT 1")
    source = load_project(write(tmp_path, text)).sources[1]
    assert source.options["url"] == "${NO_SUCH}"
    monkeypatch.setenv("NO_SUCH", "sqlite:///secret.db")
    assert load_project(tmp_path).sources[1] == source, "secrets stay out of what is loaded"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"- a\n",
        b"store: 7\n",
        b"sources: 3\n",
        b"sources: {a: 1}\n",
        b"releases: {}\n",
        b"\xff\xfe",
        b"sources: {a: {}}",
    ],
)
def test_odd_files_fail_in_one_line_each(tmp_path, text):
    with pytest.raises(SignalsError) as caught:
        load_project(write(tmp_path, text))
    assert "sources.yaml" in str(caught.value)


def test_no_project(tmp_path):
    with pytest.raises(SignalsError, match="no such file"):
        load_project(tmp_path)


def test_minimal(tmp_path):
    project = load_project(write(tmp_path, "sources: {}\n"))
    assert (project.releases, project.sources) == ((), ())


def test_the_examples_of_the_docs_load(tmp_path, root):
    text = (root / "docs" / "connectors" / "table.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if block.startswith("  ")]
    project = load_project(write(tmp_path, "sources:\n" + "".join(blocks)))
    assert {source.connector for source in project.sources} == {"table"}
    assert len(project.sources) == len(re.findall(r"^  [a-z]", "".join(blocks), re.MULTILINE)) >= 10


def test_loading_is_light(tmp_path):
    write(tmp_path, GOOD)
    code = (
        "import sys; from pathlib import Path; from signals.project import load_project; "
        "load_project(Path(sys.argv[1])); "
        "print([m for m in ('duckdb', 'sqlalchemy', 'numpy', 'pandas', 'openpyxl') if m in sys.modules])"
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


SEVERAL = """\
releases:
  - {id: m, kind: merge, controls: [chat, code, math], candidate: merged, started: 2026-11-10}
  - {id: n, kind: merge, controls: [chat], candidate: merged, started: 2026-11-10}
  - {id: o, kind: merge, control: chat, candidate: merged, started: 2026-11-10}
"""


def test_several_controls(tmp_path):
    merged, listed, plain_one = load_project(write(tmp_path, SEVERAL)).releases
    assert merged.control == "chat"
    assert merged.controls == ("chat", "code", "math")
    assert merged.variants == ("chat", "code", "math", "merged")
    assert merged.against == "chat, code and math"
    assert merged.versus("code").arms == ("code", "merged")
    assert merged.versus("code").controls == ("code",)
    assert replace(listed, id="o") == plain_one


def test_controls_are_named_in_one_way_once_and_not_as_the_candidate(tmp_path):
    text = """\
releases:
  - {id: a, kind: merge, control: x, controls: [y], candidate: c, started: 2026-11-10}
  - {id: b, kind: merge, candidate: c, started: 2026-11-10}
  - {id: c, kind: merge, controls: [], candidate: c, started: 2026-11-10}
  - {id: d, kind: merge, controls: [x, y, x], candidate: c, started: 2026-11-10}
  - {id: e, kind: merge, controls: [x, c], candidate: c, started: 2026-11-10}
  - {id: f, kind: watch, controls: [x, y], candidate: c, started: 2026-11-10}
"""
    found = problems(tmp_path, text)
    assert [line for line, _, _ in found] == [2, 3, 4, 5, 6, 7]
    words = [what for _, _, what in found]
    assert "has both `control:` and `controls:`" in words[0]
    assert "needs `control:`, or `controls:` where it has several" in words[1]
    assert "names the control 'x' twice" in words[3]
    assert found[3][1] == 43  # at the second x
    assert "control and candidate are both 'c'" in words[4]
    assert "is a watch, which has one reference window" in words[5]
