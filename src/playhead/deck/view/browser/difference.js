"use strict";
// What two steps asked, one against the other: the messages that were added, taken out or changed, and the settings.

/** The longest list of numbers that both have in their order, as pairs of places; long lists that differ in the midst are
    taken as replaced there. */
function common(one, other) {
  let head = 0;
  while (head < one.length && head < other.length && one[head] === other[head]) head++;
  let tail = 0;
  while (tail < one.length - head && tail < other.length - head && one.at(-1 - tail) === other.at(-1 - tail)) tail++;
  const [a, b] = [one.slice(head, one.length - tail), other.slice(head, other.length - tail)];
  const rows = [];
  for (let at = 0; at < head; at++) rows.push(["same", one[at]]);
  if (a.length * b.length > 1e6) {
    a.forEach((number) => rows.push(["removed", number]));
    b.forEach((number) => rows.push(["added", number]));
  } else rows.push(...least(a, b));
  for (let at = tail; at > 0; at--) rows.push(["same", one.at(-at)]);
  return rows;
}

function least(a, b) {
  const best = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  }
  const rows = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) rows.push(["same", a[i]]), i++, j++;
    else if (i < a.length && (j >= b.length || best[i + 1][j] >= best[i][j + 1])) rows.push(["removed", a[i++]]);
    else rows.push(["added", b[j++]]);
  }
  return rows;
}

/** Two texts word by word, as nodes. */
function wordByWord(before, after) {
  const cut = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  return common(cut(before), cut(after)).map(([what, word]) => (what === "same" ? word : make(what === "added" ? "ins" : "del", null, ...spoken(word))));
}

const against = { from: null, to: null };

function layDifference() {
  [against.from, against.to] = [null, null];
}

/** Look at the chosen step against the one before it in its conversation. */
function aimDifference() {
  const place = stepAt(at.exchange);
  const step = tape().steps[place];
  if (!step) return;
  against.to = place;
  against.from = step.number > 1 ? place - 1 : place;
  showDifference();
}

function showDifference() {
  if (at.pane !== "difference") return;
  const box = byId("difference");
  const { steps, conversations } = tape();
  if (!steps.length) return box.replaceChildren(make("p", { class: "talk" }, "No step is on this tape: nothing on it is a conversation with a model."));
  if (against.to === null) return aimDifference();
  const field = (name, label) => make("label", null, label, " ", make("input", {
    type: "number", id: `step-${name}`, min: 1, max: steps.length, value: against[name] + 1,
    change: (event) => {
      against[name] = Math.min(Math.max((Number(event.target.value) || 1) - 1, 0), steps.length - 1);
      showDifference();
      byId(`step-${name}`).focus();
    },
  }));
  const [one, other] = [steps[against.from], steps[against.to]];
  const rows = common(historyOf(one.history), historyOf(other.history));
  const count = (what) => rows.filter(([kind]) => kind === what).length;
  const sum = against.from === against.to ? "One step against itself: all that it asked." :
    `${plural(count("same"), "message")} the same, ${whole(count("added"))} added, ${whole(count("removed"))} taken out`;
  const spent = one.usage && other.usage && one.usage.input !== undefined && other.usage.input !== undefined
    ? `, ${whole(one.usage.input)} → ${whole(other.usage.input)} tokens in` : "";
  const which = (step) => (conversations.length > 1 ? `conversation ${step.conversation + 1}, step ${step.number}` : `step ${step.number}`);
  box.replaceChildren(make("div", { class: "sheet" },
    make("div", { class: "choose", role: "group", "aria-label": "Which steps" }, "What changed in the prompt ", field("from", "from step"), field("to", "to step"), `of ${whole(steps.length)}`),
    conversations.length > 1 ? make("p", { class: "note" }, `${which(one)} → ${which(other)}`) : "",
    make("p", { class: "sum", role: "status" }, sum + (against.from === against.to ? "" : spent)),
    ...changedSettings(one, other), ...changedMessages(rows, against.from === against.to)));
  sweep();
  tell("shown");
}

function changedMessages(rows, all) {
  const nodes = [];
  let kept = [];
  const flush = () => {
    if (!kept.length) return;
    const numbers = kept;
    kept = [];
    if (all) return nodes.push(...numbers.slice(0, 400).map((number) => turn(run.messages[number])));
    const fold = make("details", null, make("summary", null, `${plural(numbers.length, "message")} the same`));
    fold.addEventListener("toggle", () => fold.childElementCount === 1 && fold.append(...numbers.slice(0, 400).map((number) => turn(run.messages[number]))));
    nodes.push(fold);
  };
  rows.slice(0, 2000).forEach(([what, number], index) => {
    if (what === "same") return kept.push(number);
    flush();
    const [message, next] = [run.messages[number], rows[index + 1]];
    const before = rows[index - 1];
    if (what === "added" && before?.[0] === "removed" && plainPair(run.messages[before[1]], message)) return;
    if (what === "removed" && next?.[0] === "added" && plainPair(message, run.messages[next[1]])) {
      return nodes.push(make("div", { class: "changed" }, make("b", null, `${message.role}, changed`),
        make("div", { class: "text" }, wordByWord(message.parts[0].text, run.messages[next[1]].parts[0].text))));
    }
    nodes.push(make("div", { class: `changed ${what}` }, make("b", null, what === "added" ? "added" : "taken out"), turn(message)));
  });
  flush();
  return nodes;
}

const plainPair = (one, other) => one.role === other.role && [one, other].every((message) =>
  message.parts.length === 1 && message.parts[0].kind === "text" && message.parts[0].text.length < 20000);

function changedSettings(one, other) {
  if (one.settings === other.settings) return [];
  const read = (step) => {
    try { return JSON.parse(run.settings[step.settings]); } catch { return {}; }
  };
  const [before, after] = [read(one), read(other)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [a, b] = [JSON.stringify(before[name]), JSON.stringify(after[name])];
    if (a === b) return [];
    return make("div", { class: "changed" }, make("b", null, `${name}, changed`), make("pre", { class: "code" }, wordByWord((a ?? "not said").slice(0, 20000), (b ?? "not said").slice(0, 20000))));
  });
}

function startDifference() {
  when("tape", layDifference);
  when("select", aimDifference);
  when("pane", showDifference);
}
