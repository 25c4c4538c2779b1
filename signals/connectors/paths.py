"""Which files a source may read: inside the folder of sources.yaml, whatever links and dots say."""

from __future__ import annotations

import glob
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from signals.connectors.batch import current
from signals.model import Project, SignalsError, Source
from signals.strictyaml import suggest

CHUNK = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """A file to read and the name that messages use."""

    path: Path
    name: str
    written: bool = False  # by this read itself, as CSV: from a query or a workbook
    member: str | None = None  # of the zip archive at ``path``, whose name and this one make up ``name``

    @property
    def outer(self) -> str:
        """The name of the file on the disk."""
        return self.name if self.member is None else self.name[: -len(self.member) - 1]

    @property
    def plain(self) -> str:
        """The last part of the name, in lower case and without endings such as ``.gz``: it says what is inside."""
        from signals.connectors.compressed import plain_name

        return plain_name(self.name)


def leaves_folder(pattern: str) -> bool:
    """Whether the text of a path already says that it leaves its folder."""
    return PurePath(pattern).is_absolute() or ".." in PurePath(pattern).parts or pattern.startswith("~")


def input_files(source: Source, project: Project, *, key: str = "path") -> list[InputFile]:
    """The files that ``path:`` names, sorted; of a zip archive its members.

    Args:
        source: With its variables filled in.
        project: Says which folder is home.
        key: The option that holds the path or glob. Behind an archive's name it may go on with a member's, or a
            pattern of them: ``exports/*.zip/*.jsonl``.

    Raises:
        SignalsError: When nothing matches, a file lies outside the folder (links are followed first), or an archive
            is damaged.
    """
    from signals.connectors.archives import is_zip, members

    pattern, wanted = _into_archive(str(source.options[key]), project.sources_path.parent)
    files = _files(pattern, source, project, key)
    if key != "path":
        return files
    found: list[InputFile] = []
    for file in files:
        if is_zip(file):
            found += members(file, wanted)
        elif wanted is not None:
            raise SignalsError("is no zip archive of files", f"Write `path:` without {wanted!r}", file=file.name)
        else:
            found.append(file)
    return found


def _into_archive(pattern: str, home: Path) -> tuple[str, str | None]:
    """The pattern of files, and that of the members in them."""
    cut = pattern.lower().find(".zip/")
    if cut < 0 or "\0" in pattern or (home / pattern[: cut + 4]).is_dir():
        return pattern, None
    return pattern[: cut + 4], pattern[cut + 5 :] or None


def _files(pattern: str, source: Source, project: Project, key: str) -> list[InputFile]:
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
    whole_files = {(file.path, file.outer): None for file in files}  # an archive once, as it is, whatever is read of it
    batch = current()
    for path, name in whole_files:
        try:
            # Sources of one pull that read the same file need not hash it each.
            part = batch.once(str(as_it_is(path)), partial(_hash, path)) if batch is not None else _hash(path)
        except OSError as error:
            raise SignalsError(f"cannot be read: {error.strerror}", file=name) from None
        whole.update(f"{len(name)}:{name}:{part}\n".encode())
    return "sha256:" + whole.hexdigest()


def as_it_is(path: Path) -> list[Any]:
    """The file and what changes when somebody writes to it.

    Raises:
        OSError: When it is not there.
    """
    now = path.stat()
    return [str(path), now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns]


def _hash(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()
