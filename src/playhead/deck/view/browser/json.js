"use strict";
// JSON laid out for reading, from its own characters: numbers and names stay as they are written, order and doubles too.
// It is no parser; what is no JSON is given back as null.

/** JSON text with line breaks and indentation; null where it is none. */
function laidOut(text) {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return null;
  try {
    JSON.parse(trimmed);
  } catch {
    return null;
  }
  const out = [];
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
  const found = trimmed.match(tokens) ?? [];
  const newLine = () => out.push("\n", "  ".repeat(Math.min(depth, 60)));
  for (let at = 0; at < found.length; at++) {
    const token = found[at];
    if (token === "{" || token === "[") {
      const closes = found[at + 1] === (token === "{" ? "}" : "]");
      out.push(token);
      if (closes) out.push(found[++at]);
      else depth++, newLine();
    } else if (token === "}" || token === "]") {
      depth--;
      newLine();
      out.push(token);
    } else if (token === ",") out.push(token), newLine();
    else out.push(token === ":" ? ": " : token);
  }
  return out.join("");
}

/** A stream of server-sent events with each event's JSON laid out; null where it is none. */
function laidOutEvents(text) {
  if (!/^(data|event|id|retry|):/m.test(text.slice(0, 2000))) return null;
  return text.replaceAll("\r\n", "\n").replace(/^data: ?([[{].*)$/gm, (all, json) => {
    const laid = laidOut(json);
    return laid === null ? all : `data: ${laid}`;
  });
}

/** Colour the JSON in a text node, as far as its beginning. */
function colourJson(node) {
  const tokens = /("(?:[^"\\\n]|\\.)*")(\s*:)?|(-?\b\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b)/g;
  let count = 0;
  for (let match = tokens.exec(node.data); match && count < 4000; match = tokens.exec(node.data), count++) {
    const name = match[1] === undefined ? "json-number" : match[2] === undefined ? "json-text" : "json-name";
    mark(name, node, match.index, match.index + (match[1] ?? match[3]).length);
  }
}

/** Characters of one text that are put on the page before somebody asks for the rest. */
const GLANCE = 100_000;

/** A block of code or of a body, JSON coloured; what is very long ends with a button. */
function codeBlock(text, json, name = "code") {
  const block = make("pre", { class: name });
  const show = (shown) => {
    block.replaceChildren(...spoken(shown));
    if (json) for (const node of block.childNodes) if (node.nodeType === Node.TEXT_NODE) colourJson(node);
  };
  show(text.length > GLANCE ? text.slice(0, GLANCE) : text);
  if (text.length <= GLANCE) return [block];
  const more = make("button", { type: "button", class: "more", click: () => { show(text); more.remove(); } },
    `Show all ${whole(text.length)} characters`);
  block.dataset.cut = "1";
  return [block, more];
}
