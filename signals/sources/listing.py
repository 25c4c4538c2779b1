"""Which connectors there are: those that are built in, and those that installed packages register."""

from __future__ import annotations

from dataclasses import dataclass

from signals.connectors import BUILT_IN, get
from signals.connectors.plugins import plugin, registered


@dataclass(frozen=True)
class Known:
    """One connector. ``problem`` says why it cannot be used."""

    connector: str
    shapes: tuple[str, ...]
    package: str  # empty: built in
    problem: str = ""


def known_connectors() -> tuple[Known, ...]:
    """All of them: first the built-in ones, each group by name."""
    found = [Known(name, get(name).shapes, "") for name in sorted(BUILT_IN)]
    for name in dict.fromkeys(one.name for one in registered()):
        packages = " and ".join(dict.fromkeys(one.package for one in registered() if one.name == name))
        other = plugin(name)
        if name in BUILT_IN:
            problem = f"{packages} registers {name!r}, which is built in: the built-in one is used"
            found.append(Known(name, (), packages, problem))
        elif other is not None:
            found.append(Known(name, other.shapes, packages, str(other.error or "")))
    return tuple(found)
