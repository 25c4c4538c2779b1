// Colours and sizes: the page's own theme variables, so that light and dark follow the reader's choice.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const ink = "var(--st-text-color)";
const soft = "light-dark(#5a6475, #a3adbd)";
const line = "var(--st-border-color)";
const paper = "var(--st-background-color)";
const wash = "var(--st-secondary-background-color)";
const accent = "light-dark(#2f5fd6, #7d9ff0)";
const fail = "light-dark(#c3302b, #ff7a70)";
const warn = "light-dark(#8a5a00, #f0b54a)";

const wave = (colour) => ({
  backgroundImage: "none",
  textDecoration: `underline wavy ${colour} 1.5px`,
  textUnderlineOffset: "3px",
  textDecorationSkipInk: "none",
});
const dot = (colour, shape) => ({ content: `"${shape}"`, color: colour, fontWeight: "800", fontSize: "13px" });

const look = EditorView.theme({
  "&": { color: ink, backgroundColor: paper, fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--st-code-font), monospace", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: ink, padding: "6px 0" },
  ".cm-gutters": { backgroundColor: wash, color: soft, borderRight: `1px solid ${line}` },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 4px 0 8px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--st-primary-color) 8%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--st-primary-color) 14%, transparent)", color: ink },
  ".cm-cursor": { borderLeftColor: ink, borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 28%, transparent)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 24%, transparent)",
    outline: `1px solid ${accent}`,
  },
  ".cm-foldPlaceholder": { backgroundColor: wash, borderColor: line, color: soft, padding: "0 4px" },
  ".cm-tooltip": { backgroundColor: paper, color: ink, border: `1px solid ${line}`, borderRadius: "6px", boxShadow: "0 4px 16px rgb(0 0 0 / 18%)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--st-code-font), monospace", maxHeight: "15em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--st-primary-color)", color: "#fff" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail": { color: "#fff" },
  ".cm-completionDetail": { color: soft, fontStyle: "normal", marginLeft: "10px" },
  ".cm-completionInfo": { padding: "6px 10px", maxWidth: "min(300px, 70vw)", fontFamily: "var(--st-font), sans-serif" },
  ".cm-hover": { padding: "6px 10px", maxWidth: "380px", fontFamily: "var(--st-font), sans-serif", lineHeight: "1.4" },
  ".cm-hover b": { fontFamily: "var(--st-code-font), monospace", fontSize: "12.5px" },
  ".cm-diagnostic": { fontFamily: "var(--st-font), sans-serif", padding: "5px 10px", maxWidth: "420px" },
  ".cm-diagnostic-error": { borderLeftColor: fail },
  ".cm-diagnostic-warning": { borderLeftColor: warn },
  ".cm-lintRange-error": wave(fail),
  ".cm-lintRange-warning": wave(warn),
  ".cm-gutter-lint": { width: "1.2em" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 0 0 2px" },
  ".cm-lint-marker-error, .cm-lint-marker-warning": { content: "normal", width: "auto", height: "auto", textAlign: "center" },
  ".cm-lint-marker-error::before": dot(fail, "✕"),
  ".cm-lint-marker-warning::before": dot(warn, "!"),
  ".cm-panels": { backgroundColor: wash, color: ink, borderColor: line },
  ".cm-panels-top": { borderBottom: `1px solid ${line}` },
  ".cm-panel.cm-search": { fontFamily: "var(--st-font), sans-serif", padding: "6px 28px 6px 8px" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label": { fontSize: "13px", fontFamily: "inherit" },
  ".cm-panel.cm-search input[type=checkbox]": { verticalAlign: "-2px" },
  ".cm-panel.cm-search [name=close]": { color: ink, fontSize: "18px", right: "8px", cursor: "pointer" },
  ".cm-textfield": { backgroundColor: paper, color: ink, border: `1px solid ${line}`, borderRadius: "4px", padding: "2px 6px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: paper, color: ink, border: `1px solid ${line}`, borderRadius: "4px" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, #f0b54a 40%, transparent)" },
  ".cm-searchMatch-selected": { backgroundColor: "color-mix(in srgb, #f0b54a 75%, transparent)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "light-dark(#1d4fb8, #8fb1ff)" },
  { tag: tags.comment, color: soft },
  { tag: tags.string, color: "light-dark(#117a45, #4cc38a)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: soft },
  { tag: [tags.keyword, tags.bool, tags.number], color: "light-dark(#8a3ea8, #d7a3ee)" },
]);

export const theme = [look, syntaxHighlighting(colours)];
