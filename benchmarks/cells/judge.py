"""Coverage cells of judge readings."""

from __future__ import annotations

from benchmarks.cells import Cell

CELLS: tuple[Cell, ...] = ()
