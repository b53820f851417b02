"use strict";
// Messages on the page: who speaks, and each part of what is said.

/** Lines, and characters, of one text that are shown before somebody asks for the rest. */
const LINES = 60;
const LETTERS = 6000;

/** A message as a turn: the speaker in the margin, the parts beside. `label` says who, where it is not the role. */
function turn(message, label) {
  const who = label ?? (message.name ? `${message.role} ${line(message.name, 40)}` : message.role);
  return make("div", { class: `turn from-${message.role}` },
    make("h4", null, who), make("div", { class: "parts" }, message.parts.map((part) => partOf(part, message.role))));
}

/** A part of a message. */
function partOf(part, role) {
  switch (part.kind) {
    case "text": return role === "system" && part.text.length > 700 ? folded(`${line(part.text, 90)} …`, prose(part.text)) : prose(part.text);
    case "reasoning":
      if (part.sealed) return make("p", { class: "note" }, "(reasoning that only the provider can read)");
      return part.text ? make("div", { class: "reasoning" }, folded(`Reasoning, ${plural(part.text.length, "character")}`, prose(part.text))) : "";
    case "refusal": return make("div", { class: "said-failure" }, "refused: ", ...spoken(part.text));
    case "call": return make("div", { class: "call" }, make("p", null, `→ ${line(part.name)}`), given(part.arguments));
    case "result":
      return make("div", { class: `result${part.error ? " failed" : ""}` },
        make("p", null, `← ${line(part.name || part.id)}${part.error ? " failed" : ""}`), part.parts.map(resultPart));
    case "file": return file(part);
    case "source": return make("p", { class: "note" }, "source: ", part.title ? `${line(part.title, 200)}, ` : "", link(part.url));
    case "native": return folded(`${line(part.name)}, in the provider's own way`, ...codeBlock(laidOut(part.value) ?? part.value, true));
    default: return make("p", { class: "note" }, `(${part.kind})`);
  }
}

function resultPart(part) {
  if (part.kind !== "text") return partOf(part);
  return clamped(part.text, (text) => codeBlock(laidOut(text) ?? text, laidOut(text) !== null));
}

/** A call's arguments: laid out where they are JSON, as they are where they are broken. */
function given(text) {
  const laid = laidOut(text);
  if (laid === "{}" || !text.trim()) return "";
  const short = laid !== null && text.length < 72 ? text : laid ?? text;
  return codeBlock(short, laid !== null);
}

function folded(title, ...content) {
  return make("details", null, make("summary", null, title), ...content);
}

/** A file: an image is shown, where its bytes are on the tape; everything else is named. Nothing is fetched. */
function file(part) {
  const what = [part.type || "file", part.name ? line(part.name, 120) : "", part.size === undefined ? "" : size(part.size)];
  const words = what.filter(Boolean).join(", ");
  if (part.data) return make("img", { class: "picture", alt: words, title: words, src: `data:${part.type.toLowerCase()};base64,${part.data}` });
  return make("p", { class: "file" }, words, part.url ? " at " : "", part.url ? link(part.url) : "");
}

/** A link that is followed only by who clicks it; text where it leads to no web page. */
function link(url) {
  const shown = line(url, 300);
  return /^https?:\/\//i.test(url) ? make("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, shown) : shown;
}

/** Prose: code in fences set apart, `code` and **strong** words as such, everything else as it is written. */
function prose(text) {
  return make("div", { class: "prose" }, clamped(text, (shown) => {
    const nodes = [];
    shown.split(/^(```[^\n]*\n[\s\S]*?\n```[ \t]*)$/m).forEach((piece, index) => {
      if (index % 2) nodes.push(...codeBlock(piece.replace(/^```[^\n]*\n|\n```[ \t]*$/g, ""), false));
      else if (piece.trim()) nodes.push(make("div", { class: "text", dir: "auto" }, inline(piece.replace(/^\n+|\s+$/g, ""))));
    });
    return nodes;
  }));
}

function inline(text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).flatMap((piece, index) => {
    if (index % 2 === 0) return spoken(piece);
    return piece[0] === "`" ? make("code", null, ...spoken(piece.slice(1, -1))) : make("strong", null, ...spoken(piece.slice(2, -2)));
  });
}

/** What `build` makes of the text; of one that is long, of its beginning, with a button for the rest. */
function clamped(text, build) {
  const lines = text.split("\n", LINES + 20);
  if (text.length <= LETTERS && lines.length < LINES + 20) return build(text);
  const start = lines.slice(0, LINES).join("\n").slice(0, LETTERS);
  const box = make("div", { "data-cut": "1" }, build(start));
  const more = make("button", { type: "button", class: "more", click: () => { delete box.dataset.cut; box.replaceChildren(...build(text)); } },
    `Show all of it, ${plural(text.length, "character")}`);
  box.append(more);
  return [box];
}

/** Show to its end what is shown in part. */
function unfold(root) {
  for (const fold of root.querySelectorAll("details:not([open])")) fold.open = true;
  for (const more of root.querySelectorAll("button.more")) more.click();
}
