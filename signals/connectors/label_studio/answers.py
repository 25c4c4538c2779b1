"""From notes to evidence: which questions are read, and one record per question of each annotation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from signals.connectors.base import Tally
from signals.connectors.label_studio.grades import GRADED, grade
from signals.connectors.label_studio.tasks import Batch, Note, Scale
from signals.connectors.lines import record_id
from signals.model import Preference, Rating, SignalsError, Source
from signals.strictyaml import suggest


def questions_of(notes: list[Note], source: Source) -> list[str]:
    """The questions of the form that grade: ``dimension:``, else those whose every answer is a grade.

    Args:
        notes: All of the source.
        source: With its variables filled in.

    Raises:
        SignalsError: When it cannot be told which question is meant.
    """
    shape = str(source.options["shape"])
    answers: dict[str, bool] = {}
    for note in notes:
        for name, said in note.said.items():
            answers[name] = answers.get(name, True) and all(grade(part, source, shape) is not None for part in said)
    wanted = source.options.get("dimension")
    if wanted is not None:
        if notes and wanted not in answers:
            remedy = suggest(wanted, answers) or "Nobody answered any question"
            raise _error(source, notes, f"no annotation answers {wanted!r}", remedy)
        found = [wanted]
    else:
        found = sorted(name for name, graded in answers.items() if graded)
        if notes and not found and answers:
            remedy = f"Name it with `dimension:`. {suggest('', answers)}"
            raise _error(source, notes, f"no question has answers that are a {GRADED[shape]}", remedy)
        if shape == "preference" and len(found) > 1:
            remedy = f"Choose one with `dimension:`. {suggest('', found)}"
            raise _error(source, notes, "several questions compare", remedy)
    if "expected" in source.map and len(found) > 1:
        remedy = f"Choose one with `dimension:`. {suggest('', found)}"
        raise _error(source, notes, "map.expected answers one question, and the form has several", remedy)
    return found or [""]


def _error(source: Source, notes: list[Note], what: str, remedy: str) -> SignalsError:
    return SignalsError(f"source {source.name!r}: {what}", remedy, **notes[0].batch.place)


def scales_of(questions: list[str], batches: list[Batch], source: Source) -> Mapping[str, Scale]:
    """The scale of each question: ``scale:``, else that of the form.

    Args:
        questions: Those that are read.
        batches: All of the source; projects bring the scales of their forms.
        source: With its variables filled in.

    Raises:
        SignalsError: When a form and ``scale:``, or two forms, contradict each other.
    """
    stated = source.options.get("scale")
    found: dict[str, Scale] = dict.fromkeys(questions, (stated[0], stated[1])) if stated else {}
    who = dict.fromkeys(found, "`scale:`")
    for batch in batches:
        for question in questions:
            scale = batch.scales.get(question)
            if scale is None:
                continue
            if found.setdefault(question, scale) != scale:
                low, high = found[question]
                what = f"{question!r} runs from {scale[0]:g} to {scale[1]:g} by its form, and from {low:g} to {high:g} "
                remedy = "Correct `scale:`, or leave it out" if stated else "Read each project as a source of its own"
                raise batch.error(f"{what}by {who[question]}", remedy)
            who.setdefault(question, f"that of {batch.name}")
    return found


def ratings(
    notes: list[Note], questions: list[str], scales: Mapping[str, Scale], source: Source, tally: Tally
) -> Iterator[Rating]:
    """One rating per annotation and question.

    Args:
        notes: By time.
        questions: Those to read.
        scales: Of the questions, where one is known.
        source: With its variables filled in.
        tally: Counts what is kept, and what is set aside.

    Raises:
        SignalsError: When the right answer of a gold item lies outside of its scale.
    """
    attempts: dict[tuple[str, ...], int] = {}
    for note in notes:
        tally.rows_read += len(questions) - 1  # a row is one question of one annotation
        for question in questions:
            scale = scales.get(question)
            said = [] if note.cancelled else note.said.get(question, [])
            grades = [grade(part, source, "rating") for part in said]
            value = grades[0] if len(grades) == 1 else None
            variant = note.texts["variant"]
            why = None
            if scale and isinstance(note.expected, float) and not scale[0] <= note.expected <= scale[1]:
                what = f"{note.texts['item']}: its right answer (map.expected) is {note.expected:g}"
                raise note.batch.error(what, f"The scale runs from {scale[0]:g} to {scale[1]:g}")
            if len(said) > 1:
                why = "several answers to one question"
            elif said and value is None:
                why = "answer is not a number (recode it in `values:`)"
            elif isinstance(value, float) and scale and not scale[0] <= value <= scale[1]:
                why = f"value is outside the scale {scale[0]:g} to {scale[1]:g}"
            if why:
                tally.set_aside(why, variant, example=f"{said[0][:40]!r} of {note.place}")
                continue
            tally.rows_kept += 1
            status = "submitted" if said else "skipped"
            key = (note.texts["item"], note.texts["rater"], variant, question, status)
            attempts[key] = attempts.get(key, 0) + 1
            yield Rating(
                record_id(*key, attempts[key]), note.texts["item"], note.texts["rater"], variant,
                cast("float | None", value), dimension=question, status=status, attempt=attempts[key],
                segment=note.segment, at=note.at, expected=cast("float | None", note.expected),
            )  # fmt: skip


def preferences(notes: list[Note], question: str, source: Source, tally: Tally) -> Iterator[Preference]:
    """One choice per annotation.

    Args:
        notes: By time.
        question: The one to read.
        source: With its variables filled in.
        tally: Counts what is kept, and what is set aside.

    Raises:
        SignalsError: When an annotation has no choice and ``empty:`` does not say what that means.
    """
    empty = source.options.get("empty")
    attempts: dict[tuple[str, ...], int] = {}
    silent = [note for note in notes if not note.cancelled and not note.said.get(question)]
    if silent and empty is None:
        what = f"{len(silent)} annotations have no choice (first: {silent[0].place})"
        raise _error(source, silent, what, "Say what that means: `empty: tie` or `empty: skip`")
    for note in notes:
        said = [] if note.cancelled else note.said.get(question, [])
        left, right = note.texts["left"], note.texts["right"]
        choice = grade(said[0], source, "preference") if len(said) == 1 else None
        why = None
        if left == right:
            why = "left and right are the same variant"
        elif said and choice is None:
            why = "choice is none of left, right, tie (recode it in `values:`)"
        if why:
            tally.set_aside(why, example=note.place)
            continue
        if not said and not note.cancelled and empty == "tie":
            choice = "tie"
        status = "submitted" if choice else "skipped"
        key = (note.texts["item"], note.texts["rater"], left, right, question, status)
        attempts[key] = attempts.get(key, 0) + 1
        tally.rows_kept += 1
        yield Preference(
            record_id(*key, attempts[key]), note.texts["item"], note.texts["rater"], left, right,
            cast('Literal["left", "right", "tie"] | None', choice), dimension=question, status=status,
            attempt=attempts[key], segment=note.segment, at=note.at,
            expected=cast('Literal["left", "right", "tie"] | None', note.expected),
        )  # fmt: skip
