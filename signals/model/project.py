"""Where things are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from signals.model.kin import ModelFamily
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
class Receiver:
    """One entry of ``notify:``: somebody who is told of a new or changed verdict. Texts are as written."""

    number: int  # 1 is the first of the file
    url: str
    format: Literal["json", "slack"]
    secret: str = ""  # signs the message; empty: it is not signed
    releases: tuple[str, ...] = ()  # empty: all whose outcome is not known yet
    line: int | None = None

    @property
    def shown(self) -> str:
        """As messages name it: by its place in the file and its variables, never by what they hold."""
        return f"receiver {self.number} ({self.format}, {self.url})"


@dataclass(frozen=True)
class Project:
    """A folder with ``hierarchy.yaml`` and ``data/``."""

    root: Path
    policy_path: Path
    sources_path: Path
    store_url: str
    releases: tuple[Release, ...]
    sources: tuple[Source, ...]
    receivers: tuple[Receiver, ...] = ()
    kin: tuple[ModelFamily, ...] = ()

    @property
    def newest(self) -> Release:
        """The release that started last; of several, the one that is declared first. There has to be one."""
        return max(self.releases, key=lambda release: release.started)
