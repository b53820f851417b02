"use strict";
// The run along its time: each exchange a bar, runs beside or within each other on lanes of their own. The list says the
// same in words, so the drawing is one image to who does not see it.

const TRACK = { top: 30, bottom: 26, side: 14, longest: 14 };
const track = { canvas: null, from: 0, to: 1, end: 1, lanes: [], count: 1, spans: [], inks: {}, waiting: false, hover: -1 };

/** Lay out a tape: a lane for each exchange. A conversation keeps to its lanes; those that do not overlap share them. */
function layTimeline() {
  const { exchanges, conversations, steps } = tape();
  const groups = new Map();
  exchanges.forEach((one, number) => {
    const key = one.step === undefined ? -1 - number : steps[one.step].conversation;
    const group = groups.get(key) ?? { from: Infinity, to: 0, members: [] };
    group.from = Math.min(group.from, one.start - (one.wait ?? 0));
    group.to = Math.max(group.to, one.start + one.took);
    group.members.push(number);
    groups.set(key, group);
  });
  track.lanes = new Array(exchanges.length).fill(0);
  track.spans = [];
  const free = []; // where each lane is taken until
  const order = [...groups.values()].sort((one, other) => one.from - other.from || other.to - one.to);
  for (const group of order) {
    const own = []; // lanes of this group, first to last
    const inside = group.members.sort((one, other) => exchanges[one].start - exchanges[other].start || one - other);
    const places = inside.map((number) => {
      const one = exchanges[number];
      let lane = own.findIndex((until) => until <= one.start + 1e-6);
      if (lane < 0) lane = own.push(0) - 1;
      own[lane] = one.start + one.took;
      return lane;
    });
    let base = 0;
    while (own.some((_, lane) => (free[base + lane] ?? 0) > group.from + 1e-6)) base++;
    own.forEach((_, lane) => (free[base + lane] = group.to));
    inside.forEach((number, index) => (track.lanes[number] = base + places[index]));
    if (inside.length > 1) track.spans.push([base, group.from, group.to]);
  }
  track.count = Math.max(1, free.length);
  track.end = Math.max(1e-6, ...order.map((group) => group.to));
  [track.from, track.to] = [0, track.end];
  track.canvas.style.height = `${Math.round(Math.min(Math.max(TRACK.top + track.count * (TRACK.longest + 4) + TRACK.bottom + 6, 84), 180))}px`;
  const words = `${plural(exchanges.length, "exchange")}${lasting(tape()) === null ? "" : ` in ${seconds(track.end)}`}, ${plural(conversations.length, "conversation")}. The list of exchanges says the same in words.`;
  track.canvas.setAttribute("aria-label", words);
  layLegend();
  drawSoon();
}

/** The legend has the colours that this tape has, and no others. */
function layLegend() {
  const { exchanges } = tape();
  const has = new Set(exchanges.map(kindOf));
  if (exchanges.some((one) => one.first !== undefined && kindOf(one) === "answer")) has.add("first");
  if (exchanges.some((one) => one.wait)) has.add("wait");
  for (const item of document.querySelectorAll(".legend li")) item.hidden = !has.has(item.dataset.ink);
}

function drawSoon() {
  if (track.waiting) return;
  track.waiting = true;
  requestAnimationFrame(() => { track.waiting = false; drawTimeline(); });
}

