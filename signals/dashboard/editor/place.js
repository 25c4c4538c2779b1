// Where in hierarchy.yaml the caret stands, from the text before it alone: half-typed text has no syntax tree to trust.

const NUMBER = "number";

/**
 * The place of `pos` in `text`.
 *
 * @param {string} text The whole document.
 * @param {number} pos Offset of the caret.
 * @returns {{path: (string|number)[], key: string|null, typed: string, comment: boolean}}
 *   `path` are the keys and positions above; `key` is the key whose value is being typed, null while a key is typed;
 *   `typed` is that value or key as far as it goes.
 */
export function placeAt(text, pos) {
  const blocks = []; // keys and list positions of block style, each with its indent
  let flow = []; // open { and [, innermost last
  let literal = null; // indent of the key whose value is a | or > text
  let found = { path: [], key: null, typed: "", comment: false };
  const lines = text.slice(0, pos).split("\n");
  lines.forEach((line, number) => {
    const last = number === lines.length - 1;
    if (flow.length) {
      found = scan(line, 0, flow, blocks);
      return;
    }
    let column = line.length - line.trimStart().length;
    if (literal !== null) {
      if (!line.trim() || column > literal) {
        found = { path: names(blocks), key: "", typed: "", comment: false };
        return;
      }
      literal = null;
    }
    if (!line.trim() || line.trimStart().startsWith("#")) {
      if (last) {
        const above = blocks.filter((block) => block.indent < column);
        found = { path: names(above), key: null, typed: "", comment: line.trimStart().startsWith("#") };
      }
      return;
    }
    while (line[column] === "-" && (column + 1 === line.length || line[column + 1] === " ")) {
      let position = 0;
      while (blocks.length && ends(blocks.at(-1), column)) {
        const gone = blocks.pop();
        if (gone.indent === column) position = gone.name + 1;
      }
      blocks.push({ indent: column, name: position });
      column += 1;
      while (line[column] === " ") column += 1;
    }
    const rest = line.slice(column);
    const pair = /^("[^"]*"|'[^']*'|[^\s#:{}[\],&*!|>'"%@`][^:#{}[\],]*?)\s*:(\s+|$)/.exec(rest);
    if (!pair) {
      while (blocks.length && blocks.at(-1).indent >= column) blocks.pop();
      found = /^[{[]/.test(rest)
        ? scan(line, column, flow, blocks)
        : { path: names(blocks), key: null, typed: rest, comment: false };
      return;
    }
    while (blocks.length && blocks.at(-1).indent >= column) blocks.pop();
    blocks.push({ indent: column, name: bare(pair[1]) });
    const start = column + pair[0].length;
    const value = line.slice(start);
    if (/^[{[]/.test(value)) {
      found = scan(line, start, flow, blocks);
    } else {
      if (/^[|>]/.test(value)) literal = column;
      const comment = /(^|\s)#/.exec(unquoted(value));
      found = {
        path: names(blocks.slice(0, -1)),
        key: blocks.at(-1).name,
        typed: value,
        comment: comment !== null,
      };
    }
  });
  return found;
}

/** Whether an entry is left behind by a dash at `column`: deeper ones are, and the item before it. */
function ends(block, column) {
  return block.indent > column || (block.indent === column && typeof block.name === NUMBER);
}

function names(blocks) {
  return blocks.map((block) => block.name);
}

function bare(word) {
  return word.replace(/^(["'])(.*)\1$/, "$2");
}

/** The text with everything between quotes blanked, so that a # in it is no comment. */
function unquoted(text) {
  return text.replace(/"[^"]*"?|'[^']*'?/g, (quoted) => "x".repeat(quoted.length));
}

/** Read flow style from `start` to the end of the line, opening and closing brackets of `flow`. */
function scan(line, start, flow, blocks) {
  let quote = "";
  let comment = false;
  for (let at = start; at < line.length; at += 1) {
    const sign = line[at];
    const top = flow.at(-1);
    if (quote) {
      if (sign === quote) quote = "";
      top.typed += sign;
    } else if ((sign === '"' || sign === "'") && top && !top.typed.trim()) {
      quote = sign;
      top.typed += sign;
    } else if (sign === "#" && (at === 0 || line[at - 1] === " ")) {
      comment = true;
      break;
    } else if (sign === "{" || sign === "[") {
      flow.push({ list: sign === "[", key: null, position: 0, typed: "" });
    } else if (sign === "}" || sign === "]") {
      flow.pop();
      if (!flow.length) return { path: names(blocks), key: "", typed: "", comment: false };
    } else if (sign === ",") {
      if (top.list) top.position += 1;
      top.key = null;
      top.typed = "";
    } else if (sign === ":" && !top.list && top.key === null && /^(\s|$|[{[])/.test(line.slice(at + 1))) {
      top.key = bare(top.typed.trim());
      top.typed = "";
    } else {
      top.typed += sign;
    }
  }
  const path = names(blocks);
  flow.slice(0, -1).forEach((open) => path.push(open.list ? open.position : open.key));
  const top = flow.at(-1);
  const typed = top.typed.trimStart();
  if (!top.list) return { path, key: top.key, typed, comment };
  return { path: path.slice(0, -1), key: String(path.at(-1) ?? ""), typed, comment }; // a word in a list of words
}

/**
 * The name under which the server lists the keys of a path, most special first.
 *
 * @param {(string|number)[]} path As `placeAt` gives it.
 * @param {Object<string, string>} signals Kind by name.
 */
export function placeNames(path, signals) {
  let steps = path.filter((step) => typeof step !== NUMBER);
  if (steps[0] === "kinds" && steps.length === 2) return ["kinds.*"];
  if (steps[0] === "kinds" && steps.length > 2) steps = steps.slice(2);
  if (steps[0] !== "signals" || steps.length < 2) return [steps.join(".")];
  const generic = ["signals", "*", ...steps.slice(2)].join(".");
  const kind = signals[steps[1]];
  return kind ? [`${generic}#${kind}`, generic] : [generic];
}
