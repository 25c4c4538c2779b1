"""Fixtures that more than one folder uses."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data kept beside the checkout; tests that use it skip when it is absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("real data sets are not beside this checkout")
    return path
