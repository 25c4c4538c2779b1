"""Who may import whom (the house), and what may never be imported at all."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LEAVES = {"model", "checks", "words", "told", "standing", "strictyaml"}

# part -> the other parts of ours that it may import
MAY_IMPORT = {
    "model": set(),
    "checks": {"model"},
    "words": {"model"},
    "told": {"model", "words"},
    "standing": {"model", "words"},
    "choices": {"model"},
    "decisions": LEAVES | {"store", "policy", "asking", "choices", "review", "roles"},
    "strictyaml": {"model"},
    "roles": {"model", "words", "strictyaml"},
    "doors": {"model"},
    "stats": {"model"},
    "connectors": LEAVES,
    "store": LEAVES,
    "readings": LEAVES | {"stats"},
    "policy": LEAVES | {"stats"},
    "workbench": LEAVES | {"policy", "stats"},
    "reconcile": LEAVES | {"stats", "readings", "policy", "workbench"},
    "memo": LEAVES,
    "receivers": LEAVES | {"connectors"},
    "project": LEAVES | {"connectors", "receivers", "starter"},
    "pull": LEAVES | {"connectors", "store", "project"},
    "lookup": LEAVES | {"store", "readings"},
    "explain": LEAVES | {"store", "lookup", "policy", "reconcile", "past", "stats"},
    "proven": LEAVES | {"store", "lookup", "readings", "policy", "stats", "asking", "past", "replay", "review"},
    "past": LEAVES | {"policy", "stats", "asking", "replay", "review"},
    "track": LEAVES | {"policy", "stats", "past", "review"},
    "debt": LEAVES | {"store", "policy", "lookup", "asking", "review", "project", "reconcile"},
    "review": LEAVES
    | {"project", "store", "lookup", "readings", "policy", "explain", "choices", "roles", "memo"}
    | {"proven", "starter"},
    "inside": LEAVES | {"lookup", "readings", "review"},
    "policyfile": LEAVES,
    "saving": LEAVES | {"store", "policy", "policyfile", "workbench", "review", "roles"},
    "versions": LEAVES | {"store", "policy", "policyfile", "saving", "review"},
    "replayed": LEAVES,
    "asking": LEAVES | {"store", "readings", "policy", "lookup", "review", "proven"},
    "replay": LEAVES | {"store", "policy", "lookup", "asking", "replayed", "review"},
    "terminal": LEAVES,
    "terminal_pulls": LEAVES | {"terminal"},
    "terminal_decisions": LEAVES | {"terminal"},
    "sources": LEAVES | {"connectors", "store", "project", "pull", "review"},
    "sharing": LEAVES | {"connectors", "store", "policy", "memo", "receivers", "review"},
    "starter": {"model"},
    "cases": LEAVES | {"project", "store", "pull", "review", "explain", "starter", "stats"},
    "dashboard": LEAVES
    | {"review", "policy", "memo", "workbench", "versions", "replay", "track", "debt", "choices", "decisions", "inside"}
    | {"roles", "doors", "project", "cases"},
    "cli": LEAVES
    | {
        "review",
        "project",
        "pull",
        "store",
        "policy",
        "memo",
        "terminal",
        "terminal_pulls",
        "sources",
        "starter",
        "workbench",
        "versions",
        "replay",
        "track",
        "debt",
        "sharing",
        "choices",
        "decisions",
        "inside",
        "terminal_decisions",
        "cases",
        "roles",
        "doors",
        "dashboard",
    },
    "__main__": {"cli"},
    "__init__": {"model", "review"},
}

VENDORS = {
    "promptfoo", "label_studio", "label_studio_sdk", "langfuse", "langsmith", "mlflow", "phoenix", "inspect_ai",
    "deepeval", "braintrust", "growthbook", "gbstats", "statsig", "openai", "anthropic",
}  # fmt: skip

SQLALCHEMY_HOMES = ("signals/store/", "signals/connectors/sql.py")


def modules(root: Path) -> list[Path]:
    return sorted((root / "signals").rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(path: Path, root: Path) -> str:
    steps = path.relative_to(root / "signals").parts
    return steps[0].removesuffix(".py")


def test_parts_import_only_what_the_house_allows(root: Path) -> None:
    wrong = []
    for path in modules(root):
        here = part(path, root)
        assert here in MAY_IMPORT, f"{path} is in no room of the house: add it to MAY_IMPORT"
        for name in imports(path):
            steps = name.split(".")
            if steps[0] != "signals" or len(steps) < 2 or steps[1] == here:
                continue
            target = steps[1]
            if not (root / "signals" / target).is_dir() and not (root / "signals" / f"{target}.py").exists():
                continue  # a name of the package itself, not a module
            if target not in MAY_IMPORT[here]:
                wrong.append(f"{path.relative_to(root)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_no_vendor_sdk_is_imported(root: Path) -> None:
    wrong = [f"{path}: {name}" for path in modules(root) for name in imports(path) if name.split(".")[0] in VENDORS]
    assert not wrong, "\n".join(wrong)


def test_sqlalchemy_stays_in_the_store(root: Path) -> None:
    wrong = [
        str(path)
        for path in modules(root)
        if any(name.split(".")[0] in ("sqlalchemy", "alembic") for name in imports(path))
        and not str(path.relative_to(root)).startswith(SQLALCHEMY_HOMES)
    ]
    assert not wrong, "\n".join(wrong)


HEAVY = {"pandas", "scipy", "statsmodels", "plotly", "numpy", "duckdb", "streamlit", "pyarrow"}


def loaded_after(code: str, root: Path) -> set[str]:
    script = f"{code}\nimport sys\nprint('LOADED', *sorted({{m.split('.')[0] for m in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    return set(result.stdout.rsplit("LOADED", 1)[1].split())


def test_help_imports_nothing_heavy(root: Path) -> None:
    code = "from click.testing import CliRunner\nfrom signals.cli import cli\nCliRunner().invoke(cli, ['--help'])"
    assert not loaded_after(code, root) & (HEAVY | {"sqlalchemy", "pydantic", "lark", "jinja2", "ruamel"})


@pytest.mark.parametrize(
    "module", ["signals", "signals.policy", "signals.readings", "signals.store", "signals.memo", "signals.sharing"]
)
def test_importing_a_part_imports_nothing_heavy(module: str, root: Path) -> None:
    assert not loaded_after(f"import {module}", root) & HEAVY


def test_a_verdict_from_stored_numbers_imports_no_statistics(root: Path, demo_store: str, tmp_path: Path) -> None:
    """The promise of the store: numbers are computed when evidence changes, never when a verdict is drawn."""
    code = (
        f"import os\nos.environ['SIGNALS_STORE'] = {demo_store!r}\n"
        "import signals\nprint(signals.review('tuesday-large', '.').verdict.call)"
    )
    assert not loaded_after(code, root) & (HEAVY - {"streamlit"} | {"streamlit", "alembic"})
