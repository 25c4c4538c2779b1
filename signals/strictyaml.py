"""YAML read strictly, with the place of every key and value, and pydantic's complaints turned into those places.

Refused, each with line and column: tabs, duplicate keys, aliases (a small file can unfold into gigabytes), tags, more
than one document, text over 1 MB, nesting over 40 levels. Dates stay text; who declares the field parses it.
"""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from signals.model import Problem, SignalsError

if TYPE_CHECKING:
    from pydantic import BaseModel

Loc = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound="BaseModel")

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_PROBLEMS = 100  # told at once: nobody reads more, and each costs a search for what was meant


@dataclass(frozen=True)
class Document:
    """Plain data plus the (line, column) of every key and value, both counted from 1."""

    file: str
    text: str
    data: Any
    values: dict[Loc, tuple[int, int]] = field(repr=False)
    keys: dict[Loc, tuple[int, int]] = field(repr=False)

    def place(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value (or key) at ``loc``, or of its nearest ancestor that exists."""
        while loc:
            for places in (self.keys, self.values) if key else (self.values, self.keys):
                if loc in places:
                    return places[loc]
            loc = loc[:-1]
        return self.values.get((), (1, 1))

    def problem(self, loc: Loc, what: str, remedy: str = "", *, key: bool = False, shift: int = 0) -> Problem:
        """A problem at ``loc``; ``shift`` moves the column right, into the text of a one-line value."""
        line, column = self.place(loc, key=key)
        return Problem(what, remedy, self.file, line, column + shift)


def read_text(path: Path) -> str:
    """The text of a configuration file: UTF-8, a byte-order mark is dropped.

    Raises:
        SignalsError: When it is missing, a folder, too large or not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise SignalsError("no such file", "Check --project, or run `signals init`", file=str(path)) from None
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if len(raw) > MAX_BYTES:
        raise SignalsError(f"is {len(raw):,} bytes; at most {MAX_BYTES:,} are read", file=str(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SignalsError("is not UTF-8 text", "Save it as UTF-8", file=str(path), line=line) from None


def load(path: Path, file: str = "") -> Document:
    """Read one YAML file. ``file`` is the name that messages use (default: the path as given)."""
    return parse(read_text(path), file or str(path))


@lru_cache(maxsize=2)  # loading a policy and pointing into its text need the same; nobody changes a document
def parse(text: str, file: str) -> Document:
    """Read one YAML text.

    Raises:
        SignalsError: With line, column and what to do.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_BYTES:
        raise SignalsError(f"is {len(text):,} characters; at most {MAX_BYTES:,} are read", file=file)
    _refuse_deep_flow(text, file)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        what = error.problem or error.context or "is not valid YAML"
        remedy = ""
        bad_line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        if "\t" in bad_line:
            what, remedy, column = "a tab", "Indent with spaces; YAML does not allow tabs", bad_line.index("\t") + 1
        raise SignalsError(f"not valid YAML: {what}", remedy, file=file, line=line, column=column) from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise SignalsError(f"not valid YAML: {error}", file=file) from None
    if node is None:
        raise SignalsError("is empty", "Start from `signals init`", file=file)
    reader = _Reader(file)
    data = reader.read(node, (), 0)
    return Document(file, text, data, reader.values, reader.keys)


def _refuse_deep_flow(text: str, file: str) -> None:
    """Stop before the parser does: it recurses once per bracket."""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        opened = line.count("[") + line.count("{")
        deepest = depth + (opened if opened <= MAX_DEPTH - depth else _deepest(line))
        depth += opened - line.count("]") - line.count("}")
        indent = len(line) - len(line.lstrip(" -?"))
        if deepest > MAX_DEPTH or (line.strip() and indent > 8 * MAX_DEPTH):
            raise SignalsError(f"nested deeper than {MAX_DEPTH} levels", "Flatten it", file=file, line=number)


def _deepest(line: str) -> int:
    """How many brackets of one line stand open at once."""
    steps = (1 if sign in "[{" else -1 for sign in line if sign in "[]{}")
    return max(itertools.accumulate(steps), default=0)


class _Reader:
    """Turns ruamel's nodes into plain data, noting where each came from."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[Loc, tuple[int, int]] = {}
        self.keys: dict[Loc, tuple[int, int]] = {}
        self.seen: set[int] = set()

    def fail(self, node: Any, what: str, remedy: str = "") -> SignalsError:
        mark = node.start_mark
        return SignalsError(what, remedy, file=self.file, line=mark.line + 1, column=mark.column + 1)

    def read(self, node: Any, loc: Loc, depth: int) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        if id(node) in self.seen:
            raise self.fail(
                node, f"an alias (*{node.anchor or 'name'}) is used", "Write the value out: aliases are refused"
            )
        self.seen.add(id(node))
        if depth > MAX_DEPTH:
            raise self.fail(node, f"nested deeper than {MAX_DEPTH} levels", "Flatten it")
        self.values[loc] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, MappingNode):
            return self.mapping(node, loc, depth)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*loc, number), depth + 1) for number, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: Any, loc: Loc, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node.value, str):
                raise self.fail(key_node, "a key must be a plain word")
            key: str = key_node.value
            if key in result:
                first = self.keys[(*loc, key)][0]
                raise self.fail(key_node, f"key {key!r} is written twice (first on line {first})", "Keep one of them")
            self.keys[(*loc, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.read(value_node, (*loc, key), depth + 1)
        return result

    def scalar(self, node: Any) -> Any:
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        text: str = node.value
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            try:
                return int(text.replace("_", ""), 0)
            except ValueError:
                return int(text)
        if tag == "float":
            try:
                return float(text.replace("_", ""))
            except ValueError:
                return float({".inf": "inf", "-.inf": "-inf", "+.inf": "inf"}.get(text.lower(), "nan"))
        if tag in ("str", "timestamp"):
            return text
        raise self.fail(node, f"tag !{tag.lstrip('!')} is not allowed", "Write a plain value")


def validate(document: Document, model: type[ModelT], loc: Loc = ()) -> ModelT:
    """Check the document (or the part at ``loc``) against a pydantic model that forbids extra keys.

    Raises:
        SignalsError: One problem per complaint, at its line and column, with "did you mean" for unknown keys.
    """
    from pydantic import ValidationError

    data = document.data
    for step in loc:
        data = data[step]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        complaints = error.errors(include_url=False)[:MAX_PROBLEMS]
        raise SignalsError(tuple(_problem(document, loc, complaint, model) for complaint in complaints)) from None


def suggest(word: str, known: Any) -> str:
    """``Did you mean 'x'?`` or the list of what there is."""
    names = sorted(str(name) for name in known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""


def _problem(document: Document, loc: Loc, complaint: Any, model: type[BaseModel]) -> Problem:
    # Steps that pydantic adds for the arms of a union are not in the file: keep only those that are.
    path: Loc = loc
    for step in complaint["loc"]:
        if (*path, step) in document.values or (*path, step) in document.keys:
            path = (*path, step)
    name = ".".join(str(step) for step in path[len(loc) :])
    kind, last = complaint["type"], complaint["loc"][-1] if complaint["loc"] else ""
    if kind == "extra_forbidden":
        return document.problem(
            path, f"unknown key {last!r}", suggest(str(last), _keys_near(complaint["loc"], model)), key=True
        )
    if kind == "missing":
        return document.problem(
            path, f"{name + ': ' if name else ''}key {last!r} is missing", f"Add `{last}:`", key=True
        )
    if last == "[key]":
        allowed = re.findall(r"'([^']*)'", str(complaint.get("ctx", {}).get("expected", "")))
        wrong = str(path[-1] if path else "")
        return document.problem(path, f"unknown key {wrong!r}", suggest(wrong, allowed), key=True)
    if kind in ("model_type", "dict_type"):  # pydantic would name a class of ours
        return document.problem(path, f"{name or 'this'} holds keys with values", "Write them below it, one per line")
    message = complaint["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = complaint.get("input")
    what = f"{name}: {message}" if name else message
    if isinstance(shown, (str, int, float, bool)) and repr(shown) not in what:
        what += f" (found {shown!r:.60})"
    return document.problem(path, what)


def _keys_near(loc: tuple[Any, ...], model: Any) -> set[str]:
    """Field names of the model that the unknown key was offered to, as far as it can be followed."""
    from typing import get_args

    from pydantic import BaseModel

    def models(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [found for part in get_args(annotation) for found in models(part)]

    here: list[type[BaseModel]] = [model]
    for step in loc[:-1]:
        deeper, tagged = [], []
        for candidate in here:
            by_name = {info.alias or key: info for key, info in candidate.model_fields.items()}
            if step in by_name:
                deeper += models(by_name[step].annotation)
            if any(step in get_args(info.annotation) for info in by_name.values()):
                tagged.append(candidate)  # the step is the tag of a union, as in `kind: judge`
        here = deeper or tagged or here
    return {info.alias or key for candidate in here for key, info in candidate.model_fields.items()}
