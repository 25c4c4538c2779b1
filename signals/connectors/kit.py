"""What connectors of others are built from. These names stay; everything else in ``signals.connectors`` may change.

See docs/write-a-connector.md. A name is taken away only with a new first number of the version, and a release earlier
it warns.
"""

from __future__ import annotations

from signals.connectors.base import Connector, Keeps, Tally
from signals.connectors.env import resolved
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.output import Output, Word, number
from signals.connectors.jsonfile import load_json
from signals.connectors.jsonlines import json_lines
from signals.connectors.lines import record_id
from signals.connectors.options import Entry, Text
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.stopping import pause
from signals.model import (
    EmbeddingSample,
    FeedbackCell,
    ItemScore,
    MixShare,
    Moments,
    OutcomeCell,
    Preference,
    Problem,
    Project,
    QuantileCell,
    Rating,
    Record,
    RoutedCell,
    Segment,
    SignalsError,
    Source,
    digest,
)
from signals.strictyaml import Document, Loc

__all__ = [
    "Connector", "Document", "EmbeddingSample", "Entry", "FeedbackCell", "InputFile", "ItemScore", "Keeps", "Loc",
    "MixShare", "Moments", "OutcomeCell", "Output", "Preference", "Problem", "Project", "QuantileCell", "Rating",
    "Record", "RoutedCell", "Segment", "SignalsError", "Source", "Tally", "Text", "Word", "check_entry", "digest",
    "files_fingerprint", "input_files", "item_scores", "json_lines", "load_json", "number", "pause", "record_id",
    "resolved",
]  # fmt: skip
