"""Numbers of a reading or a pair of signals, and explanations, as JSON and back, floats exact (infinities too).

Without pydantic: pages read them often.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from signals.model import (
    Carrier,
    Cause,
    Collection,
    Correction,
    ErrorSample,
    Estimate,
    Explanation,
    Flip,
    Interval,
    Measure,
    Numbers,
    PairNumbers,
    Reconciliation,
    SegmentEstimate,
    SetAside,
    SourceNote,
    Stability,
    plain,
)


def dump(numbers: Numbers | PairNumbers | Explanation) -> str:
    """JSON text of the numbers, mappings in their order."""
    return json.dumps(plain(numbers), separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> Numbers | None:
    """The numbers of a JSON text; None when another version wrote it with other fields: compute them again."""
    try:
        data = json.loads(text)
        return Numbers(
            **{
                **data,
                "estimates": {
                    name: Estimate(
                        **{**one, "warnings": tuple(one["warnings"]), "relative": _interval(one["relative"])}
                    )
                    for name, one in data["estimates"].items()
                },
                "measures": tuple(Measure(**one) for one in data["measures"]),
                "segments": tuple(
                    SegmentEstimate(**{**one, "shrunk": _interval(one["shrunk"])}) for one in data["segments"]
                ),
                "set_aside": tuple(SetAside(**one) for one in data["set_aside"]),
                "sources": tuple(
                    SourceNote(**{**one, "pulled_at": _time(one["pulled_at"])}) for one in data["sources"]
                ),
                "first_at": _time(data["first_at"]),
                "last_at": _time(data["last_at"]),
            }
        )
    except (TypeError, KeyError, ValueError):
        return None


def load_pair(text: str) -> PairNumbers | None:
    """As ``load``, of the numbers of a pair of signals."""
    try:
        data = json.loads(text)
        return PairNumbers(
            **{
                **data,
                "corrections": tuple(Correction(**one) for one in data["corrections"]),
                "values": tuple(data["values"]),
                "covariance": tuple(tuple(row) for row in data["covariance"]),
                "df": tuple(data["df"]),
                "refused": tuple(Correction(**one) for one in data["refused"]),
                "carriers": tuple(Carrier(**one) for one in data["carriers"]),
                "samples": tuple(
                    ErrorSample(one["df"], tuple(tuple(row) for row in one["covariance"])) for one in data["samples"]
                ),
            }
        )
    except (TypeError, KeyError, ValueError):
        return None


def load_explanation(text: str) -> Explanation | None:
    """As ``load``, of what stands beside a verdict."""
    try:
        data = json.loads(text)
        sure = data["stability"]
        return Explanation(
            **{
                **data,
                "reconciliation": tuple(_reconciliation(one) for one in data["reconciliation"]),
                "stability": None
                if sure is None
                else Stability(
                    **{
                        **sure,
                        "fixed": tuple(sure["fixed"]),
                        "correlated": tuple(tuple(one) for one in sure["correlated"]),
                    }
                ),
                "flips": tuple(Flip(**one) for one in data["flips"]),
                "collections": tuple(Collection(**one) for one in data["collections"]),
                "notes": tuple(data["notes"]),
            }
        )
    except (TypeError, KeyError, ValueError):
        return None


def _reconciliation(data: Any) -> Reconciliation:
    whole = {name: _interval(data[name]) for name in ("start", "end", "gap")}
    causes = tuple(
        Cause(**{**one, "quantity": _interval(one["quantity"]), "part": _interval(one["part"])})
        for one in data["causes"]
    )
    carriers = tuple(Carrier(**one) for one in data["carriers"])
    return Reconciliation(**{**data, **whole, "said": tuple(data["said"]), "causes": causes, "carriers": carriers})


def _interval(one: Any) -> Interval | None:
    return None if one is None else Interval(**one)


def _time(text: Any) -> Any:
    return None if text is None else datetime.fromisoformat(text)
