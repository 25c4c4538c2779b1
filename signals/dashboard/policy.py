"""The Policy page, read-only: the text that decides, the same in words, and whether its own tests pass."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards, rules
from signals.model import SignalsError
from signals.strictyaml import read_text

CODE_HEIGHT = 770  # pixels: the page fits 1440 × 900 without scrolling, the text scrolls inside


def page(root: Path) -> None:
    """Draw the policy of the project in ``root``."""
    from signals.policy import run_tests
    from signals.review import load, policy_of

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    try:
        policy = policy_of(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The policy does not load, so nothing can be decided", error)))
        _text(project.policy_path)
        return
    left, right = st.columns([1.5, 1], gap="small")
    with left:
        st.code(policy.text, language="yaml", line_numbers=True, height=CODE_HEIGHT)
    right.html(cards.wrap(rules.facts_card(policy), rules.words_card(policy), rules.tests_card(run_tests(policy))))


def _text(path: Path) -> None:
    """The text that does not load, so that the lines named above can be found."""
    try:
        st.code(read_text(path), language="yaml", line_numbers=True)
    except SignalsError:
        return  # it cannot be read at all: the problem above says why
