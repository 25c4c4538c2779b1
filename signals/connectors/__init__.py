"""Evidence in: one file per tool, one registry, one protocol."""

from __future__ import annotations

from signals.connectors.api.langfuse import Langfuse
from signals.connectors.api.mlflow import Mlflow
from signals.connectors.base import Connector, Tally
from signals.connectors.evals.deepeval import DeepEval
from signals.connectors.evals.inspect import Inspect
from signals.connectors.evals.lm_eval import LmEval
from signals.connectors.evals.promptfoo import Promptfoo
from signals.connectors.label_studio import LabelStudio
from signals.connectors.otel import Otel
from signals.connectors.table import Table
from signals.model import SignalsError
from signals.strictyaml import suggest

REGISTRY: dict[str, Connector] = {
    connector.name: connector
    for connector in (
        Table(), Promptfoo(), DeepEval(), Inspect(), LmEval(), Otel(), LabelStudio(), Mlflow(), Langfuse(),
    )
}  # fmt: skip
"""Connectors by the name that ``connector:`` uses."""


def get(name: str) -> Connector:
    """The connector of that name.

    Raises:
        SignalsError: With a suggestion, when there is none.
    """
    try:
        return REGISTRY[name]
    except KeyError:
        raise SignalsError(f"unknown connector {name!r}", suggest(name, REGISTRY)) from None


__all__ = ["REGISTRY", "Connector", "Tally", "get"]
