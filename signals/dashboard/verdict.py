"""The Verdict page: one screen for the standup, and the same for a room. It calls ``review`` and draws."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import cards, decided, export, keys, present, record, releases, standup
from signals.memo.render import code_span
from signals.model import SignalsError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

READING = "Reading the evidence of {release}: it has changed, so its numbers are computed anew."
EXPLAINING = "Working out how sure the call is, what would flip it and what would settle it: the evidence is new."

_turn = Lock()
"""Whoever is served from what is at hand is served one after the other: the interpreter does one thing at a time
anyway, and of forty who redraw at once half then wait half as long. What has to be computed waits for nobody."""


def page(root: Path) -> None:
    """Draw the project in ``root``; the release comes from the address (``?release=ID``) or the menu.

    ``?present=1`` shows the presenter view.
    """
    with _turn:
        at = releases.opened(root, steps=True, menu=not present.on())
        if at is None:
            return
        asked = standup.Asked(at.project, at.release)
        places = _Places(at.banner, st.container(key="body"), st.container(key="below"), releases.missed(at.release))
        try:
            seen = asked.at_hand()
        except SignalsError as error:
            places.problem(at.release, error)
            return
        if seen is not None:
            places.draw(seen)
            _rest(at, seen, places)
            return
    try:
        with at.banner, st.spinner(READING.format(release=code_span(at.release, cell=False))):
            first = asked.verdict()
        seen = _explained(asked, first, places)
    except SignalsError as error:
        places.problem(at.release, error)
        return
    _rest(at, seen, places)


class _Places:
    """Where a release is drawn, first without and then with its explanation."""

    def __init__(self, banner: DeltaGenerator, body: DeltaGenerator, below: DeltaGenerator, missed: str) -> None:
        self.around, self.below, self.missed, self.presenting = banner, below, missed, present.on()
        self.banner, self.body = banner.empty(), body.empty()

    def draw(self, seen: standup.Standup, beside: str = "") -> None:
        if self.presenting:
            self.banner.html(cards.wrap(self.missed, present.banner(seen.memo)))
            self.body.html(present.body(seen.memo))
        else:
            self.banner.html(cards.wrap(self.missed, seen.screen[0]))
            self.body.html(cards.wrap(cards.body(seen.memo, beside)) if beside else seen.screen[2])

    def problem(self, release: str, error: SignalsError) -> None:
        self.around.html(cards.wrap(self.missed, cards.problem(f"No verdict for {release}", error)))


def _rest(at: releases.Opened, seen: standup.Standup, places: _Places) -> None:
    _controls(seen, at.controls)
    if places.presenting:
        present.controls(at.project, at.release, places.below)
        return
    strip = _last_decisions(seen)
    if strip:
        places.below.html(cards.wrap(strip))


def _explained(asked: standup.Asked, first: standup.Standup, places: _Places) -> standup.Standup:
    """The verdict at once; what explains it when it is there."""
    places.draw(first, cards.waiting(EXPLAINING))
    try:
        seen = asked.explained(first)
    except SignalsError as error:
        places.draw(first, cards.problem("The verdict stands, and could not be explained", error))
        return first
    places.draw(seen)
    return seen


def _controls(seen: standup.Standup, place: DeltaGenerator) -> None:
    place.html(seen.screen[1], width="stretch")
    export.button(seen.memo, place)
    record.button(seen.found, place)
    present.button(place)
    keys.button(place)


def _last_decisions(seen: standup.Standup) -> str:
    from datetime import UTC, datetime

    from signals.standing import standings

    return decided.strip(standings(*seen.recorded, datetime.now(UTC)), seen.found.standings)
