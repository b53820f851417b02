"use strict";
// One exchange as it was on the wire: its facts, headers, and bodies, laid out for reading or as they are.

const wire = { pretty: true };

async function showExchange() {
  if (at.pane !== "exchange") return;
  const box = byId("exchange");
  const [number, of] = [at.exchange, at.tape];
  await bodiesReady();
  await new Promise(requestAnimationFrame); // of a key that is held, one exchange for each frame
  if (number !== at.exchange || of !== at.tape || at.pane !== "exchange") return; // somebody has gone on meanwhile
  const one = chosen();
  if (!one) return box.replaceChildren(make("p", { class: "talk" }, "Nothing is on this tape."));
  const what = one.method === "CALL" ? `Tool call ${line(toolName(one))}` : `Exchange ${one.id}`;
  box.replaceChildren(make("div", { class: "sheet" },
    make("h2", null, what, " ", make("span", { class: `chip is-${kindOf(one)}` }, line(one.status || String(one.code), 60))),
    make("p", { class: "address" }, ...spoken(`${one.method} ${one.url}`)),
    one.error === undefined ? "" : make("p", { class: `said-${kindOf(one)}` }, ...spoken(one.error)),
    one.reason === undefined ? "" : make("p", { class: "note" }, "Shown as plain HTTP: ", ...spoken(one.reason)),
    facts(one), rhythm(one),
    ...message("Request", one.askedWith, one.asked, one.sent),
    ...message("Response", one.answeredWith, one.answered, one.received)));
  sweep();
  box.scrollTop = 0;
  tell("shown");
}

function facts(one) {
  const step = tape().steps[one.step];
  const rows = [
    ["Step", step ? `${step.number}${one.kind === "model" ? `, attempt ${step.attempts.indexOf(at.exchange) + 1} of ${step.attempts.length}` : ""}` : ""],
    ["Begins at", seconds(one.start)], ["Took", took(one) || "not reported"],
    ["Waited before", one.wait === undefined ? "" : `about ${seconds(one.wait)}`],
    ["First token", one.first === undefined ? "" : `after ${seconds(one.first)}`],
    ["Stream", one.pieces === undefined ? "" : plural(one.pieces, "piece")],
    ["Cut", one.cut === undefined ? "" : line(one.cut, 200)],
    ["Model", step && one.kind === "model" && step.model ? line(step.model) : ""],
    ["Served by", step && one.kind === "model" && step.upstream ? line(step.upstream) : ""],
    ["Tokens", tokens(one.usage)], ["Cost", dollars(one)], ["Price", one.source ? line(one.source) : ""],
  ];
  return make("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) => make("div", null, make("dt", null, name), make("dd", null, value))));
}

/** When the pieces of a stream came, drawn: a line for each, as long as it has bytes. */
function rhythm(one) {
  const told = headersOf(one.answeredWith).find(([name]) => name.toLowerCase() === "playhead-chunks");
  const pieces = (told?.[1] ?? "").split(" ").map((piece) => piece.split(":").map(Number)).filter(([when, bytes]) => when >= 0 && bytes >= 0);
  if (pieces.length < 2) return "";
  const canvas = make("canvas", { class: "rhythm", role: "img", "aria-label": `${pieces.length} pieces came between ${seconds(pieces[0][0] / 1000)} and ${seconds(pieces.at(-1)[0] / 1000)} after sending` });
  requestAnimationFrame(() => {
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const end = Math.max(one.took * 1000, pieces.at(-1)[0], 1);
    const most = pieces.reduce((found, [, bytes]) => Math.max(found, bytes), 1);
    pen.fillStyle = track.inks.rule;
    pen.fillRect(0, height - 1, width, 1);
    pen.fillStyle = track.inks.answer;
    for (const [when, bytes] of pieces) {
      const tall = Math.max(3, Math.sqrt(bytes / most) * (height - 2));
      pen.fillRect((when / end) * (width - 2), height - tall, 1.5, tall);
    }
  });
  return canvas;
}

function message(title, headers, number, bytes) {
  const rows = headersOf(headers);
  const { text, bytes: binary } = body(number);
  const laid = binary ? null : laidOut(text) ?? laidOutEvents(text);
  const holder = make("div");
  const fill = () => {
    if (!bytes && !text) holder.replaceChildren(make("p", { class: "note" }, "no body"));
    else if (binary) holder.replaceChildren(...codeBlock(dump(binary), false, "raw"));
    else holder.replaceChildren(...codeBlock(wire.pretty && laid !== null ? laid : text, laid !== null, "raw"));
  };
  fill();
  const choice = (name, pretty) => make("button", {
    type: "button", "aria-pressed": wire.pretty === pretty, click: (event) => {
      wire.pretty = pretty;
      for (const button of event.target.parentElement.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(button === event.target));
      fill();
      sweep();
      tell("shown");
    },
  }, name);
  const copy = make("button", { type: "button", "aria-label": `Copy the body of the ${title.toLowerCase()}`, click: () => copied(text) }, "Copy");
  return [
    make("h3", null, title, make("span", { class: "note" }, size(bytes)), laid === null ? "" : [choice("Laid out", true), choice("As it is", false)], binary || !text ? "" : copy),
    rows.length ? make("table", { class: "headers", "aria-label": `Headers of the ${title.toLowerCase()}` },
      make("tbody", null, rows.map(([name, value]) => make("tr", null, make("th", { scope: "row" }, ...spoken(name)), make("td", null, ...spoken(value.slice(0, 3000))))))) : "",
    holder,
  ];
}

/** Bytes as a dump: place, hexadecimal, letters. */
function dump(bytes) {
  const rows = [];
  for (let from = 0; from < Math.min(bytes.length, 65536); from += 16) {
    const row = [...bytes.slice(from, from + 16)];
    const letters = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    rows.push(`${from.toString(16).padStart(6, "0")}  ${row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(48)} ${letters}`);
  }
  if (bytes.length > 65536) rows.push(`… ${size(bytes.length)} in all`);
  return rows.join("\n");
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("copied");
  } catch {
    announce("the browser does not let the page copy");
  }
}

function startExchange() {
  for (const event of ["select", "pane", "tape"]) when(event, showExchange);
}
