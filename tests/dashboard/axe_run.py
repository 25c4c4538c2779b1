"""axe-core in a page: what stands in the way of people who cannot see it, or cannot use a mouse."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "axe"
SCRIPT = Path("node_modules") / "axe-core" / "axe.min.js"
HELD = ("serious", "critical")

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  const why = (node) => (node.any[0] || node.all[0] || node.none[0] || {}).message;
  return found.violations.map(one => ({id: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.map(node => `${node.target.join(' ')}: ${node.html.slice(0, 200)}: ${why(node)}`)}));
}"""


def script() -> Path | None:
    """Where axe-core is, installed by its lock file when it is not there; None without npm."""
    if (FOLDER / SCRIPT).exists():
        return FOLDER / SCRIPT
    npm = shutil.which("npm")
    if npm is None:
        return None
    # Beside its place and then moved: tests that run at once must not find half of it.
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="node_modules-") as made:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / name, made)
        subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=made, check=True, timeout=180
        )
        try:
            (Path(made) / "node_modules").rename(FOLDER / "node_modules")
        except OSError:  # another test was faster
            if not (FOLDER / SCRIPT).exists():
                raise
    return FOLDER / SCRIPT


def violations(page: Any, script: Path) -> list[str]:
    """The serious and critical violations of the page as it is now, one line per element."""
    page.evaluate(script.read_text(encoding="utf-8"))
    return [
        f"{one['impact']} {one['id']} ({one['help']}): {node}"
        for one in page.evaluate(RUN)
        if one["impact"] in HELD
        for node in one["nodes"]
    ]
