"""``${NAME}`` and ``${NAME:-default}`` in sources.yaml: filled in at the last moment, never shown in a message.

A source keeps its text as written, so that hashes, pages and logs hold the name of a secret and not the secret. The
connector asks for the filled-in copy when it reads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from signals.model import Problem, Project, SignalsError, Source
from signals.strictyaml import Document, Loc, load

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")


@dataclass(frozen=True)
class Missing:
    """A variable that is not set (or a ``${`` that cannot be read), and where in the text it stands."""

    what: str
    remedy: str
    shift: int


def expand(text: str) -> str | Missing:
    """The text with its variables filled in. An empty variable counts as not set."""
    parts: list[str] = []
    end = 0
    for match in VARIABLE.finditer(text):
        name, default = match.group(1), match.group(2)
        value = os.environ.get(name) or default
        if value is None:
            return Missing(
                f"environment variable {name} is not set", f"Set it, or write ${{{name}:-default}}", match.start()
            )
        parts += [text[end : match.start()], value]
        end = match.end()
    rest = text[end:]
    if "${" in rest:
        shift = end + rest.index("${")
        return Missing("'${' does not begin a variable", "Write ${NAME} or ${NAME:-default}", shift)
    return "".join([*parts, rest])


def secrets(*written: Any) -> tuple[str, ...]:
    """The values that variables give to these texts (as written), longest first."""
    found = {
        os.environ[match.group(1)]
        for text in _strings(written)
        for match in VARIABLE.finditer(text)
        if os.environ.get(match.group(1))
    }
    return tuple(sorted(found, key=len, reverse=True))


def scrub(message: str, hidden: tuple[str, ...]) -> str:
    """The message without the hidden texts. Texts of one or two characters would only garble it."""
    for text in hidden:
        if len(text) > 2:
            message = message.replace(text, "***")
    return message


def resolved(source: Source, project: Project) -> Source:
    """The source with its variables filled in.

    Raises:
        SignalsError: For each variable that is not set, with line and column in sources.yaml.
    """
    missing: list[tuple[Loc, Missing]] = []

    def fill(value: Any, loc: Loc) -> Any:
        if isinstance(value, str):
            filled = expand(value)
            if isinstance(filled, Missing):
                missing.append((loc, filled))
                return value
            return filled
        if isinstance(value, Mapping):
            return {key: fill(item, (*loc, key)) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [fill(item, (*loc, number)) for number, item in enumerate(value)]
        return value

    base: Loc = ("sources", source.name)
    options = fill(source.options, base)
    mapping, where, values = (fill(getattr(source, key), (*base, key)) for key in ("map", "where", "values"))
    if missing:
        raise SignalsError(_places(source, project, missing))
    return replace(source, options=options, map=mapping, where=where, values=values)


def problem(document: Document, loc: Loc, missing: Missing) -> Problem:
    """The missing variable at its line and column, behind the quote if the value has one."""
    line, column = document.place(loc)
    text = document.text.splitlines()[line - 1][column - 1 : column] if document.text else ""
    return document.problem(loc, missing.what, missing.remedy, shift=missing.shift + (text in ("'", '"')))


def _places(source: Source, project: Project, missing: list[tuple[Loc, Missing]]) -> tuple[Problem, ...]:
    """Look the places up again: a read that fails may take the time to say where."""
    try:
        document = load(project.sources_path)
    except SignalsError:  # the file has changed since: the line that was noted must do
        file = str(project.sources_path)
        return tuple(Problem(item.what, item.remedy, file, source.line) for _, item in missing)
    return tuple(problem(document, loc, item) for loc, item in missing)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _strings(item)]
    return []