/** The colours as they are now, light or dark. */
function readInks() {
  const probe = make("span");
  document.body.append(probe);
  for (const name of ["ink", "dim", "rule", "ground", "accent", "answer", "first", "refusal", "failure", "tool", "plain", "wait"]) {
    probe.style.color = `var(--${name})`;
    track.inks[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  drawSoon();
}

const xOf = (time, width) => TRACK.side + ((time - track.from) / (track.to - track.from)) * (width - 2 * TRACK.side);
const timeOf = (x, width) => track.from + ((x - TRACK.side) / (width - 2 * TRACK.side)) * (track.to - track.from);

function rowsOf(height) {
  const each = Math.min(TRACK.longest + 4, (height - TRACK.top - TRACK.bottom) / track.count);
  return { each, bar: each > 6 ? each - 3 : Math.max(each * 0.8, 0.8) };
}

function drawTimeline() {
  const { canvas, inks } = track;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  drawAxis(pen, width, height);
  const { each, bar } = rowsOf(height);
  pen.fillStyle = inks.rule;
  for (const [lane, from, to] of track.spans) {
    const left = Math.max(xOf(from, width), -5);
    const right = Math.min(xOf(to, width), width + 5);
    if (right > left) pen.fillRect(left, TRACK.top + lane * each + bar / 2 - 0.5, right - left, 1);
  }
  const { exchanges } = tape();
  for (let number = 0; number < exchanges.length; number++) {
    if (exchanges[number].start + exchanges[number].took < track.from || exchanges[number].start > track.to + (exchanges[number].wait ?? 0)) continue;
    drawBar(pen, number, width, TRACK.top + track.lanes[number] * each, bar);
  }
  const one = exchanges[at.exchange];
  if (!one) return;
  const [left, right] = [xOf(one.start, width), xOf(one.start + one.took, width)];
  pen.strokeStyle = inks.ink;
  pen.lineWidth = 1.5;
  pen.strokeRect(left - 2, TRACK.top + track.lanes[at.exchange] * each - 2, Math.max(right - left, 2) + 4, bar + 4);
}

function drawBar(pen, number, width, top, bar) {
  const one = tape().exchanges[number];
  const left = xOf(one.start, width);
  const long = Math.max(xOf(one.start + one.took, width) - left, 1.2);
  const gap = long > 5 ? 1 : 0; // bars in a row stay apart
  if (one.wait) {
    pen.fillStyle = track.inks.wait;
    for (let x = Math.max(xOf(one.start - one.wait, width), 0); x < Math.min(left - 2, width); x += 4) pen.fillRect(x, top + bar / 2 - 2, 2, 4);
  }
  pen.fillStyle = track.inks[kindOf(one)];
  pen.fillRect(left, top, long - gap, bar);
  if (one.first !== undefined && kindOf(one) === "answer") {
    pen.fillStyle = track.inks.first;
    pen.fillRect(left, top, Math.min(xOf(one.start + one.first, width) - left, long - gap), bar);
  }
}

function drawAxis(pen, width, height) {
  if (lasting(tape()) === null) {
    pen.fillStyle = track.inks.dim;
    pen.fillText("No times are on this tape.", TRACK.side, 12);
    return;
  }
  const span = track.to - track.from;
  const rough = span / Math.max(2, Math.floor(width / 110));
  const unit = 10 ** Math.floor(Math.log10(rough));
  const buttons = byId("closer").parentElement;
  const room = buttons.offsetTop < 22 ? buttons.offsetLeft - 6 : width; // no label lies under them
  const step = [1, 2, 5, 10].map((times) => times * unit).find((value) => value >= rough);
  pen.textBaseline = "top";
  for (let tick = Math.ceil(track.from / step - 1e-9) * step; tick <= track.to + 1e-9; tick += step) {
    const x = xOf(tick, width);
    pen.fillStyle = track.inks.rule;
    pen.fillRect(Math.round(x), 22, 1, height - 22 - TRACK.bottom + 4);
    pen.fillStyle = track.inks.dim;
    const label = tick < 1e-9 ? "0 s" : seconds(Number(tick.toPrecision(6)));
    if (x + 1 + pen.measureText(label).width < room) pen.fillText(label, x + 1, 7);
  }
}

/** Look closer (below 1) or from farther off, around a moment. */
function zoom(factor, around = (track.from + track.to) / 2) {
  const span = Math.min(Math.max((track.to - track.from) * factor, track.end / 1e5), track.end);
  const share = (around - track.from) / (track.to - track.from);
  track.from = Math.min(Math.max(around - share * span, 0), track.end - span);
  track.to = track.from + span;
  drawSoon();
}

function pan(by) {
  const span = track.to - track.from;
  track.from = Math.min(Math.max(track.from + by, 0), track.end - span);
  track.to = track.from + span;
  drawSoon();
}

/** The exchange at a point of the drawing, the nearest on its lane; -1 where there is none. */
function exchangeAt(x, y) {
  const [width, height] = [track.canvas.clientWidth, track.canvas.clientHeight];
  const lane = Math.floor((y - TRACK.top + 1) / rowsOf(height).each);
  let [best, distance] = [-1, 12];
  tape().exchanges.forEach((one, number) => {
    if (track.lanes[number] !== lane) return;
    const [left, right] = [xOf(one.start, width), xOf(one.start + one.took, width)];
    const away = x < left ? left - x : x > right ? x - right : 0;
    if (away < distance || (away === 0 && distance === 0)) [best, distance] = [number, away];
  });
  return best;
}

function startTimeline() {
  const canvas = (track.canvas = byId("track"));
  let held = null;
  canvas.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX / canvas.clientWidth) * (track.to - track.from));
    else zoom(event.deltaY < 0 ? 0.8 : 1.25, timeOf(event.offsetX, canvas.clientWidth));
    event.preventDefault();
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { held = { x: event.offsetX, moved: false }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return tip(event);
    const by = event.offsetX - held.x;
    if (Math.abs(by) > 3) held.moved = true;
    if (held.moved) { pan((-by / canvas.clientWidth) * (track.to - track.from)); held.x = event.offsetX; }
  });
  canvas.addEventListener("pointerup", (event) => {
    const found = held && !held.moved ? exchangeAt(event.offsetX, event.offsetY) : -1;
    held = null;
    if (found >= 0) select(found, "timeline");
  });
  canvas.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
  byId("closer").addEventListener("click", () => zoom(0.5));
  byId("wider").addEventListener("click", () => zoom(2));
  byId("whole").addEventListener("click", () => zoom(Infinity));
  new ResizeObserver(drawSoon).observe(canvas);
  when("tape", layTimeline);
  when("theme", readInks);
  when("select", () => {
    const one = chosen();
    const span = track.to - track.from;
    if (one.start > track.to || one.start + one.took < track.from) pan(one.start - track.from - span / 3);
    drawSoon();
  });
}

function tip(event) {
  const found = exchangeAt(event.offsetX, event.offsetY);
  const box = byId("tip");
  box.hidden = found < 0;
  if (found < 0) return;
  const one = tape().exchanges[found];
  const { words, code } = gist(tape(), one);
  const first = one.first === undefined ? "" : `, first token after ${seconds(one.first)}`;
  const wait = one.wait === undefined ? "" : `, after a wait of about ${seconds(one.wait)}`;
  box.textContent = `${one.id}  ${one.code}  ${took(one)}${first}${wait}  ${words || code}`;
  box.style.left = `${Math.max(4, Math.min(event.offsetX + 12, track.canvas.clientWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${event.offsetY + 16}px`;
}
