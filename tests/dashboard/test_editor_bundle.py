"""How the editor gets into the wheel: built when it is older than its sources, with everybody's licence."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from signals.dashboard.policy_editor import BUNDLE, bundle


@pytest.fixture(scope="module")
def hook(root: Path) -> ModuleType:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    spec = importlib.util.spec_from_file_location("hatch_build", root / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_bundle_is_outdated_when_any_source_is_newer(hook: ModuleType, tmp_path: Path) -> None:
    for name in ("src.js", "place.js", "package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert hook.outdated(tmp_path)
    (tmp_path / "dist").mkdir()
    for name in ("editor-1.js", "LICENSES.txt"):
        (tmp_path / "dist" / name).write_text("", encoding="utf-8")
    later = (tmp_path / "src.js").stat().st_mtime + 10
    for path in (tmp_path / "dist").iterdir():
        os.utime(path, (later, later))
    assert not hook.outdated(tmp_path)
    for name in ("place.js", "package-lock.json"):
        before = (tmp_path / name).stat().st_mtime
        os.utime(tmp_path / name, (later + 1, later + 1))
        assert hook.outdated(tmp_path), name
        os.utime(tmp_path / name, (before, before))


def test_without_node_the_wheel_is_told_so(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no Node" in hook.bundle(tmp_path)


def test_the_wheel_names_the_bundle_and_nothing_of_node(root: Path) -> None:
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"dist/", "node_modules/"} <= set(ignored)  # the bundle and what it is made of are never committed


@pytest.mark.skipif(bundle() is None, reason="the editor is not bundled: `make editor`")
def test_every_package_in_the_bundle_brings_its_licence(root: Path) -> None:
    assert len(list(BUNDLE.glob("editor-*.js"))) == 1
    told = (BUNDLE / "LICENSES.txt").read_text(encoding="utf-8")
    wanted = json.loads((root / "signals" / "dashboard" / "editor" / "package.json").read_text(encoding="utf-8"))
    for name, version in wanted["dependencies"].items():
        assert f"{name} {version} (MIT)" in told
    assert told.count("Permission is hereby granted") == told.count("(MIT)") >= len(wanted["dependencies"])
