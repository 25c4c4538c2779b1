"""Random edits of policies: what a person might change in the rules, so that the file still loads."""

from __future__ import annotations

import functools
import random

from signals.model import SignalsError
from signals.policy import Policy, parse_policy
from tests.workbench.random_policies import random_policy

SWAPS = {"ship": ("hold", "rollback"), "hold": ("ship", "rollback"), "rollback": ("hold", "ship"), "is not": ("is",),
         ">=": (">", "<"), "<=": ("<",), " and ": (" or ",), " or ": (" and ",), "0.01": ("0.02", "-0.01"),
         "is win": ("is loss",), "non_inferior": ("material",)}  # fmt: skip


@functools.cache
def random_edit(seed: int, *, entangled: bool = False) -> tuple[Policy, Policy]:
    """A random policy and an edit of its rules that loads; the signals stay."""
    rng = random.Random(f"edit {seed}")
    old = random_policy(seed, entangled=entangled)
    for _ in range(200):
        lines = old.text.splitlines()
        first = lines.index("hierarchy:") + 1
        for _ in range(rng.choice([1, 1, 2])):
            _edit(lines, first, rng)
        try:
            new = parse_policy("\n".join(lines) + "\n")
        except SignalsError:
            continue
        if new.text != old.text:
            return old, new
    return old, old


def _edit(lines: list[str], first: int, rng: random.Random) -> None:
    place = rng.randrange(first, len(lines))
    what = rng.random()
    if what < 0.2:
        del lines[place]
    elif what < 0.35 and place > first:
        lines[place - 1], lines[place] = lines[place], lines[place - 1]
    else:
        here = [word for word in SWAPS if word in lines[place]]
        if here:
            word = rng.choice(here)
            lines[place] = lines[place].replace(word, rng.choice(SWAPS[word]), 1)
