"use strict";
// The conversation as people read one: each thing said once, steps with their attempts, answers, calls and results.

const talk = { box: null, filled: null, places: new Map(), chosen: null };

/** What stands on the pane, in order: a conversation's head, a step, an exchange that is no conversation. */
function sections() {
  const found = [];
  for (const entry of tape().entries) {
    if (entry.exchange !== undefined) found.push({ exchange: entry.exchange });
    else {
      const conversation = tape().conversations[entry.conversation];
      if (tape().entries.length > 1) found.push({ head: conversation });
      for (let step = conversation.steps[0]; step < conversation.steps[1]; step++) found.push({ step });
    }
  }
  return found;
}

function layConversation() {
  talk.filled?.stop();
  talk.box.replaceChildren();
  talk.box.scrollTop = 0;
  talk.places.clear();
  const all = sections();
  all.forEach((one, index) => {
    if (one.step !== undefined) talk.places.set(`step ${one.step}`, index);
    if (one.exchange !== undefined) talk.places.set(`exchange ${one.exchange}`, index);
  });
  for (const warning of tape().warnings) talk.box.append(make("p", { class: "talk said-refusal" }, ...spoken(warning)));
  if (!all.length) talk.box.append(make("p", { class: "talk" }, "Nothing is on this tape."));
  talk.filled = lazily(talk.box, all.length, (index) => {
    const one = all[index];
    if (one.head) return make("header", { class: "talk" });
    if (one.exchange !== undefined) return make("div", { class: "http" });
    const step = tape().steps[one.step];
    return make("article", { class: "step", "aria-label": `Step ${step.number}` });
  }, (index) => {
    const one = all[index];
    if (one.head) return talkHead(one.head);
    return one.exchange === undefined ? stepContent(tape(), one.step) : httpLine(one.exchange);
  });
}

function talkHead(one) {
  const words = [plural(one.steps[1] - one.steps[0], "step"), one.tools.length ? `tools: ${line(one.tools.join(", "), 200)}` : "",
    tokens(one.usage), dollars(one), seconds(one.duration)];
  const whom = [...new Set(tape().steps.slice(...one.steps).map((step) => step.asked))];
  return [make("h2", null, line(whom.join(", "))), make("p", null, words.filter(Boolean).join(" · "))];
}

function httpLine(number) {
  const one = tape().exchanges[number];
  return [
    make("button", { type: "button", class: `chip is-${kindOf(one)}`, "aria-label": `Exchange ${one.id}, status ${one.code}`, click: () => { select(number, "conversation"); show("exchange"); } }, String(one.code)),
    make("code", null, line(`${one.method} ${one.url}`, 400)),
    make("span", { class: "note" }, [`${size(one.sent)} → ${size(one.received)}`, took(one)].filter(Boolean).join(", ")),
  ];
}

/** A step: what was said, how often it was tried, what came, what the tools gave. */
function stepContent(of, place) {
  const step = of.steps[place];
  const spent = [tokens(step.usage), dollars(step), seconds(step.duration)].filter(Boolean).join(" · ");
  const nodes = [
    make("header", null, make("h3", null, `Step ${step.number}`), asks(step), tries(of, step), make("span", { class: "spent" }, spent)),
    ...step.said.map((number) => turn(run.messages[number])),
  ];
  let told = "";
  for (const attempt of step.attempts) {
    const one = of.exchanges[attempt];
    if (one.error === undefined || one.error === told) continue;
    told = one.error; // the same refusal is told once
    nodes.push(make("div", { class: "turn" }, make("h4", null, kindOf(one) === "refusal" ? "refused" : "failed"),
      make("p", { class: `said-${kindOf(one)}` }, ...spoken(one.error.slice(0, 2000)))));
  }
  if (step.answer !== null) {
    nodes.push(turn(run.messages[step.answer]));
    const [why, raw] = step.finish;
    if (why !== "stop" && why !== "tool_calls") nodes.push(make("p", { class: "note" }, `stopped by ${why}${raw ? ` (${line(raw, 60)})` : ""}`));
  } else nodes.push(make("div", { class: "turn" }, make("h4", null, "assistant"), make("p", { class: "said-failure" }, "no answer")));
  for (const result of step.results) {
    const time = result.exchange === undefined ? "" : took(of.exchanges[result.exchange]);
    nodes.push(turn(run.messages[result.message], time ? `tool ${time}` : "tool"));
  }
  return nodes;
}

/** Whom a step asked: where the page has several models, at each step; else nothing needs to be said. */
function asks(step) {
  if (!step.forked && new Set(run.tapes.flatMap(whomOf)).size < 2) return "";
  return make("span", { class: "whom" }, `${step.forked ? "forked: " : ""}${line(step.asked)}`);
}

/** The attempts of a step, equal ones in a row together; each leads to its exchange. */
function tries(of, step) {
  const groups = [];
  for (const number of step.attempts) {
    const one = of.exchanges[number];
    const last = groups.at(-1);
    if (last && last.code === one.code && last.kind === kindOf(one)) last.numbers.push(number);
    else groups.push({ code: one.code, kind: kindOf(one), numbers: [number] });
  }
  return groups.slice(0, 40).map(({ code, kind, numbers }) => {
    const many = numbers.length > 1 ? ` ×${numbers.length}` : "";
    const time = took(...numbers.map((number) => of.exchanges[number]));
    return make("button", {
      type: "button", class: `chip is-${kind}`, title: time && `${time}${many ? " in all" : ""}`,
      "aria-label": `${code}${many ? `, ${numbers.length} times` : ""}: show the exchange`,
      click: () => { if (of !== tape()) turnTo(run.tapes.indexOf(of)); select(numbers[0], "conversation"); show("exchange"); },
    }, `${code}${many}`);
  });
}

/** The article of the chosen exchange, filled; undefined where it has none. */
function chosenArticle() {
  const one = chosen();
  if (!one) return undefined;
  const place = talk.places.get(one.step === undefined ? `exchange ${at.exchange}` : `step ${one.step}`);
  if (place === undefined) return undefined;
  talk.filled.fill(place);
  return talk.filled.articles[place];
}

function chooseStep(from) {
  if (at.pane !== "conversation") return;
  talk.chosen?.classList.remove("chosen");
  talk.chosen = chosenArticle();
  talk.chosen?.classList.add("chosen");
  if (from !== "conversation" && from !== "start") bringUp(talk.box, talk.chosen);
}

function startConversation() {
  talk.box = byId("conversation");
  when("tape", layConversation);
  when("select", chooseStep);
  when("pane", () => chooseStep("pane"));
  window.addEventListener("beforeprint", () => { talk.filled.fillAll(); unfold(talk.box); });
}
