"""Connectors of others: found when they are named, installed as real distributions, harmless when they are broken."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals import connectors
from signals.cli import cli
from signals.connectors import kit, plugins
from signals.model import ItemScore, SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store

ARMS = ("prompt-v6", "prompt-v7")
TABLE = {"signal": "judge", "connector": "table", "path": "golden.csv", "shape": "item_score",
         "map": {"item": "item", "variant": "variant", "value": "value"}}  # fmt: skip
RELEASE = {"id": "prompt-v7", "kind": "prompt", "control": ARMS[0], "candidate": ARMS[1], "started": "2026-11-10"}
GOLDEN = "item,variant,value\n" + "".join(f"t{n},{arm},{n % 2}\n" for n in range(40) for arm in ARMS)


class Site:
    """A folder on ``sys.path`` that packages are installed into, and a project that uses them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        (root / "data").mkdir(parents=True)
        (root / "data" / "golden.csv").write_text(GOLDEN)

    def install(
        self, package: str, module: str, code: str | None, points: dict[str, str], version: str = "1.0"
    ) -> None:
        """As pip would: the module, and a dist-info folder with its entry points. ``code`` None: no module."""
        if code is not None:
            (self.folder / f"{module}.py").write_text(code)
        for old in self.folder.glob(f"{package.replace('-', '_')}-*.dist-info"):
            shutil.rmtree(old)
        info = self.folder / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[signals.connectors]\n{lines}")
        self.forget()

    @staticmethod
    def forget() -> None:
        """What a new process would not know."""
        importlib.invalidate_caches()
        plugins._registered.cache_clear()
        plugins._plugin.cache_clear()

    def sources(self, **entries: dict[str, object]) -> None:
        (self.root / "data" / "sources.yaml").write_text(json.dumps({"releases": [RELEASE], "sources": entries}))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--project", str(self.root)], catch_exceptions=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    before = set(sys.modules)
    made = Site(folder, tmp_path / "project")
    made.forget()
    yield made
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(folder) in str(sys.modules[name].__file__):
            del sys.modules[name]
    made.forget()


def page(root: Path) -> dict[str, str]:
    """The first block of each language on docs/write-a-connector.md."""
    found: dict[str, str] = {}
    text = (root / "docs" / "write-a-connector.md").read_text()
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found.setdefault(language, block)
    return found


