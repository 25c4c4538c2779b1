"""The scores in an Inspect log: which number a value is, why there is none, and which judge gave it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from signals.connectors.entries import recoding
from signals.connectors.evals.inspect_log import Log
from signals.connectors.evals.output import Word, number
from signals.connectors.jsonfile import dig, scalar
from signals.model import Problem, ScoreError, SignalsError, Source
from signals.strictyaml import Document, Loc

LABELS = {"c": 1.0, "p": 0.5, "i": 0.0, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""What the tool itself takes its labels for. It counts all other text as 0, and so does it a lower-case grade."""

UNPARSED = ("grader_failed",)  # the tool's reason for an answer of the grader without a grade
NO_GRADE = re.compile(r"\s*grade not found in model output", re.IGNORECASE)
MODEL_GRADED = "model_graded"
MODEL_KEY = re.compile(r"(.*_)?(model|models|grader|judge)")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def check_values(source: Source, document: Document, loc: Loc) -> Iterator[Problem]:
    """What is no score in ``values:``."""
    nested = isinstance(source.values.get("value"), dict)
    for theirs, ours in recoding(source, "value", "value").items():
        if ours is not None and _labelled(ours) is None:
            place = (*loc, "values", "value", theirs) if nested else (*loc, "values", theirs)
            what = f"{ours!r} is no score"
            yield document.problem(place, what, "Write a number, or null for an answer that is none")


class Scores:
    """Reads the scores of one source, and notes which scorers gave nothing but unknown labels."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._recoding = recoding(source, "value", "value")
        self._labels: dict[str, str] = {}  # scorer that is read -> its first label that is not known
        self._numbers: set[str] = set()  # scorers with a value that is a number

    def words(self, sample: Mapping[str, Any], judges: Judges) -> list[Word]:
        """What the scorers said of a sample: one word per scorer, or per key of a score that has several."""
        scores = sample.get("scores")
        found = []
        for scorer, score in scores.items() if isinstance(scores, Mapping) else ():
            if isinstance(score, Mapping):
                judge, graded = judges[scorer]
                for name, value in _parts(scorer, present(score)):
                    metric = self._source.options.get("metric")
                    read = graded if metric is None else name == metric
                    ours, error = self._value(name, value, score, scorer, read)
                    found.append(Word(name, ours, error, judge, graded))
        return found

    def complain(self, file: str) -> None:
        """Refuse a scorer that is read and gave labels only, none of them known.

        Raises:
            SignalsError: With the first label.
        """
        for scorer in sorted(self._labels.keys() - self._numbers):
            label = self._labels[scorer]
            what = f"source {self._source.name!r}: no value of {scorer!r} is a number (the first is {label!r})"
            remedy = (
                f"Say what they mean: `values: {{value: {{{label!r}: 1}}}}`. Or choose another score with `metric:`"
            )
            raise SignalsError(what, remedy, file=file)

    def _value(
        self, name: str, value: Any, score: Mapping[str, Any], scorer: str, read: bool
    ) -> tuple[float | None, ScoreError | None]:
        if value is None:
            return None, "skipped"  # a scorer's way to say that there is nothing to judge
        if isinstance(value, float) and math.isnan(value):
            unparsed = score.get("reason") in UNPARSED or NO_GRADE.match(str(score.get("explanation")))
            return None, "judge_unparsed" if unparsed else "judge_error"
        if _no_grade(score, scorer):
            return None, "judge_unparsed"
        text = scalar(value)
        if text in self._recoding:
            ours = self._recoding[text]
            recoded = None if ours is None else _labelled(ours)
            return (None, "judge_unparsed") if recoded is None else (self._noted(name, recoded), None)
        found = number(value) if not isinstance(value, str) else _labelled(value)
        if found is None:
            if isinstance(value, str) and read:
                self._labels.setdefault(name, value[:40])
            return None, "judge_unparsed"
        return self._noted(name, found), None

    def _noted(self, name: str, value: float) -> float:
        self._numbers.add(name)
        return value


def _parts(scorer: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{scorer}.{key}", part) for key, part in value.items())
    elif isinstance(value, list):
        yield from ((f"{scorer}.{place}", part) for place, part in enumerate(value))
    else:
        yield scorer, value


def edits(score: Mapping[str, Any]) -> list[Any]:
    """The values that people gave the score, the last one last; the first of a history is what the scorer said."""
    history = score.get("history")
    made = [edit for edit in (history if isinstance(history, list) else []) if isinstance(edit, Mapping)]
    return [edit["value"] for edit in made if edit.get("value", "UNCHANGED") != "UNCHANGED"]


def present(score: Mapping[str, Any]) -> Any:
    """The score's value after all edits."""
    changed = edits(score)
    return changed[-1] if changed else score.get("value")


def _no_grade(score: Mapping[str, Any], scorer: str) -> bool:
    """Whether an answer without a grade was written as an incorrect one, as older versions do."""
    return (
        scorer.startswith(MODEL_GRADED)
        and len(edits(score)) < 2
        and NO_GRADE.match(str(score.get("explanation"))) is not None
    )


def _labelled(text: str) -> float | None:
    known = LABELS.get(text.strip().lower())
    if known is not None:
        return known
    try:
        return number(float(text))
    except ValueError:
        return None


# --- judges ---------------------------------------------------------------------------------------------------------


class Judges(dict[str, tuple[Mapping[str, str], bool]]):
    """The judges of one log by scorer: what makes each of them itself, and whether it is a model.

    Read from the header alone, so that it is the same for all samples of a run.
    """

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._tool = f"inspect_ai {scalar(dig(log.eval, 'packages.inspect_ai')) or ''}".strip()
        self._declared = dict(_declared(log))

    def __missing__(self, scorer: str) -> tuple[Mapping[str, str], bool]:
        name, params = self._declared.get(scorer, (scorer, {}))
        graded = name.rpartition("/")[2].startswith(MODEL_GRADED) or scorer.startswith(MODEL_GRADED)
        model = _named(params) or (self._grader(params) if graded or "model_role" in params else "")
        found = (
            {
                "name": name,
                "params": ADDRESS.sub("", json.dumps(params, sort_keys=True, ensure_ascii=False)),
                "model": model,
                "tool": self._tool,
            },
            graded or bool(model),
        )
        self[scorer] = found
        return found

    def _grader(self, params: Mapping[str, Any]) -> str:
        """Who grades when the scorer was given no model: the model of its role, else the evaluated one itself."""
        role = scalar(params.get("model_role")) or "grader"
        return _models(dig(self._log.eval, f"model_roles.{role}")) or scalar(self._log.eval.get("model")) or ""


def _declared(log: Log) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """Scorers as the samples name them, with their full name and parameters: as planned, then as they scored."""
    names: dict[str, str] = {}
    for one in _objects(log.eval.get("scorers")):
        full = scalar(one.get("name")) or ""
        base = full.rpartition("/")[2]
        name, count = base, 1
        while name in names:  # two of one name are told apart by a number
            name, count = f"{base}{count}", count + 1
        names[name] = full
        yield name, (full, _object(one.get("options")))
    for one in _objects(dig(log.header, "results.scores")):
        scorer = scalar(one.get("scorer")) or ""
        yield scorer, (names.get(scorer, scorer), _object(one.get("params")))


def _named(params: Mapping[str, Any]) -> str:
    """The models that the parameters name."""
    return " ".join(_models(params[key]) for key in sorted(params) if MODEL_KEY.fullmatch(key)).strip()


def _models(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_models(one) for one in value)
    found = value.get("model") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in (value if isinstance(value, list) else []) if isinstance(one, Mapping))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
