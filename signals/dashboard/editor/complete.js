// Completion and hover from the words that the server sends: keys by place, facts, states, calls, checks.

import { placeAt, placeNames } from "./place.js";

const MOST = 200_000; // characters of a text that is looked through at every key
const CONDITIONS = new Set(["when", "that"]);
const SIGNAL_KEYS = new Set(["signal", "put", "above"]);

/** The words as they are used here: every fact under its full name. */
export function expand(sent) {
  const facts = [...sent.release];
  for (const [signal, kind] of Object.entries(sent.signals)) {
    for (const [name, type, told] of sent.facts[kind] ?? []) facts.push([`${signal}.${name}`, type, told]);
  }
  return { ...sent, facts };
}

/** The entries of a place: `[name, type, meaning, choices]`. */
function keysOf(words, path) {
  const steps = path.filter((step) => typeof step !== "number");
  if (steps[0] === "tests" && steps[1] === "given") {
    if (steps.length > 2) return words.elements;
    const states = words.states.map(([name]) => name);
    const named = Object.entries(words.signals).map(([name, kind]) => [name, "state", `A signal of kind ${kind}`, states]);
    return [...named, ...words.facts];
  }
  for (const name of placeNames(path, words.signals)) if (words.places[name]) return words.places[name];
  return [];
}

function option([label, detail, info], type, apply) {
  return { label, detail, info: info || undefined, type, apply: apply || label };
}

/** A completion source over the words that `read()` gives. */
export function completions(read) {
  return (context) => {
    const words = read();
    if (context.state.doc.length > MOST) return null;
    const place = placeAt(context.state.doc.toString(), context.pos);
    if (place.comment) return null;
    const wide = CONDITIONS.has(place.key) || place.path.includes("given");
    const before = context.matchBefore(wide ? /[\w.]*/ : /[\w-]*/);
    if (!context.explicit && before.from === before.to) return null;
    const options = place.key === null ? keyOptions(words, place, context) : valueOptions(words, place);
    return options.length ? { from: before.from, options, validFor: wide ? /^[\w.]*$/ : /^[\w-]*$/ } : null;
  };
}

function keyOptions(words, place, context) {
  const colon = /^\s*:/.test(context.state.doc.lineAt(context.pos).text.slice(context.pos - context.state.doc.lineAt(context.pos).from));
  const keys = keysOf(words, place.path);
  return keys.map((entry, number) => ({
    ...option(entry, "property", colon ? entry[0] : `${entry[0]}: `), boost: Math.max(-number, -99),
  }));
}

function valueOptions(words, place) {
  if (CONDITIONS.has(place.key)) return conditionOptions(words, place.typed);
  const signals = Object.entries(words.signals).map(([name, kind]) => option([name, kind], "variable"));
  if (SIGNAL_KEYS.has(place.key)) return signals;
  if (place.key === "by" || place.key === "overruled") return signals;
  const entry = keysOf(words, place.path).find(([name]) => name === place.key);
  const choices = (entry?.[3] ?? []).map((choice) => option([choice, "", meaning(words, choice)], "enum"));
  return choices.map((choice, place) => ({ ...choice, boost: -place })); // in the order of the schema
}

function conditionOptions(words, typed) {
  const states = words.states.map((entry) => option([entry[0], "state", entry[1]], "enum"));
  if (/\bis\s+(not\s+)?\w*$/.test(typed)) return states;
  const facts = words.facts.map((entry) => option(entry, "variable"));
  const named = Object.entries(words.signals).map(([name, kind]) => option([name, `${kind}: is …`, "Its state is asked with `is`"], "class"));
  const grammar = words.grammar.map(([name, info]) => option([name, "", info], "keyword"));
  const list = /\b(any|all)\(\s*[\w.]+\s*,[^)]*$/.test(typed);
  return [...(list ? words.elements.map((entry) => option(entry, "property")) : []), ...named, ...facts, ...grammar];
}

function meaning(words, word) {
  return [...words.states, ...words.calls, ...words.grammar].find(([name]) => name === word)?.[1] ?? "";
}

/**
 * What the word at `pos` means, or null.
 *
 * @returns {{from: number, to: number, title: string, text: string}|null}
 */
export function explain(words, text, pos) {
  if (text.length > MOST) return null;
  let from = pos;
  let to = pos;
  while (from > 0 && /[\w.-]/.test(text[from - 1])) from -= 1;
  while (to < text.length && /[\w.-]/.test(text[to])) to += 1;
  if (from === to) return null;
  const word = text.slice(from, to).replace(/^-/, "");
  const place = placeAt(text, to);
  if (place.comment) return null;
  const found = place.key === null ? keysOf(words, place.path).find(([name]) => name === word) : valueMeaning(words, place, word);
  if (!found) return null;
  const [title, type, told] = found;
  return { from, to, title: type ? `${title} · ${type}` : title, text: told };
}

function valueMeaning(words, place, word) {
  const plain = [...words.states, ...words.calls, ...words.grammar].find(([name]) => name === word);
  if (CONDITIONS.has(place.key)) {
    const list = /\b(any|all)\(\s*[\w.]+\s*,[^)]*$/.test(place.typed);
    const element = list ? words.elements.find(([name]) => name === word) : undefined;
    const fact = element ?? words.facts.find(([name]) => name === word);
    if (fact) return fact;
  }
  if (words.signals[word]) return [word, words.signals[word], "A signal of this policy"];
  return plain ? [plain[0], "", plain[1]] : null;
}
