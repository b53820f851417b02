"use strict";
// Search over everything: what was said, the refusals, the headers, the bodies. A text that requests repeat is found where
// it came up first. The hits are gathered in slices, so that the page stays awake.

const finding = { query: "", hits: [], place: -1, turn: 0, done: true };

/** Begin to look for what the field says. */
async function find() {
  const query = byId("find").value.trim();
  if (query === finding.query) return;
  const turn = ++finding.turn;
  Object.assign(finding, { query, hits: [], place: -1, done: !query });
  markFound(document.body, "");
  sayFound();
  if (!query) return;
  await bodiesReady();
  const wanted = query.toLowerCase();
  const seen = { bodies: new Set(), messages: new Map() };
  const { exchanges } = tape();
  let until = performance.now() + 12;
  for (let number = 0; number < exchanges.length; number++) {
    if (performance.now() > until) {
      sayFound();
      await new Promise((resolve) => setTimeout(resolve));
      if (turn !== finding.turn) return;
      until = performance.now() + 12;
    }
    for (const pane of placesOf(exchanges[number], number, wanted, seen)) {
      finding.hits.push({ number, pane });
      if (finding.place < 0 && finding.hits.length === 1) goToHit(0);
    }
  }
  finding.done = true;
  sayFound();
}

/** In which panes an exchange has the words. */
function placesOf(one, number, wanted, seen) {
  const places = [];
  const step = tape().steps[one.step];
  const says = (index) => {
    if (!seen.messages.has(index)) seen.messages.set(index, textsOf(run.messages[index].parts).some((text) => text.toLowerCase().includes(wanted)));
    return seen.messages.get(index);
  };
  if (step && lastTry(step) === number) {
    const told = [...step.said, ...(step.answer === null ? [] : [step.answer]), ...step.results.map((result) => result.message)];
    if (told.some(says)) places.push("conversation");
  }
  const plain = [one.method, one.url, one.status, one.error ?? "", one.reason ?? ""].some((text) => text.toLowerCase().includes(wanted));
  const headers = [one.askedWith, one.answeredWith].some((index) => headersOf(index).some((pair) => pair.join(": ").toLowerCase().includes(wanted)));
  const bodies = [one.asked, one.answered].filter((index) => {
    const fresh = !seen.bodies.has(index);
    seen.bodies.add(index);
    return fresh && freshText(index, wanted.length).toLowerCase().includes(wanted);
  });
  if (plain || headers || (bodies.length && !places.length)) places.push("exchange");
  return places;
}

function textsOf(parts) {
  return parts.flatMap((part) => [part.text, part.arguments, part.url, part.title, part.value, part.name].filter((text) => typeof text === "string")
    .concat(part.kind === "result" ? textsOf(part.parts) : []));
}

function sayFound() {
  const { query, hits, place, done } = finding;
  byId("found").textContent = !query ? "" : hits.length ? `${whole(place + 1)} of ${whole(hits.length)}${done ? "" : "+"}` : done ? "not found" : "…";
}

/** Go to a hit: its exchange, its pane, the words themselves. */
function goToHit(place) {
  finding.place = place;
  const { number, pane } = finding.hits[place];
  if (at.pane !== pane) show(pane);
  select(number, "search");
  sayFound();
  markHits();
}

function nextHit(by) {
  const count = finding.hits.length;
  if (count) goToHit((finding.place + by + count) % count);
}

/** Mark the words on the pane that is seen, and bring the first into view. */
function markHits() {
  const hit = finding.hits[finding.place];
  if (!hit || hit.number !== at.exchange || hit.pane !== at.pane) return;
  const root = at.pane === "conversation" ? chosenArticle() : byId(at.pane);
  if (!root) return;
  let first = markFound(root, finding.query);
  if (!first) {
    unfold(root); // it may be in what is folded or cut
    first = markFound(root, finding.query);
  }
  for (let fold = first?.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  first?.scrollIntoView({ block: "center" });
}

function startSearch() {
  let soon = 0;
  byId("find").addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(find, 180); });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(soon);
    if (byId("find").value.trim() !== finding.query) find();
    else nextHit(1);
  });
  byId("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); nextHit(-1); }
    if (event.key === "Escape") { byId("find").value = ""; find(); byId("list").focus(); }
  });
  byId("previous").addEventListener("click", () => nextHit(-1));
  when("shown", markHits);
  when("tape", () => { finding.query = ""; if (byId("find").value) find(); });
}
