"""Presets of the ``table`` connector: how a tool's exports are read, as data that the source's own keys override."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.model import Problem, Source
from signals.strictyaml import Document, Loc

JAVA_DATE = "%a %b %d %H:%M:%S %Z %Y"
FORM_DATE = "%Y/%m/%d %I:%M:%S %p"
PEOPLE = ("rating", "preference")
EVENTS = ("feedback", "outcome")


@dataclass(frozen=True)
class Preset:
    """How one tool's export is read. The keys are those of a ``table`` source.

    Attributes:
        name: What ``preset:`` says.
        shapes: The record shapes that the export can give, the usual one first.
        keys: Keys of the source (``where``, ``keep``, ``once``, ``times``, ``timezone``) and their values.
        map: Columns that hold for every shape.
        people: The column that says who, as the shape's own field calls it.
        events: The column that names the event: such a source must say which events it means.
        sparse: Whether files may lack columns that others have, as hours without such an event do.
        otherwise: What a file is whose name says nothing.
        slashes: Whether times such as 03/04/2026 may occur, whose day nobody can tell from the month.
    """

    name: str
    shapes: tuple[str, ...]
    map: Mapping[str, str]
    keys: Mapping[str, Any] = field(default_factory=dict)
    people: str = ""
    events: str = ""
    sparse: bool = False
    otherwise: str | None = None
    slashes: bool = False


WHO = {"rating": "rater", "preference": "rater", "feedback": "user", "outcome": "unit"}
GRADED = {"rating": "value", "preference": "choice", "feedback": "value", "outcome": "value"}

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "mturk", PEOPLE, {"at": "SubmitTime"},
            {"keep": {"AssignmentStatus": ["Approved", "Submitted"]}, "once": ["AssignmentId"], "times": JAVA_DATE},
            people="WorkerId",
        ),
        Preset(
            "prolific", PEOPLE, {"at": "created_at | completed_at | Completed at"},
            {
                "keep": {"Status | status | submission_status": ["APPROVED", "AWAITING REVIEW"]},
                "once": ["map.rater", "map.item", "map.variant", "map.left", "map.right", "map.dimension"],
                "timezone": "UTC",
            },
            people="participant_id | Participant id | PROLIFIC_PID",
        ),
        Preset(
            "google_forms", PEOPLE, {"at": "Timestamp"}, {"times": FORM_DATE},
            people="Email Address | Email address | Username", slashes=True,
        ),
        Preset(
            "posthog", EVENTS, {"at": "timestamp"}, {"once": ["uuid"], "timezone": "UTC"},
            people="person_id | distinct_id", events="event", sparse=True, otherwise=".jsonl",
        ),
        Preset(
            "amplitude", EVENTS, {"at": "event_time"}, {"once": ["$insert_id"], "timezone": "UTC"},
            people="user_id | device_id", events="event_type", sparse=True, otherwise=".jsonl",
        ),
        Preset(
            "segment", EVENTS, {"at": "timestamp"}, {"where": {"type": "track"}, "once": ["messageId"]},
            people="userId | anonymousId", events="event", sparse=True, otherwise=".jsonl",
        ),
    )
}  # fmt: skip


def preset_of(source: Source) -> Preset | None:
    """The preset that the source names."""
    return PRESETS.get(str(source.options.get("preset")))


def with_preset(entry: Any) -> Any:
    """The keys of a source with those of its preset added: what the source says itself stands.

    ``map``, ``where`` and ``values`` are merged key by key, and ``map: {at: null}`` takes a column of the preset away;
    ``keep`` and ``once`` are replaced as a whole, so that ``{}`` and ``[]`` clear them.
    """
    preset = PRESETS.get(str(entry.get("preset"))) if isinstance(entry, dict) else None
    if preset is None:
        return entry
    shape = entry.get("shape", preset.shapes[0])
    who = WHO.get(shape) if isinstance(shape, str) else None
    given = entry.get("map", {})
    columns = {**preset.map, **({who: preset.people} if who and preset.people else {})}
    merged = {**preset.keys, **entry, "shape": shape}
    if isinstance(given, dict):
        gone = {key for key in columns if key in given and given[key] is None}
        wide = entry.get("wide") if isinstance(entry.get("wide"), dict) else {}
        columns = {key: column for key, column in columns.items() if key not in wide}
        merged["map"] = {key: column for key, column in {**columns, **given}.items() if key not in gone}
    if isinstance(entry.get("where", {}), dict):
        merged["where"] = {**preset.keys.get("where", {}), **entry.get("where", {})}
    return merged


def check_preset(source: Source, document: Document, loc: Loc) -> list[Problem]:
    """What the preset cannot give, or what must be said for it to be right."""
    preset = preset_of(source)
    if preset is None:
        return []
    shape = str(source.options["shape"])
    if shape not in preset.shapes:
        what = f"preset {preset.name!r} cannot give shape {shape!r}"
        return [document.problem((*loc, "shape"), what, f"It gives {' or '.join(preset.shapes)}")]
    problems: list[Problem] = []
    if preset.events and preset.events not in source.where:
        what = f"preset {preset.name!r} needs to know which events count"
        remedy = f"Add `where: {{{preset.events}: NAME}}`, or a list of names"
        problems.append(document.problem((*loc, "where"), what, remedy, key=True))
    if preset.events and shape == "outcome" and "exposure" not in source.options:
        what = (
            f"preset {preset.name!r} with shape outcome needs `exposure:`: in an export of events, "
            "units that never convert would be missing"
        )
        remedy = f"Say which event shows the variant: `exposure: {{{preset.events}: NAME}}`"
        problems.append(document.problem((*loc, "shape"), what, remedy, key=True))
    return problems


def check_stages(source: Source, document: Document, loc: Loc) -> list[Problem]:
    """What is wrong with ``exposure:`` and ``shown:``."""
    return _check_exposure(source, document, loc) + _check_shown(source, document, loc)


def _check_exposure(source: Source, document: Document, loc: Loc) -> list[Problem]:
    exposure = source.options.get("exposure")
    if exposure is None:
        return []
    problems: list[Problem] = []
    if not exposure:
        problems.append(document.problem((*loc, "exposure"), "`exposure:` names no event", "Write COLUMN: VALUE"))
    if "at" not in source.map:
        what = "`exposure:` needs map.at: what came before the exposure is told by time"
        problems.append(document.problem((*loc, "exposure"), what, "Add `at: COLUMN` to `map:`", key=True))
    for name in ("denominator", "covariate", "covariate_at"):
        if name in source.map:
            what, remedy = f"map.{name} cannot be told from events", "Leave it out, or aggregate in a query"
            problems.append(document.problem((*loc, "map", name), what, remedy, key=True))
    for name in ("grain", "quantile"):
        if name in source.options:
            what = f"`{name}:` is for one row per unit, and `exposure:` for events"
            problems.append(document.problem((*loc, name), what, "Leave one of them out", key=True))
    return problems


def _check_shown(source: Source, document: Document, loc: Loc) -> list[Problem]:
    shown = source.options.get("shown")
    problems: list[Problem] = []
    if shown is not None and not shown:
        problems.append(document.problem((*loc, "shown"), "`shown:` names no event", "Write COLUMN: VALUE"))
    if shown is not None and "response" not in source.map:
        what = "`shown:` needs map.response: else an answer counts once when shown and once more when rated"
        problems.append(document.problem((*loc, "shown"), what, "Add `response: COLUMN` to `map:`", key=True))
    return problems
