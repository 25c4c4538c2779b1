"""The twelve, in order. Their modules are loaded when they are asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from signals.model import SignalsError
from signals.starter import CHECKOUT, PACKAGE
from signals.strictyaml import suggest

if TYPE_CHECKING:
    from signals.cases.case import Case

MODULES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("c[0-9][0-9]_*.py")))
"""One per case, by number."""


@cache
def cases() -> tuple[Case, ...]:
    """All cases, by number."""
    return tuple(import_module(f"signals.cases.{module}").CASE for module in MODULES)


def find(name: str) -> Case:
    """The case of that number or slug.

    Raises:
        SignalsError: When there is none, with the nearest name.
    """
    known = cases()
    wanted = name.strip().lower()
    for case in known:
        if wanted in (case.slug, case.story.removesuffix(".md"), str(case.number), f"{case.number:02d}"):
            return case
    remedy = suggest(wanted, [case.slug for case in known])
    raise SignalsError(f"no case is called {name!r:.60}", remedy)


def story_of(case: Case) -> Path:
    """Its page: in the docs of a checkout, else beside the package."""
    packaged = PACKAGE / "_cases" / case.story
    return packaged if packaged.is_file() else CHECKOUT / "docs" / "cases" / case.story
