"""Take pictures of the pages: ``python -m tests.dashboard.shots [FOLDER]``, or ``make shots``.

With ``docs``, or without a folder, the few that the documentation shows. With any other folder all of them: every page
over the bundled example, at 1440×900 and 390 wide, light and dark; the Policy page also with an edit in it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import sync_playwright

from tests.dashboard.conftest import CHROMIUM_FLAGS, chromium, serve, signals
from tests.dashboard.editor_keys import replace

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
VIEWS = {
    "verdict-rollback": "?release=tuesday-large",
    "verdict-hold": "?release=tuesday-small",
    "verdict-ship": "?release=all-agree",
    "verdict-untrusted": "?release=sample-ratio",
    "present-rollback": "?release=tuesday-large&present=1",
    "present-hold": "?release=tuesday-small&present=1",
    "signals-experiment": "signals?release=tuesday-large&signal=conversion",
    "signals-judge": "signals?release=tuesday-large&signal=judge",
    "signals-panel": "signals?release=tuesday-large&signal=panel",
    "reconcile": "reconcile?release=tuesday-large",
    "reconcile-agrees": "reconcile?release=all-agree",
    "decisions": "decisions",
    "policy": "policy",
    "policy-editor": "policy",
    "sources": "sources",
    "cases": "cases",
    "case": "?case=trained-on-the-eval-set",
}
DECIDED: tuple[tuple[str, ...], ...] = (
    ("all-agree", "ship", "--by", "mara", "--because", "Every signal agrees."),
    ("tone-v6", "rollback", "--by", "mara", "--because", "People mind the tone."),
    ("brief-v2", "ship", "--by", "jo", "--second", "mara", "--because", "Thumbs move with the season.", "--until",
     (datetime.now(UTC).date() + timedelta(days=30)).isoformat()),
)  # fmt: skip
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


@dataclass(frozen=True)
class Shot:
    """One picture: which view, in which theme, how large."""

    file: str
    view: str
    scheme: Literal["light", "dark"] = "light"
    size: str = "desk"


SHOWN = (
    Shot("verdict-rollback", "verdict-rollback"),
    Shot("verdict-hold-dark", "verdict-hold", "dark"),
    Shot("verdict-phone", "verdict-hold", size="phone"),
    Shot("presenter", "present-rollback"),
    Shot("signals", "signals-experiment"),
    Shot("reconcile", "reconcile"),
    Shot("policy-editor", "policy-editor"),
    Shot("decisions", "decisions"),
)
"""What the documentation shows; each picture is small enough for a repository."""

ALL = tuple(
    Shot(f"{view}-{scheme}-{size}", view, scheme, size)
    for view in VIEWS
    for scheme in ("light", "dark")
    for size in SIZES
)


def main(out: Path) -> None:
    """Start the dashboard over a fresh copy of the example and photograph it."""
    out.mkdir(parents=True, exist_ok=True)
    documented = out.resolve() == DOCS.resolve()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "example"
        project.mkdir()
        shutil.copytree(ROOT / "data", project / "data", ignore=shutil.ignore_patterns("*.db*"))
        shutil.copy(ROOT / "hierarchy.yaml", project)
        for words in (("pull",), *(("decide", *words) for words in DECIDED)):
            done = signals(project, *words, root=ROOT)
            if done.returncode:
                sys.exit(done.stderr)
        for server in serve(ROOT, project):
            photograph(server.address, out, SHOWN if documented else ALL, whole=not documented)


def photograph(address: str, out: Path, shots: Sequence[Shot], *, whole: bool) -> None:
    """Take these pictures; ``whole`` shows all of a page on a phone, and not only its first screen."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        for shot in shots:
            width, height = SIZES[shot.size]
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
            page = context.new_page()
            page.goto(f"{address}/{VIEWS[shot.view]}")
            page.wait_for_selector(".sg .card, .sg .problem, .sg.present, .sg .case", timeout=60_000)
            page.wait_for_load_state("networkidle")
            if shot.view in ("signals-experiment", "signals-judge"):  # the charts come after the cards
                page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached", timeout=60_000)
            if shot.view.startswith("policy"):  # and so does the editor
                page.wait_for_selector(".cm-content", timeout=60_000)
            if shot.view == "policy-editor":
                edit(page)
            page.wait_for_function(
                "!document.querySelector('.sg .busy, [data-testid=stSkeleton], [data-testid=stSpinner]')"
            )
            if (
                shot.size == "phone" and whole
            ):  # the app scrolls inside itself, so all of it needs a window as tall as it
                tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                page.set_viewport_size({"width": width, "height": max(height, tall)})
            page.wait_for_timeout(400)
            page.screenshot(path=out / f"{shot.file}.png")
            if not whole:
                shrink(out / f"{shot.file}.png")
            context.close()
        browser.close()


def shrink(picture: Path) -> None:
    """Flat colours need no more than a palette, and a repository keeps every version of a picture."""
    from PIL import Image

    with Image.open(picture) as opened:
        small = opened.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def edit(page: Any) -> None:
    """What a newcomer tries first: ask the judge to agree with people more often."""
    replace(page, "judge.human_agreement >= 0.5", "judge.human_agreement >= 0.6")
    page.wait_for_selector(".sg .headline .flip", timeout=60_000)
    page.wait_for_function("document.querySelectorAll('[data-stale=true]').length === 0")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
