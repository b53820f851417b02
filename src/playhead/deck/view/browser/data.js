"use strict";
// The data of the page: unpacked once, and looked up here alone. Bodies are unpacked when the first of them is asked for.

/** The JSON of a block of the page, decompressed where it was compressed. */
async function unpacked(id) {
  const block = byId(id);
  let text = block.textContent;
  if (block.dataset.packed) {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(block.dataset.packed));
    text = await new Response(plain).text();
  }
  block.remove();
  return JSON.parse(text);
}

/** What `playhead view` wrote: tapes, messages, histories. Set by start.js before anything else runs. */
let run = null;
let loading = null;
let wires = null;

/** Wait until bodies and headers can be had. */
async function bodiesReady() {
  loading ??= unpacked("data-bodies");
  wires = await loading;
}

const put = new Map(); // the bodies that were put together last

/** A body as `{text, bytes}`; bytes is null where it is UTF-8. */
function body(number) {
  const kept = wires.bodies[number];
  if (typeof kept === "object" && !Array.isArray(kept)) {
    return { text: "", bytes: Uint8Array.from(atob(kept.base64), (char) => char.charCodeAt(0)) };
  }
  return { text: bodyText(number), bytes: null };
}

function bodyText(number) {
  const chain = [];
  let at = number;
  while (Array.isArray(wires.bodies[at]) && !put.has(at)) {
    chain.push(at);
    at = wires.bodies[at][0];
  }
  let text = put.get(at) ?? wires.bodies[at];
  for (const next of chain.reverse()) {
    const [, head, tail, between] = wires.bodies[next];
    text = text.slice(0, head) + between + text.slice(text.length - tail);
  }
  put.delete(number);
  put.set(number, text);
  if (put.size > 24) put.delete(put.keys().next().value);
  return text;
}

/** What this body has that the one it goes on from has not, with `around` characters on both sides. */
function freshText(number, around) {
  const kept = wires.bodies[number];
  if (typeof kept === "string") return kept;
  if (!Array.isArray(kept)) return "";
  const text = bodyText(number);
  return text.slice(Math.max(0, kept[1] - around), text.length - Math.max(0, kept[2] - around));
}

const headersOf = (number) => wires.headers[number];

/** The messages of a history, by number, oldest first. */
function historyOf(node) {
  const found = [];
  for (; node >= 0; node = run.nodes[node][0]) found.push(run.nodes[node][1]);
  return found.reverse();
}

/** What an exchange is: answer, refusal, failure, tool, plain. */
function kindOf(exchange) {
  if (exchange.kind === "tool" || exchange.method === "CALL") return exchange.code >= 400 ? "failure" : "tool";
  if (exchange.kind !== "model") return exchange.code >= 400 ? "failure" : "plain";
  if (exchange.error === undefined && exchange.code < 300) return "answer";
  return exchange.code === 429 || exchange.code === 503 || exchange.code === 529 ? "refusal" : "failure";
}

const toolName = (exchange) => exchange.url.replace(/^tool:/, "").replace(/#begun$/, "");
const isMark = (exchange) => exchange.method === "CALL" && exchange.url.endsWith("#begun"); // that a call is under way

/** The words of a list's row or a tip: `{words, code}`. */
function gist(tape, exchange) {
  if (exchange.method === "CALL") return { words: isMark(exchange) ? "begins:" : "", code: toolName(exchange) };
  if (exchange.error !== undefined) return { words: line(exchange.error), code: "" };
  const step = tape.steps[exchange.step];
  if (!step || step.answer === null) return { words: line(`${exchange.method} ${exchange.url}`), code: "" };
  const parts = run.messages[step.answer].parts;
  const calls = parts.filter((part) => part.kind === "call").map((part) => part.name);
  const text = parts.find((part) => (part.kind === "text" || part.kind === "refusal") && part.text.trim());
  const code = calls.length ? `→ ${line(calls.slice(0, 6).join(", "), 80)}` : "";
  return { words: text ? line(unmarked(text.text.slice(0, 400))) : calls.length ? "" : "(no words)", code };
}
