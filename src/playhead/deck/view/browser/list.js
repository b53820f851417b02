"use strict";
// The list of exchanges: a listbox of which only the rows near to what is seen are on the page.

const ROW = 30; // pixels, as in list.css
const SPARE = 12; // rows beyond what is seen
const list = { box: null, rows: null, shown: [], live: new Map(), longest: 1 };

/** The exchanges that the filter lets through. */
function layList() {
  const wanted = byId("show").value;
  const { exchanges } = tape();
  const fits = { all: () => true, answer: (kind) => kind === "answer", refused: (kind) => kind === "refusal" || kind === "failure",
    tool: (kind, one) => one.method === "CALL", http: (kind, one) => one.kind !== "model" && one.method !== "CALL" }[wanted];
  list.shown = [];
  list.longest = 1e-9;
  exchanges.forEach((one, number) => {
    if (fits(kindOf(one), one)) list.shown.push(number);
    list.longest = Math.max(list.longest, one.took);
  });
  list.rows.style.height = `${list.shown.length * ROW}px`;
  byId("count").textContent = wanted === "all" ? "" : `${whole(list.shown.length)} of ${whole(exchanges.length)}`;
  for (const row of list.live.values()) row.remove();
  list.live.clear();
  drawRows();
}

function drawRows() {
  const first = Math.max(0, Math.floor(list.box.scrollTop / ROW) - SPARE);
  const last = Math.min(list.shown.length, Math.ceil((list.box.scrollTop + list.box.clientHeight) / ROW) + SPARE);
  for (const [place, row] of list.live) {
    if (place < first || place >= last) { row.remove(); list.live.delete(place); }
  }
  const fresh = document.createDocumentFragment();
  for (let place = first; place < last; place++) {
    if (list.live.has(place)) continue;
    const row = rowOf(place);
    list.live.set(place, row);
    fresh.append(row);
  }
  list.rows.append(fresh);
}

function rowOf(place) {
  const number = list.shown[place];
  const { exchanges, steps } = tape();
  const one = exchanges[number];
  const kind = kindOf(one);
  const { words, code } = gist(tape(), one);
  const step = steps[one.step];
  const begins = step !== undefined && step.attempts[0] === number && number > 0;
  const bar = (share, name) => {
    const made = make("i", { class: name });
    made.style.width = `${Math.min(share * 100, 100)}%`;
    return made;
  };
  const row = make("div", {
    class: `row is-${kind}${begins ? " begins" : ""}`, role: "option", id: `row-${number}`, "data-number": number,
    "aria-setsize": list.shown.length, "aria-posinset": place + 1, "aria-selected": number === at.exchange,
    "aria-label": spokenRow(one, kind, words, code, step),
  },
    make("span", { class: "at" }, String(one.id)),
    make("span", { class: `chip is-${kind}` }, one.method === "CALL" ? "tool" : String(one.code)),
    make("span", { class: "words" }, words, words && code ? " " : "", code ? make("code", null, code) : ""),
    make("span", { class: "length" }, bar(one.took / list.longest), one.first === undefined ? "" : bar(one.first / list.longest)),
    make("span", { class: "took" }, took(one)),
    make("span", { class: "tokens" }, one.usage && both(one.usage) !== null ? `${whole(both(one.usage))} tok` : ""),
    make("span", { class: "cost", title: dollars(one) }, one.cost === undefined || one.cost === "0" ? "" : `$${one.cost.slice(0, 11)}`));
  row.style.top = `${place * ROW}px`;
  return row;
}

function spokenRow(one, kind, words, code, step) {
  const what = { answer: "answer", refusal: "refused", failure: "failed", tool: "tool call", plain: "plain HTTP" }[kind];
  const said = [`exchange ${one.id}`, step ? `step ${step.number}` : "", `${what} ${one.code}`, code, words, took(one), tokens(one.usage), dollars(one)];
  return said.filter(Boolean).join(", ");
}

/** Show which row is chosen, and bring it into view. */
function chooseRow() {
  for (const row of list.rows.querySelectorAll('[aria-selected="true"]')) row.setAttribute("aria-selected", "false");
  const place = list.shown.indexOf(at.exchange);
  if (place < 0) return list.box.removeAttribute("aria-activedescendant");
  const [top, height] = [place * ROW, list.box.clientHeight];
  if (top < list.box.scrollTop) list.box.scrollTop = top;
  else if (top + ROW > list.box.scrollTop + height) list.box.scrollTop = top + ROW - height;
  drawRows();
  list.live.get(place)?.setAttribute("aria-selected", "true");
  list.box.setAttribute("aria-activedescendant", `row-${at.exchange}`);
}

/** Choose the row so many further, among those that are shown. */
function moveBy(rows) {
  if (!list.shown.length) return;
  let place = list.shown.indexOf(at.exchange);
  if (place < 0) place = list.shown.findIndex((number) => number > at.exchange) - (rows > 0 ? 1 : 0);
  select(list.shown[Math.min(Math.max(place + rows, 0), list.shown.length - 1)], "list");
}

function startList() {
  list.box = byId("list");
  list.rows = byId("rows");
  list.box.addEventListener("scroll", drawRows, { passive: true });
  new ResizeObserver(drawRows).observe(list.box);
  list.box.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) select(Number(row.dataset.number), "list");
  });
  list.box.addEventListener("dblclick", () => show("exchange"));
  const page = () => Math.max(1, Math.floor(list.box.clientHeight / ROW) - 1);
  const moves = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: page, PageUp: () => -page(), Home: () => -Infinity, End: () => Infinity };
  list.box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") show("exchange");
    else if (moves[event.key]) moveBy(moves[event.key]());
    else return;
    event.preventDefault();
  });
  byId("show").addEventListener("change", () => { layList(); chooseRow(); });
  when("tape", layList);
  when("select", chooseRow);
  when("select", (from) => {
    // The focused list says itself what is chosen.
    if ((from === "list" || from === "keys") && document.activeElement !== list.box) announce(byId(`row-${at.exchange}`)?.ariaLabel ?? "");
  });
}
