"""Take the pictures of the documentation: ``python -m tests.dashboard.shots OUTDIR``.

The pages over the bundled example, at 1440×900 and 390 wide, light and dark; the Policy page also with an edit in it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.dashboard.conftest import CHROMIUM_FLAGS, chromium, serve, signals
from tests.dashboard.editor_keys import replace

ROOT = Path(__file__).resolve().parents[2]
VIEWS = {
    "verdict-rollback": "?release=tuesday-large",
    "verdict-hold": "?release=tuesday-small",
    "verdict-ship": "?release=all-agree",
    "verdict-untrusted": "?release=sample-ratio",
    "reconcile": "reconcile?release=tuesday-large",
    "reconcile-agrees": "reconcile?release=all-agree",
    "decisions": "decisions",
    "policy": "policy",
    "policy-editor": "policy",
    "sources": "sources",
}


def main(out: Path) -> None:
    """Start the dashboard over a fresh copy of the example and photograph it."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "example"
        project.mkdir()
        shutil.copytree(ROOT / "data", project / "data", ignore=shutil.ignore_patterns("*.db*"))
        shutil.copy(ROOT / "hierarchy.yaml", project)
        done = signals(project, "pull", root=ROOT)
        if done.returncode:
            sys.exit(done.stderr)
        for server in serve(ROOT, project):
            photograph(server.address, out)


def photograph(address: str, out: Path) -> None:
    """One picture per view, size and theme."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        for name, path in VIEWS.items():
            for scheme in ("light", "dark"):
                for size, (width, height) in {"": (1440, 900), "-phone": (390, 844)}.items():
                    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                    page = context.new_page()
                    page.goto(f"{address}/{path}")
                    page.wait_for_selector(".sg .card, .sg .problem", timeout=60_000)
                    page.wait_for_load_state("networkidle")
                    if name.startswith("policy"):  # the editor comes after the cards
                        page.wait_for_selector(".cm-content", timeout=60_000)
                    if name == "policy-editor":
                        edit(page)
                    if size:  # the app scrolls inside itself, so the whole page needs a window as tall as it is
                        tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                        page.set_viewport_size({"width": width, "height": max(height, tall)})
                    page.wait_for_timeout(400)
                    page.screenshot(path=out / f"{name}-{scheme}{size}.png")
                    context.close()
        browser.close()


def edit(page: Any) -> None:
    """What a newcomer tries first: ask the judge to agree with people more often."""
    replace(page, "judge.human_agreement >= 0.5", "judge.human_agreement >= 0.6")
    page.wait_for_selector(".sg .headline .flip", timeout=60_000)
    page.wait_for_function("document.querySelectorAll('[data-stale=true]').length === 0")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "shots"))
