"""Where things are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signals.model.release import Release


@dataclass(frozen=True)
class Source:
    """One entry of ``data/sources.yaml``."""

    name: str
    signal: str
    connector: str
    options: Mapping[str, Any]  # what the connector itself reads: path, url, query, shape, grain ...
    map: Mapping[str, str] = field(default_factory=dict)  # ours -> theirs
    where: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)  # recoding, theirs -> ours
    timezone: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Project:
    """A folder with ``hierarchy.yaml`` and ``data/``."""

    root: Path
    policy_path: Path
    sources_path: Path
    store_url: str
    releases: tuple[Release, ...]
    sources: tuple[Source, ...]
