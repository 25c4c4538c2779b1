from __future__ import annotations

from hypothesis import settings

# How fast an example runs depends on the machine's other work, and is no property of the formula.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
