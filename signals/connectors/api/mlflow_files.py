"""Saved answers of MLflow's REST API: pages of traces, and the runs that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from signals.connectors.api.mlflow_rows import Trace, source_run, variant_of
from signals.connectors.api.spool import Spool
from signals.connectors.jsonfile import load_json, moment, scalar
from signals.connectors.paths import InputFile
from signals.model import SignalsError, Source

RUN_ID = re.compile(r"[0-9a-f]{32}")
REMEDY = "Save the answers of traces/search, and of runs/get for each run"


def fill(spool: Spool, files: Iterable[InputFile], source: Source) -> None:
    """Read every file.

    Raises:
        SignalsError: For a file that is no such answer, a last page that is missing, or runs that are missing.
    """
    newest: dict[str, str] = {}
    pages = ended = 0
    runs: dict[str, Mapping[str, Any]] = {}
    last: InputFile | None = None
    for file in files:
        data = load_json(file)
        traces = data.get("traces") if isinstance(data, dict) else None
        if isinstance(traces, list):
            pages, ended, last = pages + 1, ended + (not data.get("next_page_token")), file
            for trace in traces:
                _add(spool, trace, file, source, newest)
        else:
            runs.update(_runs(data, file))
    if last is None:
        raise SignalsError(f"source {source.name!r}: none of its files holds traces", REMEDY)
    if not ended:
        what = f"says that more traces follow, and so does every other of the {pages} pages"
        raise SignalsError(what, "Save the answers with the following page tokens too", file=last.name)
    for name, run in sorted(runs.items()):
        spool.add("run", name, run)
    _complete(spool, runs, source, last)


def _add(spool: Spool, trace: Any, file: InputFile, source: Source, newest: dict[str, str]) -> None:
    name = scalar(trace.get("trace_id")) if isinstance(trace, Mapping) else None
    if name is None:
        raise SignalsError("`traces` holds something that is no trace of MLflow 3", REMEDY, file=file.name)
    given = trace.get("assessments")
    edits = [str(one.get("last_update_time")) for one in (given or []) if isinstance(one, Mapping)]
    edited = max(edits, default="")
    if name in newest and newest[name] >= edited:  # the same trace in two exports: the one that knows more counts
        return
    newest[name] = edited
    spool.add("trace", name, trace, moment(scalar(trace.get("request_time")), source, file.name))


def _runs(data: Any, file: InputFile) -> dict[str, Mapping[str, Any]]:
    """Runs by their id: the answer for one, a list of them, or just {name: id}."""
    listed: Any = None
    if isinstance(data, dict) and isinstance(data.get("run"), Mapping):
        listed = [data["run"]]
    elif isinstance(data, dict) and isinstance(data.get("runs"), list):
        listed = data["runs"]
    elif isinstance(data, dict) and data and all(RUN_ID.fullmatch(str(one)) for one in data.values()):
        return {str(run): {"info": {"run_name": name}} for name, run in data.items()}
    found: dict[str, Mapping[str, Any]] = {}
    for run in listed or ():
        info = run.get("info") if isinstance(run, Mapping) else None
        name = scalar(info.get("run_id") or info.get("run_uuid")) if isinstance(info, Mapping) else None
        if name is None:
            raise SignalsError("holds a run without an id", REMEDY, file=file.name)
        found[name] = run
    if not found:
        raise SignalsError("is no answer of MLflow: it has neither traces nor a run", REMEDY, file=file.name)
    return found


def _complete(spool: Spool, runs: Mapping[str, Any], source: Source, last: InputFile) -> None:
    """A trace whose run is not there has no variant, unless the source says where that stands."""
    if "variant" in source.map or "variant" in source.options:
        return
    traces: Iterable[Trace] = spool.rows("trace")
    lost = {run for trace in traces if (run := source_run(trace)) and run not in runs and variant_of(trace) is None}
    if lost:
        what = f"names {len(lost)} runs that no file describes (such as {min(lost)}), so nobody knows the variant"
        raise SignalsError(what, "Save the answer of runs/get for each, or map `variant`", file=last.name)
