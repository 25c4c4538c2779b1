"""The numbers of a reading, or of a pair of signals, as JSON and back, floats exact (infinities too).

Without pydantic: pages read them often.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from signals.model import (
    Carrier,
    Correction,
    Estimate,
    Interval,
    Measure,
    Numbers,
    PairNumbers,
    SegmentEstimate,
    SetAside,
    SourceNote,
    plain,
)


def dump(numbers: Numbers | PairNumbers) -> str:
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
            }
        )
    except (TypeError, KeyError, ValueError):
        return None


def _interval(one: Any) -> Interval | None:
    return None if one is None else Interval(**one)


def _time(text: Any) -> Any:
    return None if text is None else datetime.fromisoformat(text)
