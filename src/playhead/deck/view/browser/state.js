"use strict";
// What is looked at: which tape, which exchange, which pane. Whoever shows it says `when("select", …)`.

const at = { tape: 0, exchange: 0, pane: "conversation", address: 0 };
const listeners = {};

/** Call `listener` when something happens: "tape", "select", "pane", "theme". */
function when(event, listener) {
  (listeners[event] ??= []).push(listener);
}

function tell(event, detail) {
  for (const listener of listeners[event] ?? []) listener(detail);
}

const tape = () => run.tapes[at.tape];
const chosen = () => tape().exchanges[at.exchange];

/** Look at an exchange. `from` says who chose it: a pane that did so does not scroll. */
function select(number, from) {
  const last = tape().exchanges.length - 1;
  if (last < 0) return;
  at.exchange = Math.min(Math.max(number, 0), last);
  clearTimeout(at.address); // browsers take only so many changes in a while
  at.address = setTimeout(keepAddress, 200);
  tell("select", from);
}

function keepAddress() {
  try {
    window.history.replaceState(null, "", `#${at.tape ? `${at.tape + 1}.` : ""}${at.exchange}`);
  } catch {
    // a page without an address of its own cannot keep its place
  }
}

/** Look at another tape. */
function turnTo(number) {
  at.tape = number;
  at.exchange = 0;
  tell("tape");
}

/** Show a pane: conversation, exchange, difference, compare. */
function show(pane) {
  if (byId(`tab-${pane}`).hidden) return;
  at.pane = pane;
  for (const name of ["conversation", "exchange", "difference", "compare"]) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === pane));
    tab.tabIndex = name === pane ? 0 : -1;
    byId(name).hidden = name !== pane;
  }
  tell("pane");
}

/** The place of the step that an exchange belongs to, or the next one's; -1 where no step follows. */
function stepAt(number) {
  const exchanges = tape().exchanges;
  for (let place = number; place < exchanges.length; place++) {
    if (exchanges[place].step !== undefined) return exchanges[place].step;
  }
  return -1;
}

/** The exchange that a step ends with: its answer, or its last refusal. */
const lastTry = (step) => step.attempts[step.attempts.length - 1];
