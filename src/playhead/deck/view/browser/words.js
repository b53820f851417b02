"use strict";
// Numbers and texts as people read them. What was not reported is said so, or left out; it is never 0.

const whole = (count) => (count < 1e15 ? count.toLocaleString("en") : String(count));
const plural = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Seconds: `0.34 s`, `12 ms`, `1 min 18 s`; "" where nobody measured them. */
function seconds(value) {
  if (value === null || value === undefined) return "";
  if (!(value >= 0 && value < 1e9)) return "?";
  if (value === 0) return "0 s";
  if (value < 0.0005) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 0.0995) return `${Number((value * 1e3).toPrecision(3))} ms`;
  if (value < 99.95) return `${value < 9.995 ? value.toFixed(2) : value.toFixed(1)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 100) return `${minutes} min ${Math.floor(value % 60)} s`;
  return `${whole(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** How long an exchange took, or several together, as far as that was measured. */
const took = (...exchanges) => {
  const known = exchanges.filter((one) => !one.untimed);
  return known.length ? seconds(known.reduce((sum, one) => sum + one.took, 0)) : "";
};

/** Whom a tape's steps asked, "provider:model", each once. */
const whomOf = (tape) => [...new Set(tape.steps.map((step) => step.asked))];

const size = (bytes) =>
  bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** `{cost, least, source}` in words; "" where nothing is known. */
function dollars(bill) {
  if (bill.cost !== undefined) return `${bill.source ? "about " : ""}$${bill.cost}`;
  return bill.least !== undefined ? `at least $${bill.least}` : "";
}

/** `97 in + 31 out, 12 cached`; "" where nothing was counted. */
function tokens(usage) {
  if (!usage || (usage.input === undefined && usage.output === undefined)) return "";
  const words = [`${usage.input === undefined ? "?" : whole(usage.input)} in + ${usage.output === undefined ? "?" : whole(usage.output)} out`];
  if (usage.cached) words.push(`${whole(usage.cached)} cached`);
  if (usage.cache_write) words.push(`${whole(usage.cache_write)} written to the cache`);
  if (usage.reasoning) words.push(`${whole(usage.reasoning)} of reasoning`);
  return words.join(", ");
}

const both = (usage) => (usage ? (usage.input ?? 0) + (usage.output ?? 0) : null);

/** The tape's date: what the answer's header says, or Unix seconds. */
function dated(date) {
  if (typeof date === "string") {
    const parsed = Date.parse(date);
    if (Number.isNaN(parsed)) return line(date, 60);
    date = parsed / 1000;
  }
  if (typeof date !== "number" || date < 1420070400 || date > 8.64e12) return "";
  return new Date(date * 1000).toISOString().replace("T", " ").slice(0, 16) + " UTC";
}

// Controls, and what turns the direction of a line: shown, not obeyed.
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text as nodes: what would command the page or hide is written out, as `U+202E`. */
function spoken(text) {
  text = text.replaceAll("\r\n", "\n");
  if (text.search(ODD) < 0) return [text];
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(ODD)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(make("span", { class: "odd", title: "a character that is not shown" }, `U+${code}`));
    at = match.index + 1;
    if (nodes.length > 4000) break;
  }
  nodes.push(text.slice(at).replace(ODD, "\ufffd"));
  return nodes;
}

/** Prose without the marks that make words strong or code. */
const unmarked = (text) => text.replaceAll("**", "").replaceAll("`", "");

/** The same as one string, for a line or a label. */
const line = (text, most = 160) => text.slice(0, most * 2).replace(ODD, "\ufffd").replace(/\s+/g, " ").trim().slice(0, most);
