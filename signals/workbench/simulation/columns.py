"""Facts of many draws at once, and the conditions of a policy over all of them in three-valued logic.

The scalar twin is ``signals.policy.compiled``; a property test holds that both answer alike on every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from signals.model import STATES
from signals.policy.compiled import OPS
from signals.policy.facts import Scalar, Value
from signals.policy.syntax import Chain, Expr, Has, Is, Logic, Name, Not, Operand, Quantified

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.int8]
    Mask = NDArray[np.bool_]

FALSE, UNKNOWN, TRUE = 0, 1, 2
"""Truth values as codes: and is the minimum, or the maximum, not the mirror image."""

CODE = {state: code for code, state in enumerate(STATES)}


@dataclass(frozen=True)
class Column:
    """One fact over all draws.

    Attributes:
        values: Shape (draws,), or one value that all draws share. States are codes, see ``CODE``.
        exists: Where the fact exists: shape (draws,), or one answer for all draws.
    """

    values: Array | Mask | Codes | Scalar
    exists: Mask | bool = True

    def at(self, draw: int) -> Scalar | None:
        """The value of one draw; None where it does not exist."""
        there = self.exists if isinstance(self.exists, bool) else bool(self.exists[draw])
        if not there:
            return None
        if not isinstance(self.values, np.ndarray):
            return self.values
        value = self.values[draw].item()
        return None if isinstance(value, float) and np.isnan(value) else cast("Scalar", value)

    def hidden(self, where: Mask) -> Column:
        """The same, absent ``where`` says so."""
        return Column(self.values, ~where & self.exists)


Element = Mapping[str, Column]
Maker = Callable[[], Column | None]


class Table:
    """Facts of ``size`` draws by full name, each made when it is first asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._makers: dict[str, Maker] = {}
        self._lists: dict[str, tuple[Callable[[], Sequence[Element]], Mask | bool]] = {}
        self._made: dict[str, Column | None] = {}
        self._elements: dict[str, Sequence[Element]] = {}

    def put(self, key: str, make: Maker) -> None:
        """Add a fact; ``make`` gives None when no draw has it."""
        self._makers[key] = make

    def put_list(self, key: str, make: Callable[[], Sequence[Element]], exists: Mask | bool) -> None:
        """Add a list of elements; one without elements does not exist."""
        self._lists[key] = (make, exists)

    def column(self, key: str) -> Column | None:
        """A fact; None when no draw has it."""
        if key not in self._made:
            make = self._makers.get(key)
            self._made[key] = make() if make else None
        return self._made[key]

    def elements(self, key: str) -> tuple[Sequence[Element], Mask | bool]:
        """The elements of a list, and the draws that have it."""
        if key not in self._lists:
            return (), False
        make, exists = self._lists[key]
        if key not in self._elements:
            self._elements[key] = make()
        found = self._elements[key]
        return found, exists if found else False

    def row(self, draw: int, keys: Iterable[str] | None = None) -> dict[str, Value]:
        """The facts of one draw as the policy's engine takes them (default: all of them)."""
        facts: dict[str, Value] = {}
        for key in (*self._makers, *self._lists) if keys is None else keys:
            if key in self._lists:
                items, exists = self.elements(key)
                if exists if isinstance(exists, bool) else exists[draw]:
                    facts[key] = tuple(_element(item, draw) for item in items)
                continue
            column = self.column(key)
            value = None if column is None else column.at(draw)
            if value is not None:
                facts[key] = STATES[int(value)] if key.endswith(".state") else value
        return facts


def _element(item: Element, draw: int) -> dict[str, Scalar]:
    found = {name: column.at(draw) for name, column in item.items()}
    return {name: value for name, value in found.items() if value is not None}


def truth(tree: Expr, table: Table) -> Codes:
    """The answer of a condition on every draw.

    Args:
        tree: Of a condition that passed the checks of loading.
        table: The facts.

    Returns:
        Codes ``FALSE``, ``UNKNOWN``, ``TRUE`` of shape (draws,).
    """
    return np.broadcast_to(_truth(tree, table, {}), (table.size,))


def _truth(node: Expr, table: Table, element: Element) -> Codes:
    match node:
        case Logic():
            parts = [_truth(part, table, element) for part in node.parts]
            return _fold(np.minimum if node.word == "and" else np.maximum, parts)
        case Not():
            return np.asarray(TRUE - _truth(node.body, table, element), dtype=np.int8)
        case Is():
            column = table.column(node.name.key)
            if column is None:
                return np.asarray(UNKNOWN, dtype=np.int8)
            return _answer((np.asarray(column.values) == CODE[node.state]) != node.inverse, column.exists)  # type: ignore[index]  # a state, by the check at load
        case Has():
            if node.name.spec is not None and node.name.spec.type == "list":
                return _answer(table.elements(node.name.key)[1], True)
            found = _operand(node.name, table, element)
            return _answer(False if found is None else _there(found), True)
        case Quantified():
            return _quantified(node, table)
        case Chain():
            return _chain(node, table, element)


def _quantified(node: Quantified, table: Table) -> Codes:
    items, exists = table.elements(node.items.key)
    if not items:
        return np.asarray(UNKNOWN, dtype=np.int8)
    folded = _fold(np.maximum if node.quantifier == "any" else np.minimum, [_truth(node.body, table, e) for e in items])
    return np.where(exists, folded, np.int8(UNKNOWN)).astype(np.int8)


def _chain(node: Chain, table: Table, element: Element) -> Codes:
    columns = [_operand(operand, table, element) for operand in node.operands]
    if not node.ops:
        only = columns[0]
        return np.asarray(UNKNOWN, dtype=np.int8) if only is None else _answer(only.values, _there(only))
    pairs = zip(columns, node.ops, columns[1:], strict=False)
    return _fold(np.minimum, [_compare(left, op, right) for left, op, right in pairs])


def _compare(left: Column | None, op: str, right: Column | None) -> Codes:
    if left is None or right is None:
        return np.asarray(UNKNOWN, dtype=np.int8)
    return _answer(OPS[op](left.values, right.values), np.logical_and(_there(left), _there(right)))


def _operand(operand: Operand, table: Table, element: Element) -> Column | None:
    if not isinstance(operand, Name):
        return Column(operand.value)
    column = element.get(operand.text) if operand.local else table.column(operand.key)
    if column is None or not operand.negative:
        return column
    return Column(-cast("Any", column.values), column.exists)


def _there(column: Column) -> Mask | bool:
    """Where a value exists: one that is no number does not."""
    values = column.values
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return np.logical_and(column.exists, ~np.isnan(values))
    return column.exists


def _answer(holds: Any, exists: Any) -> Codes:
    return np.where(exists, np.where(holds, np.int8(TRUE), np.int8(FALSE)), np.int8(UNKNOWN)).astype(np.int8)


def _fold(op: Callable[[Codes, Codes], Codes], parts: Sequence[Codes]) -> Codes:
    result = parts[0]
    for part in parts[1:]:
        result = op(result, part)
    return result
