"""What servers write for a score or a grade, and which of several names a source means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from signals.connectors.evals.output import number
from signals.connectors.jsonfile import recoded, scalar
from signals.model import ScoreError, SignalsError, Source
from signals.strictyaml import suggest

FAILED = "the application failed, so there was no answer to rate"
AGAIN = "the same judge scored it again later"
YES_NO: Mapping[str, str] = {"yes": "1", "no": "0", "true": "1", "false": "0", "pass": "1", "fail": "0"}


def score_of(value: Any, source: Source) -> tuple[float | None, ScoreError | None]:
    """A judge's word as a number: yes and no are 1 and 0, other words as ``values:`` says."""
    text = recoded(scalar(value), source, "value", "value")
    if text is None:
        return None, "judge_unparsed"
    try:
        found = number(float(YES_NO.get(text.lower(), text)))
    except ValueError:
        found = None
    return found, None if found is not None else "judge_unparsed"


def grade_of(value: Any) -> str | None:
    """A person's answer as the text of a cell; a list or an object is no grade, and no silence either."""
    text = scalar(value)
    return json.dumps(value) if text is None and value not in (None, "") else text


def names_meant(said: Iterable[tuple[str, Any]], shape: str, source: Source) -> set[str]:
    """The names to read: ``metric:``, else those whose every value looks like a rating, or the one of thumbs.

    Args:
        said: Name and value of everything that people said.
        shape: ``rating`` or ``feedback``.
        source: With its variables filled in.

    Raises:
        SignalsError: When it cannot be told which is meant.
    """
    fits: dict[str, bool] = {}
    for name, value in said:
        fits[name] = fits.get(name, True) and _fits(value, shape)
    metric = source.options.get("metric")
    if metric is not None:
        if fits and metric not in fits:
            what = f"source {source.name!r}: nobody said anything under the name {metric!r}"
            raise SignalsError(what, suggest(str(metric), fits))
        return {str(metric)}
    found = {name for name, fit in fits.items() if fit}
    if not fits or (found and (shape == "rating" or len(found) == 1)):
        return found
    what = "several names could be thumbs" if found else f"no name has values that are a {shape}"
    raise SignalsError(f"source {source.name!r}: {what}", f"Choose one with `metric:`. {suggest('', found or fits)}")


def _fits(value: Any, shape: str) -> bool:
    if shape == "feedback":
        return isinstance(value, bool) or value is None
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
