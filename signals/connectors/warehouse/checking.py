"""What is wrong with a warehouse source's keys, before anything is asked of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from signals.connectors.env import VARIABLE
from signals.connectors.paths import leaves_folder
from signals.connectors.warehouse.definition import MEASURES
from signals.model import Problem, Source
from signals.strictyaml import Document, Loc

PARTS = ("exposures", *MEASURES)


def problems(source: Source, document: Document, loc: Loc) -> list[Problem]:
    """Every problem with the source's own keys; its entry is at ``loc``."""
    options = source.options
    if "moments" in options:
        return _moments(source, document, loc)
    missing = [key for key in ("exposures", "outcome") if key not in options]
    if missing:
        what = f"source {source.name!r} needs `{missing[0]}:`"
        return [document.problem(loc, what, "Give `exposures:` and `outcome:`, or `moments:`", key=True)]
    found = _common(source, document, loc)
    exposures: Mapping[str, Any] = options["exposures"]
    for name in MEASURES:
        if name in options:
            found += _measure(name, options[name], exposures, source, document, (*loc, name))
    timed = "at" in exposures
    if not timed and (options.get("grain") != "unit" or "window" in options["outcome"]):
        what = "`exposures:` needs `at:`: the first exposure of a unit counts, and its day"
        found.append(document.problem((*loc, "exposures"), what, "Add `at: COLUMN`", key=True))
    return found + (_reread(source, document, loc) if "reread" in options else [])


def _moments(source: Source, document: Document, loc: Loc) -> list[Problem]:
    options = source.options
    found = [
        document.problem((*loc, key), f"`{key}:` is not for `moments:`", "The query gives moments already", key=True)
        for key in (*PARTS, "grain", "reread")
        if key in options
    ]
    found += [
        document.problem((*loc, key), f"`{key}:` is not for `moments:`", "Say it in the query", key=True)
        for key, given in (("map", source.map), ("where", source.where))
        if given
    ]
    if "url" not in options:
        found.append(document.problem(loc, f"source {source.name!r}: `moments:` needs `url:`", key=True))
    return found


def _reread(source: Source, document: Document, loc: Loc) -> list[Problem]:
    options = source.options
    if "window" not in options["outcome"]:
        why = "a `window:` of the outcome: without one no day is ever done"
    elif "cluster" in source.map:
        why = "units that were randomised one by one: a cluster is of no one day"
    elif "table" not in options["outcome"] and "query" not in options["outcome"]:
        why = "an outcome with a table of its own: of a column of the exposures nothing is spared"
    else:
        return []
    return [document.problem((*loc, "reread"), f"`reread:` needs {why}", "Leave it out", key=True)]


def _common(source: Source, document: Document, loc: Loc) -> list[Problem]:
    found: list[Problem] = []
    options = source.options
    if source.timezone not in (None, "UTC"):
        remedy = "Turn the times into UTC in a `query:`, or leave `timezone:` out if they have a zone"
        found.append(document.problem((*loc, "timezone"), "a warehouse source knows `timezone: UTC` only", remedy))
    for name in PARTS:
        part = options.get(name)
        if part is None:
            continue
        if "table" in part and "query" in part:
            found.append(
                document.problem((*loc, name), f"`{name}:` has both `table:` and `query:`", "Give one", key=True)
            )
        table = part.get("table")
        if "url" in options or table is None:
            continue
        if not VARIABLE.search(table) and not options.get("allow_outside") and leaves_folder(table):
            what = f"{table!r} leaves the folder of this file"
            remedy = "Without `url:` tables are files: write them relative to this file, or set `allow_outside: true`"
            found.append(document.problem((*loc, name, "table"), what, remedy))
    exposures = options["exposures"]
    if "table" not in exposures and "query" not in exposures:
        found.append(document.problem((*loc, "exposures"), "`exposures:` needs `table:`, or `query:`", key=True))
    if "url" not in options:
        found += [
            document.problem((*loc, name, "query"), "`query:` needs `url:`", "Without it, tables are files", key=True)
            for name in PARTS
            if "query" in (options.get(name) or {})
        ]
    return found


def _measure(
    name: str, part: Mapping[str, Any], exposures: Mapping[str, Any], source: Source, document: Document, loc: Loc
) -> list[Problem]:
    wrong = _own(name, part, exposures, source) if "table" in part or "query" in part else _inside(name, part, source)
    if part.get("per_unit") == "sum" and "value" not in part:
        wrong.append(("per_unit", "`per_unit: sum` needs `value:`", "Add `value: COLUMN`; without it rows are counted"))
    found = [
        document.problem((*loc, key) if key in part else loc, what, remedy, key=True) for key, what, remedy in wrong
    ]
    return found + (_until(part["until"], document, (*loc, "until")) if "until" in part else [])


Wrong = list[tuple[str, str, str]]
"""Key, what is wrong, what to do."""


def _own(name: str, part: Mapping[str, Any], exposures: Mapping[str, Any], source: Source) -> Wrong:
    """Of a measure with a table of its own."""
    wrong: Wrong = []
    outcome = source.options["outcome"]
    home = ("table", "query")
    same = name != "outcome" and [part.get(key) for key in home] == [outcome.get(key) for key in home]
    if "at" not in part and not (same and "at" in outcome):
        what = f"`{name}:` needs `at:`: what came before a unit's first exposure is no outcome"
        wrong.append(("at", what, "Add `at: COLUMN`"))
    if name == "covariate" and "before" not in part:
        what = "`covariate:` needs `before:`: how long before the first exposure"
        wrong.append(("before", what, "Add `before: 14d`"))
    if "at" not in exposures:
        what = f"`{name}:` with a table of its own needs `at:` in `exposures:`"
        wrong.append(("table", what, "Add `at: COLUMN` there"))
    return wrong


def _inside(name: str, part: Mapping[str, Any], source: Source) -> Wrong:
    """Of a measure that is a column of the exposures."""
    wrong: Wrong = []
    if source.options.get("grain") != "unit" and "window" in part:
        what = f"`window:` of `{name}:` needs a table: as a column of the exposures it counts on all of a unit's rows"
        wrong.append(("window", what, "Give it `table:` and `at:` (its own, or the exposures' once more)"))
    if "value" not in part:
        wrong.append(("value", f"`{name}:` needs `value:`", "Add `value: COLUMN`"))
    for key in ("where", "per_unit", "before", "at", "unit"):
        if key in part:
            wrong.append((key, f"`{key}:` is for a table of its own", "Leave it out, or add `table:`"))
    return wrong


def _until(text: str, document: Document, loc: Loc) -> list[Problem]:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        if not VARIABLE.search(text):
            return [document.problem(loc, f"`until:` is no time: {text!r}", "Write it like 2026-11-20T00:00:00Z")]
    return []
