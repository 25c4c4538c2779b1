"""Evidence in: one file per tool, one registry, one protocol."""

from __future__ import annotations

from importlib import import_module

from signals.connectors.base import Connector, Tally
from signals.model import SignalsError
from signals.strictyaml import suggest

BUILT_IN = {
    "table": "table.Table",
    "warehouse": "warehouse.Warehouse",
    "promptfoo": "evals.promptfoo.Promptfoo",
    "deepeval": "evals.deepeval.DeepEval",
    "inspect": "evals.inspect.Inspect",
    "lm_eval": "evals.lm_eval.LmEval",
    "braintrust": "evals.braintrust.Braintrust",
    "otel": "otel.Otel",
    "label_studio": "label_studio.LabelStudio",
    "mlflow": "api.mlflow.Mlflow",
    "phoenix": "api.phoenix.Phoenix",
    "langfuse": "api.langfuse.Langfuse",
    "langsmith": "api.langsmith.Langsmith",
    "growthbook": "api.growthbook.GrowthBook",
    "statsig": "api.statsig.Statsig",
}
"""Connectors that are built in, by the name that ``connector:`` uses, and where each is: a project names two or three,
and to load all of them takes longer than to draw a verdict."""

REGISTRY: dict[str, Connector] = {}
"""Those that were asked for so far."""


def get(name: str) -> Connector:
    """The connector of that name: one that is built in, else one that an installed package registers.

    Raises:
        SignalsError: With a suggestion, when there is none.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if name in BUILT_IN:
        module, _, made = BUILT_IN[name].rpartition(".")
        return REGISTRY.setdefault(name, getattr(import_module(f"{__name__}.{module}"), made)())
    from signals.connectors.plugins import plugin

    found = plugin(name)
    if found is None:
        raise SignalsError(f"unknown connector {name!r}", suggest(name, names()))
    return found


def names() -> tuple[str, ...]:
    """Every name that ``connector:`` may have, sorted. Looks for installed packages."""
    from signals.connectors.plugins import registered

    return tuple(sorted({*BUILT_IN, *(one.name for one in registered())}))


__all__ = ["BUILT_IN", "REGISTRY", "Connector", "Tally", "get", "names"]
