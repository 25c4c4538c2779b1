"""Addresses inside the dashboard. They are relative, so they hold below any path that a proxy puts in front."""

from __future__ import annotations

from urllib.parse import urlencode

from signals.model.inside import check_anchor


def reading(release: str, signal: str, check: str = "") -> str:
    """The page of one signal's reading, at one of its checks if one is named."""
    place = f"#{check_anchor(check)}" if check else ""
    return f"signals?{_query(release=release, signal=signal)}{place}"


def release_on(page: str, release: str) -> str:
    """A page that shows this release."""
    return f"{page}?{_query(release=release)}"


def _query(**values: str) -> str:
    # What cannot be encoded is no id that anybody declared; the page that is opened says so.
    return urlencode(values, errors="replace")
