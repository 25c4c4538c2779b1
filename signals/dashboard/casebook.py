"""The Cases page: twelve ways in which evaluation fools a release week, each of which opens as a release.

A reader who opens a case sees its project on every page until they leave it. It is written and pulled once per process,
into a folder that goes with the process: nothing of it ever reaches the project's own store.
"""

from __future__ import annotations

import tempfile
from functools import cache
from html import escape
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from signals.cases import suite
from signals.cases.case import Setting
from signals.cases.run import run
from signals.dashboard import cards
from signals.model import SignalsError

if TYPE_CHECKING:
    from signals.cases.case import Case

PARAMETER = "case"
TWIN = "-twin"
HEAD = (
    '<div class="meta"><span>Twelve ways in which evaluation fools a release week. Each opens as a release of its own, '
    "with made-up evidence, beside its clean twin: the same release without the fault.</span></div>"
)
_making = Lock()


def page() -> None:
    """List the cases, each with two doors."""
    st.html(cards.wrap(HEAD))
    for case in suite.cases():
        with st.container(key=f"case-{case.number}", border=True, horizontal=True, vertical_alignment="center"):
            st.html(cards.wrap(_told(case)), width="stretch")
            st.button("Open", key=f"open-{case.slug}", on_click=_open, args=(case.slug,), type="primary")
            st.button("Its clean twin", key=f"twin-{case.slug}", on_click=_open, args=(case.slug + TWIN,))


def _told(case: Case) -> str:
    return (
        f'<div class="case"><h2>{case.number}. {escape(case.title)}</h2><p>{escape(case.fault)}</p>'
        f'<p class="small">policy {escape(case.policy)} · story: docs/cases/{escape(case.story)}</p></div>'
    )


def shown(root: Path) -> Path:
    """The folder that the pages show: of the case that this reader has opened, else the project's.

    Which case is kept with the reader and written into the address, so that a link to a page of it opens it.
    """
    asked = st.query_params.get(PARAMETER) or st.session_state.get(PARAMETER)
    if not asked:
        return root
    try:
        case = suite.find(asked.removesuffix(TWIN))
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("No such case", error)))
        _leave()
        return root
    name = case.slug + (TWIN if asked.endswith(TWIN) else "")
    st.session_state[PARAMETER] = st.query_params[PARAMETER] = name
    _strip(case, twin=name.endswith(TWIN))
    with st.spinner("Writing the evidence of the case and pulling it"):
        return _folder(case, twin=name.endswith(TWIN))


def opened() -> bool:
    """Whether somebody has just come through one of the doors: they want to see the release."""
    return bool(st.session_state.pop("case opened", False))


def _strip(case: Case, *, twin: bool) -> None:
    what = ", the clean twin" if twin else ""
    with st.container(key="case", horizontal=True, vertical_alignment="center"):
        st.html(
            cards.wrap(
                f'<div class="meta"><span><b>Case {case.number}: {escape(case.title)}{what}.</b> Made-up evidence in a '
                "folder of its own: nothing here touches your project.</span></div>"
            ),
            width="stretch",
        )
        st.button("Leave the case", key="leave-case", on_click=_leave)


def _open(name: str) -> None:
    _forget()
    st.session_state[PARAMETER] = name
    st.session_state["case opened"] = True


def _leave() -> None:
    _forget()
    st.session_state.pop(PARAMETER, None)


def _forget() -> None:
    """What the address names is of another project: no release, signal or case of it is meant any more."""
    st.query_params.clear()


def _folder(case: Case, *, twin: bool) -> Path:
    with _making:  # two who open the same case get one folder
        return _made(case.slug, twin)


@cache
def _made(slug: str, twin: bool) -> Path:
    folder = Path(_base().name) / (slug + (TWIN if twin else ""))
    run(suite.find(slug), Setting(strength=0.0 if twin else 1.0), folder)
    return folder


@cache
def _base() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="signals-cases-")
