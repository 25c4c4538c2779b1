"""Where the project, the bundled example and the dashboard's front door are, and how a new project starts.

In a checkout they stand at its top; in an installed package they stand beside this file.
"""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path

from signals.model import SignalsError

SOURCES_FILE = Path("data") / "sources.yaml"
PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent

DEFAULT_PRESET = "release-week"
PRESETS = {
    DEFAULT_PRESET: "conversion, then people, then the judge, with vetoes: the policy of the bundled example",
    "people-first": "trained people decide; numbers speak where people see no difference",
    "metrics-first": "what people do on traffic decides; people can object",
    "do-no-harm": "the success metric is better and every guardrail metric is shown to be harmless",
    "cheaper-same-quality": "the bill is smaller and no measure of quality is worse than agreed",
    "offline-only": "no test on traffic yet: a panel, and a judge corrected by it",
    "router": "the bill is smaller, every plan is served as well, and the router's loop is closed",
    "watch": "no release: current weeks against a reference, with an alarm for what goes slowly",
    "distillation": "the bill is smaller and people find no intent worse; a judge that is kin is not heard",
    "documents": "people audit the output document in hand; errors that nobody sees are counted by themselves",
    "lossless": "the same answers, sooner: quality is shown to be equivalent, speed on the traffic's own mix",
    "every-skill": "one model in place of several: no skill got worse, whatever the average says",
    "proxy-aware": "retention decides; judge and thumbs speak for it only while their track record holds",
}
"""Policies to start from, and what each is in a few words."""

SOURCES = """\
# Where evidence comes from. `signals pull` reads it into the store; secrets come only through ${ENV}.
store: ${SIGNALS_STORE:-sqlite:///data/signals.db}

releases: []
  # - {id: prompt-v7, kind: prompt, control: prompt-v6, candidate: prompt-v7, started: 2026-11-10, owner: you}

sources: {}
  # golden-set:
  #   signal: judge                    # a signal of hierarchy.yaml
  #   connector: promptfoo
  #   path: exports/promptfoo/*.json
  #   map: {item: vars.ticket_id, variant: provider.label}

# notify:                              # who is told when a verdict changes: docs/webhooks.md
#   - {url: "${SLACK_WEBHOOK:-}", format: slack}
"""


def folder_of(folder: Path | str | None = None) -> Path:
    """The folder given, else ``$SIGNALS_PROJECT``, else the working directory."""
    return Path(folder or os.environ.get("SIGNALS_PROJECT") or Path.cwd())


def example() -> Path:
    """The bundled example: in place in a checkout, else copied into ``signals-demo`` under the working directory."""
    if (CHECKOUT / "data" / "sources.yaml").is_file():
        return CHECKOUT
    target = Path.cwd() / "signals-demo"
    if not (target / "hierarchy.yaml").exists():
        shutil.copytree(PACKAGE / "_example", target, dirs_exist_ok=True)
    return target


def app() -> Path:
    """The script that Streamlit runs."""
    packaged = PACKAGE / "_app.py"
    return packaged if packaged.is_file() else CHECKOUT / "app.py"


def preset_file(name: str) -> Path:
    """The policy of a preset.

    Raises:
        SignalsError: When there is none of that name.
    """
    if name == DEFAULT_PRESET:
        packaged = PACKAGE / "_example" / "hierarchy.yaml"
        return packaged if packaged.is_file() else CHECKOUT / "hierarchy.yaml"
    if name in PRESETS:
        return PACKAGE / "presets" / f"{name}.yaml"
    near = difflib.get_close_matches(name, PRESETS, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    raise SignalsError(f"there is no preset {name!r:.60}", f"{meant}Choose one of {', '.join(PRESETS)}")


def start(folder: Path, preset: str = DEFAULT_PRESET) -> tuple[Path, ...]:
    """Write ``hierarchy.yaml`` and ``data/sources.yaml``; never over what is there.

    Args:
        folder: Where the project is to be.
        preset: The policy to start from, a key of ``PRESETS``.

    Raises:
        SignalsError: When there is no such preset, a file exists already, or the folder cannot be written.
    """
    policy = preset_file(preset)
    schema = PACKAGE / "policy" / "hierarchy.schema.json"
    # Beside the policy, so that an editor completes and checks it.
    _, _, rest = policy.read_text(encoding="utf-8").partition("\n")
    files = {
        folder / "hierarchy.yaml": f"# yaml-language-server: $schema=./{schema.name}\n{rest}",
        folder / schema.name: schema.read_text(encoding="utf-8"),
        folder / "data" / "sources.yaml": SOURCES,
    }
    for path in files:
        if path.exists():
            raise SignalsError(f"{path} exists already", "Choose an empty folder")
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SignalsError(f"{folder}: cannot be written: {error.strerror}", "Choose another folder") from None
    return tuple(files)
