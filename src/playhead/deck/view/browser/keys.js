"use strict";
// The keys of the page, in one table: what the dialog lists is what they do. Those of the list are in list.js, those of
// the search in search.js. A key that somebody types into a field is that field's.

const PANES = ["conversation", "exchange", "difference", "compare"];

/** The place among the steps, moved by one. */
function moveStep(by) {
  const { steps } = tape();
  const place = stepAt(at.exchange);
  const next = steps[Math.min(Math.max((place < 0 ? steps.length : place) + by, 0), steps.length - 1)];
  if (next) select(lastTry(next), "keys");
}

function nextRefusal() {
  const { exchanges } = tape();
  for (let by = 1; by <= exchanges.length; by++) {
    const number = (at.exchange + by) % exchanges.length;
    if (["refusal", "failure"].includes(kindOf(exchanges[number]))) return select(number, "keys");
  }
  return announce("nothing was refused");
}

const KEYS = [
  [["j"], "the next exchange", () => moveBy(1)],
  [["k"], "the exchange before", () => moveBy(-1)],
  [["]"], "the next step", () => moveStep(1)],
  [["["], "the step before", () => moveStep(-1)],
  [["r"], "the next refusal or failure", nextRefusal],
  [["/"], "search; Enter and Shift+Enter go on and back, Esc clears it", () => { byId("find").focus(); byId("find").select(); }],
  [["1", "2", "3", "4"], "conversation, exchange, difference, side by side", (key) => show(PANES[Number(key) - 1])],
  [["+", "="], "zoom into the timeline", () => zoom(0.5)],
  [["-"], "zoom out", () => zoom(2)],
  [["0"], "the whole run", () => zoom(Infinity)],
  [["t"], "light, dark, as the system", () => turnTheme()],
  [["?"], "these keys", () => byId("keys").showModal()],
];

const THEMES = ["system", "light", "dark"];

function turnTheme(to) {
  const now = document.documentElement.dataset.theme ?? "system";
  const next = to ?? THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  byId("theme").textContent = `Theme: ${next === "system" ? "auto" : next}`;
  byId("theme").setAttribute("aria-label", `Theme: ${next === "system" ? "auto, as the system" : next}`);
  try { localStorage.setItem("playhead-theme", next); } catch { /* a file may have no storage */ }
  tell("theme");
}

function startKeys() {
  for (const [keys, what] of KEYS) byId("keys-list").append(make("dt", null, keys.flatMap((key) => [make("kbd", null, key), " "])), make("dd", null, what));
  byId("keys-list").append(make("dt", null, make("kbd", null, "↑"), " ", make("kbd", null, "↓")), make("dd", null, "in the list: an exchange up or down; also Page Up, Page Down, Home, End; Enter shows it"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found[2](event.key);
  });
  const tabs = PANES.map((name) => byId(`tab-${name}`));
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(PANES[index]));
    tab.addEventListener("keydown", (event) => {
      const open = tabs.filter((one) => !one.hidden);
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = open[(open.indexOf(tab) + by + open.length) % open.length];
      next.focus();
      next.click();
    });
  });
  byId("theme").addEventListener("click", () => turnTheme());
  byId("help").addEventListener("click", () => byId("keys").showModal());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => tell("theme"));
  let kept = null;
  try { kept = localStorage.getItem("playhead-theme"); } catch { /* as above */ }
  turnTheme(THEMES.includes(kept) ? kept : "system");
}
