"""Evidence in: one file per tool, one registry, one protocol."""

from __future__ import annotations

from signals.connectors.api.growthbook import GrowthBook
from signals.connectors.api.langfuse import Langfuse
from signals.connectors.api.langsmith import Langsmith
from signals.connectors.api.mlflow import Mlflow
from signals.connectors.api.phoenix import Phoenix
from signals.connectors.api.statsig import Statsig
from signals.connectors.base import Connector, Tally
from signals.connectors.evals.braintrust import Braintrust
from signals.connectors.evals.deepeval import DeepEval
from signals.connectors.evals.inspect import Inspect
from signals.connectors.evals.lm_eval import LmEval
from signals.connectors.evals.promptfoo import Promptfoo
from signals.connectors.label_studio import LabelStudio
from signals.connectors.otel import Otel
from signals.connectors.table import Table
from signals.connectors.warehouse import Warehouse
from signals.model import SignalsError
from signals.strictyaml import suggest

REGISTRY: dict[str, Connector] = {
    connector.name: connector
    for connector in (
        Table(), Warehouse(), Promptfoo(), DeepEval(), Inspect(), LmEval(), Braintrust(), Otel(), LabelStudio(),
        Mlflow(), Phoenix(), Langfuse(), Langsmith(),
        GrowthBook(), Statsig(),
    )
}  # fmt: skip
"""Connectors that are built in, by the name that ``connector:`` uses."""


def get(name: str) -> Connector:
    """The connector of that name: one that is built in, else one that an installed package registers.

    Raises:
        SignalsError: With a suggestion, when there is none.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    from signals.connectors.plugins import plugin

    found = plugin(name)
    if found is None:
        raise SignalsError(f"unknown connector {name!r}", suggest(name, names()))
    return found


def names() -> tuple[str, ...]:
    """Every name that ``connector:`` may have, sorted. Looks for installed packages."""
    from signals.connectors.plugins import registered

    return tuple(sorted({*REGISTRY, *(one.name for one in registered())}))


__all__ = ["REGISTRY", "Connector", "Tally", "get", "names"]
