import assert from "node:assert/strict";
import { test } from "node:test";
import { completions, expand, explain } from "./complete.js";
import { placeAt, placeNames } from "./place.js";

/** Path, key and typed text at the mark `¦`. */
function at(marked) {
  const pos = marked.indexOf("¦");
  const { path, key, typed } = placeAt(marked.replace("¦", ""), pos);
  return [path.join("/"), key, typed];
}

const CASES = [
  ["¦", "", null, ""],
  ["na¦", "", null, "na"],
  ["name: rel¦", "", "name", "rel"],
  ["signals:\n  judge:\n    ¦", "signals/judge", null, ""],
  ["signals:\n  judge:\n    kind: judge\n    mar¦", "signals/judge", null, "mar"],
  ["signals:\n  judge:\n    kind: ju¦", "signals/judge", "kind", "ju"],
  ["signals:\n  judge:\n    trust: {min_items: 5, ma¦", "signals/judge/trust", null, "ma"],
  ["signals:\n  judge:\n    trust:\n      max_age: ¦", "signals/judge/trust", "max_age", ""],
  ["signals:\n  judge:\n    trust: {a: 1}\n  ¦", "signals", null, ""],
  ["signals:\n  judge:\n    segments: [plan, lo¦", "signals/judge", "segments", "lo"],
  ["hierarchy:\n  - {signal: judge, wi¦", "hierarchy/0", null, "wi"],
  ["hierarchy:\n  - {signal: judge}\n  - {signal: x, win: sh¦", "hierarchy/1", "win", "sh"],
  ["hierarchy:\n- signal: judge\n  wi¦", "hierarchy/0", null, "wi"],
  ["hierarchy:\n- signal: judge\n- signal: p\notherwise: h¦", "", "otherwise", "h"],
  ["hierarchy:\n  - signal: judge\n    when: judge.hu¦", "hierarchy/0", "when", "judge.hu"],
  ['hierarchy:\n  - {when: "any(a.segments, sh¦', "hierarchy/0", "when", '"any(a.segments, sh'],
  ["kinds:\n  model:\n    hierarchy:\n      - {signal: ¦", "kinds/model/hierarchy/0", "signal", ""],
  ["tests:\n  - name: x\n    given: {panel: fl¦", "tests/0/given", "panel", "fl"],
  ["tests:\n  - name: x\n    given:\n      a.segments:\n        - {na¦", "tests/0/given/a.segments/0", null, "na"],
  ["tests:\n  - {name: x, expect: {call: h¦", "tests/0/expect", "call", "h"],
  ["a: {b: 1,\n  c: {d: 2},\n  e¦", "a", null, "e"],
  ["question: 'what: {x'\nna¦", "", null, "na"],
  ["a: |\n  text: x\n  more\nb¦", "", null, "b"],
];

for (const [marked, path, key, typed] of CASES) {
  test(`place of ${JSON.stringify(marked)}`, () => assert.deepEqual(at(marked), [path, key, typed]));
}

test("a comment is no place to complete in", () => {
  assert.equal(placeAt("# when", 6).comment, true);
  assert.equal(placeAt("name: x  # when", 15).comment, true);
  assert.equal(placeAt("name: 'a # b", 12).comment, false);
});

test("any text has a place", () => {
  const signs = ["a", ":", " ", "\n", "  ", "- ", "{", "}", "[", "]", ",", '"', "'", "#", "|", ">", "x: ", "\t"];
  let seed = 7;
  const next = () => (seed = (seed * 48271) % 2147483647);
  for (let round = 0; round < 3000; round += 1) {
    let text = "";
    for (let count = next() % 24; count > 0; count -= 1) text += signs[next() % signs.length];
    const found = placeAt(text, next() % (text.length + 1));
    assert.ok(Array.isArray(found.path));
  }
});

test("names of places, the special one first", () => {
  assert.deepEqual(placeNames(["signals", "j", "trust"], { j: "judge" }), ["signals.*.trust#judge", "signals.*.trust"]);
  assert.deepEqual(placeNames(["kinds", "model", "hierarchy", 3], {}), ["hierarchy"]);
  assert.deepEqual(placeNames(["kinds", "model"], {}), ["kinds.*"]);
  assert.deepEqual(placeNames([], {}), [""]);
});

const WORDS = expand({
  places: {
    "": [["otherwise", "one of", "The call when no row answers", ["ship", "hold"]]],
    hierarchy: [["win", "one of", "The call in this state", ["ship", "hold"]], ["when", "condition", "Speaks while it holds"]],
    "signals.*.trust#judge": [["min_items", "number", "items in both arms"]],
  },
  signals: { judge: "judge" },
  release: [["release.age", "seconds", "since it started"]],
  facts: { judge: [["benefit", "effect", "positive is good"], ["segments", "list", "the segments"]] },
  elements: [["share", "share", "its share of the units"]],
  states: [["win", "above 0"], ["loss", "below 0"]],
  calls: [["ship", "it goes out"], ["hold", "it waits"]],
  grammar: [["and", "both hold"]],
});

/** Labels offered at the mark, as if Ctrl+Space was pressed. */
function offered(marked) {
  const pos = marked.indexOf("¦");
  const text = marked.replace("¦", "");
  const context = {
    pos, explicit: true,
    state: {
      doc: {
        length: text.length,
        toString: () => text,
        lineAt: () => ({ from: text.lastIndexOf("\n", pos - 1) + 1, text: text.split("\n")[text.slice(0, pos).split("\n").length - 1] }),
      },
    },
    matchBefore: (pattern) => {
      const found = new RegExp(`(?:${pattern.source})$`).exec(text.slice(0, pos));
      return { from: found.index, to: pos, text: found[0] };
    },
  };
  return completions(() => WORDS)(context)?.options.map((one) => one.label) ?? null;
}

test("what is offered fits the place", () => {
  assert.deepEqual(offered("¦"), ["otherwise"]);
  assert.deepEqual(offered("otherwise: ¦"), ["ship", "hold"]);
  assert.deepEqual(offered("hierarchy:\n  - {signal: ¦"), ["judge"]);
  assert.deepEqual(offered("hierarchy:\n  - {signal: judge, ¦"), ["win", "when"]);
  assert.deepEqual(offered("hierarchy:\n  - {when: judge is ¦"), ["win", "loss"]);
  assert.ok(offered("hierarchy:\n  - {when: jud¦").includes("judge.benefit"));
  assert.equal(offered('hierarchy:\n  - {when: "any(judge.segments, ¦')[0], "share");
  assert.deepEqual(offered("signals:\n  judge:\n    trust: {¦"), ["min_items"]);
  assert.ok(offered("tests:\n  - given: {¦").includes("judge.benefit"));
  assert.deepEqual(offered("tests:\n  - given: {judge: ¦"), ["win", "loss"]);
  assert.equal(offered("# oth¦"), null);
});

test("hover says what a word means where it stands", () => {
  const text = "otherwise: hold\nhierarchy:\n  - {when: judge.benefit > 0, win: ship}";
  assert.equal(explain(WORDS, text, 3).text, "The call when no row answers");
  assert.equal(explain(WORDS, text, 13).text, "it waits");
  assert.equal(explain(WORDS, text, text.indexOf("benefit")).title, "judge.benefit · effect");
  assert.equal(explain(WORDS, text, text.indexOf("win")).text, "The call in this state");
  assert.equal(explain(WORDS, text, text.indexOf("> 0")), null);
});
