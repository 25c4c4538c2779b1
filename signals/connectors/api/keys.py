"""The keys that every source with a server has, checked before anything is asked."""

from __future__ import annotations

import re

from signals.connectors.base import Tally
from signals.connectors.env import VARIABLE
from signals.model import Problem, Project, SignalsError, Source
from signals.strictyaml import Document, Loc

ONE_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
ONLY_SERVER = ("per_minute", "reread")


def check_server(
    source: Source, document: Document, loc: Loc, *, secret: tuple[str, ...], own: tuple[str, ...] = ()
) -> list[Problem]:
    """What is wrong with ``url:``, ``path:`` and the credentials.

    Args:
        source: As written.
        document: Where it stands.
        loc: Its entry.
        secret: Keys that hold credentials.
        own: Further keys that only a server needs.
    """
    options = source.options
    given = [key for key in ("path", "url") if key in options]
    if len(given) != 1:
        what = "needs `url:` or `path:`" if not given else "has both `url:` and `path:`"
        return [document.problem(loc, f"source {source.name!r} {what}", "Give one of them", key=True)]
    if given == ["path"]:
        return [
            document.problem((*loc, key), f"`{key}:` is for a server", "Leave it out, or give `url:`", key=True)
            for key in (*ONLY_SERVER, *secret, *own)
            if key in options
        ]
    problems = []
    if not VARIABLE.search(str(options["url"])):
        what = "`url:` is written out: what is reached belongs to the place where this runs"
        remedy = "Write a variable, with the usual address after it: ${NAME:-https://HOST}"
        problems.append(document.problem((*loc, "url"), what, remedy))
    problems += [
        document.problem((*loc, key), f"`{key}:` is a secret and stands in this file", f"Write {key}: ${{NAME}}")
        for key in secret
        if key in options and not ONE_VARIABLE.fullmatch(str(options[key]).strip())
    ]
    return problems


def require_rows(tally: Tally, source: Source, project: Project, remedy: str) -> None:
    """Refuse a source that gave nothing.

    Args:
        tally: Of the read that has ended.
        source: With its variables filled in.
        project: For the place.
        remedy: What to look at when the server handed out nothing.

    Raises:
        SignalsError: When no row was read, or none could be kept.
    """
    if "url" in source.options and not tally.rows_read and not source.where:
        what = f"source {source.name!r}: the server has nothing of this kind"
        raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
    tally.require_rows(source, str(project.sources_path))
