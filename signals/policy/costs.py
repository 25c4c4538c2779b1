"""What more evidence costs, as a policy may declare it: ``costs:``, which no call depends on.

Prices put proposals to collect more evidence in order; without them the days that each takes do.
"""

from __future__ import annotations

import re
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
        "rater": "One more rater, who grades every item there is today",
    },
    "judge": {
        "item": "One more golden item, judged under both variants",
        "label": "One item of the golden set graded by people, under both variants",
        "rater": "One more person who grades for the judge",
        "traffic_sample": "One sample of traffic that tells its segments' shares",
    },
    "drift": {},
}
"""What can be priced, by kind of signal, and what each price is for."""

LONGEST = 40
"""Characters of a currency."""


@dataclass(frozen=True)
class Costs:
    """Prices of more evidence in one currency, by signal and thing (``PRICES``)."""

    currency: str
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def price(self, signal: str, thing: str) -> float | None:
        """Of one more; None when it is not declared."""
        return self.prices.get(signal, {}).get(thing)


def faults(data: Any) -> Iterator[tuple[Loc, str, str, bool]]:
    """What is wrong with the prices: signals that are not declared, things without a price, what is no price.

    Args:
        data: The raw data of the file, whatever else is wrong with it.

    Yields:
        Place, what is wrong, what to do, and whether the place is that of the key.
    """
    costs = data.get("costs") if isinstance(data, dict) else None
    declared = data.get("signals") if isinstance(data, dict) else None
    if costs is None:
        return
    if not isinstance(costs, dict):
        yield ("costs",), "costs are a currency and prices by signal", "Write `currency:` and a signal per line", False
        return
    currency = costs.get("currency", "EUR")
    if not isinstance(currency, str) or not re.fullmatch(rf"\S{{1,{LONGEST}}}", currency):
        what = f"costs.currency is one word of at most {LONGEST} characters (found {currency!r:.60})"
        yield ("costs", "currency"), what, "Write it like EUR or person-hours", False
    for name, prices in costs.items():
        if not isinstance(declared, dict):
            return
        if name == "currency":
            continue
        if name not in declared:
            yield ("costs", name), f"unknown signal {name!r:.60}", suggest(name, [*declared, "currency"]), True
            continue
        signal = declared[name]
        kind = signal.get("kind") if isinstance(signal, dict) else None
        known = PRICES.get(kind) if isinstance(kind, str) else None  # type: ignore[call-overload]  # any word may stand there
        if known is not None:
            yield from _of_signal(name, kind, known, prices)


def _of_signal(name: str, kind: Any, known: Mapping[str, str], prices: Any) -> Iterator[tuple[Loc, str, str, bool]]:
    here: tuple[str, ...] = ("costs", name)
    if not isinstance(prices, dict):
        remedy = f"Write {name}: {{{next(iter(known))}: 0.5}}"
        yield here, f"the prices of {name} are named by what each is for", remedy, False
        return
    before: tuple[Any, Any] = ("", None)
    for thing, price in prices.items():
        if price is None and _is_number(before[1]) and thing.isdigit():
            what = f"a price with a decimal comma: {before[0]}: {before[1]},{thing}"
            yield (*here, thing), what, f"Write {before[0]}: {before[1]}.{thing}", True
        elif thing not in known:
            what = f"{name} is of kind {kind}, and its evidence has no price by {thing!r:.60}"
            yield (*here, thing), what, suggest(thing, known), True
        elif price is not None and not _is_number(price):
            shown = f"{price!r:.60}" if isinstance(price, str) else str(price).lower()[:60]
            yield (*here, thing), f"the price {shown} is not a number", _remedy(price), False
        before = thing, price


def _is_number(price: Any) -> bool:
    return isinstance(price, (int, float)) and not isinstance(price, bool)


def _remedy(price: Any) -> str:
    """How to write the number that was meant."""
    text = price.strip() if isinstance(price, str) else ""
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", text):
        return f"Write {text.replace(',', '')} for thousands, or a decimal point"
    if re.fullmatch(r"\d[\d.]*,\d+", text):
        return f"Write {text.replace('.', '').replace(',', '.')}: the decimal sign is a point"
    if re.fullmatch(r"[\d.,]+\s*[^\d\s]+|[^\d\s]+\s*[\d.,]+", text):
        return "Write the number alone: the currency stands once, under `currency`"
    return "Write a number of 0 or more, like 0.02"
