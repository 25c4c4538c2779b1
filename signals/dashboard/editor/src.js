// The policy editor: CodeMirror over hierarchy.yaml, told by the server what is wrong and which words exist.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, EditorState } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, hoverTooltip, keymap,
  lineNumbers, tooltips,
} from "@codemirror/view";
import { completions, expand, explain } from "./complete.js";
import { theme } from "./theme.js";

const PAUSE = 250; // milliseconds without a key before the server is asked
const NARROW = "(max-width: 760px)"; // a phone: scrolling sideways would hide half of every line
const HELP = "Ctrl+S saves · Ctrl+Space completes · Ctrl+F finds · Esc, then Tab leaves the editor";
const fromServer = Annotation.define();
const editors = new WeakMap(); // one editor per place on the page, kept while the page redraws around it

export default function mount(component) {
  const { parentElement: root, data: [data] } = component;
  const kept = editors.get(root);
  const editor = kept ?? create(root, data);
  editors.set(root, editor);
  editor.component = component;
  update(editor, data, !kept);
  return () => {
    flush(editor);
    window.removeEventListener("beforeunload", editor.leaving);
    editor.view.destroy();
    editors.delete(root);
  };
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

function create(root, data) {
  const place = root.querySelector(".policy-editor") ?? root;
  const frame = element("div", "frame", place);
  const editor = {
    frame, version: data.version, sent: 0, dirty: false, timer: 0, words: expand(data.words), component: null,
    code: element("div", "code", frame),
    problems: element("div", "problems", frame),
    tips: element("div", "tips", place), // outside the frame, which would cut them off
  };
  editor.problems.setAttribute("role", "group");
  editor.problems.setAttribute("aria-label", "Problems: each moves the caret to its place");
  const status = element("div", "status", frame);
  editor.count = element("span", "count", status);
  editor.count.setAttribute("role", "status");
  editor.count.setAttribute("aria-live", "polite");
  editor.help = element("span", "help", status);
  editor.help.id = "policy-editor-help";
  editor.help.textContent = HELP;
  // A draft lives as long as the page is open: the browser asks before it goes.
  editor.leaving = (event) => { if (editor.unsaved || editor.dirty) event.preventDefault(); };
  window.addEventListener("beforeunload", editor.leaving);
  // Streamlit has shortcuts of its own on single letters; what is typed here is for the editor.
  frame.addEventListener("keydown", (event) => event.stopPropagation());
  editor.view = new EditorView({ root: root instanceof ShadowRoot ? root : document, parent: editor.code, state: start(editor, data) });
  return editor;
}

function start(editor, data) {
  return EditorState.create({
    doc: data.text,
    extensions: [
      keymap.of([{ key: "Mod-s", preventDefault: true, run: () => save(editor) }]),
      lineNumbers(), lintGutter(), foldGutter(), history(), drawSelection(), highlightActiveLine(), highlightActiveLineGutter(),
      highlightSpecialChars(), bracketMatching(), closeBrackets(), indentOnInput(), indentUnit.of("  "),
      highlightSelectionMatches(), search({ top: true }), yaml(), theme,
      EditorState.tabSize.of(2),
      ...(matchMedia(NARROW).matches ? [EditorView.lineWrapping] : []),
      autocompletion({ override: [completions(() => editor.words)], activateOnTyping: true, maxRenderedOptions: 60 }),
      hoverTooltip((view, pos) => tooltip(editor, view, pos)),
      tooltips({ position: "fixed", parent: editor.tips }),
      keymap.of([
        ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap,
        indentWithTab,
      ]),
      EditorView.contentAttributes.of({
        "aria-label": data.label, "aria-describedby": "policy-editor-help", spellcheck: "false", autocapitalize: "off",
        tabindex: "0",
      }),
      EditorView.updateListener.of((change) => changed(editor, change)),
      EditorView.domEventHandlers({ blur: () => flush(editor) }),
    ],
  });
}

// --- to the server ----------------------------------------------------------------------------------------------------

function changed(editor, change) {
  if (!change.docChanged || change.transactions.some((one) => one.annotation(fromServer))) return;
  editor.dirty = true;
  clearTimeout(editor.timer);
  editor.timer = setTimeout(() => flush(editor), PAUSE);
}

function flush(editor) {
  clearTimeout(editor.timer);
  if (!editor.dirty) return;
  editor.dirty = false;
  editor.sent += 1;
  editor.component.setStateValue("draft", message(editor));
}

function message(editor) {
  return { text: editor.view.state.doc.toString(), version: editor.version, sent: editor.sent };
}

function save(editor) {
  flush(editor);
  editor.component.setTriggerValue("save", message(editor));
  return true;
}

// --- from the server --------------------------------------------------------------------------------------------------

function update(editor, data, fresh) {
  editor.words = expand(data.words);
  editor.unsaved = data.unsaved;
  editor.frame.style.height = `${data.height}px`;
  if (!fresh && data.version !== editor.version) {
    clearTimeout(editor.timer);
    editor.dirty = false;
    editor.view.dispatch({ changes: between(editor.view.state.doc.toString(), data.text), annotations: fromServer.of(true) });
  }
  const replaced = fresh || data.version !== editor.version;
  editor.version = data.version;
  if (fresh) editor.sent = data.sent;
  // Problems of an older text would be underlined in the wrong place: the answer to the newest one is on its way.
  if (!replaced && (editor.dirty || data.sent !== editor.sent)) return;
  show(editor, data.problems);
}

/** The one change that turns a text into another, as small as its ends allow, so that the caret stays where it was. */
function between(old, text) {
  const most = Math.min(old.length, text.length);
  let from = 0;
  while (from < most && old[from] === text[from]) from += 1;
  let end = 0;
  while (end < most - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  return { from, to: old.length - end, insert: text.slice(from, text.length - end) };
}

function show(editor, problems) {
  const doc = editor.view.state.doc;
  const placed = problems.map((problem) => ({ ...problem, range: range(doc, problem) }));
  const diagnostics = placed.filter((one) => one.range).map((one) => ({
    ...one.range, severity: one.severity, message: one.remedy ? `${one.what}. ${one.remedy}` : one.what,
  }));
  diagnostics.sort((one, other) => one.from - other.from);
  const { view } = editor;
  const caret = caretShows(view);
  view.dispatch(setDiagnostics(view.state, diagnostics));
  list(editor, placed);
  // A longer list leaves less room above it: the line that somebody works on stays in sight.
  if (caret) view.dispatch({ effects: EditorView.scrollIntoView(view.state.selection.main.head, { y: "nearest", yMargin: 20 }) });
  const errors = problems.filter((one) => one.severity === "error").length;
  const warnings = problems.length - errors;
  const parts = [];
  if (errors) parts.push(`${errors} ${errors === 1 ? "error" : "errors"}`);
  if (warnings) parts.push(`${warnings} ${warnings === 1 ? "warning" : "warnings"}`);
  editor.count.textContent = parts.join(", ") || "No problems";
  editor.count.className = `count ${errors ? "bad" : warnings ? "odd" : "good"}`;
}

function caretShows(view) {
  const caret = view.coordsAtPos(view.state.selection.main.head);
  const box = view.scrollDOM.getBoundingClientRect();
  return view.hasFocus && caret !== null && caret.top >= box.top && caret.bottom <= box.bottom;
}

/** The word at a place that is counted in characters from 1, as the server counts; of a row its first pair. */
function range(doc, problem) {
  if (!problem.line || problem.line > doc.lines) return null;
  const line = doc.line(problem.line);
  const start = Array.from(line.text).slice(0, (problem.column || 1) - 1).join("").length;
  const lead = /^[\s{[]*(-\s[\s{[]*)?/.exec(line.text.slice(start))[0].length;
  const rest = line.text.slice(start + lead);
  const word = /^(-?[\w.%]+:\s+[\w.-]+(?=[,}]))?/.exec(rest)[0] || /^("[^"]*"|'[^']*'|[^\s,{}[\]:]+|\S)?/.exec(rest)[0];
  let from = line.from + start + lead;
  let to = from + word.length;
  if (from === to && from > line.from) from -= 1;
  if (from === to && to < line.to) to += 1;
  return { from, to };
}

function list(editor, problems) {
  const focused = [...editor.problems.children].indexOf(editor.problems.getRootNode().activeElement);
  editor.problems.replaceChildren(...problems.map((problem) => row(editor, problem)));
  if (focused >= 0) editor.problems.children[Math.min(focused, problems.length - 1)]?.focus();
}

function row(editor, problem) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = problem.severity;
  const mark = element("span", "mark", button);
  mark.textContent = problem.severity === "error" ? "✕" : "!";
  mark.setAttribute("aria-label", problem.severity);
  element("span", "where", button).textContent = problem.line ? `line ${problem.line}` : "";
  const told = element("span", "what", button);
  told.append(problem.what);
  if (problem.remedy) element("span", "remedy", told).textContent = ` ${problem.remedy}`;
  button.addEventListener("click", () => {
    if (problem.range) {
      const end = Math.min(problem.range.from, editor.view.state.doc.length);
      editor.view.dispatch({ selection: { anchor: end }, effects: EditorView.scrollIntoView(end, { y: "center" }) });
    }
    editor.view.focus();
  });
  return button;
}

function tooltip(editor, view, pos) {
  const found = explain(editor.words, view.state.doc.toString(), pos);
  if (!found) return null;
  return {
    pos: found.from, end: found.to, above: true,
    create() {
      const dom = document.createElement("div");
      dom.className = "cm-hover";
      element("b", "", dom).textContent = found.title;
      element("div", "", dom).textContent = found.text;
      return { dom };
    },
  };
}
