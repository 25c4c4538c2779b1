"""Outputs of any evaluation tool as item scores: what every connector of such a tool does with its source's keys.

A connector yields ``Output`` after ``Output``, in any number; nothing is held here but the counts of repeats and the
outputs that failed before it was known which scorers there are. So an export may be larger than memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import dig, moment, paths_of, recoded, scalar, selected
from signals.connectors.known import Known, key_of
from signals.connectors.lines import EMPTY_SEGMENT, content_hash, record_id
from signals.connectors.scores import ERRORS, NO_ERROR
from signals.connectors.shapes import check_map, segment_dimensions
from signals.model import ItemScore, Problem, ScoreError, SignalsError, Source, digest
from signals.strictyaml import Document, Loc, suggest

FIELDS = ("item", "variant", "cluster", "length", "content", "made", "leaked", "error")
"""What ``map:`` may name beside segments."""

SAME = "the same score was read already"
NOT_ASKED = "no scorer that is read was asked to judge it"


def check_entry(source: Source, document: Document, loc: Loc, *, value: bool = False) -> tuple[Problem, ...]:
    """What is wrong with the keys of a source that ``item_scores`` reads.

    Args:
        source: As written.
        document: The file that it stands in.
        loc: Where.
        value: Whether ``values:`` may recode the scores too, as for a tool whose scores may be labels.
    """
    problems = check_common(source, document, loc)
    problems += check_map(document, loc, source.map, (), FIELDS)
    problems += check_recoding(source, document, loc, (*FIELDS, "value") if value else FIELDS)
    if not value and source.values and not any(isinstance(value, dict) for value in source.values.values()):
        what = "`values:` needs the field that it recodes"
        problems.append(document.problem((*loc, "values"), what, "Write {variant: {theirs: ours}}", key=True))
    if source.options.get("variant") and "variant" in source.map:
        what = "the variant is said twice: by `variant:` and in `map:`"
        problems.append(document.problem((*loc, "variant"), what, "Keep one of them", key=True))
    return tuple(problems)


@dataclass
class _Seen:
    """What was met on the way: told at the end when nothing came of it."""

    paths: set[str] = field(default_factory=set)  # keys of ``map:`` whose path some row has
    first: Output | None = None
    scorers: dict[str, Word] = field(default_factory=dict)  # that are read, with the judge of one word each
    others: set[str] = field(default_factory=set)  # that are not


def item_scores(outputs: Iterable[Output], source: Source, tally: Tally, *, thing: str = "row") -> Iterator[ItemScore]:
    """Every output as an ``ItemScore`` per scorer: those that a model is, or the one that ``metric:`` names.

    Args:
        outputs: As the tool wrote them; their order is kept, except that failed outputs of which nobody knows who was
            to judge them come last.
        source: With its variables filled in.
        tally: Counts outputs.
        thing: What the tool calls a row, for messages.

    Raises:
        SignalsError: For a path of ``map:`` that no output has, a ``metric:`` that no scorer has, a time without a
            zone, or a value that cannot be read. It may come after some records.
    """
    seen = _Seen()
    repeats, given = Known(), Known()
    waiting: list[tuple[str, ScoreError, ItemScore]] = []
    for output in outputs:
        if not selected(output.row, source):
            continue
        tally.rows_read += 1
        _note(output, source, seen)
        whole = _about(output, source, tally, repeats)
        fault = _fault(output, source)
        words = list(_words(output, fault, source, seen))  # also of a row set aside: its scorers were met
        if whole is None:
            continue
        if words:
            yield from _kept(output.place, whole, words, source, tally, given)
        elif output.expected:
            tally.set_aside(NOT_ASKED, whole.variant, fault=False, example=output.place)
        else:
            waiting.append((output.place, fault or "judge_error", whole))
    for place, silent, whole in waiting:
        words = [replace(word, value=None, error=silent) for word in seen.scorers.values()]
        yield from _kept(place, whole, words, source, tally, given)
    _complain(source, seen, thing)


def _kept(
    place: str, whole: ItemScore, words: list[Word], source: Source, tally: Tally, given: Known
) -> Iterator[ItemScore]:
    fresh = []
    for word in words:
        one = _scored(whole, word, source)
        if not given.meet(bytes.fromhex(one.record)):
            fresh.append(one)
    if words and not fresh:
        tally.set_aside(SAME, whole.variant, example=place)
        return
    tally.rows_kept += bool(fresh)
    yield from fresh


@lru_cache(maxsize=4096)  # an export has few judges and many scores
def _identity(scorer: str, judge: tuple[tuple[str, str], ...]) -> str:
    return digest({"scorer": scorer, **dict(judge)})


def _scored(whole: ItemScore, word: Word, source: Source) -> ItemScore:
    stated = source.options.get("scorer_version")
    said = (
        _identity(word.scorer, tuple(word.judge.items())) if word.judge else ""
    )  # a name alone tells no two judges apart
    judge = str(stated) if stated else said
    return replace(
        whole,
        record=record_id(whole.item, whole.variant, word.scorer, judge, whole.repeat),
        scorer=word.scorer,
        value=word.value,
        error=word.error,
        fingerprint=judge,
        at=word.at or whole.at,
    )


def _fault(output: Output, source: Source) -> ScoreError | None:
    """Why nothing that was said of the output counts: its run failed, or ``map.error`` says so, as in tables."""
    path = source.map.get("error")
    value = dig(output.row, path) if path else None
    said = "an object" if value and isinstance(value, (Mapping, list)) else _mapped(output, source, "error")
    if said is None or said.lower() in NO_ERROR:
        return "system_error" if output.failed else None
    return cast("ScoreError", said.lower() if said.lower() in ERRORS else "system_error")


def _words(output: Output, fault: ScoreError | None, source: Source, seen: _Seen) -> Iterator[Word]:
    """What is read of an output: of a failed one that nothing could be judged, of others also who kept silent."""
    said = {word.scorer for word in output.words}
    silent = [replace(word, value=None, error="judge_error") for word in output.expected if word.scorer not in said]
    for word in (*output.words, *silent):
        if _read(word, source, seen):
            yield replace(word, value=None, error=fault) if fault else word


def _read(word: Word, source: Source, seen: _Seen) -> bool:
    metric = source.options.get("metric")
    if word.scorer == metric if metric is not None else word.graded:
        seen.scorers.setdefault(word.scorer, word)
        return True
    seen.others.add(word.scorer)
    return False


# --- what an output says of itself ----------------------------------------------------------------------------------


def _about(output: Output, source: Source, tally: Tally, repeats: Known) -> ItemScore | None:
    """An item score without a scorer; None when the output names no item or no variant."""
    row, mapping = output.row, source.map
    item = recoded(_text(row, mapping, "item", output.item), source, "item", None)
    stated = source.options.get("variant")
    said = _text(row, mapping, "variant", str(stated) if stated else output.variant)
    variant = recoded(said, source, "variant", None)
    if item is None or variant is None:
        tally.set_aside(f"{'item' if item is None else 'variant'} is empty", variant, example=output.place)
        return None
    repeat = output.repeat
    if repeat is None:
        repeat = repeats.meet(key_of(variant, item))
    return ItemScore(
        record="",
        item=item,
        variant=variant,
        scorer="",
        value=None,
        repeat=repeat,
        cluster=_text(row, mapping, "cluster", None) or "",
        segment=tuple(
            (
                name,
                recoded(scalar(dig(row, mapping[f"segment.{name}"])), source, f"segment.{name}", None) or EMPTY_SEGMENT,
            )
            for name in segment_dimensions(mapping)
        ),
        at=output.at,
        length=_length(output, item, source),
        content=_content(output, source),
        made=_made(output, item, source),
        leaked=_leaked(output, item, source),
    )


def _text(row: Mapping[str, Any], mapping: Mapping[str, str], field: str, otherwise: str | None) -> str | None:
    return scalar(dig(row, mapping[field])) if field in mapping else otherwise


def _mapped(output: Output, source: Source, field: str) -> str | None:
    path = source.map.get(field)
    return recoded(scalar(dig(output.row, path)), source, field, None) if path else None


def _length(output: Output, item: str, source: Source) -> float | None:
    """Characters of the output, unless ``map:`` names another length."""
    if "length" not in source.map:
        return output.length
    said = _mapped(output, source, "length")
    try:
        value = None if said is None else float(said)
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value < float("inf"):
        raise _unreadable(output, item, source, "length", said, "Map a number of at least 0, or leave it out")
    return value


def _content(output: Output, source: Source) -> str:
    """Hash of what the item asks."""
    path = source.map.get("content")
    asked = dig(output.row, path) if path else output.asked
    return content_hash(json.dumps(asked, sort_keys=True, ensure_ascii=False)) if asked else ""


def _made(output: Output, item: str, source: Source) -> datetime | None:
    said = _mapped(output, source, "made")
    found = moment(said, source, output.file)
    if said is not None and found is None:
        raise _unreadable(output, item, source, "made", said, "Map an ISO time such as 2026-11-10T09:00:00Z")
    return found


def _leaked(output: Output, item: str, source: Source) -> bool | None:
    said = _mapped(output, source, "leaked")
    if said is None:
        return None
    if said.lower() not in ("true", "false", "1", "0"):
        raise _unreadable(output, item, source, "leaked", said, "Recode it: values: {leaked: {yes: true}}")
    return said.lower() in ("true", "1")


def _unreadable(output: Output, item: str, source: Source, field: str, said: str | None, remedy: str) -> SignalsError:
    what = f"item {item!r}: {source.map[field]!r} (map.{field}) holds {str(said)[:40]!r}"
    return SignalsError(what, remedy, file=output.file, line=output.line)


# --- what was asked for and never met -------------------------------------------------------------------------------


def _note(output: Output, source: Source, seen: _Seen) -> None:
    if seen.first is None:
        seen.first = output
    if len(seen.paths) < len(source.map):
        seen.paths |= {key for key, path in source.map.items() if _has(output.row, key, path)}


def _has(row: Mapping[str, Any], key: str, path: str) -> bool:
    """Whether the path leads to something; to an error that is null when there was none."""
    if key != "error" or dig(row, path) is not None:
        return dig(row, path) is not None
    head, _, last = path.rpartition(".")
    inside = dig(row, head) if head else row
    return isinstance(inside, Mapping) and last in inside


def _complain(source: Source, seen: _Seen, thing: str) -> None:
    """A path that no output has is a typo, and would read as one empty label for all; so is a scorer that none has."""
    first = seen.first
    if first is None:
        return
    for key, path in source.map.items():
        if key not in seen.paths:
            what = f"no {thing} has {path!r} (map.{key})"
            raise SignalsError(what, suggest(path, list(paths_of(first.row))), file=first.file)
    if seen.scorers:
        return
    metric = source.options.get("metric")
    if metric is not None:
        what = f"source {source.name!r}: no score is called {metric!r}"
        raise SignalsError(what, suggest(str(metric), seen.others) or "Nothing was scored", file=first.file)
    what = f"source {source.name!r}: no score was given by a model"
    raise SignalsError(what, f"Name one with `metric:`. {suggest('', seen.others)}".strip(), file=first.file)
