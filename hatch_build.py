"""Build hook: the wheel brings the bundled policy editor, with the licences of what is in it.

The bundle is made here, from the sources and the locked packages, and is no part of the repository. Without Node the
wheel is built all the same: the Policy page then uses a plain text field.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EDITOR = Path("signals") / "dashboard" / "editor"


class EditorHook(BuildHookInterface):  # type: ignore[type-arg]  # its type parameter is not public
    """Bundle the editor before files are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle and name it as a file of the wheel.

        Args:
            version: ``standard``, or ``editable`` for a checkout.
            build_data: Where hatchling reads what belongs into the wheel.
        """
        folder = Path(self.root) / EDITOR
        if version == "standard" and outdated(folder):
            problem = bundle(folder)
            if problem:
                self.app.display_warning(f"The policy editor is not bundled, a text field takes its place: {problem}")
        if not outdated(folder):
            build_data["artifacts"].append(f"/{(EDITOR / 'dist').as_posix()}/*")


def outdated(folder: Path) -> bool:
    """Whether there is no bundle, or one that is older than its sources."""
    built = [path.stat().st_mtime for path in (folder / "dist").glob("*")]
    sources = [path.stat().st_mtime for path in (*folder.glob("*.js"), *folder.glob("package*.json"))]
    return not built or min(built) < max(sources)


def bundle(folder: Path) -> str:
    """``npm ci`` and esbuild; gives what stood against it, or nothing."""
    npm = shutil.which("npm")
    if npm is None:
        return "there is no Node here"
    for words in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run(  # noqa: S603 - npm, with fixed words
            [npm, *words], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"npm {' '.join(words)} failed\n{done.stdout}{done.stderr}"
    return ""
