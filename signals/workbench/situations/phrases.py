"""Parts of a space in words, in the language of the policy: ``conversion is win or flat and panel.non_inferior``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from signals.model import STATES
from signals.policy.compiled import Trit
from signals.policy.syntax import Chain, Expr, Op, render
from signals.workbench.situations.boxes import Box
from signals.workbench.situations.grids import names
from signals.workbench.situations.possible import possible_states
from signals.workbench.situations.space import Space, Truths, Variable

ANYWHERE = "whatever the signals say"
_OPPOSITE: dict[Op, Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def phrase(space: Space, box: Box) -> str:
    """What must hold in a box: ``conversion is flat, panel is win or flat and judge.human_agreement >= 0.5``."""
    parts = [_values(space, level, values) for level, values in sorted(box.items())]
    parts = [part for part in parts if part]
    if not parts:
        return ANYWHERE
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _values(space: Space, level: int, values: Sequence[int]) -> str:
    variable = space.variables[level]
    if not variable.atoms:
        able = {state for signal in space.signals[variable.name] for state in possible_states(signal)}
        return _states(variable.name, [variable.values[value] for value in values], [s for s in STATES if s in able])
    return _truths(variable, [variable.values[value] for value in values])


def _states(name: str, held: Sequence[str], able: Sequence[str]) -> str:
    inside = [state for state in able if state in held]
    outside = [state for state in able if state not in held]
    if not outside:
        return ""
    if len(outside) < len(inside):
        return f"{name} is not {outside[0]}" if len(outside) == 1 else f"{name} is neither {' nor '.join(outside)}"
    return f"{name} is {_either(inside)}"


def _truths(variable: Variable, held: Sequence[Truths]) -> str:
    """The comparisons of one variable, each with what may be said of it; else the combinations one by one."""
    sets = [{truths[place] for truths in held} for place in range(len(variable.atoms))]
    if _fitting(variable, sets) == set(held):
        for place in range(len(sets)):
            open_here = [*sets[:place], {True, False, None}, *sets[place + 1 :]]
            if _fitting(variable, open_here) == set(held):
                sets = open_here
        said = [truth(atom, wanted) for atom, wanted in zip(variable.atoms, sets, strict=True)]
        return ", ".join(text for text in said if text)
    return _either([f"({_truths(variable, [one])})" for one in held])


def _fitting(variable: Variable, sets: Sequence[set[Trit]]) -> set[Truths]:
    return {truths for truths in variable.values if all(one in able for one, able in zip(truths, sets, strict=True))}


def truth(atom: Expr, wanted: set[Trit]) -> str:
    """A comparison that may be true, false or unknown (None), as far as it must be one of ``wanted``."""
    if wanted == {True, False, None}:
        return ""
    if wanted == {None}:
        return f"{_subject(atom)} is unknown"
    if wanted == {True, False}:
        return f"{_subject(atom)} is known"
    text = render(atom) if True in wanted else _negation(atom)
    return f"{text} or unknown" if None in wanted else text


def _negation(atom: Expr) -> str:
    """The text that is true where the comparison is false."""
    if isinstance(atom, Chain) and len(atom.ops) == 1:
        return render(replace(atom, ops=(_OPPOSITE[atom.ops[0]],)))
    return f"not {render(atom)}" if not (isinstance(atom, Chain) and atom.ops) else f"not ({render(atom)})"


def _subject(atom: Expr) -> str:
    """What is unknown when the comparison is: the fact, where there is only one."""
    found = list(dict.fromkeys(name.text for name in itertools.islice(names(atom), 3)))
    return found[0] if isinstance(atom, Chain) and len(found) == 1 else f"`{render(atom)}`"


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)
