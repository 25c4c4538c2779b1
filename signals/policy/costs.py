"""What more evidence costs, as a policy may declare it: ``costs:``, which no call depends on.

Prices put proposals to collect more evidence in order; without them the days that each takes do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.model import SignalKind
from signals.strictyaml import Loc, suggest

PRICES: Mapping[SignalKind, Mapping[str, str]] = {
    "experiment": {"unit": "One more user exposed, in either arm"},
    "feedback": {"response": "One more response"},
    "panel": {
        "item": "One more item, graded under both variants by as many raters as now",
        "rater": "One more rater, who grades every item",
    },
    "judge": {
        "item": "One more golden item, judged under both variants",
        "label": "One item of the golden set graded by people, under both variants",
        "rater": "One more person who grades for the judge",
        "traffic_sample": "One sample of traffic that tells its segments' shares",
    },
}
"""What can be priced, by kind of signal, and what each price is for."""


@dataclass(frozen=True)
class Costs:
    """Prices of more evidence in one currency, by signal and thing (``PRICES``)."""

    currency: str
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def price(self, signal: str, thing: str) -> float | None:
        """Of one more; None when it is not declared."""
        return self.prices.get(signal, {}).get(thing)


def faults(data: Any) -> Iterator[tuple[Loc, str, str]]:
    """Signals that are not declared, and things that a signal of its kind has no price for.

    Args:
        data: The raw data of the file, whatever else is wrong with it.

    Yields:
        Place of the key, what is wrong, what to do.
    """
    costs = data.get("costs") if isinstance(data, dict) else None
    declared = data.get("signals") if isinstance(data, dict) else None
    if not isinstance(costs, dict) or not isinstance(declared, dict):
        return
    for name, prices in costs.items():
        if name == "currency":
            continue
        if name not in declared:
            yield ("costs", name), f"unknown signal {name!r:.60}", suggest(name, [*declared, "currency"])
            continue
        signal = declared[name]
        kind = signal.get("kind") if isinstance(signal, dict) else None
        known = PRICES.get(kind) if isinstance(kind, str) else None  # type: ignore[call-overload]  # any word may stand there
        if known is None or not isinstance(prices, dict):
            continue
        for thing in prices:
            if thing not in known:
                what = f"{name} is of kind {kind}, and its evidence has no price by {thing!r:.60}"
                yield ("costs", name, thing), what, suggest(thing, known)
