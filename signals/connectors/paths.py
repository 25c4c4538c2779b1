"""Which files a source may read: inside the folder of sources.yaml, whatever links and dots say."""

from __future__ import annotations

import glob
import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from signals.model import Project, SignalsError, Source
from signals.strictyaml import suggest

CHUNK = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """A file to read and the name that messages use."""

    path: Path
    name: str
    written: bool = False  # by this read itself, as CSV: from a query or a workbook


def leaves_folder(pattern: str) -> bool:
    """Whether the text of a path already says that it leaves its folder."""
    return PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts or pattern.startswith("~")


def input_files(source: Source, project: Project, *, key: str = "path") -> list[InputFile]:
    """The files that ``path:`` names, sorted.

    Args:
        source: With its variables filled in.
        project: Says which folder is home.
        key: The option that holds the path or glob.

    Raises:
        SignalsError: When nothing matches, or a file lies outside the folder (links are followed first).
    """
    pattern = str(source.options[key])
    home = project.sources_path.parent
    if not pattern or "\0" in pattern:
        raise SignalsError(f"source {source.name!r}: `{key}:` is empty or not a path", file=str(project.sources_path))
    if (home / pattern).is_file() or not glob.has_magic(pattern):
        found = [pattern]
    else:
        names = glob.glob(pattern, root_dir=home, recursive=True)  # noqa: PTH207  (Path.glob refuses absolute patterns)
        found = sorted(name for name in names if (home / name).is_file())
        if not found:
            raise SignalsError(
                f"source {source.name!r}: no file matches {pattern!r}",
                f"Paths are relative to {_shown(home, project)}",
                file=str(project.sources_path),
                line=source.line,
            )
    return [_checked(home / name, source, project) for name in found]


def _checked(path: Path, source: Source, project: Project) -> InputFile:
    home = project.sources_path.parent.resolve()
    name = _shown(path, project)
    place: dict[str, Any] = {"file": str(project.sources_path), "line": source.line}
    try:
        real = path.resolve(strict=False)
    except (OSError, RuntimeError):
        raise SignalsError(f"source {source.name!r}: {name} cannot be resolved", **place) from None
    if not source.options.get("allow_outside") and not real.is_relative_to(home):
        raise SignalsError(
            f"source {source.name!r}: {name} lies outside {_shown(project.sources_path.parent, project)}",
            "Move it there, or set `allow_outside: true`",
            **place,
        )
    if real.is_dir():
        raise SignalsError(f"source {source.name!r}: {name} is a folder", "Name a file, or a glob of files", **place)
    if not real.is_file():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        close = suggest(path.name, siblings)
        raise SignalsError(
            f"source {source.name!r}: no such file {name}", close if "mean" in close else "Check `path:`", **place
        )
    return InputFile(real, name)


def _shown(path: Path, project: Project) -> str:
    """The path as people know it: from the project's folder."""
    for base in (project.root, project.root.resolve()):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return str(path)


def files_fingerprint(files: list[InputFile]) -> str:
    """``sha256:`` over the names and contents of the files.

    Raises:
        SignalsError: When one cannot be read.
    """
    whole = hashlib.sha256()
    for file in files:
        part = hashlib.sha256()
        try:
            with file.path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    part.update(chunk)
        except OSError as error:
            raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None
        whole.update(f"{len(file.name)}:{file.name}:{part.hexdigest()}\n".encode())
    return "sha256:" + whole.hexdigest()
