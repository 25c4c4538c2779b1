"""``hierarchy.yaml`` -> ``Policy``: strictly, with every problem at its line and column, and nothing half-loaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from signals import strictyaml
from signals.model import Metric, Problem, Signal, SignalsError
from signals.policy.conditions import Condition, checked
from signals.policy.costs import Costs, faults
from signals.policy.rules import Guardrail, Override, Policy, Requirement, Row, Rules
from signals.policy.syntax import RESERVED, Fault
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.policy import schema

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
MAX_TEXT = 40_000  # characters: five times the shipped policy; the densest such text is read in about a second
MAX_TRIED = 1_000_000  # letters of conditions times tests: what is run in about half a second
MOST = 1_000  # conditions read of a file whose shape is wrong: those of a sound file are fewer
_ANSWERS = ("win", "loss", "flat", "unclear", "untrusted", "missing")


def load_policy(path: Path | str) -> Policy:
    """Read a policy file.

    Raises:
        SignalsError: Every problem at once, each with file, line, column and what to do.
    """
    path = Path(path)
    return parse_policy(strictyaml.read_text(path), str(path))


def parse_policy(text: str, file: str = "hierarchy.yaml") -> Policy:
    """Read a policy from its text; ``file`` is the name that messages use.

    Raises:
        SignalsError: Every problem at once, each with file, line, column and what to do.
    """
    if len(text) > MAX_TEXT:
        raise SignalsError(
            f"is {len(text):,} characters; a policy has at most {MAX_TEXT:,}", "Split it by kind of release", file=file
        )
    return _Loader(strictyaml.parse(text, file)).policy()


class _Loader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.conditions: dict[Loc, Condition] = {}
        self.signals: dict[str, Signal] = {}
        self.lines = document.text.splitlines()

    def say(self, loc: Loc, what: str, remedy: str = "", *, key: bool = False) -> None:
        self.problems.append(self.document.problem(loc, what, remedy, key=key))

    def policy(self) -> Policy:
        shape = self.shape()
        if shape is not None:
            self.signals = self.declare(shape)
        self.compile(known=shape is not None)
        if shape is not None and self.signals:
            rules, kinds = self.rules(shape)
            tests = self.tests(shape, rules, kinds)
        if self.problems or shape is None:
            raise SignalsError(tuple(sorted(set(self.problems), key=lambda p: (p.line or 0, p.column or 0, p.what))))
        text = self.document.text
        return Policy(
            name=shape.name,
            hash="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
            text=text,
            file=self.document.file,
            owner=shape.owner,
            review_by=shape.review_by,
            confidence=shape.confidence,
            signals=self.signals,
            rules=rules,
            kinds=kinds,
            tests=tests,
            costs=_costs(shape.costs),
        )

    # --- the shape --------------------------------------------------------------------------------------------------

    def shape(self) -> schema.File | None:
        from signals.policy import schema

        declared = self.document.data.get("signals") if isinstance(self.document.data, dict) else None
        wrong: set[Loc] = set()
        for name, raw in declared.items() if isinstance(declared, dict) else ():
            kind = raw.get("kind") if isinstance(raw, dict) else None
            if isinstance(kind, str) and kind not in schema.READABLE:
                wrong.add(("signals", name))
                remedy = suggest(kind, schema.READABLE)
                what = f"signals of kind {kind!r:.40} are unknown"
                self.say(("signals", name, "kind"), what, remedy)
            elif isinstance(raw, dict) and "kind" not in raw:
                wrong.add(("signals", name))
                kinds = ", ".join(schema.READABLE)
                self.say(("signals", name), f"signal {name}: key 'kind' is missing", f"One of {kinds}", key=True)
        unpriced = list(faults(self.document.data))
        for loc, what, remedy, key in unpriced:
            self.say(loc, what, remedy, key=key)
        try:
            shape = strictyaml.validate(self.document, schema.File)
        except SignalsError as error:
            places = {self.document.place(loc) for loc in wrong}
            places |= {self.document.place(loc, key=key) for loc, _, _, _ in unpriced for key in (True, False)}
            self.problems += [
                _comma(problem) for problem in error.problems if (problem.line, problem.column) not in places
            ]
            return None
        return None if wrong else shape

    # --- signals ----------------------------------------------------------------------------------------------------

    def declare(self, shape: schema.File) -> dict[str, Signal]:
        signals = {}
        for name, spec in shape.signals.items():
            self.signal_name(name)
            self.signal_sense(("signals", name), spec)
            signals[name] = _signal(name, spec, shape.confidence)
        for name in signals:
            self.held_against(name, signals)
        return {name: replace(one, people=_people(one, signals.values())) for name, one in signals.items()}

    def signal_name(self, name: str) -> None:
        loc: Loc = ("signals", name)
        if not _NAME.fullmatch(name):
            better = re.sub(r"\W+", "_", name).strip("_")[:40]
            remedy = f"Write {better!r}" if _NAME.fullmatch(better) else "Use letters, digits and _"
            self.say(loc, f"signal name {name!r:.60} cannot be used in conditions", remedy, key=True)
        elif name.lower() in RESERVED:
            what = f"{name!r} is {RESERVED[name.lower()]} and cannot name a signal"
            self.say(loc, what, "Rename it, for example after what it measures", key=True)

    def held_against(self, name: str, signals: Mapping[str, Signal]) -> None:
        """What a signal's past is held against: another signal, and in the end one that is not held against it."""
        loc: Loc = ("signals", name, "against")
        other = signals[name].against
        if not other:
            if "track_correlation" in signals[name].trust:
                what = f"{name} asks for track_correlation and does not say with which signal"
                remedy = "Add `against:` with the signal whose truth comes slower and is worth waiting for"
                self.say(("signals", name, "trust", "track_correlation"), what, remedy, key=True)
        elif other not in signals:
            self.say(loc, f"unknown signal {other!r:.60}", suggest(other, [one for one in signals if one != name]))
        else:
            chain = [name]
            while other in signals and other not in chain:
                chain.append(other)
                other = signals[other].against
            if other == name:
                what = "itself" if len(chain) == 1 else f"{chain[1]}, which is held against it in turn"
                remedy = "Hold fast signals against one that needs no such proof"
                self.say(loc, f"{name} is held against {what}", remedy)

    def distance_sense(self, loc: Loc, spec: Any) -> None:
        """A distance has no segments, and a margin on its own scale."""
        if spec.segments:
            self.say((*loc, "segments"), "a drift signal is not read by segment", "Leave them out", key=True)
        if spec.margin.relative or spec.margin.text.endswith("pp") or spec.margin.value >= 0.5:
            what = f"{spec.margin.text} is no margin for a distance between 0 and 0.5"
            self.say((*loc, "margin"), what, "Write it like 0.1")

    def signal_sense(self, loc: Loc, spec: Any) -> None:
        metric = getattr(spec, "metric", None)
        if metric is not None and metric.type == "quantile" and metric.quantile is None:
            self.say((*loc, "metric", "type"), "a quantile metric says which quantile", "Add `quantile: 0.9`")
        elif metric is not None and metric.type != "quantile" and metric.quantile is not None:
            remedy = "Write `type: quantile`, or drop it"
            self.say((*loc, "metric", "quantile"), f"a {metric.type} has no quantile", remedy, key=True)
        if len(set(spec.segments)) < len(spec.segments):
            self.say((*loc, "segments"), "a segment is named twice", "Name each once")
        margin = spec.margin
        if margin is None:
            return
        if spec.kind == "drift":
            self.distance_sense(loc, spec)
            return
        if margin.relative and getattr(spec, "estimate", "") == "superiority":
            self.say((*loc, "margin"), f"{margin.text} of what? A preference has no control level", "Write it like 0.1")
            return
        proportion = spec.kind == "feedback" or (metric is not None and metric.type == "proportion")
        in_points = margin.text.endswith("pp")
        if in_points and (spec.kind == "panel" or (metric is not None and not proportion)):
            thing = "a panel's scale" if metric is None else f"a {metric.type}"
            self.say((*loc, "margin"), f"{margin.text} does not fit {thing}", "Write it like 0.1, or 2% of control")
        elif proportion and not margin.relative and margin.value >= 1:
            self.say(
                (*loc, "margin"), f"a margin of {margin.text} is 100 pp or more of a proportion",
                f"Write it in percentage points, like {margin.text.removesuffix('pp')}pp" if not in_points else "",
            )  # fmt: skip

    # --- conditions -------------------------------------------------------------------------------------------------

    def compile(self, *, known: bool) -> None:
        """Compile all of them; when the signals are not known, at least read them."""
        for loc, text in _conditions(self.document.data)[: None if known else MOST]:
            try:
                if known:
                    self.conditions[loc] = checked(text, self.signals)
                else:
                    from signals.policy.grammar import parse

                    parse(text)
            except Fault as fault:
                self.problems.append(self.fault(loc, text, fault))

    def fault(self, loc: Loc, text: str, fault: Fault) -> Problem:
        """At the very character when the condition stands in the file as it is read: plain or quoted, on one line."""
        line, column = self.document.place(loc)
        raw = self.lines[line - 1][column - 1 :] if line <= len(self.lines) else ""
        quote = raw[:1] if raw[:1] in ("'", '"') else ""
        if raw[len(quote) :].startswith(text):
            return Problem(fault.what, fault.remedy, self.document.file, line, column + len(quote) + fault.at)
        what = f"{fault.what} (character {fault.at + 1} of the condition)"
        return Problem(what, fault.remedy, self.document.file, line, column)

    # --- rules ------------------------------------------------------------------------------------------------------

    def rules(self, shape: schema.File) -> tuple[Rules, dict[str, Rules]]:
        top = Rules(
            hierarchy=self.rows(("hierarchy",), shape.hierarchy),
            otherwise=shape.otherwise,
            overrides=self.overrides(("overrides",), shape.overrides),
            guardrails=self.guardrails(("guardrails",), shape.guardrails),
            ship_requires=self.requirements(("ship_requires",), shape.ship_requires),
        )
        self.movable(("overrides",), top)
        kinds = {}
        for kind, changed in shape.kinds.items():
            loc: Loc = ("kinds", kind)
            rules = Rules(
                hierarchy=top.hierarchy
                if changed.hierarchy is None
                else self.rows((*loc, "hierarchy"), changed.hierarchy),
                otherwise=changed.otherwise or top.otherwise,
                overrides=top.overrides
                if changed.overrides is None
                else self.overrides((*loc, "overrides"), changed.overrides),
                guardrails=top.guardrails
                if changed.guardrails is None
                else self.guardrails((*loc, "guardrails"), changed.guardrails),
                ship_requires=top.ship_requires
                if changed.ship_requires is None
                else self.requirements((*loc, "ship_requires"), changed.ship_requires),
            )
            if changed.overrides is not None:
                self.movable((*loc, "overrides"), rules)
            kinds[str(kind)] = rules
        return top, kinds

    def rows(self, loc: Loc, shapes: Iterable[schema.RowShape]) -> tuple[Row, ...]:
        rows = []
        for number, shape in enumerate(shapes):
            here: Loc = (*loc, number)
            self.known_signal((*here, "signal"), shape.signal)
            answers = {state: getattr(shape, state) for state in _ANSWERS}
            calls: Any = {state: call for state, call in answers.items() if call not in (None, "next")}
            passed: Any = frozenset(state for state, call in answers.items() if call == "next")
            rows.append(Row(_rule(here), shape.signal, calls, self.conditions.get((*here, "when")), passed))
        return tuple(rows)

    def overrides(self, loc: Loc, shapes: list[schema.OverrideShape]) -> tuple[Override, ...]:
        self.unique(loc, [shape.id for shape in shapes])
        found = []
        for number, shape in enumerate(shapes):
            here: Loc = (*loc, number)
            self.known_signal((*here, "put"), shape.put)
            self.known_signal((*here, "above"), shape.above)
            if shape.put == shape.above:
                self.say((*here, "above"), f"{shape.put} is put above itself", "Name the row that it outranks")
            when = self.conditions.get((*here, "when"))
            if when is not None:
                found.append(Override(_rule(here), shape.id, shape.put, shape.above, when, shape.because))
        return tuple(found)

    def movable(self, loc: Loc, rules: Rules) -> None:
        """An override that names a signal without a row would never do anything."""
        ranked = {row.signal for row in rules.hierarchy}
        for number, override in enumerate(rules.overrides):
            for key, signal in (("put", override.put), ("above", override.above)):
                if signal in self.signals and signal not in ranked:
                    self.say(
                        (*loc, number, key), f"{signal} has no row in the hierarchy", "Add one, or drop the override"
                    )

    def guardrails(self, loc: Loc, shapes: list[schema.GuardrailShape]) -> tuple[Guardrail, ...]:
        self.unique(loc, [shape.id for shape in shapes])
        found = []
        for number, shape in enumerate(shapes):
            when = self.conditions.get((*loc, number, "when"))
            if when is not None:
                found.append(Guardrail(_rule((*loc, number)), shape.id, when, shape.call, shape.because))
        return tuple(found)

    def requirements(self, loc: Loc, shapes: list[schema.RequirementShape]) -> tuple[Requirement, ...]:
        self.unique(loc, [shape.id or " ".join(shape.that.split()) for shape in shapes], key="that")
        found = []
        for number, shape in enumerate(shapes):
            that = self.conditions.get((*loc, number, "that"))
            if that is not None:
                name = shape.id or " ".join(shape.that.split())
                found.append(Requirement(_rule((*loc, number)), name, that, shape.because))
        return tuple(found)

    def unique(self, loc: Loc, names: list[str], key: str = "id") -> None:
        for number, name in enumerate(names):
            here: Loc = (*loc, number, key)
            if name in names[:number]:
                self.say(here, f"{name!r:.60} is used twice", "Give each its own id")
            elif name in self.signals or name == "otherwise":
                self.say(here, f"{name!r:.60} is taken: a verdict could not say who decided", "Choose another id")

    def known_signal(self, loc: Loc, name: str) -> None:
        if name not in self.signals:
            self.say(loc, f"unknown signal {name!r:.60}", suggest(name, self.signals))

    # --- tests ------------------------------------------------------------------------------------------------------

    def tests(self, shape: schema.File, rules: Rules, kinds: Mapping[str, Rules]) -> tuple[Any, ...]:
        from signals.policy.cases import read_tests

        letters = max(
            _letters(one.hierarchy) + _letters(one.overrides) + _letters(one.guardrails) + _letters(one.ship_requires)
            for one in (rules, *kinds.values())
        )
        if letters * len(shape.tests) > MAX_TRIED:
            what = f"{len(shape.tests):,} tests of rules with {letters:,} letters of conditions take too long to run"
            self.say(("tests",), what, "Keep fewer tests, or fewer rules")
            return ()
        return read_tests(self.document, shape.tests, self.signals, rules, kinds, self.problems)


