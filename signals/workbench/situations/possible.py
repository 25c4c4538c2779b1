"""Which facts of a signal can stand together, given its state: what a reading can be, value by value.

Mirrors how a reading is made (state from interval, margin and checks; facts that untrusted and missing readings do not
have), so that no situation is looked at that no release can be in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from signals.checks import BY_NAME
from signals.model import Signal, State
from signals.policy.facts import UNTRUSTED_HIDES, Scalar
from signals.workbench.situations.effort import spend

Facts = dict[str, Scalar]

NUMBERS = ("benefit", "benefit.low", "benefit.high", "margin", "non_inferior", "equivalent", "material")
"""Facts that hang together through the interval."""
SURE = frozenset({"n"})
"""Facts that every reading with evidence has."""
BELIEVED: tuple[State, ...] = ("win", "loss", "flat", "unclear")


class _Absent:
    """Stands for a fact that does not exist."""


ABSENT = _Absent()


def possible_states(signal: Signal) -> tuple[State, ...]:
    """Without a margin nothing is ever flat, and a distance is never a win."""
    flat: tuple[State, ...] = ("flat",) if signal.margin is not None else ()
    win: tuple[State, ...] = () if signal.distance else ("win",)
    return (*win, "loss", *flat, "unclear", "untrusted", "missing")


def partials(
    signal: Signal, wanted: Sequence[str], grids: Mapping[str, Sequence[Scalar]], state: State
) -> Iterator[Facts]:
    """Every combination of these facts that a reading of this state can have, each once.

    Args:
        signal: As declared: margin and thresholds bound what its states can mean.
        wanted: Facts without the signal's name in front; lists are not among them.
        grids: The values that stand for all values, by fact; ``benefit.low`` and ``benefit.high`` always have one when
            a fact of ``NUMBERS`` is wanted.
        state: Of the signal.
    """
    if state not in possible_states(signal):
        return
    if state == "missing":
        yield {}
        return
    ripening = [name for name in wanted if _ripens(signal, name)]
    plain = [name for name in wanted if name not in NUMBERS and name not in ripening]
    numbers = [name for name in wanted if name in NUMBERS]
    first = list(_numbers(signal, numbers, ripening, grids, state))
    choices = [_alone(signal, name, grids[name], state) for name in plain]
    for head in first:
        for values in itertools.product(*choices):
            spend(2)
            facts = {name: value for name, value in zip(plain, values, strict=True) if not isinstance(value, _Absent)}
            # Both are the time since the newest evidence.
            if "age" in plain and "max_age" in plain and facts.get("age") != facts.get("max_age"):
                continue
            yield {**head, **facts}


def _numbers(
    signal: Signal, wanted: Sequence[str], ripening: Sequence[str], grids: Mapping[str, Sequence[Scalar]], state: State
) -> Iterator[Facts]:
    """The facts of the interval together with the maturity checks, each combination once."""
    fitting: dict[bool | None, list[Facts]] = {True: [], False: [], None: []}
    unseen = _unseen(signal, ripening)
    for values in itertools.product(*(_with_absent(grids[name]) for name in ripening)):
        spend(8)
        checks: Facts = {n: value for n, value in zip(ripening, values, strict=True) if not isinstance(value, _Absent)}
        all_pass = all(name in checks and passes(signal, name, checks[name]) for name in ripening)
        fitting[None].append(checks)
        if all_pass:
            fitting[True].append(checks)
        if not all_pass or unseen:
            fitting[False].append(checks)
    looked_at = set()
    seen = set()
    for numbers, ripe in _readings(signal, wanted, grids, state):
        reading = (tuple(numbers.items()), ripe)
        if reading in looked_at:  # many intervals come to the same facts
            continue
        looked_at.add(reading)
        for checks in fitting[ripe]:
            spend(4)
            found = {**numbers, **checks}
            key = tuple(sorted(found.items()))
            if key not in seen:
                seen.add(key)
                yield found


def _unseen(signal: Signal, ripening: Sequence[str]) -> bool:
    """Whether the policy asks for a maturity check that no condition asks about: it may stand open by itself."""
    return any(_ripens(signal, name) for name in signal.trust if name not in ripening)


def _readings(
    signal: Signal, wanted: Sequence[str], grids: Mapping[str, Sequence[Scalar]], state: State
) -> Iterator[tuple[Facts, bool | None]]:
    """(facts of the interval, whether the evidence is ripe; None when that is open)."""
    matures = any(_ripens(signal, name) for name in signal.trust)
    if state == "untrusted":
        for margin in _margins(signal, grids) if "margin" in wanted else (None,):
            yield ({} if margin is None else {"margin": margin}), None
        return
    if not wanted:
        ripe_states = ("win", "flat")
        yield {}, True if state in ripe_states or not matures else None
        return
    middles = [float(value) for value in grids["benefit"]] if "benefit" in wanted else [None]
    for low, high, margin, ripe in _intervals(signal, grids, state, (True, False) if matures else (True,)):
        facts: dict[str, Scalar | None] = {
            "benefit.low": low,
            "benefit.high": high,
            "margin": margin,
            "non_inferior": (None if margin is None else low > -margin) if ripe else False,
            "equivalent": (None if margin is None else low > -margin and high < margin) if ripe else False,
            "material": None if margin is None else low >= margin or high <= -margin,
        }
        spend(6 + len(middles))
        for middle in middles:
            if middle is None or low <= middle <= high:
                facts["benefit"] = middle
                yield {name: facts[name] for name in wanted if facts[name] is not None}, ripe  # type: ignore[misc]  # None was sorted out


def _intervals(
    signal: Signal, grids: Mapping[str, Sequence[Scalar]], state: State, ripeness: Sequence[bool]
) -> Iterator[tuple[float, float, float | None, bool]]:
    """(low, high, margin, ripe) that make a reading of this state."""
    bounds = [float(value) for value in grids["benefit.low"]]
    for margin in _margins(signal, grids):
        spend(len(ripeness) * len(bounds) ** 2)
        for low, high in itertools.product(bounds, bounds):
            for ripe in ripeness:
                if signal.distance and high > 0:
                    continue
                if low <= high and _state(low, high, margin, ripe=ripe, distance=signal.distance) == state:
                    yield low, high, margin, ripe


def _state(low: float, high: float, margin: float | None, *, ripe: bool, distance: bool) -> State:
    if distance and margin is not None:
        return "loss" if high <= -margin else "flat" if ripe and low > -margin else "unclear"
    if high < 0:
        return "loss"
    if not ripe:
        return "unclear"
    if low > 0:
        return "win"
    return "flat" if margin is not None and low > -margin and high < margin else "unclear"


def _margins(signal: Signal, grids: Mapping[str, Sequence[Scalar]]) -> tuple[float | None, ...]:
    if signal.margin is None:
        return (None,)
    if not signal.margin.relative:
        return (signal.margin.value,)
    return (*(float(value) for value in grids["margin"] if float(value) > 0), None)  # None: of a control level of zero


def _alone(signal: Signal, name: str, grid: Sequence[Scalar], state: State) -> tuple[Scalar | _Absent, ...]:
    """The values of a fact that hangs on nothing but the state."""
    if state == "untrusted" and name in UNTRUSTED_HIDES:
        return (ABSENT,)
    if name in SURE:
        return tuple(value for value in grid if value >= 1)  # type: ignore[operator]  # counts are numbers
    asked = "max_age" if name == "age" else name
    spec = BY_NAME.get(asked)
    if spec is not None and asked in signal.trust and state != "untrusted" and spec.sort == "validity":
        return tuple(value for value in grid if passes(signal, asked, value))
    return _with_absent(grid)


def _with_absent(grid: Sequence[Scalar]) -> tuple[Scalar | _Absent, ...]:
    return (*grid, ABSENT)


def passes(signal: Signal, name: str, value: Scalar | _Absent) -> bool:
    """Whether a check's number is good enough for the policy."""
    spec, threshold = BY_NAME[name], signal.trust[name]
    number = float(value)  # type: ignore[arg-type]  # checks are numbers, or yes and no
    return number >= threshold if spec.passes == ">=" else number <= threshold


def _ripens(signal: Signal, name: str) -> bool:
    """Whether a fact is a maturity check that the policy asks for."""
    return name in signal.trust and name in BY_NAME and BY_NAME[name].sort == "maturity"
