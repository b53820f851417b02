"use strict";
// Two tapes side by side, step by step, and the first place where what was said, called or answered is not the same.
// Ids that a provider makes up do not count: `run.like` has one number for messages that say the same.

const sides = { left: 0, right: 1, filled: null, first: -1 };

/** The rows of two tapes: steps of the same number in conversations of the same number. */
function pairs(one, other) {
  const rows = [];
  const talks = Math.max(one.conversations.length, other.conversations.length);
  for (let talk = 0; talk < talks; talk++) {
    const [a, b] = [one.conversations[talk], other.conversations[talk]];
    const [from, to] = [a?.steps[0] ?? 0, b?.steps[0] ?? 0];
    const steps = Math.max(a ? a.steps[1] - from : 0, b ? b.steps[1] - to : 0);
    for (let step = 0; step < steps; step++) {
      const [left, right] = [a && from + step < a.steps[1] ? from + step : -1, b && to + step < b.steps[1] ? to + step : -1];
      rows.push({ talk, step, left, right, parts: parting(one.steps[left], other.steps[right]) });
    }
  }
  return rows;
}

/** What differs between two steps, in words; "" where nothing does. */
function parting(one, other) {
  if (!one || !other) return one ? "only on the left" : "only on the right";
  const like = (numbers) => numbers.map((number) => run.like[number]).join();
  if (like(one.said) !== like(other.said)) return "they were asked differently";
  if (one.settings !== other.settings) return "the model or its settings differ";
  if ((one.answer === null) !== (other.answer === null)) return one.answer === null ? "no answer on the left" : "no answer on the right";
  if (one.answer !== null && run.like[one.answer] !== run.like[other.answer]) {
    const calls = (number) => JSON.stringify(run.messages[number].parts.filter((part) => part.kind === "call").map((part) => [part.name, part.arguments]));
    return calls(one.answer) === calls(other.answer) ? "the answers differ" : "different tools were called";
  }
  return like(one.results.map((result) => result.message)) === like(other.results.map((result) => result.message)) ? "" : "the tools answered differently";
}

function layCompare() {
  sides.filled?.stop();
  const box = byId("compare");
  const [one, other] = [run.tapes[sides.left], run.tapes[sides.right]];
  const rows = pairs(one, other);
  sides.first = rows.findIndex((row) => row.parts);
  const options = (chosenTape) => run.tapes.map((each, number) => make("option", { value: number, selected: number === chosenTape }, line(each.name)));
  const pick = (side) => make("select", { "aria-label": `Tape on the ${side}`, change: (event) => { sides[side] = Number(event.target.value); layCompare(); } }, options(sides[side]));
  const row = (name, value) => make("tr", null, make("th", { scope: "row" }, name), make("td", null, value(one)), make("td", null, value(other)));
  const counted = (each) => each.exchanges.filter((exchange) => exchange.error !== undefined).length;
  const first = rows[sides.first];
  box.replaceChildren(make("div", { class: "sheet" },
    make("table", { class: "beside", "aria-label": "The tapes beside each other" }, make("tbody", null,
      make("tr", null, make("th", { scope: "row" }, "tape"), make("td", null, pick("left")), make("td", null, pick("right"))),
      row("model", (each) => line(whomOf(each).join(", ")) || "none"),
      row("steps", (each) => whole(each.steps.length)),
      row("exchanges", (each) => `${whole(each.exchanges.length)}${counted(each) ? `, ${whole(counted(each))} refused or failed` : ""}`),
      row("tokens", (each) => tokens(each.usage) || "not reported"), row("cost", (each) => dollars(each) || "not reported"), row("time", (each) => seconds(lasting(each)) || "not reported"))),
    make("p", { class: "sum" }, first ? make("button", { type: "button", id: "to-first", click: goToFirst }, `They part at step ${first.step + 1}: ${first.parts}`)
      : make("strong", { id: "to-first" }, rows.length ? "They say the same, step by step." : "Neither has a conversation."))));
  sides.filled = lazily(box, rows.length, (index) => make("article", {
    class: `pair${rows[index].parts ? "" : " same"}${index === sides.first ? " parts" : ""}`, "aria-label": `Step ${rows[index].step + 1}`, tabindex: index === sides.first ? "-1" : null,
  }), (index) => {
    const { left, right, parts, talk, step } = rows[index];
    const told = parts || "the same";
    const title = make("h3", null, `${one.conversations.length > 1 || other.conversations.length > 1 ? `Conversation ${talk + 1}, step` : "Step"} ${step + 1}`);
    if (!parts) {
      const fold = make("details", null, make("summary", null, `the same: ${line(wordsOf(one.steps[left]))}`));
      fold.addEventListener("toggle", () => fold.childElementCount === 1 && fold.append(...stepContent(one, left)));
      return [make("header", null, title, fold)];
    }
    const side = (each, place) => make("div", null, place < 0 ? make("p", { class: "note" }, "nothing here") : stepContent(each, place));
    return [
      make("header", null, title, make("span", { class: index === sides.first ? "mark" : "" }, index === sides.first ? `the first difference: ${told}` : told)),
      side(one, left), side(other, right)];
  });
}

/** A step in a few words: what was answered, or what was called. */
function wordsOf(step) {
  const parts = step.answer === null ? [] : run.messages[step.answer].parts;
  return parts.map((part) => (part.kind === "text" ? unmarked(part.text.slice(0, 400)) : part.kind === "call" ? `→ ${part.name}` : "")).join(" ") || "no answer";
}

function goToFirst() {
  sides.filled.fill(sides.first);
  const article = sides.filled.articles[sides.first];
  bringUp(byId("compare"), article);
  article.focus({ preventScroll: true });
}

function startCompare() {
  if (run.tapes.length < 2) return;
  byId("tab-compare").hidden = false;
  when("pane", () => { if (at.pane === "compare" && !sides.filled) layCompare(); });
}
