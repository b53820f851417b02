"use strict";
// The beginning: unpack the data, start each part of the page, look at the exchange that the address names.

function layHead() {
  const one = tape();
  byId("name").textContent = line(one.name, 200);
  const refused = one.exchanges.filter((exchange) => exchange.error !== undefined).length;
  const tries = one.exchanges.filter((exchange) => exchange.kind === "model").length;
  const models = whomOf(one);
  const words = [
    models.length ? line(models.slice(0, 3).join(", ") + (models.length > 3 ? ` and ${models.length - 3} more` : "")) : "",
    one.steps.length ? plural(one.steps.length, "step") : "",
    tries ? `${plural(tries, "attempt")}${refused ? ` (${whole(refused)} refused or failed)` : ""}` : plural(one.exchanges.length, "exchange"),
    one.usage ? `${tokens(one.usage)} = ${whole(both(one.usage))} tokens` : "",
    one.steps.length ? dollars(one) || "cost not reported" : "",
    seconds(lasting(one)),
    dated(one.date),
  ].filter(Boolean);
  // Each figure in one piece: a date breaks at its hyphens otherwise. A model's name may be as long as it likes.
  byId("sum").replaceChildren(...words.flatMap((word, index) => [index ? " · " : "", index ? make("span", { class: "piece" }, word) : word]));
}

/** How long a tape's run took; null where nobody measured any of it. */
const lasting = (of) => of.exchanges.every((one) => one.untimed) ? null : of.exchanges.reduce((end, one) => Math.max(end, one.start + one.took), 0);

/** Look at what the address names: `#12` is exchange 12, `#2.12` that of the second tape. */
function goToAddress() {
  const place = /^#(?:(\d{1,6})\.)?(\d{1,9})$/.exec(location.hash);
  const number = Math.min(Math.max(Number(place?.[1] ?? 1) - 1, 0), run.tapes.length - 1);
  if (number !== at.tape || !document.documentElement.dataset.ready) turnTo(number);
  select(Number(place?.[2] ?? at.exchange), place ? "address" : "start");
}

async function start() {
  run = await unpacked("data-run");
  run.tapes.forEach((one, number) => byId("tapes").append(make("option", { value: number }, line(one.name))));
  byId("pick").hidden = run.tapes.length < 2;
  byId("name").classList.toggle("unseen", run.tapes.length > 1); // the choice of the tape says it
  byId("tapes").addEventListener("change", (event) => { turnTo(Number(event.target.value)); select(0, "start"); });
  when("tape", () => { byId("tapes").value = at.tape; layHead(); });
  startList();
  startTimeline();
  startConversation();
  startExchange();
  startDifference();
  startCompare();
  startSearch();
  startKeys();
  goToAddress();
  if (run.tapes.length > 1 && !location.hash) show("compare");
  window.addEventListener("hashchange", goToAddress);
  document.documentElement.dataset.ready = "1";
}

start();