def _letters(rules: Iterable[Row | Override | Guardrail | Requirement]) -> int:
    """Letters of the conditions, and as many as a short one for what a rule takes beside it."""
    asked = (rule.that if isinstance(rule, Requirement) else rule.when for rule in rules)
    return sum(10 + (len(condition.text) if condition else 0) for condition in asked)


def _rule(loc: Loc) -> str:
    """``("kinds", "model", "hierarchy", 1)`` -> ``kinds.model.hierarchy[1]``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")


def _signal(name: str, spec: Any, confidence: float) -> Signal:
    metric = getattr(spec, "metric", None)
    return Signal(
        name=name,
        kind=spec.kind,
        question=spec.question,
        better=spec.better,
        confidence=confidence if spec.confidence is None else spec.confidence,
        margin=spec.margin,
        metric=Metric(metric.name, metric.type, metric.quantile) if metric else None,
        looks=getattr(spec, "looks", "fixed"),
        planned_units=getattr(spec, "planned_units", None),
        estimate=getattr(spec, "estimate", "raw"),
        scorer=getattr(spec, "scorer", None),
        dimension=getattr(spec, "dimension", None),
        human_scale=getattr(spec, "human_scale", None),
        raters=getattr(spec, "raters", "random"),
        segments=tuple(spec.segments),
        trust=spec.trust.given,
        owner=spec.owner,
        against=spec.against or "",
    )


def _people(judge: Signal, signals: Iterable[Signal]) -> Literal["alike", "mirrored", "mixed"]:
    """Whether the panels that may have graded a judge's outputs have its own ``better``: all, none, or only some.

    A panel of another question than the judge is held against gives it no grades.
    """
    if judge.kind != "judge":
        return "alike"
    panels = [one for one in signals if one.kind == "panel"]
    asked = {one.better for one in panels if judge.dimension is None or one.dimension in (None, judge.dimension)}
    if len(asked) > 1:
        return "mixed"
    return "alike" if asked <= {judge.better} else "mirrored"


def _costs(shape: schema.CostsShape | None) -> Costs | None:
    if shape is None:
        return None
    prices = {name: one.model_dump(exclude_none=True) for name, one in (shape.model_extra or {}).items()}
    return Costs(shape.currency, prices)


def _conditions(data: Any) -> list[tuple[Loc, str]]:
    """Every condition of the raw data with its place, whatever else is wrong with the file."""
    keys = {"hierarchy": "when", "overrides": "when", "guardrails": "when", "ship_requires": "that"}
    found: list[tuple[Loc, str]] = []

    def section(part: Any, loc: Loc) -> None:
        for name, key in keys.items():
            rows = part.get(name) if isinstance(part, dict) else None
            for number, row in enumerate(rows if isinstance(rows, list) else ()):
                if isinstance(row, dict) and isinstance(row.get(key), str):
                    found.append(((*loc, name, number, key), row[key]))

    section(data, ())
    kinds = data.get("kinds") if isinstance(data, dict) else None
    for kind, part in kinds.items() if isinstance(kinds, dict) else ():
        section(part, ("kinds", kind))
    return found


def _comma(problem: Problem) -> Problem:
    """An unknown key that looks like half a condition: a comma has ended it inside { }."""
    if problem.what.startswith("unknown key") and re.search(r"[()<>=]", problem.what):
        remedy = "A comma ends a value inside { }: put the condition in quotes"
        return Problem(problem.what, remedy, problem.file, problem.line, problem.column)
    return problem
