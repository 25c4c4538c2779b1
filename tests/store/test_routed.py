"""Routed cells in the store: as they were, of one release, not counted as units again, and not before their time."""

from __future__ import annotations

from datetime import timedelta

from store_kit import RELEASE, START, put

from signals.model import Moments, OutcomeCell, RoutedCell
from signals.store import open_store


def cell(variant: str, route: str, tenth: int) -> RoutedCell:
    return RoutedCell("handled", variant, route, tenth, 50, 40, 1 / 3, 0.9, 0.1, 2.5, -1.25, 1e-7, START)


def test_routed_cells_come_back_as_they_were(url: str) -> None:
    control, candidate = RELEASE.arms
    cells = [cell(control, "", 9), cell(candidate, "large", -1), cell(candidate, "small", 3)]
    with open_store(url) as store:
        units = [OutcomeCell("handled", arm, (), None, Moments(40, 0.5, 10.0)) for arm in RELEASE.arms]
        report = put(store, [*units, *cells, cell("router-v1", "small", 3)])
        assert report.new == 6
        found = store.evidence(RELEASE, ["golden"])
        assert set(found.routed) == set(cells)
        assert found.sources[0].units == 80
        assert put(store, [*units, *cells, cell("router-v1", "small", 3)]).status == "unchanged"
        assert store.evidence(RELEASE, ["golden"], until=START - timedelta(days=1)).routed == ()
