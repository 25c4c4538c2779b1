"""A project in a temporary folder, and a short way to read one of its sources."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from signals import connectors
from signals.connectors import Tally
from signals.model import Record, SignalsError
from signals.project import load_project

FILES = Path(__file__).parent / "files"
RELEASE = {"id": "r1", "kind": "prompt", "control": "control", "candidate": "candidate", "started": "2026-11-10"}


class Desk:
    """A project that tests write files and sources into."""

    files = FILES

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.data.mkdir(parents=True)
        self.releases: list[dict[str, Any]] = [RELEASE]
        self.tally = Tally()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def copy(self, *names: str) -> None:
        for name in names:
            shutil.copy(FILES / name, self.data / name)

    def sources(self, **entries: dict[str, Any]) -> None:
        # JSON is YAML: no second way of quoting to get wrong.
        text = json.dumps({"releases": self.releases, "sources": entries}, indent=1)
        (self.data / "sources.yaml").write_text(text)

    def read(self, connector: str = "table", **entry: Any) -> list[Any]:
        self.sources(src={"signal": "sig", "connector": connector, **entry})
        return self.read_again()

    def read_again(self) -> list[Record]:
        project = load_project(self.root)
        source = project.sources[0]
        self.tally = Tally()
        return list(connectors.get(source.connector).read(source, project, self.tally))

    def fails(self, connector: str = "table", **entry: Any) -> str:
        with pytest.raises(SignalsError) as caught:
            self.read(connector, **entry)
        assert all("\n" not in str(problem) for problem in caught.value.problems)
        return str(caught.value)

    @property
    def whys(self) -> dict[str, int]:
        """Reason (without its example) -> rows."""
        counts: dict[str, int] = {}
        for entry in self.tally.entries:
            why = entry.why.split(" (first: ")[0]
            counts[why] = counts.get(why, 0) + entry.rows
        return counts


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "project")