def gradebook(path: Path, items: int = 120) -> tuple[int, int]:
    """An export with failed runs that carry a grade of 0; gives (rows, failed rows)."""
    rows = []
    for number in range(items):
        for arm in ARMS:
            failed = arm == ARMS[1] and number % 30 == 0
            grade = 0.0 if failed else (number % 3 + (arm == ARMS[1] and number % 2)) / 3
            rows.append(
                {"case": f"t{number}", "model": arm, "grade": grade, "judge": "gpt-x", "rubric": "v3",
                 "state": "timeout" if failed else "done", "plan": ("pro", "free")[number % 2]}
            )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(rows), sum(row["state"] != "done" for row in rows)


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_connector_of_the_page_has_forty_lines(root: Path) -> None:
    code = [line for line in page(root)["python"].splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 40


def test_the_connector_of_the_page_works_up_to_a_verdict_that_names_it(site: Site, root: Path) -> None:
    blocks = page(root)
    about = tomllib.loads(blocks["toml"])["project"]
    points = about["entry-points"]["signals.connectors"]
    site.install(about["name"], "signals_gradebook", blocks["python"], points, about["version"])
    (site.root / "data" / "sources.yaml").write_text(blocks["yaml"])
    shutil.copy(root / "hierarchy.yaml", site.root)
    rows, failed = gradebook(site.root / "data" / "exports" / "one.jsonl")

    listed = CliRunner().invoke(cli, ["sources", "list"])
    assert re.search(r"gradebook +signals-gradebook 1\.0 +item_score", listed.output)
    dry = site.run("pull", "--dry-run")
    assert f"golden-set (gradebook, for judge): {rows} new" in dry.output
    assert not (site.root / "data" / "signals.db").exists()
    pulled = site.run("pull")
    assert pulled.exit_code == 0, pulled.output
    checked = site.run("sources", "check")
    assert "golden-set: works (gradebook, for judge)" in checked.output
    project = load_project(site.root)
    with open_store(project.store_url) as store:
        scores = store.evidence(project.releases[0], ["golden-set"]).scores
    assert len(scores) == rows
    assert {score.value for score in scores if score.error} == {None}
    assert sum(score.error == "system_error" for score in scores) == failed == 4
    assert {dict(score.segment)["plan"] for score in scores} == {"pro", "free"}
    assert len({score.fingerprint for score in scores}) == 1

    verdict = site.run("verdict", "prompt-v7", "--json")
    judge = json.loads(verdict.stdout)["readings"]["judge"]
    assert judge["sources"] == ["golden-set"]
    assert judge["n_control"] == 116  # items without their failed twins
    again = site.run("pull", "--json")
    assert json.loads(again.stdout)[0]["status"] == "unchanged"


def test_the_lines_of_the_page_are_what_it_says_they_are(site: Site, root: Path) -> None:
    blocks = page(root)
    site.install(
        "signals-gradebook", "signals_gradebook", blocks["python"], {"gradebook": "signals_gradebook:Gradebook"}
    )
    (site.root / "data" / "one.jsonl").write_text(blocks["json"])
    site.sources(golden={"signal": "judge", "connector": "gradebook", "path": "one.jsonl"})
    project = load_project(site.root)
    found = list(connectors.get("gradebook").read(project.sources[0], project, connectors.Tally()))
    assert [(one.variant, one.value, one.error) for one in found if isinstance(one, ItemScore)] == [
        ("prompt-v6", 0.4, None), ("prompt-v7", None, "system_error"),
    ]  # fmt: skip


def test_every_name_that_the_page_promises_is_in_the_kit(root: Path) -> None:
    text = (root / "docs" / "write-a-connector.md").read_text()
    promised = text.partition("## What you may rely on")[2].partition("## When something")[0]
    cells = [line.split("|")[1] for line in promised.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(kit.__all__)
    assert all(hasattr(kit, name) for name in named)


# --- plug-ins that are wrong ----------------------------------------------------------------------------------------

GOOD = '''
from signals.connectors.kit import Entry, ItemScore, record_id

class Good:
    name = "{name}"
    shapes = ("item_score",)
    def entry(self):
        return Entry
    def check(self, source, document, loc):
        {check}
    def fingerprint(self, source, project):
        {fingerprint}
    def read(self, source, project, tally):
        tally.rows_read = tally.rows_kept = 2
        for arm in ("prompt-v6", "prompt-v7"):
            {read}
            yield ItemScore(record_id("i", arm), "i", arm, "s", 1.0)
'''  # fmt: skip


def good(name: str = "acme", check: str = "return ()", fingerprint: str = "return None", read: str = "pass") -> str:
    return GOOD.format(name=name, check=check, fingerprint=fingerprint, read=read)


BROKEN = {
    "an import that fails": ("import nowhere_at_all", "cannot be loaded: ModuleNotFoundError: No module named"),
    "text that is no Python": ("def (:", "cannot be loaded: SyntaxError"),
    "an exit": ("raise SystemExit('no')", "cannot be loaded: SystemExit: no (broken.py, line 1)"),
    "no such class": ("x = 1", "cannot be loaded: AttributeError"),
    "no method": ("class Good:\n    name = 'acme'", "has no method 'entry'"),
    "another name": (good(name="other"), "calls itself 'other'"),
    "another model": (good().replace("return Entry", "return dict"), "entry() gives no subclass of Entry"),
    "another shape": (good().replace('("item_score",)', '("score",)'), "('score',) must be a tuple of item_score"),
    "a model that fails": (good().replace("return Entry", "return 1 / 0"), "ZeroDivisionError"),
    "reading fails": (good(read="{}['item']"), "failed: KeyError: 'item' (broken.py, line 16)"),
    "a fingerprint fails": (good(fingerprint="return 1 / 0"), "failed: ZeroDivisionError: division by zero"),
    "checking fails": (good(check="return 1 / 0"), "failed: ZeroDivisionError: division by zero (broken.py, line 10)"),
    "no records": (good(read="yield {'item': arm}"), "gives a dict instead of a record"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_one_fails_its_own_source_with_one_line(site: Site, what: str) -> None:
    code, said = BROKEN[what]
    site.install("acme-signals", "broken", code, {"acme": "broken:Good"}, "2.1")
    site.sources(mine={"signal": "judge", "connector": "acme"}, golden=TABLE)
    project = load_project(site.root)  # does not raise: the other source is fine
    with open_store(project.store_url) as store:
        mine, golden = pull(project, store)
    assert (mine.status, golden.status, golden.records) == ("failed", "changed", 80)
    assert mine.error is not None
    assert said in mine.error
    assert "'acme' of acme-signals 2.1" in mine.error
    assert len(mine.error.splitlines()) == 1
    listed = CliRunner().invoke(cli, ["sources", "list"])
    assert listed.exit_code == 0
    assert "table" in listed.output


def test_a_broken_one_does_not_stop_a_verdict(site: Site, root: Path) -> None:
    site.install("acme-signals", "fine", good(), {"acme": "fine:Good"})
    site.sources(mine={"signal": "judge", "connector": "acme"}, golden=TABLE)
    shutil.copy(root / "hierarchy.yaml", site.root)
    assert site.run("pull").exit_code == 0
    site.install("acme-signals", "gone", None, {"acme": "gone:Good"}, "3.0")
    pulled = site.run("pull")
    assert pulled.exit_code == 2
    assert "cannot be loaded: ModuleNotFoundError" in pulled.stderr
    verdict = site.run("verdict", "prompt-v7", "--json")
    assert sorted(json.loads(verdict.stdout)["readings"]["judge"]["sources"]) == ["golden", "mine"]
    checked = site.run("sources", "check")
    assert checked.exit_code == 2
    assert "mine: DOES NOT WORK (acme, for judge)" in checked.stdout
    assert "golden: works" in checked.stdout


def test_two_packages_with_one_name_are_both_named(site: Site) -> None:
    site.install("acme-signals", "fine", good(), {"acme": "fine:Good"})
    site.install("other-signals", "other", good(), {"acme": "other:Good"}, "0.2")
    site.sources(mine={"signal": "judge", "connector": "acme"}, golden=TABLE)
    project = load_project(site.root)
    with open_store(project.store_url) as store:
        mine, golden = pull(project, store)
    assert golden.status == "changed"
    said = (
        "the connector 'acme' is registered 2 times, by acme-signals 1.0 and other-signals 0.2. Uninstall all but one"
    )
    assert mine.error == said


def test_a_built_in_name_stays_built_in(site: Site) -> None:
    site.install("acme-signals", "fine", good(name="table"), {"table": "fine:Good"})
    assert connectors.get("table") is connectors.REGISTRY["table"]
    listed = CliRunner().invoke(cli, ["sources", "list"])
    assert "acme-signals 1.0 registers 'table', which is built in: the built-in one is used" in (
        " ".join(listed.stderr.split())
    )
    as_json = json.loads(CliRunner().invoke(cli, ["sources", "list", "--json"]).stdout)
    assert {"connector", "shapes", "package", "problem"} == set(as_json[0])


def test_an_unknown_name_is_suggested_from_all(site: Site) -> None:
    site.install("acme-signals", "fine", good(), {"acme": "fine:Good"})
    site.sources(mine={"signal": "judge", "connector": "acmee"})
    with pytest.raises(SignalsError, match=r"unknown connector 'acmee'. Did you mean 'acme'"):
        load_project(site.root)


def test_keys_of_others_are_refused_with_their_place(site: Site) -> None:
    site.install("acme-signals", "fine", good(), {"acme": "fine:Good"})
    site.sources(mine={"signal": "judge", "connector": "acme", "pth": "x"})
    with pytest.raises(SignalsError, match=r"sources.yaml:1:\d+: unknown key 'pth'"):
        load_project(site.root)


def test_a_new_version_reads_again(site: Site) -> None:
    code = good(fingerprint="return 'sha256:1'")
    site.install("acme-signals", "fine", code, {"acme": "fine:Good"})
    site.sources(mine={"signal": "judge", "connector": "acme"})
    project = load_project(site.root)
    with open_store(project.store_url) as store:
        assert pull(project, store)[0].status == "changed"
        first = store.pulls("mine")[0]
        pull(project, store)
        assert len(store.pulls("mine")) == 1  # not read
        site.install("acme-signals", "fine", code, {"acme": "fine:Good"}, "1.1")
        pull(project, store)
        assert len(store.pulls("mine")) == 2
        assert store.pulls("mine")[0].definition != first.definition


KEEPING = good() + '''
    def forget(self, source, project):
        (project.root / "forgotten").write_text(source.name)
'''  # fmt: skip


def test_what_it_keeps_is_forgotten_when_all_is_asked_for(site: Site) -> None:
    site.install("acme-signals", "keeping", KEEPING, {"acme": "keeping:Good"})
    site.sources(mine={"signal": "judge", "connector": "acme"})
    project = load_project(site.root)
    with open_store(project.store_url) as store:
        pull(project, store)
        assert not (site.root / "forgotten").exists()
        pull(project, store, full=True)
    assert (site.root / "forgotten").read_text() == "mine"


# --- who pays -------------------------------------------------------------------------------------------------------


def test_nobody_looks_for_others_until_one_is_named(site: Site, root: Path, demo_store: str) -> None:
    """A process that is made to fail as soon as it looks."""
    code = (
        "import importlib.metadata as m, os, sys\n"
        f"os.environ['SIGNALS_STORE'] = {demo_store!r}\n"
        "true = m.entry_points\n"
        "def look(**k):\n"
        "    assert k.get('group') != 'signals.connectors', 'looked for plug-ins'\n"
        "    return true(**k)\n"
        "m.entry_points = look\n"
        "from click.testing import CliRunner\nfrom signals.cli import cli\n"
        "for words in (['--help'], ['verdict', 'tuesday-large'], ['status'], ['releases']):\n"
        "    result = CliRunner().invoke(cli, [*words])\n"
        "    assert not isinstance(result.exception, AssertionError), result.exception\n"
        "    assert result.exit_code in (0, 10, 20), result.output\n"
        "assert 'signals.connectors.plugins' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
