"""The files of an lm-eval run: samples, each with the results that stand beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from signals.connectors.archives import members
from signals.connectors.evals.output import number
from signals.connectors.jsonfile import dig, load_json
from signals.connectors.paths import InputFile, input_files
from signals.model import Project, SignalsError, Source

TIME = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
PACKED = r"(?:\.(?:gz|zst|bz2|xz))?"
SAMPLES = re.compile(rf"samples_(.+)_({TIME})\.jsonl{PACKED}")
RESULTS = re.compile(rf".+_({TIME})\.json{PACKED}")


@dataclass(frozen=True)
class Run:
    """One task of one run."""

    file: InputFile
    task: str
    time: str
    results: Mapping[str, Any]
    at: datetime | None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the model."""
        found = dig(self.results, "config.model_args")
        return found if isinstance(found, Mapping) else {}


def pairs_of(source: Source, project: Project) -> list[tuple[InputFile, InputFile | None]]:
    """The files of samples that ``path:`` names, each with its results.

    Raises:
        SignalsError: When a file is neither, or there are no samples at all.
    """
    pairs: list[tuple[InputFile, InputFile | None]] = []
    for file in input_files(source, project):
        name = PurePath(file.name).name
        found = SAMPLES.fullmatch(name)
        if found:
            pairs.append((file, _beside(file, found[2], source, project)))
        elif not RESULTS.fullmatch(name):
            remedy = "Keep the names that the tool gives: samples_TASK_TIME.jsonl, results_TIME.json"
            raise SignalsError("is named like no file of lm-eval's samples or results", remedy, file=file.name)
    if not pairs:
        remedy = "Run with --log_samples, and name samples_*.jsonl in `path:`"
        what = f"source {source.name!r}: `path:` names results without samples, and results hold no item"
        raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
    return pairs


def _beside(file: InputFile, time: str, source: Source, project: Project) -> InputFile | None:
    """The results file of the run: beside the samples, and named with the same time."""
    if file.member is not None:  # beside it in the archive
        for one in members(replace(file, name=file.outer, member=None)):
            found = RESULTS.fullmatch(PurePath(one.name).name)
            if found and found[1] == time and PurePath(one.name).parent == PurePath(file.name).parent:
                return one
        return None
    home = project.sources_path.parent.resolve()
    for path in sorted(file.path.parent.iterdir()):
        found = RESULTS.fullmatch(path.name)
        allowed = source.options.get("allow_outside") or path.resolve().is_relative_to(home)
        if found and found[1] == time and allowed and path.is_file():
            return InputFile(path.resolve(), str(PurePath(file.name).with_name(path.name)))
    return None


def run_of(file: InputFile, beside: InputFile | None, source: Source) -> Run:
    """What the names and the results say of the samples in a file.

    Raises:
        SignalsError: When there are no results and the source does not say what they would.
    """
    found = SAMPLES.fullmatch(PurePath(file.name).name)
    task, time = (found[1], found[2]) if found else ("", "")
    if beside is None:
        if not source.options.get("scorer_version"):
            what = f"the results of its run (results_{time}.json) are not beside it: model and task version are unknown"
            remedy = "Put them there, or say both: `scorer_version:` and `variant:`"
            raise SignalsError(what, remedy, file=file.name)
        return Run(file, task, time, {}, None)
    results = load_json(beside)
    if not isinstance(results, Mapping) or not isinstance(results.get("config"), Mapping):
        raise SignalsError("is no results file of lm-eval: it has no config", "Export it again", file=beside.name)
    date = number(results.get("date"))
    at = datetime.fromtimestamp(date, UTC) if date and 0 < date < 1e11 else None
    config = dict(results["config"])
    if isinstance(config.get("model_args"), str):
        config["model_args"] = dict(_argument(part) for part in config["model_args"].split(",") if part.strip())
    return Run(file, task, time, {**results, "config": config}, at)


def _argument(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip(), value.strip()
